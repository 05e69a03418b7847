// The first view: a trumpet as a picture that plays, and the ways from there. It is in
// place of the lessons until a sound is chosen, if the address names none of its own.
(() => {
  "use strict";
  const { axes, image: images, phrase, sound, tabs, tools: { make }, word } = Genrescope;

  const BEFORE = "before-sound"; // of the root element; the style sheet hides by it
  const RECORDS = "records"; // likewise, while the sound bar records
  const FOLDS = "folds"; // and while it makes room
  const THERE = "has-front"; // and once this is there
  const MAP = "magma";
  const LOWEST_DB = -77; // that has a colour of its own,
  const HIGHEST_DB = -23; // and the highest
  const GUTTER_PX = { left: 52, right: 112, top: 14, bottom: 26 };
  const NARROW_PX = 520; // a picture that has less room around it
  const NARROW_GUTTER_PX = { left: 44, right: 90, top: 10, bottom: 22 };
  const LEAST_PX = 17; // from one name to the next
  const HZ_TICKS = [300, 500, 1000, 2000, 4000, 8000];
  const REVEAL_MS = 900; // in which the picture appears, as if it were played
  const FIRST = "waveform"; // the lesson that a sound begins with,
  const GOAL = "lesson-stft"; // where the way leads,
  const LANDS = "lands"; // and what the root element is called until somebody moves
  const HOLD_MS = 15_000; // it stays there while the lessons above are drawn
  // Silence that a browser may play at a click, so that it may play what comes after.
  const SILENCE = "data:audio/wav;base64,UklGRiYAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQIAAAAAAA==";

  const asked = new URLSearchParams(location.search);
  const view = asked.get("view");
  const isLink = asked.has("sound") || Genrescope.kept.own() || (view && !tabs.includes(view));
  document.documentElement.classList.toggle(BEFORE, !isLink);

  const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const { image, notes, partials, duration_s, credit } = phrase;
  const told = { sound: phrase.sound }; // to the server
  let front = null;

  class Front {
    constructor(element, trigger) {
      Object.assign(this, { element, trigger, cursor: null, at_s: null, share: isStill() ? 1 : 0 });
      this.audio = new Audio();
      this.build();
      new ResizeObserver(() => this.draw()).observe(this.frame);
      images.unpacked(image).then((bytes) => {
        this.pixels = picture(bytes);
        this.reveal();
      });
      for (const event of ["play", "pause", "ended", "seeked"])
        this.audio.addEventListener(event, () => this.follow());
    }

    build() {
      this.canvas = make("canvas", { role: "img", aria: { label: about() } });
      this.canvas.setAttribute("role", "img");
      this.cover = make("canvas", { aria: { hidden: "true" } });
      this.frame = make("div", { className: "front-frame" }, this.canvas, this.cover);
      this.play = make("button", { type: "button", className: "front-play", onclick: () => this.toggle() },
        make("span", { className: "front-disc", aria: { hidden: "true" } }));
      this.caption = make("span", { className: "front-caption" });
      this.play.append(this.caption);
      const look = make("button", { type: "button", className: "front-look", onclick: () => this.open(true) },
        word("front.look"));
      const hero = make("div", { className: "front-hero" },
        this.frame, make("div", { className: "front-bar" }, this.play, look), credits());
      const doors = make("div", { className: "front-doors" },
        this.door("see", () => this.open(false)),
        this.door("train", () => toTab("train")),
        this.door("classify", () => toTab("classify")));
      const own = make("p", { className: "front-own" }, make("span", {}, word("front.own")),
        wordButton("upload", upload), wordButton("record", record));
      const say = make("div", { className: "front-say" },
        make("h2", {}, word("front.title")), make("p", {}, word("front.lead")));
      this.element.replaceChildren(
        make("section", { className: "front-view" }, hero, make("div", { className: "front-ways" }, say, doors, own)));
      this.show();
      this.frame.addEventListener("pointermove", (event) => this.point(event));
      this.frame.addEventListener("pointerleave", () => this.point(null));
      this.frame.addEventListener("click", (event) => this.playFrom(this.timeAt(event)));
    }

    door(name, onclick) {
      return make("button", { type: "button", className: `front-door front-${name}`, onclick },
        make("span", { className: "front-sign", aria: { hidden: "true" } }),
        make("span", { className: "front-words" },
          make("strong", {}, word(`front.${name}_title`)), make("span", {}, word(`front.${name}_text`))));
    }

    /** Lay out and draw all that does not move. */
    draw() {
      const { clientWidth: width, clientHeight: height } = this.frame;
      if (!width || !this.pixels) return; // hidden, or not unpacked yet
      const gutter = width < NARROW_PX ? NARROW_GUTTER_PX : GUTTER_PX;
      const area = { left: gutter.left, top: gutter.top, right: width - gutter.right, bottom: height - gutter.bottom };
      const { frequencies_hz } = image;
      this.box = {
        width, height, area, isNarrow: width < NARROW_PX,
        x: axes.ruler({ quantity: "time", start: 0, stop: duration_s }, "linear", area.left, area.right),
        y: axes.ruler({ quantity: "frequency", start: frequencies_hz[0], stop: frequencies_hz.at(-1) },
          "log", area.bottom, area.top),
      };
      for (const each of [this.canvas, this.cover]) {
        each.width = Math.round(width * devicePixelRatio);
        each.height = Math.round(height * devicePixelRatio);
      }
      const pen = penOf(this.canvas);
      pen.clearRect(0, 0, width, height);
      this.paintLevels(pen);
      this.paintAxes(pen);
      if (this.share >= 1) this.paintPartials(pen);
      this.drawOver();
    }

    paintLevels(pen) {
      const { x, y, area } = this.box;
      const half = Math.sqrt(image.frequencies_hz[1] / image.frequencies_hz[0]);
      const [left, right] = [x.place(image.start_s), x.place(image.stop_s)];
      const top = y.place(image.frequencies_hz.at(-1) * half);
      const bottom = y.place(image.frequencies_hz[0] / half);
      pen.save();
      pen.beginPath();
      pen.rect(area.left, area.top, (area.right - area.left) * this.share, area.bottom - area.top);
      pen.clip();
      Object.assign(pen, { imageSmoothingEnabled: true, imageSmoothingQuality: "high" });
      pen.drawImage(this.pixels, left, top, right - left, bottom - top);
      pen.restore();
    }

    paintAxes(pen) {
      const { x, y, area, isNarrow } = this.box;
      const style = getComputedStyle(this.frame);
      pen.font = `${isNarrow ? 10.5 : 11.5}px ${style.fontFamily}`;
      pen.fillStyle = style.getPropertyValue("--night-soft");
      Object.assign(pen, { textAlign: "right", textBaseline: "middle" });
      for (const hz of HZ_TICKS)
        pen.fillText(hz < 1000 ? `${hz}` : `${hz / 1000}${hz === HZ_TICKS.at(-1) ? " kHz" : "k"}`, area.left - 8, Math.max(y.place(hz), area.top + 5));
      Object.assign(pen, { textAlign: "center", textBaseline: "top" });
      for (let time_s = 0; time_s <= duration_s; time_s++)
        pen.fillText(time_s ? `${time_s}` : "0 s", x.place(time_s), area.bottom + 8);
    }

    /** The names of the last note's partials, each at its row. */
    paintPartials(pen) {
      const { x, y, area, isNarrow } = this.box;
      const { fontFamily } = getComputedStyle(this.frame);
      const [size, from] = [isNarrow ? 11 : 13, area.right + 8];
      const kept = [];
      pen.textBaseline = "middle";
      for (const { hz, name } of partials) {
        const place = y.place(hz);
        if (kept.some((other) => Math.abs(other - place) < LEAST_PX)) continue;
        kept.push(place);
        pen.strokeStyle = "rgba(255, 255, 255, 0.34)";
        pen.setLineDash([2, 4]);
        line(pen, x.place(notes.at(-1).stop_s) + 6, place, from - 4, place);
        pen.setLineDash([]);
        pen.textAlign = "left";
        pen.fillStyle = "#ffffff";
        pen.font = `600 ${size}px ${fontFamily}`;
        pen.fillText(name, from, place);
        pen.fillStyle = getComputedStyle(this.frame).getPropertyValue("--night-soft");
        pen.font = `${size}px ${fontFamily}`;
        pen.fillText(`${Math.round(hz)} Hz`, from + (isNarrow ? 27 : 34), place);
      }
    }

    /** Draw what moves: the play head with the note that sounds, the cursor. */
    drawOver() {
      if (!this.box) return;
      const { width, height, area, x, y } = this.box;
      const pen = penOf(this.cover);
      pen.clearRect(0, 0, width, height);
      if (this.cursor) this.paintCursor(pen);
      if (this.at_s === null) return;
      const place = x.place(this.at_s);
      const trail = pen.createLinearGradient(place - 90, 0, place, 0);
      trail.addColorStop(0, "rgba(255, 255, 255, 0)");
      trail.addColorStop(1, "rgba(255, 255, 255, 0.2)");
      pen.fillStyle = trail;
      const left = Math.max(area.left, place - 90);
      pen.fillRect(left, area.top, place - left, area.bottom - area.top);
      pen.fillStyle = "#ffffff";
      pen.fillRect(place - 1, area.top, 2, area.bottom - area.top);
      const note = noteAt(this.at_s);
      if (!note) return;
      for (let n = 1; n * note.hz < y.stop; n++) dot(pen, place, y.place(n * note.hz), n === 1 ? 5 : 3);
      this.tag(pen, note.name, place + 12, y.place(note.hz));
    }

    paintCursor(pen) {
      const { area, x, y } = this.box;
      const { time_s, hz } = this.cursor;
      const [across, up] = [Math.round(x.place(time_s)) + 0.5, Math.round(y.place(hz)) + 0.5];
      pen.strokeStyle = "rgba(255, 255, 255, 0.6)";
      line(pen, across, area.top, across, area.bottom);
      line(pen, area.left, up, area.right, up);
      const text = [axes.written("time", time_s, 0.01), axes.written("frequency", hz, 1), axes.note(hz)].join(" · ");
      this.tag(pen, text, across + 10, up - 16);
    }

    /** A text on a dark plate, inside the picture. */
    tag(pen, text, left, middle) {
      const { width, area } = this.box;
      pen.font = `600 13px ${getComputedStyle(this.frame).fontFamily}`;
      const long = pen.measureText(text).width + 14;
      const from = Math.min(left, width - long - 4);
      const place = Math.max(middle, area.top + 11);
      pen.fillStyle = "rgba(7, 4, 15, 0.82)";
      pen.beginPath();
      pen.roundRect(from, place - 11, long, 22, 6);
      pen.fill();
      Object.assign(pen, { fillStyle: "#ffffff", textAlign: "left", textBaseline: "middle" });
      pen.fillText(text, from + 7, place + 0.5);
    }

    /** Let the picture appear from left to right; at once for those who want no motion. */
    reveal() {
      const began = performance.now();
      const step = () => {
        if (!isStill()) this.share = 1 - (1 - Math.min((performance.now() - began) / REVEAL_MS, 1)) ** 3;
        this.draw();
        if (this.share < 1) requestAnimationFrame(step);
      };
      step();
    }

    point(event) {
      this.cursor = event && this.box && this.inside(event)
        ? { time_s: this.timeAt(event), hz: this.box.y.value(event.offsetY) } : null;
      this.drawOver();
    }

    inside({ offsetX, offsetY }) {
      const { left, right, top, bottom } = this.box.area;
      return offsetX >= left && offsetX <= right && offsetY >= top && offsetY <= bottom;
    }

    timeAt({ offsetX }) {
      return Math.min(Math.max(this.box?.x.value(offsetX) ?? 0, 0), duration_s);
    }

    toggle() {
      if (this.wants || (!this.audio.paused && this.hasSound)) this.stop();
      else this.playFrom(this.at_s ?? 0);
    }

    stop() {
      this.wants = false;
      this.audio.pause();
      this.show();
    }

    /** Play from a time on; the first time, the sound is asked for. */
    playFrom(time_s) {
      this.at_s = time_s;
      if (this.hasSound) {
        this.audio.currentTime = time_s;
        this.audio.play().catch(() => {});
        return;
      }
      if (!this.wants) {
        this.audio.src = SILENCE;
        this.audio.play().catch(() => {});
        this.trigger("hear", told);
      }
      this.wants = true;
      this.show();
    }

    /** The sound has come. */
    hear(url) {
      this.hasSound = true;
      this.audio.src = url;
      if (this.wants) this.playFrom(this.at_s ?? 0);
      this.wants = false;
    }

    /** Move the head with the sound, once a screen frame. */
    follow() {
      if (!this.hasSound) return;
      this.at_s = this.audio.ended ? null : this.audio.currentTime;
      this.show();
      this.drawOver();
      cancelAnimationFrame(this.frameId);
      if (!this.audio.paused) this.frameId = requestAnimationFrame(() => this.follow());
    }

    /** Show on the button what it does. */
    show() {
      const isPlaying = Boolean(this.wants || (this.hasSound && !this.audio.paused));
      if (this.isPlaying === isPlaying) return;
      this.isPlaying = isPlaying;
      this.play.classList.toggle("is-playing", isPlaying);
      this.caption.textContent = word(isPlaying ? "front.pause" : "front.play");
    }

    /** Choose the trumpet: play it and show its spectrogram, or begin with lesson one. */
    open(isGoal) {
      this.stop();
      this.isGoal = isGoal;
      this.element.firstChild.setAttribute("aria-busy", "true");
      Genrescope.bar.choose(told.sound);
      if (isGoal) sound.playNext();
    }

    /** There is a sound: make room for it. */
    fold() {
      this.stop();
      if (this.isGoal) land();
      this.isGoal = false;
    }
  }

  /** The levels in their colours, a pixel each. */
  function picture(bytes) {
    const [width, height] = [image.n_columns, image.frequencies_hz.length];
    const pixels = new Int16Array(width * height);
    for (let row = 0; row < height; row++)
      pixels.set(bytes.subarray(row * width, (row + 1) * width), (height - 1 - row) * width);
    return images.coloured(image, pixels, width, height, images.coloursOf(MAP), [LOWEST_DB, HIGHEST_DB]);
  }

  function penOf(canvas) {
    const pen = canvas.getContext("2d");
    pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    return pen;
  }

  function line(pen, left, top, right, bottom) {
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(left, top);
    pen.lineTo(right, bottom);
    pen.stroke();
  }

  function dot(pen, x, y, radius) {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
  }

  const noteAt = (time_s) => notes.find(({ start_s, stop_s }) => time_s >= start_s && time_s < stop_s);

  function about() {
    const named = partials.map(({ name, hz }) => `${name} ${Math.round(hz)} Hz`).join(", ");
    return word("front.about", { partials: named, seconds: duration_s.toFixed(1) });
  }

  /** Whose recording it is; nothing where the sound is computed. */
  function credits() {
    if (!credit) return "";
    const away = (href, text) => make("a", { href, target: "_blank", rel: "noreferrer" }, text);
    return make("p", { className: "front-credit" },
      `${credit.artist}: `, away(credit.source, credit.title), " · ", away(credit.licence[1], credit.licence[0]));
  }

  const wordButton = (name, onclick) =>
    make("button", { type: "button", className: `front-word front-${name}`, onclick }, word(`front.${name}`));

  function toTab(name) {
    document.querySelector(`[role=tab][data-tab-id="${name}"]`)?.click();
  }

  /** Open the file dialog of the sound bar. */
  const upload = () => document.querySelector("#player input[type=file]")?.click();

  /** Let the sound bar record. */
  function record() {
    document.documentElement.classList.add(RECORDS);
    document.querySelector("#player .bar-record")?.click();
  }

  /** Mark the built-in sound that is chosen, by its name. */
  function mark() {
    const name = document.querySelector(".clip-facts strong")?.textContent.trim();
    for (const chip of document.querySelectorAll(".chips:not(.hear-why) button"))
      chip.setAttribute("aria-pressed", chip.textContent.trim() === name);
  }

  /** Begin with the spectrogram. The lessons before it come back above it, where nobody
   * looks, once somebody moves: so nothing that is drawn there moves the picture. */
  function land() {
    const root = document.documentElement;
    const goal = document.getElementById(GOAL);
    if (!goal) return;
    root.classList.add(LANDS);
    scrollTo({ top: 0, behavior: "instant" });
    // Not as a button goes down: what is pressed would move away before it comes up.
    const events = ["wheel", "touchmove", "keydown", "click"];
    const leave = () => {
      for (const event of events) removeEventListener(event, leave, true);
      const { top } = goal.getBoundingClientRect();
      root.classList.remove(LANDS);
      scrollBy({ top: goal.getBoundingClientRect().top - top, behavior: "instant" });
      hold(goal);
    };
    for (const event of events) addEventListener(event, leave, { capture: true, passive: true });
  }

  /** Keep a place where it is on the screen while pictures above it are drawn, unless
   * somebody scrolls; browsers do not where so much changes at once. */
  function hold(goal) {
    const where = () => goal.getBoundingClientRect().top;
    let top = where();
    const follow = () => { top = where(); };
    const observer = new ResizeObserver(() => {
      const moved = where() - top;
      if (Math.abs(moved) > 1) scrollBy({ top: moved, behavior: "instant" });
    });
    observer.observe(goal.parentElement);
    addEventListener("scroll", follow, { passive: true });
    setTimeout(() => {
      observer.disconnect();
      removeEventListener("scroll", follow);
    }, HOLD_MS);
  }

  Genrescope.front = {
    mount: (element, trigger) => {
      front = new Front(element, trigger);
      document.documentElement.classList.add(THERE);
    },
    hear: (url) => front?.hear(url),
    /** Name of the lesson that a sound leads to from here; "" where this is not seen. */
    leads: () => {
      const isSeen = document.documentElement.classList.contains(BEFORE) && front?.element.checkVisibility();
      return isSeen ? (front.isGoal ? GOAL.replace("lesson-", "") : FIRST) : "";
    },
    /** Another sound has its name in the sound bar. */
    fold() {
      mark();
      const { classList } = document.documentElement;
      if (!classList.contains(BEFORE)) return;
      // For one frame the page is empty below its head: nothing is seen to jump.
      classList.add(FOLDS);
      classList.remove(BEFORE, RECORDS);
      front?.fold();
      requestAnimationFrame(() => requestAnimationFrame(() => classList.remove(FOLDS)));
    },
    /** What tests read. */
    state: () => ({ at_s: front?.at_s ?? null, isPlaying: Boolean(front?.isPlaying), share: front?.share ?? 0 }),
  };
})();
