// How pictures look, remembered in the browser; and the tools around a picture.
(() => {
  "use strict";
  const { image, presentation, sound, steps, word } = Genrescope;

  const KEY = "genrescope.look";
  const RANGES_DB = [60, 80, 100, 120]; // below the loudest that has a colour
  const FORMATS = ["png", "svg", "csv", "npz", "py", "link"];
  // `isKnown`: who has dragged once needs no hint.
  const DEFAULT = { map: "magma", range: "", isLarge: false, isKnown: false, scales: {} };

  const watchers = new Set();
  const look = { ...DEFAULT, ...remembered() };

  function remembered() {
    try {
      const { map, range, isLarge, isKnown, scales } = JSON.parse(localStorage.getItem(KEY)) ?? {};
      return {
        map: map in image.MAPS ? map : DEFAULT.map,
        range: RANGES_DB.includes(range) ? range : DEFAULT.range,
        isLarge: isLarge === true,
        isKnown: isKnown === true,
        scales: { ...scales },
      };
    } catch {
      return {}; // a private window keeps nothing
    }
  }

  /** Change the look of all pictures, here and at the next visit. */
  function choose(parts) {
    Object.assign(look, parts);
    try {
      localStorage.setItem(KEY, JSON.stringify(look));
    } catch {
      // it lasts as long as the page
    }
    for (const watcher of watchers) watcher();
  }

  /** The scale in which an axis is shown; its key is "<plot>.x" or "<plot>.y". */
  function scaleOf({ key, scales = [] }) {
    const chosen = look.scales[key];
    return scales.includes(chosen) ? chosen : (scales[0] ?? "linear");
  }

  /** The lowest and the highest value of an image that have colours of their own. */
  function limitsOf({ quantity, limits: [low, high] }) {
    return look.range && quantity === "level" ? [high - look.range, high] : [low, high];
  }

  /** An element with properties, then its children, texts as texts. */
  function make(name, { aria = {}, ...properties } = {}, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    for (const [key, text] of Object.entries(aria)) element.setAttribute(`aria-${key}`, text);
    element.append(...children);
    return element;
  }

  function button(key, onclick, aria = {}) {
    return make("button", { type: "button", onclick, aria, className: `sheet-tool sheet-${key}` }, word(key));
  }

  function menu(key, options, onchange, label = word(key)) {
    const entries = options.map(([value, text]) => make("option", { value }, text));
    const className = `sheet-tool sheet-${key}`;
    return make("select", { onchange, title: label, aria: { label }, className }, ...entries);
  }

  /** What a sheet's tools depend on: images, axes with several scales, files to save. */
  function kitOf({ plots }, formats = FORMATS) {
    if (!plots.length) return { hasImage: false, hasLevels: false, scaled: [], isPlain: true, formats: formats.filter((each) => each === "link") };
    const scaled = new Map();
    for (const plot of plots)
      for (const side of ["x", "y"]) {
        const { scales, label } = plot[side];
        const key = `${plot.name}.${side}`;
        if (scales?.length > 1)
          scaled.set(key, { key, scales, label: [plot.title, label].filter(Boolean).join(", ") });
      }
    const images = plots.flatMap(({ layers }) => layers.filter(({ kind }) => kind === "image"));
    const hasLevels = images.some(({ quantity }) => quantity === "level");
    const hasTiles = plots.some(({ layers }) => layers.some(({ kind }) => kind === "tiles"));
    return { hasImage: images.length > 0 && !hasTiles, hasLevels, scaled: [...scaled.values()], formats };
  }

  /** The row of tools; `refresh` shows in it what is chosen now. */
  function toolbar(kit, trigger, enlarge) {
    const row = make("div", { className: "sheet-tools", role: "group", aria: { label: word("tools") } });
    const refreshers = [];
    const add = (element, refresh = () => {}) => {
      row.append(element);
      refreshers.push(() => refresh(element));
    };
    if (kit.hasImage) {
      const maps = Object.keys(image.MAPS).map((map) => [map, word(`map_${map}`)]);
      add(menu("colours", maps, (event) => choose({ map: event.target.value })),
        (select) => { select.value = look.map; });
    }
    if (kit.hasLevels) {
      const ranges = [["", word("range_default")], ...RANGES_DB.map((db) => [db, `${db} dB`])];
      add(menu("range", ranges, (event) => choose({ range: Number(event.target.value) || "" })),
        (select) => { select.value = look.range; });
    }
    for (const axis of kit.scaled)
      add(scaleMenu(axis), (select) => { select.value = scaleOf(axis); });
    if (!kit.isPlain) add(button("letters", () => choose({ isLarge: !look.isLarge })),
      (self) => self.setAttribute("aria-pressed", look.isLarge));
    if (!kit.isPlain) add(button("full", enlarge));
    if (kit.formats.length) add(saveMenu(kit, trigger));
    return { row, refresh: () => refreshers.forEach((refresh) => refresh()) };
  }

  function scaleMenu({ key, scales, label }) {
    const options = scales.map((scale) => [scale, word(`scale_${scale}`)]);
    const onchange = ({ target }) => choose({ scales: { ...look.scales, [key]: target.value } });
    return menu("scale", options, onchange, `${word("scale")}: ${label}`);
  }

  /** Copy a text. Pages of http on a network have no clipboard but the old command;
   * where that fails too, the text is shown, selected.
   */
  async function copy(text) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch {
      // there is none, or it is not lent
    }
    const field = make("textarea", { value: text, readOnly: true });
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    if (!isCopied) prompt(word("save_link"), text);
  }

  /** Download a file, or show and copy a link with a query; the other one is null. */
  function take(file, query) {
    if (query) {
      history.replaceState(history.state, "", query);
      copy(location.href);
    }
    if (file) make("a", { href: file.url, download: file.orig_name }).click();
  }

  /** What is saved looks as it is seen: its colours, their range, its axes' scales. */
  function saveMenu(kit, trigger) {
    const options = [["", word("save")], ...kit.formats.map((format) => [format, word(`save_${format}`)])];
    return menu("save", options, ({ target }) => {
      const format = target.value;
      target.value = "";
      const scales = Object.fromEntries(kit.scaled.map((axis) => [axis.key, scaleOf(axis)]));
      if (format) trigger("save", { format, scales, range: look.range, map: look.map });
    });
  }

  /** The buttons for a selection; `refresh` shows those that make sense now. */
  function choices(picture) {
    const part = (event) => () => picture.ask(event, sound.state.selection);
    const loop = button("loop", () => sound.loop(!sound.state.isLooping), { keyshortcuts: "L" });
    const clear = () => sound.change({ selection: null });
    const chosen = [
      button("hear", part("hear")),
      loop,
      button("zoom", () => picture.zoom(sound.state.selection)),
      button("use", part("use")),
      button("clear", clear),
    ];
    const whole = button("whole", () => picture.zoom(null));
    const all = button("all_steps", () => steps.showAll(picture.stepPlot));
    const row = make("div", { className: "sheet-choices" }, ...chosen, whole, all);
    const refresh = () => {
      const isShown = Boolean(picture.hasSound && sound.state.selection);
      for (const each of chosen) each.hidden = !isShown;
      loop.setAttribute("aria-pressed", sound.state.isLooping);
      whole.hidden = !picture.isZoomed;
      const { stepPlot } = picture;
      const range = stepPlot && steps.rangeOf(stepPlot);
      all.hidden = !range;
      if (range) all.textContent = word("all_steps", { start: Math.round(range.start), stop: Math.round(range.stop) });
      row.hidden = !(picture.hasSound || range);
    };
    return { row, refresh };
  }

  /** How the texts about what can be done with some plots end. */
  function kindOf(...plots) {
    if (plots.some(({ is_sound }) => is_sound)) return "";
    return plots.some(({ range_of }) => range_of) ? "_steps" : "_few";
  }

  /** What can be done with a picture, in a faint line; a finger does not hover. */
  function hint(kind) {
    const isTouch = matchMedia("(hover: none)").matches;
    return word(`hint${kind}${isTouch ? "_touch" : ""}`);
  }

  /** Nobody who has dragged needs the hint again. */
  function know() {
    if (!look.isKnown) choose({ isKnown: true });
  }

  /** Let the keyboard scroll a place that is too narrow for what it holds. */
  function reach(place, label) {
    const isNarrow = place.scrollWidth > place.clientWidth;
    const wanted = isNarrow ? { tabindex: "0", role: "region", "aria-label": label } : {};
    for (const name of ["tabindex", "role", "aria-label"])
      if (name in wanted) place.setAttribute(name, wanted[name]);
      else place.removeAttribute(name);
  }

  /** Letters for those who look from afar. */
  const isLarge = () => look.isLarge || presentation.isOn;

  const watch = (watcher) => watchers.add(watcher);
  Object.assign(Genrescope, {
    take,
    tools: { look, isLarge, watch, scaleOf, limitsOf, kitOf, toolbar, choices, kindOf, hint, know, reach, make },
  });
})();
