// What this tab of the browser keeps of a page over a reload or in another language: in
// the address what anybody may see, in its own storage the path of the chosen sound.
Genrescope.kept = (() => {
  "use strict";

  const KEY = "genrescope.sound";

  /** A browser may forbid its storage: then nothing is kept there. */
  function stored(use) {
    try {
      return use(window.sessionStorage);
    } catch {
      return null;
    }
  }

  const read = () => stored((storage) => JSON.parse(storage.getItem(KEY)));
  const save = (entry) => stored((storage) => storage.setItem(KEY, JSON.stringify(entry)));
  const asked = (name) => new URLSearchParams(location.search).get(name);

  /** Write parameters into the address; null takes one out. */
  function write(given) {
    const address = new URL(location);
    for (const [name, value] of Object.entries(given)) {
      if (value === null) address.searchParams.delete(name);
      else address.searchParams.set(name, value);
    }
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  }

  /** The visitor's own sound that was chosen last, where the address names none. */
  function own() {
    const entry = read();
    return entry && !entry.sound && !asked("sound") ? entry : null;
  }

  const file = (path) => (path ? { path, meta: { _type: "gradio.FileData" } } : null);

  return {
    asked,
    write,
    own,
    /** A sound was chosen: `text` as `clip_bar.handle_of` writes it. */
    sound(text) {
      const { path, whole, sound } = JSON.parse(text);
      write({ sound: sound || null });
      const before = read();
      if (before?.path === path) return;
      save({ path, whole, sound, isAnswered: false });
    },
    /** The sound's file and that of its whole, as Gradio's components hold them. */
    files() {
      const entry = own();
      return entry ? [file(entry.path), file(entry.whole)] : [];
    },
    forget: () => stored((storage) => storage.removeItem(KEY)),
    answer: () => save({ ...read(), isAnswered: true }),
    isAnswered: (text) => {
      const entry = read();
      return Boolean(entry?.isAnswered && text && entry.path === JSON.parse(text).path);
    },
  };
})();
