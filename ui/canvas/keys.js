// The keys of the pictures, listed when somebody presses "?".
(() => {
  "use strict";
  const { tools, words } = Genrescope;
  const { make } = tools;
  const KEYS = [
    ["Space", "key_play"], ["Enter", "key_from_here"], ["← →", "key_move"], ["Shift ← →", "key_move_far"],
    ["[ ]", "key_select"], ["+ −", "key_zoom"], ["L", "key_loop"], ["Esc", "key_back"], ["?", "key_list"],
  ];
  const TYPED = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";
  let list = null;

  function build() {
    const rows = KEYS.map(([keys, key]) => {
      const signs = keys.split(" ").map((sign) => make("kbd", {}, sign));
      return make("div", {}, make("dt", {}, ...signs), make("dd", {}, words[key]));
    });
    const close = make("button", { type: "button", onclick: () => list.close() }, words.keys_close);
    list = make("dialog", { className: "key-list", aria: { label: words.keys_title } },
      make("h2", {}, words.keys_title), make("dl", {}, ...rows), close);
    document.body.append(list);
  }

  addEventListener("keydown", (event) => {
    const isOurs = event.key === "?" && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!isOurs || event.defaultPrevented || event.target.closest?.(TYPED)) return;
    event.preventDefault();
    if (!list) build();
    if (list.open) list.close();
    else list.showModal();
  });
})();
