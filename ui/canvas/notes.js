// Notes of a visitor on moments and parts of the chosen sound: a layer over the picture of
// the lesson on spectrograms. They stay in the browser, and can be saved and loaded.
(() => {
  "use strict";
  const { axes, layers, sound, word } = Genrescope;

  const KEY = "genrescope.notes";
  const PLOT = "stft"; // whose picture has them
  const N_SOUNDS = 30; // whose notes are remembered
  const N_NOTES = 500; // of one sound
  const N_LETTERS = 200; // of one note
  const LINE = /^\s*(\d+(?:\.\d+)?)\s*[,\t]\s*(?:(\d+(?:\.\d+)?)\s*[,\t])?\s*(.*?)\s*$/;
  const NONE = [];
  const SHADE = "rgba(255, 255, 255, 0.16)";

  const watchers = new Set();
  const all = remembered(); // by sound
  let isShown = true;

  function remembered() {
    try {
      const found = Object.entries(JSON.parse(localStorage.getItem(KEY)) ?? {});
      return new Map(found.map(([key, notes]) => [key, notes.map(checked).filter(Boolean)]));
    } catch {
      return new Map(); // a private window keeps nothing
    }
  }

  /** A note with numbers in order and a text in one line; null for anything else. */
  function checked({ start_s, stop_s, text }) {
    const [start, stop] = [Number(start_s), Number(stop_s ?? start_s)];
    const line = String(text ?? "").replace(/\s+/g, " ").trim().slice(0, N_LETTERS);
    if (!(start >= 0 && stop >= start && Number.isFinite(stop)) || !line) return null;
    return { start_s: start, stop_s: stop, text: line };
  }

  /** The chosen sound's: notes on another one of the same name are not for it. */
  function key() {
    const name = document.querySelector("#player .clip-facts strong")?.textContent ?? "";
    return `${name} ${sound.state.duration_s.toFixed(2)}`;
  }

  const here = () => all.get(key()) ?? NONE;

  /** Keep notes for the chosen sound, the earliest first and none twice. */
  function keep(notes) {
    const unlike = new Map(notes.map((note) => [JSON.stringify(note), note]));
    const sorted = [...unlike.values()].sort((a, b) => a.start_s - b.start_s || a.stop_s - b.stop_s);
    all.delete(key());
    if (sorted.length) all.set(key(), sorted.slice(0, N_NOTES));
    while (all.size > N_SOUNDS) all.delete(all.keys().next().value);
    try {
      localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(all)));
    } catch {
      // they last as long as the page
    }
    for (const watcher of watchers) watcher();
  }

  /** What a note is about: the selection, or else the position. */
  function place() {
    const { selection, at_s } = sound.state;
    return selection ?? { start_s: at_s ?? 0, stop_s: at_s ?? 0 };
  }

  function clock({ start_s, stop_s }) {
    const [from, to] = [start_s, stop_s].map((s) => axes.clock(s, 2));
    return start_s === stop_s ? `${from} s` : `${from}–${to} s`;
  }

  // Files: Audacity's labels and CSV, each line a start, an end and a text.
  const seconds = (s) => s.toFixed(6);
  const quoted = (text) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const FILES = {
    txt: (notes) => notes.map((n) => `${seconds(n.start_s)}\t${seconds(n.stop_s)}\t${n.text}\n`).join(""),
    csv: (notes) => ["start_s,stop_s,text\n", ...notes.map((n) => `${seconds(n.start_s)},${seconds(n.stop_s)},${quoted(n.text)}\n`)].join(""),
  };

  /** The notes in a file's text; lines that are none, such as a head, are left out. */
  function read(text) {
    const found = text.split(/\r?\n/).slice(0, 10 * N_NOTES).map((line) => LINE.exec(line));
    return found.filter(Boolean).map(([, start_s, stop_s, rest]) => {
      const plain = /^".*"$/.test(rest) ? rest.slice(1, -1).replaceAll('""', '"') : rest;
      return checked({ start_s, stop_s: stop_s ?? start_s, text: plain });
    }).filter(Boolean);
  }

  /** Draw the layer: parts are shaded, a text that would be over another one is lower. */
  function paint(pen, { plot, box, style }) {
    if (!isShown || plot.name !== PLOT) return;
    const { x, area, px } = box;
    const taken = []; // where each line of texts ends (px)
    pen.font = `${style.size}px ${style.family}`;
    for (const note of here()) {
      if (note.stop_s < x.start || note.start_s > x.stop) continue;
      const [left, right] = [note.start_s, note.stop_s].map((s) => layers.crisp(x.place(s)));
      pen.fillStyle = SHADE;
      pen.fillRect(left, area.top, right - left, area.bottom - area.top);
      Object.assign(pen, { strokeStyle: "#ffffff", lineWidth: 1 });
      pen.setLineDash([2, 3]);
      for (const edge of new Set([left, right])) layers.segment(pen, edge, area.top, edge, area.bottom);
      pen.setLineDash([]);
      const text = layers.fitted(pen, note.text, px(220));
      const width = pen.measureText(text).width;
      const start = Math.max(area.left, Math.min(left, area.right - width - px(8))) + px(4);
      let row = taken.findIndex((end) => end < start);
      if (row < 0) row = taken.length;
      taken[row] = start + width + px(8);
      const middle = area.top + px(10) + row * (style.size + px(4));
      layers.haloed(pen, text, start, middle, "#ffffff", "rgba(0, 0, 0, 0.7)", "left");
    }
  }

  /** The tools below a picture that has notes; null for another one. */
  function bar(picture) {
    const { make } = Genrescope.tools;
    const title = make("summary", {});
    const field = make("input", { type: "text", maxLength: N_LETTERS, placeholder: word("note_text"), aria: { label: word("note_text") } });
    const add = make("button", { type: "submit", className: "sheet-tool" });
    const list = make("ol", {});
    const told = make("p", { role: "status" });
    const shown = make("input", { type: "checkbox", checked: isShown });
    const files = make("select", { className: "sheet-tool", aria: { label: word("notes_save") } },
      ...["", "txt", "csv"].map((kind) => make("option", { value: kind }, word(kind ? `notes_${kind}` : "notes_save"))));
    const file = make("input", { type: "file", accept: ".txt,.csv", className: "note-file", aria: { label: word("notes_load") } });
    const form = make("form", {}, field, add);
    const tools = make("div", { className: "note-tools" },
      make("label", {}, shown, word("notes_show")), files,
      make("label", { className: "sheet-tool" }, word("notes_load"), file));
    const root = make("details", { className: "sheet-notes", hidden: true }, title, make("p", {}, word("notes_text")), form, list, tools, told);

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const note = checked({ ...place(), text: field.value });
      if (!note) return field.focus();
      field.value = told.textContent = "";
      keep([...here(), note]);
    });
    shown.addEventListener("change", () => {
      isShown = shown.checked;
      for (const watcher of watchers) watcher();
    });
    files.addEventListener("change", () => {
      const kind = files.value;
      files.value = "";
      const name = key().replace(/[^\p{L}\p{N}.]+/gu, "-");
      const href = URL.createObjectURL(new Blob([FILES[kind](here())], { type: "text/plain" }));
      make("a", { href, download: `${name}-notes.${kind}` }).click();
    });
    file.addEventListener("change", async () => {
      const found = read(await file.files[0].text());
      file.value = "";
      told.textContent = found.length ? "" : word("notes_none");
      keep([...here(), ...found]);
    });

    function item(note) {
      const go = () => {
        const isPart = note.stop_s > note.start_s;
        sound.change({ selection: isPart ? { start_s: note.start_s, stop_s: note.stop_s } : null });
        picture.goTo(note.start_s);
      };
      const leave = () => keep(here().filter((other) => other !== note));
      const label = `${word("note_remove")}: ${note.text}`;
      return make("li", {},
        make("button", { type: "button", onclick: go }, clock(note)), make("span", {}, note.text),
        make("button", { type: "button", onclick: leave, title: label, aria: { label } }, "×"));
    }

    let drawn = null;
    function refresh() {
      root.hidden = !picture.views.some(({ plot }) => plot.name === PLOT && plot.is_sound);
      if (root.hidden) return;
      add.textContent = word("note_add", { at: clock(place()) });
      const notes = here();
      if (notes === drawn) return;
      drawn = notes;
      title.textContent = word("notes", { n: notes.length });
      list.replaceChildren(...notes.map(item));
      files.disabled = !notes.length;
    }

    watchers.add(() => {
      shown.checked = isShown;
      picture.drawOver();
    });
    const seen = () => (isShown && !root.hidden ? here() : NONE);
    return { root, refresh, seen };
  }

  Genrescope.notes = { bar, paint, read, files: FILES };
})();
