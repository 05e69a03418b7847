// One Play for the sounds of a lesson: A, B, C and so on are the same moment of each.
(() => {
  "use strict";
  const { sound, tools, word } = Genrescope;
  const { make } = tools;
  const KEYS = "abcdef";

  /** Put the switch into an element of a lesson; Gradio's HTML component calls it once.
   *
   * Its value is where the lesson's sound begins in the chosen one (s), which is then A;
   * without it, its players are compared with each other.
   */
  Genrescope.mountSwitch = (element, props, watch) => {
    const lesson = element.closest(".lesson");
    let at = 0;

    function tracks() {
      const own = [...lesson.querySelectorAll(".heard .sound")].map((block) => ({
        name: block.querySelector("label")?.textContent.trim() ?? "",
        audio: () => sound.audioIn(block), since_s: 0,
      }));
      const since_s = Number.parseFloat(props.value);
      const chosen = { name: word("switch_chosen"), audio: sound.player, since_s };
      return Number.isNaN(since_s) ? own : [chosen, ...own];
    }

    const play = make("button", { type: "button", className: "sheet-tool sheet-hear", onclick: toggle });
    const row = make("div", { className: "sound-switch", role: "group", aria: { label: word("switch") } });
    element.append(row);

    function refresh() {
      const every = tracks();
      row.hidden = every.length < 2;
      at = Math.min(at, Math.max(every.length - 1, 0));
      const buttons = every.map(({ name }, i) => {
        const letter = KEYS[i].toUpperCase();
        const label = make("b", {}, letter);
        return make("button", {
          type: "button", className: "sheet-tool", onclick: () => choose(i),
          aria: { pressed: String(i === at), keyshortcuts: letter },
        }, label, ` ${name}`);
      });
      const key = every.map(({ name }) => name).join("\n");
      if (row.dataset.key !== key) row.replaceChildren(play, ...buttons);
      row.dataset.key = key;
      [...row.children].slice(1).forEach((button, i) =>
        button.setAttribute("aria-pressed", String(i === at)));
      const audio = every[at]?.audio();
      const text = word(audio && !audio.paused ? "switch_pause" : "hear");
      if (play.textContent !== text) play.textContent = text;
      if (audio && !audio.dataset.isWatched) {
        audio.dataset.isWatched = "1";
        for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, refresh);
      }
    }

    function choose(i) {
      const every = tracks();
      if (!every[i] || i === at) return;
      const [from, to] = [every[at], every[i]];
      const [before, after] = [from.audio(), to.audio()];
      at = i;
      if (before && after) {
        const isPlaying = !before.paused;
        const moment_s = Math.max(before.currentTime - from.since_s, 0);
        before.pause();
        after.currentTime = Math.min(moment_s + to.since_s, after.duration || Infinity);
        if (isPlaying) after.play().catch(() => {});
      }
      refresh();
    }

    function toggle() {
      const { audio, since_s } = tracks()[at];
      const here = audio();
      if (!here) return;
      if (!here.paused) return here.pause();
      for (const each of tracks()) if (each.audio() !== here) each.audio()?.pause();
      if (here.currentTime < since_s || here.ended) here.currentTime = since_s;
      here.play().catch(() => {});
    }

    lesson.addEventListener("keydown", (event) => {
      const i = KEYS.indexOf(event.key.toLowerCase());
      const isTyped = event.target.closest("input:not([type=radio], [type=checkbox], [type=range]), textarea, select, [role=listbox]");
      if (i < 0 || isTyped || event.ctrlKey || event.metaKey || event.altKey || row.hidden) return;
      event.preventDefault();
      choose(i);
    });
    watch("value", refresh);
    // Its players come at any time; Gradio adds the parts of a page in any order.
    new MutationObserver(refresh).observe(lesson, { childList: true, subtree: true });
    refresh();
  };
})();
