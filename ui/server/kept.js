// What this tab of the browser keeps of a page over a reload or in another language: in
// the address what anybody may see, in its own storage the path of the chosen sound and
// what was chosen in forms.
Genrescope.kept = (() => {
  "use strict";

  const KEY = "genrescope.sound";
  const FORM = "genrescope.form."; // and the form's name
  const AS_IT_IS = { __type__: "update" }; // of Gradio: nothing changes

  /** A browser may forbid its storage: then nothing is kept there. */
  function stored(use) {
    try {
      return use(window.sessionStorage);
    } catch {
      return null;
    }
  }

  const read = (key = KEY) => stored((storage) => JSON.parse(storage.getItem(key)));
  const save = (entry, key = KEY) => stored((storage) => storage.setItem(key, JSON.stringify(entry)));
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

  // What a page fills in by itself, before anybody has touched it, is nobody's choice.
  let isTouched = false;
  for (const event of ["pointerdown", "keydown"])
    addEventListener(event, () => { isTouched = true; }, { capture: true, once: true, passive: true });

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
    /** What a form holds was chosen: values by the names of its fields. */
    form: (name, values) => { if (isTouched) save(values, FORM + name); },
    /** What a form held, by the names of its fields; {} where nothing was chosen. */
    held: (name) => read(FORM + name) ?? {},
    /** The same as updates of these fields, in their order. */
    fill(name, fields) {
      const held = read(FORM + name) ?? {};
      return fields.map((field) => (Object.hasOwn(held, field) ? held[field] : AS_IT_IS));
    },
    forget: () => stored((storage) => storage.removeItem(KEY)),
    answer: () => save({ ...read(), isAnswered: true }),
    isAnswered: (text) => {
      const entry = read();
      return Boolean(entry?.isAnswered && text && entry.path === JSON.parse(text).path);
    },
  };
})();
