// A place for pictures on the page: it shows the sheets that the server sends.
(() => {
  "use strict";
  const { View, notes, over, paint, image: images, presentation, steps, tools, sound, word } = Genrescope;
  const { make } = tools;

  const PHONE_PX = 480;
  const PHONE_RATIO = 1.7; // how much higher a picture is on a phone
  const BESIDE_RATIO = 1.35; // likewise of one beside another
  const LEAST_PX = 160; // of height, where a picture fills the screen,
  const FULL_GAPS_PX = 80; // with that much around its parts,
  const FAIR_PX = 260; // and where it would be less, its numbers are below the window's end
  const ASKED = "asked"; // a value in place of a sheet, so that the same sheet is another
  const NEAR = "100% 0px"; // how far around the screen a place is near: its height
  const ANSWER_MS = 5000; // what has no answer by then holds up no other place
  const FAR = "far"; // class of a lesson that is not laid out
  const SOON_MS = 50; // until all places have told whether they are seen
  const ALL = 1e-6; // s; a range is the whole sound if it lacks less than this

  /** An element's sheet: its plots, the tools around them, the texts below. */
  class Picture {
    constructor(element, place, trigger, props) {
      Object.assign(this, { element, place, trigger, props, views: [], range: null, token: 0 });
      this.plots = make("div", { className: "sheet-plots" });
      this.reading = make("div", { className: "sheet-reading", role: "status", aria: { live: "off" } });
      this.choices = tools.choices(this);
      this.hint = make("p", { className: "sheet-hint", aria: { hidden: "true" } }); // see `keys`
      this.below = make("div", { className: "sheet-below" }, this.reading, this.hint, this.choices.row);
      this.numbers = make("p", { className: "numbers" });
      this.table = make("div", { className: "sheet-table" });
      this.tools = make("div");
      this.notes = notes.bar(this);
      this.root = make("div", { className: "sheet" },
        this.plots, this.below, this.tools, this.numbers, this.notes.root, this.table);
      new ResizeObserver(() => {
        if (this.plots.clientWidth !== this.width) this.draw();
      }).observe(this.plots);
      new ResizeObserver(() => this.reachTable()).observe(this.table);
      tools.watch(() => this.draw());
      presentation.watch(() => this.draw());
      sound.watch(() => this.drawOver());
      let seen = null; // of a run's steps, when it was last drawn
      steps.watch((key) => {
        const plot = this.stepPlot;
        if (!plot || plot.range_of !== key) return;
        const range = steps.rangeOf(plot);
        if (range === seen) return this.drawOver();
        seen = range;
        this.draw();
      });
      document.addEventListener("fullscreenchange", () => this.draw());
      this.root.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && !event.defaultPrevented) this.fill(false);
      });
    }

    reachTable() {
      tools.reach(this.table, this.sheet?.about ?? "");
    }

    /** The lesson around it; null elsewhere. */
    get lesson() {
      return this.element.closest(".lessons .lesson");
    }

    /** Whether its lesson is too far from the screen to be laid out: see `contents.js`. */
    get isFar() {
      return this.lesson?.classList.contains(FAR) ?? false;
    }

    get hasSound() {
      return this.views.some(({ plot }) => plot.is_sound);
    }

    /** A plot over a run's steps; all of a sheet show the same ones. */
    get stepPlot() {
      return this.views.find(({ plot }) => plot.range_of)?.plot;
    }

    get isZoomed() {
      const axis = this.views.find(({ plot, box }) => plot.is_sound && box)?.box.x;
      return Boolean(axis) && (axis.start > ALL || axis.stop < this.duration_s - ALL);
    }

    /** Show a sheet, or what stands there until the first; never throw. */
    async take(text) {
      const token = ++this.token;
      try {
        if (text === ASKED) return;
        turns.leave(this);
        if (!text) return this.showEmpty();
        const sheet = JSON.parse(text);
        const bytes = new Map();
        for (const { layers } of sheet.plots)
          for (const layer of layers)
            if (layer.kind === "image") bytes.set(layer, await images.unpacked(layer));
        if (token === this.token) this.show(sheet, bytes);
      } catch (error) {
        console.error("Genrescope: a picture that cannot be shown:", error);
        this.showEmpty();
      }
    }

    showEmpty(key = this.place.empty) {
      this.views = [];
      this.plots.replaceChildren();
      const { start_label } = this.place;
      const start = () => {
        this.trigger("start", {});
        if (!sound.player()) sound.playNext();
      };
      const parts = [make("p", {}, key ? word(key) : "")];
      if (start_label) parts.push(make("button", { type: "button", onclick: start }, word(start_label)));
      this.element.replaceChildren(...parts);
    }

    /** Ask for a sheet once the place is near the screen; what is drawn stays until then. */
    awaitNear(isNew, isSeen) {
      if (!isNew && !this.isNew && !this.root.isConnected && !sound.player()) return;
      this.isNew ||= isNew;
      if (!this.root.isConnected && this.isNew) this.showEmpty("coming");
      this.root.classList.toggle("stale", this.isNew);
      turns.wait(this, isSeen);
    }

    /** Ask for the sheet that the place waits for. */
    fetch() {
      const isNew = this.isNew;
      this.isNew = false;
      this.props.value = ASKED;
      this.trigger(isNew ? "near" : "again", {});
    }

    /** Show a sheet that has come with its sound. */
    give(text) {
      turns.leave(this);
      this.isNew = false;
      this.props.value = ASKED;
      return this.take(text);
    }

    show(sheet, bytes) {
      this.lesson?.classList.remove(FAR); // it was asked for because it is near
      this.range = null;
      this.sheet = sheet;
      this.duration_s = sheet.duration_s || Math.max(0, ...sheet.plots.map(({ x }) => x.stop));
      while (this.views.length > sheet.plots.length) this.views.pop().element.remove();
      while (this.views.length < sheet.plots.length) {
        this.views.push(new View(this));
        this.plots.append(this.views.at(-1).element);
      }
      sheet.plots.forEach((plot, i) => this.views[i].show(plot, bytes, sheet.about));
      this.numbers.textContent = sheet.about;
      this.table.replaceChildren(...(sheet.table?.length ? [tableOf(sheet.table)] : []));
      this.hint.textContent = tools.hint(tools.kindOf(...sheet.plots));
      this.equip(sheet);
      if (!this.root.isConnected) this.element.replaceChildren(this.root);
      this.root.removeAttribute("aria-busy");
      this.root.classList.remove("stale");
      if (this.hasSound) sound.take(this.duration_s);
      this.below.hidden = this.plots.hidden = !this.views.length;
      this.drawNow();
    }

    /** Give the sheet its tools; the same ones stay, with the focus. */
    equip(sheet) {
      const kit = tools.kitOf(sheet, this.place.formats ?? undefined);
      const isSame = this.toolbar && JSON.stringify(kit) === JSON.stringify(this.kit);
      if (isSame) return;
      this.kit = kit;
      // Of a run the steps that are shown are saved; of a spectrogram the notes on it too.
      const save = (event, look) => {
        const { start = null, stop = null } = (this.stepPlot && steps.rangeOf(this.stepPlot)) ?? {};
        this.trigger(event, { ...look, start, stop, notes: this.notes.seen() });
      };
      this.toolbar = tools.toolbar(kit, save, () => this.enlarge());
      this.tools.replaceChildren(this.toolbar.row);
    }

    /** Draw everything at the next screen frame. */
    draw() {
      this.frame ??= requestAnimationFrame(() => this.drawNow());
    }

    drawNow() {
      cancelAnimationFrame(this.frame);
      this.frame = null;
      if (!this.views.length) this.toolbar?.refresh();
      this.isLate = this.isFar;
      if (this.isLate) return;
      if (!this.views.length || !this.plots.clientWidth) return; // in a hidden tab
      this.root.classList.toggle("large", tools.isLarge());
      this.width = this.plots.clientWidth;
      const heights = this.views.map((view) => this.heightOf(view));
      this.views.forEach((view, i) => view.draw(heights[i], this.range));
      this.toolbar.refresh();
      this.reachTable();
      this.refresh();
    }

    /** Draw what moves at the next screen frame. */
    drawOver() {
      this.overFrame ??= requestAnimationFrame(() => {
        this.overFrame = null;
        this.isLate ||= this.isFar;
        if (this.isLate) return;
        if (!this.views.length || !this.plots.clientWidth) return;
        for (const view of this.views) view.drawOver();
        this.refresh();
      });
    }

    refresh() {
      const view = this.views.find(({ cursor, box }) => cursor && box);
      const { stepPlot } = this;
      const text = view ? over.reading(view) : "";
      if (this.reading.textContent !== text) this.reading.textContent = text;
      this.choices.refresh();
      this.notes.refresh();
      this.hint.hidden = Boolean(text || (stepPlot ? steps.rangeOf(stepPlot) : tools.look.isKnown) ||
        (this.hasSound && sound.state.selection));
    }

    heightOf(view) {
      if (!this.isFull && !(presentation.isOn && this.element.closest(".lessons"))) {
        const [width, all] = [view.frame.clientWidth, this.root.clientWidth];
        const factor = all < PHONE_PX ? PHONE_RATIO : width < all / 2 ? BESIDE_RATIO : 1;
        const square = paint.squareHeight(view.plot, width, tools.isLarge() ? 18 : 12);
        return square ?? Math.round(width * view.plot.ratio * factor);
      }
      const n_columns = getComputedStyle(this.plots).gridTemplateColumns.split(" ").length;
      const n_aligned = this.views.filter(({ plot }) => plot.is_aligned).length; // each in a row
      const n_rows = n_aligned + Math.ceil((this.views.length - n_aligned) / n_columns);
      const height = (...below) => {
        const below_px = below.reduce((sum, e) => sum + e.offsetHeight, 0);
        const row = (window.innerHeight - below_px - FULL_GAPS_PX - coverPx()) / n_rows;
        return Math.floor(row - view.frame.offsetTop + view.element.offsetTop);
      };
      const controls = [this.below, this.tools];
      const withAll = height(...controls, this.numbers, this.notes.root);
      return withAll >= FAIR_PX ? withAll : Math.max(LEAST_PX, height(...controls));
    }

    /** The cursor of a view is somewhere else, {x, y}, or nowhere. */
    point(view, cursor, isByKey = false) {
      for (const each of this.views) each.cursor = null;
      view.cursor = cursor;
      this.reading.setAttribute("aria-live", isByKey ? "polite" : "off");
      if (view.plot.range_of) steps.point(view.plot, cursor?.x ?? null);
      if (view.plot.is_sound) sound.change({ cursor_s: cursor?.x ?? null });
      else this.drawOver();
    }

    /** Put the position of the chosen sound somewhere. */
    goTo(time_s) {
      const at_s = Math.min(Math.max(time_s, 0), this.duration_s);
      sound.seek(at_s);
      this.trigger("at", { at_s });
    }

    /** Ask the server for something about a range; null is the whole sound. */
    ask(event, range) {
      const { start_s = null, stop_s = null } = range ?? {};
      this.trigger(event, { start_s, stop_s });
    }

    zoom(range) {
      this.preview(range);
      sound.change({ selection: null });
      this.ask("zoom", range);
    }

    /** Stretch what is there to a range until the server has drawn that. */
    preview(range) {
      this.range = range ?? { start_s: 0, stop_s: this.duration_s };
      this.root.setAttribute("aria-busy", "true");
      this.draw();
    }

    get isFull() {
      return document.fullscreenElement === this.root || this.root.classList.contains("full");
    }

    /** Fill the screen, or the window where that is not allowed; or go back. */
    enlarge() {
      if (document.fullscreenElement) document.exitFullscreen();
      else if (this.isFull) this.fill(false);
      else if (!this.root.requestFullscreen) this.fill(true);
      else this.root.requestFullscreen().catch(() => this.fill(true));
    }

    fill(isFull) {
      this.root.classList.toggle("full", isFull);
      this.draw();
    }
  }

  /** Whose turn it is to ask: who is seen at once, who is near after those, one by one. */
  const turns = (() => {
    const near = new Set();
    const asked = new Map(); // with the timer that ends the wait for its answer
    const sees = (rootMargin, call) =>
      new IntersectionObserver((entries) => {
        for (const { isIntersecting, target } of entries) {
          const picture = isIntersecting && waiting.get(target);
          if (picture) call(picture);
        }
      }, { rootMargin });
    const waiting = new Map(); // by their elements
    const seen = sees("0px", ask);
    const close = sees(NEAR, (picture) => {
      near.add(picture);
      setTimeout(next, SOON_MS);
    });

    function wait(picture, isSeen) {
      leave(picture);
      if (isSeen) return ask(picture);
      waiting.set(picture.element, picture);
      for (const observer of [seen, close]) observer.observe(picture.element);
    }

    /** A sheet has come, or is waited for anew. */
    function leave(picture) {
      waiting.delete(picture.element);
      near.delete(picture);
      for (const observer of [seen, close]) observer.unobserve(picture.element);
      clearTimeout(asked.get(picture));
      if (asked.delete(picture)) setTimeout(next, SOON_MS);
    }

    function ask(picture) {
      leave(picture);
      asked.set(picture, setTimeout(() => leave(picture), ANSWER_MS));
      picture.fetch();
    }

    function next() {
      const [first] = near;
      if (first && !asked.size) ask(first);
    }

    return { wait, leave, isOver: () => !near.size && !asked.size };
  })();

  /** How much of the window lines that stick to its top cover. */
  function coverPx() {
    const cover = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop);
    return presentation.isOn && !document.fullscreenElement ? cover || 0 : 0;
  }

  function tableOf([head, ...rows]) {
    const line = (cell, texts) => make("tr", {}, ...texts.map((text) => make(cell, {}, text)));
    return make("table", { className: "peaks" },
      make("thead", {}, line("th", head)), make("tbody", {}, ...rows.map((row) => line("td", row))));
  }

  const all = new Set();
  const redraw = () => all.forEach((picture) => picture.draw());

  // Light or dark: Gradio puts a class on the body; the system may change its mind. Other
  // classes change at each new sound, and no picture with them.
  function watchTheme() {
    const places = [document.documentElement, document.body];
    const isDark = () => places.some(({ classList }) => classList.contains("dark"));
    let wasDark = isDark();
    const observer = new MutationObserver(() => {
      if (isDark() === wasDark) return;
      wasDark = isDark();
      redraw();
    });
    for (const element of places)
      observer.observe(element, { attributes: true, attributeFilter: ["class"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  /** A lesson is near the screen again: what would have been drawn meanwhile is. */
  Genrescope.shown = (lesson) => {
    for (const picture of all) if (picture.isLate && picture.lesson === lesson) picture.draw();
  };

  const lessonOf = ({ lesson }) => lesson?.id.replace("lesson-", "");
  const isOnScreen = (element) => {
    const { top, bottom, height } = element.getBoundingClientRect();
    return height && bottom > 0 && top < innerHeight;
  };
  // Of the lesson first: asked about a place in one that is far, browsers lay that out.
  const isSeen = ({ element, lesson }) => (!lesson || isOnScreen(lesson)) && isOnScreen(element);

  // Where they are is asked of all before the first changes: the page is laid out once.
  const wait = (isNew) => (names, but = []) => {
    const waiting = [...all].filter((picture) => {
      const name = lessonOf(picture);
      return !but.includes(picture) && (names ? names.includes(name) : name && picture.place.waits);
    });
    const seen = new Set(waiting.filter(isSeen));
    // What is seen asks first.
    for (const picture of [...seen, ...waiting.filter((each) => !seen.has(each))])
      picture.awaitNear(isNew, seen.has(picture));
  };
  // Lessons' pictures wait for those of a new sound, or for newer ones of the same; and
  // whether none is asked for.
  Object.assign(Genrescope, { renew: wait(true), again: wait(false), isDrawn: turns.isOver });

  const nameOf = (picture) => picture.place.of || lessonOf(picture);
  /** Names of the pictures that are seen, from the top, with spaces between: of lessons,
   * of which the first picture has the name. */
  Genrescope.inView = () => {
    const seen = [...all]
      .filter((picture) => lessonOf(picture) && picture.place.waits && isSeen(picture))
      .map((picture) => [picture.element.getBoundingClientRect().top, nameOf(picture)])
      .sort(([one], [other]) => one - other);
    return [...new Set(seen.map(([, name]) => name))].join(" ");
  };

  /** There is a new sound, and pictures of it, if some came along, each as its name and its
   * sheet: those are drawn before the others are asked for; then their sounds are. */
  Genrescope.renewed = async (...named) => {
    const given = [];
    for (let i = 0; i + 1 < named.length; i += 2) {
      const picture = named[i] && placeOf(named[i]);
      if (picture) given.push([picture, named[i + 1]]);
    }
    for (const [picture, sheet] of given) await picture.give(sheet);
    const pictures = given.map(([picture]) => picture);
    Genrescope.renew(null, pictures);
    // Positions that came along are still on their way into their knobs.
    setTimeout(() => pictures.forEach((picture) => picture.trigger("turned", {})), SOON_MS);
  };

  const wanted = new Map(); // settings that links ask for, by their lessons' names
  /** Set knobs of a lesson to what a link's query names, then draw and play anew. */
  Genrescope.setKnobs = (lesson, query) => {
    wanted.set(lesson, query);
    placeOf(lesson)?.trigger("tried", {});
  };
  /** The first picture of a lesson. */
  const placeOf = (lesson) =>
    [...all].filter((picture) => nameOf(picture) === lesson).sort((one, other) =>
      one.element.compareDocumentPosition(other.element) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1)[0];
  /** Values of knobs, in the types that they have, where a link names others. */
  Genrescope.tried = (lesson, names, values) => {
    const query = wanted.get(lesson);
    wanted.delete(lesson);
    const set = values.map((value, i) => {
      const text = query?.get(`${lesson}.${names[i]}`);
      if (text === null || text === undefined) return value;
      if (typeof value === "boolean") return text === "True";
      return typeof value === "number" ? Number(text) : text;
    });
    return set.length === 1 ? set[0] : set;
  };
  Genrescope.turned = (lesson) => {
    for (const event of ["again", "turned"]) placeOf(lesson)?.trigger(event, {});
  };

  /** Make an element a place for pictures; Gradio's HTML component calls it once. */
  Genrescope.mount = (element, props, watch, trigger, _events, place) => {
    if (!all.size) watchTheme();
    const picture = new Picture(element, place, trigger, props);
    all.add(picture);
    watch("value", () => picture.take(props.value));
    picture.take(props.value);
  };
})();
