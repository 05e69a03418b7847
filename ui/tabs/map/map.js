// Songs as points on a canvas: to zoom, to select, to list and to hear. All of it here,
// but for the sound of a song and the place of one's own.
(() => {
  "use strict";
  const { tools: { make }, sound } = Genrescope;

  const HEIGHT_PX = { wide: 520, phone: 360 };
  const EDGE_PX = 24; // around all points
  const DOT_PX = 5;
  const REACH_PX = 14; // of a pointer
  const ZOOM = 1.5;
  const FARTHEST = 200; // times the whole map
  const MOST_ROWS = 200; // of the table; more are no list any more
  const SETTLE_MS = 400; // after the chosen sound's name has changed
  const CLICK_PX = 5; // moved less, a drag is a click
  // Corners, inner radius, turn: shapes that differ without colour too.
  const SHAPES = [
    [24, 1, 0], [4, 1, 0.25], [3, 1, -0.25], [3, 1, 0.25], [4, 1, 0], [5, 0.45, -0.25],
    [4, 0.35, 0], [4, 0.35, 0.125], [5, 1, -0.25], [6, 0.55, 0], [3, 0.35, -0.25], [6, 1, 0],
  ];
  const LISTS = ["all", "selected", "near", "doubts", "copies"];
  const MINE = -2; // one's own song, as a number

  class SongMap {
    constructor(place) {
      this.place = place;
      this.map = null;
      this.own = null;
      this.sprites = new Map();
      this.chosen = new Set();
      this.focus = null;
      this.list = "all";
      this.order = { column: -1, sign: 1 };
      this.way = "move";
      this.fingers = new Map();
      watch("value", () => this.take(props.value));
      new ResizeObserver(() => this.draw()).observe(place);
      const theme = new MutationObserver(() => { this.sprites.clear(); this.draw(); });
      theme.observe(document.body, { attributes: true, attributeFilter: ["class"] });
      this.take(props.value);
    }

    /** Another map, or the same with more songs. */
    take(value) {
      if (!value) return;
      const before = this.map;
      this.map = JSON.parse(value);
      const { x, y, labels, names } = this.map;
      this.hasLabels = labels.some((label) => label >= 0);
      this.colours = [...(this.hasLabels ? ["label"] : []), "answer", "cluster"];
      if (!this.colours.includes(this.colour)) [this.colour] = this.colours;
      // A map that grows keeps what was chosen: its songs have the numbers that they had.
      const n_before = before?.names.length ?? 0;
      const goesOn = before?.names.join("\n") === names.slice(0, n_before).join("\n");
      if (!goesOn) Object.assign(this, { chosen: new Set(), focus: null, list: "all" });
      if (!goesOn || n_before < names.length || before.axes !== this.map.axes) this.view = null;
      this.own = null;
      const [left, right] = [Math.min(...x), Math.max(...x)], [low, high] = [Math.min(...y), Math.max(...y)];
      Object.assign(this, { left, low, width: right - left || 1, height: high - low || 1 });
      this.lay();
      this.drawNow(); // from now on each point has its place
      this.ask();
    }

    /** Ask where the chosen sound lies: now, and whenever another one is chosen. */
    ask() {
      if (!this.bar) {
        let name = this.barName();
        this.bar = new MutationObserver(() => {
          if (name === this.barName()) return;
          name = this.barName();
          clearTimeout(this.timer);
          this.timer = setTimeout(() => trigger("locate", {}), SETTLE_MS);
        });
        this.bar.observe(document.getElementById("player"), { childList: true, subtree: true });
      }
      trigger("locate", {});
    }

    barName() { return document.querySelector("#player .clip-facts")?.textContent; }

    /** One's own song has its place, and its neighbours. */
    mine(told) {
      const own = told ? JSON.parse(told) : null;
      if (own && own.n_songs !== this.map?.names.length) return;
      this.own = own;
      if (own) Object.assign(this, { focus: MINE, list: "near" });
      else if (this.focus === MINE) Object.assign(this, { focus: null, list: "all" });
      this.legend();
      this.table();
      this.draw();
    }

    word(key, facts = {}) {
      return Object.entries(facts).reduce((text, [name, value]) => text.replace(`{${name}}`, value), this.map.words[key]);
    }

    lay() {
      const { words } = this.map;
      const button = (key, onclick, text = words[key]) =>
        make("button", { type: "button", className: `map-${key}`, onclick, title: words[key], aria: { label: words[key] } }, text);
      const colours = this.colours.map((each) => make("option", { value: each, selected: each === this.colour }, words[each]));
      const colour = make("select", { onchange: () => this.paint(colour.value) }, ...colours);
      this.ways = ["move", "rectangle", "lasso"].map((way) => button(way, () => this.choose(way)));
      this.canvas = make("canvas", { tabIndex: 0, role: "img", aria: { label: this.map.summary } });
      this.reading = make("p", { className: "map-reading" });
      this.groups = make("div", { className: "map-legend map-tools", role: "group", aria: { label: words.colour } });
      this.lists = make("div", { className: "map-lists map-tools", role: "group", aria: { label: words.list } });
      this.filter = make("input", { type: "search", placeholder: words.filter, aria: { label: words.filter }, oninput: () => this.table() });
      this.rows = make("div", { className: "map-rows", tabIndex: 0, role: "region", aria: { label: words.list } });
      const bar = make("div", { className: "map-bar map-tools" },
        make("label", {}, `${words.colour} `, colour), ...this.ways,
        button("plus", () => this.zoom(ZOOM), "+"), button("minus", () => this.zoom(1 / ZOOM), "−"),
        button("reset", () => this.reset()), button("npz", () => trigger("save", { format: "npz" })),
        button("csv", () => trigger("save", { format: "csv" })));
      this.place.replaceChildren(make("div", { className: "map" }, bar,
        make("div", { className: "map-both" },
          make("div", { className: "map-left" }, this.canvas, this.reading, this.groups,
            make("p", { className: "map-axes" }, this.map.axes)),
          make("div", { className: "map-right" }, make("p", { className: "map-summary" }, this.map.summary), this.lists, this.filter, this.rows))));
      this.hands();
      this.choose(this.way);
      this.paint(this.colour);
    }

    /** Colour by label, by the model's answer, or by group. */
    paint(colour) {
      const { map } = this;
      const isCluster = colour === "cluster";
      this.colour = colour;
      this.group = map[isCluster ? "clusters" : `${colour}s`];
      const used = [...new Set(this.group)].filter((group) => group >= 0).sort((a, b) => a - b);
      this.kinds = new Map(used.map((group, i) => [group, isCluster
        ? [`${map.words.cluster} ${group + 1}`, map.colours[group % map.colours.length], i]
        : [...map.genres[group], i]]));
      this.sprites.clear();
      this.legend();
      this.table();
      this.draw();
    }

    choose(way) {
      this.way = way;
      for (const each of this.ways) each.ariaPressed = each.className === `map-${way}`;
      this.canvas.classList.toggle("selects", way !== "move");
    }

    legend() {
      const counts = new Map();
      for (const group of this.group) counts.set(group, (counts.get(group) ?? 0) + 1);
      const items = [...this.kinds].map(([group, [name]]) => {
        const pick = () => this.select(this.group.flatMap((each, i) => (each === group ? [i] : [])));
        const mark = this.sprite(group, DOT_PX);
        const sign = make("canvas", { width: mark.width, height: mark.height, className: "map-sign", aria: { hidden: true } });
        sign.getContext("2d").drawImage(mark, 0, 0);
        return make("button", { type: "button", onclick: pick }, sign, `${name} ${counts.get(group)}`);
      });
      if (this.own) items.push(make("button", { type: "button", onclick: () => this.point(MINE) }, "◎ ", this.map.words.yours));
      this.groups.replaceChildren(...items);
    }

    // The canvas.

    /** A point's picture, drawn once: thousands are then copied in a frame. */
    sprite(group, radius) {
      const key = `${group} ${radius}`;
      const known = this.sprites.get(key);
      if (known) return known;
      const ratio = devicePixelRatio, size = Math.ceil(2 * (radius + 2) * ratio);
      const canvas = make("canvas", { width: size, height: size });
      const pen = canvas.getContext("2d");
      const [, colour, shape] = this.kinds.get(group) ?? ["", "#8a8a8a", 0];
      const [corners, inner, turn] = SHAPES[shape % SHAPES.length];
      const n = inner === 1 ? corners : 2 * corners;
      pen.translate(size / 2, size / 2);
      pen.scale(ratio, ratio);
      for (let i = 0; i < n; i++) {
        const angle = 2 * Math.PI * (i / n + turn / (shape === 1 ? 2 : 1));
        const length = (i % 2 && inner !== 1 ? inner : 1) * radius * (inner === 1 ? 1 : 1.25);
        pen.lineTo(length * Math.cos(angle), length * Math.sin(angle));
      }
      pen.closePath();
      Object.assign(pen, { fillStyle: colour, strokeStyle: this.ink ?? "#333", lineWidth: 0.75, lineJoin: "round" });
      pen.fill();
      pen.stroke();
      this.sprites.set(key, canvas);
      return canvas;
    }

    /** Where a song lies on the canvas. */
    at(i) {
      const { map, view, own } = this;
      const [x, y] = i === MINE ? [own.x, own.y] : [map.x[i], map.y[i]];
      return [view.x + (x - this.left) * view.scale, view.y - (y - this.low) * view.scale];
    }

    fit(width, height) {
      const scale = Math.min((width - 2 * EDGE_PX) / this.width, (height - 2 * EDGE_PX) / this.height);
      this.least = scale;
      this.view = { scale, x: (width - this.width * scale) / 2, y: (height + this.height * scale) / 2 };
    }

    draw() {
      if (this.isDue) return;
      this.isDue = true;
      requestAnimationFrame(() => { this.isDue = false; this.drawNow(); });
    }

    drawNow() {
      const { canvas, map } = this;
      const width = canvas?.clientWidth;
      if (!map || !width) return;
      const height = innerWidth < 640 ? HEIGHT_PX.phone : HEIGHT_PX.wide;
      const ratio = devicePixelRatio;
      if (canvas.width !== Math.round(width * ratio) || canvas.height !== height * ratio) {
        Object.assign(canvas, { width: Math.round(width * ratio), height: height * ratio });
        canvas.style.height = `${height}px`;
        this.view = null;
      }
      if (!this.view) this.fit(width, height);
      const pen = canvas.getContext("2d");
      const ink = getComputedStyle(canvas).color;
      if (ink !== this.ink) { this.ink = ink; this.sprites.clear(); }
      this.dots(canvas, pen, ratio);
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      const near = this.focus === null ? [] : this.nearOf(this.focus);
      if (near.length) {
        const [x, y] = this.at(this.focus);
        pen.beginPath();
        for (const [other] of near) { pen.moveTo(x, y); pen.lineTo(...this.at(other)); }
        Object.assign(pen, { strokeStyle: ink, lineWidth: 1, globalAlpha: 0.35 });
        pen.stroke();
      }
      pen.globalAlpha = 1;
      Object.assign(pen, { strokeStyle: ink, lineWidth: 2 });
      const ring = (i, radius) => { pen.beginPath(); pen.arc(...this.at(i), radius, 0, 7); pen.stroke(); };
      if (this.focus !== null && this.focus !== MINE) ring(this.focus, 10);
      if (this.over >= 0 && this.over < map.x.length) ring(this.over, 8);
      if (this.own) { ring(MINE, 5); ring(MINE, 10); }
      if (this.drag?.path?.length) {
        pen.beginPath();
        for (const corner of this.drag.path) pen.lineTo(...corner);
        pen.closePath();
        Object.assign(pen, { fillStyle: ink, lineWidth: 1, globalAlpha: 0.15 });
        pen.fill();
        pen.globalAlpha = 1;
        pen.stroke();
      }
    }

    /** Copy each point's pixels by hand: ten times as fast as as many drawn pictures. */
    dots(canvas, pen, ratio) {
      const { width, height } = canvas;
      const { map, chosen, view: { x: left, y: low, scale }, left: least, low: lowest } = this;
      if (this.image?.width !== width || this.image.height !== height) this.image = new ImageData(width, height);
      const pixels = new Uint32Array(this.image.data.buffer).fill(0);
      const marks = new Map([...this.kinds.keys(), -1].map((group) => [group, this.inked(group)]));
      const { size } = marks.get(-1);
      for (const isFaint of chosen.size ? [true, false] : [false])
        for (let i = 0; i < map.x.length; i++) {
          if (chosen.size && chosen.has(i) === isFaint) continue;
          const x = Math.round((left + (map.x[i] - least) * scale) * ratio - size / 2);
          const y = Math.round((low - (map.y[i] - lowest) * scale) * ratio - size / 2);
          if (x < 0 || y < 0 || x + size > width || y + size > height) continue;
          const { rows, columns, full, faint } = marks.get(this.group[i]);
          const colours = isFaint ? faint : full, corner = y * width + x;
          for (let k = 0; k < colours.length; k++) pixels[corner + rows[k] * width + columns[k]] = colours[k];
        }
      pen.putImageData(this.image, 0, 0);
    }

    /** The pixels of a point that are not empty: where they are, and their colours. */
    inked(group) {
      const mark = this.sprite(group, DOT_PX);
      if (mark.inked) return mark.inked;
      const { width: size } = mark;
      const found = new Uint32Array(mark.getContext("2d").getImageData(0, 0, size, size).data.buffer);
      const places = [...found.keys()].filter((k) => found[k] >>> 24);
      mark.inked = {
        size, rows: places.map((k) => Math.floor(k / size)), columns: places.map((k) => k % size),
        full: places.map((k) => found[k]),
        faint: places.map((k) => ((found[k] & 0xffffff) | (((found[k] >>> 24) * 0.2) << 24)) >>> 0),
      };
      return mark.inked;
    }

    zoom(factor, [x, y] = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2]) {
      const { view } = this;
      const scale = Math.max(this.least, Math.min(view.scale * factor, this.least * FARTHEST));
      const by = scale / view.scale;
      this.view = { scale, x: x + (view.x - x) * by, y: y + (view.y - y) * by };
      this.canvas.classList.toggle("is-near", scale > this.least);
      this.draw();
    }

    pan(x, y) {
      this.view.x += x;
      this.view.y += y;
      this.draw();
    }

    reset() {
      this.view = null;
      this.canvas.classList.remove("is-near");
      this.drawNow();
    }

    /** The song under the pointer; -1 without one. */
    under([x, y]) {
      let [best, least] = [-1, REACH_PX ** 2];
      for (let i = this.own ? MINE : 0; i < this.map.x.length; i += i === MINE ? 2 : 1) {
        const [a, b] = this.at(i), far = (a - x) ** 2 + (b - y) ** 2;
        if (far <= least) [best, least] = [i, far];
      }
      return best;
    }

    hands() {
      const { canvas, fingers } = this;
      const spot = ({ offsetX, offsetY }) => [offsetX, offsetY];
      const listen = (name, does) => canvas.addEventListener(name, does);
      const middle = () => {
        const [a, b] = [...fingers.values()];
        return { far: Math.hypot(a[0] - b[0], a[1] - b[1]), at: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2] };
      };
      listen("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return; // the page scrolls
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY / 300), spot(event));
      });
      listen("pointerdown", (event) => {
        const at = spot(event);
        canvas.setPointerCapture(event.pointerId);
        fingers.set(event.pointerId, at);
        const way = event.shiftKey ? "rectangle" : this.way;
        this.drag = { way, from: at, last: at, path: way === "lasso" ? [at] : [], isClick: fingers.size < 2 };
      });
      listen("pointermove", (event) => {
        const at = spot(event);
        const { drag } = this;
        if (!drag) {
          const over = this.under(at);
          if (over !== this.over) { this.over = over; this.read(over); this.draw(); }
          return;
        }
        if (fingers.size > 1) {
          const before = middle();
          fingers.set(event.pointerId, at);
          const now = middle();
          this.pan(now.at[0] - before.at[0], now.at[1] - before.at[1]);
          this.zoom(now.far / (before.far || 1), now.at);
          return;
        }
        fingers.set(event.pointerId, at);
        if (Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) > CLICK_PX) drag.isClick = false;
        if (drag.way === "move") this.pan(at[0] - drag.last[0], at[1] - drag.last[1]);
        else if (drag.way === "lasso") drag.path.push(at);
        else drag.path = [drag.from, [at[0], drag.from[1]], at, [drag.from[0], at[1]]];
        drag.last = at;
        this.draw();
      });
      const end = (event) => {
        fingers.delete(event.pointerId);
        const { drag } = this;
        if (!drag || fingers.size) return;
        this.drag = null;
        if (event.type === "pointercancel") return this.draw();
        if (drag.isClick) {
          const song = this.under(drag.from);
          if (song !== -1) this.point(song, true);
          else this.select([]);
        } else if (drag.path.length > 2)
          this.select(this.map.x.flatMap((_, i) => (isInside(this.at(i), drag.path) ? [i] : [])));
      };
      listen("pointerup", end);
      listen("pointercancel", end);
      listen("pointerleave", () => { this.over = -1; this.draw(); });
      listen("keydown", (event) => {
        const step = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (step) this.pan(...step);
        else if ("+=".includes(event.key)) this.zoom(ZOOM);
        else if (event.key === "-") this.zoom(1 / ZOOM);
        else if (event.key === "0") this.reset();
        else if (event.key === "Escape") this.select([]);
        else return;
        event.preventDefault();
      });
    }

    read(i) {
      this.reading.textContent = i === -1 ? "" : i === MINE ? this.own.name
        : [this.map.names[i], this.genreOf(i)].filter(Boolean).join(" · ");
    }

    genreOf(i) {
      const label = this.map[this.hasLabels ? "labels" : "answers"][i];
      return this.map.genres[label]?.[0] ?? "";
    }

    // Songs: chosen, listed, played.

    select(songs) {
      this.chosen = new Set(songs);
      this.list = songs.length ? "selected" : "all";
      if (!songs.length) this.focus = null;
      this.table();
      this.draw();
    }

    /** Look at one song; from the map, hear it and list what is near it. */
    point(song, isOnMap = song === MINE) {
      this.focus = song;
      this.read(song);
      if (isOnMap) this.list = "near";
      if (isOnMap && song !== MINE) this.play(song);
      this.table();
      this.draw();
    }

    play(song) {
      if (sound.state.isPlaying) sound.toggle();
      trigger("play", { number: song });
    }

    nearOf(song) {
      const { near, alike } = song === MINE ? { near: [this.own.near], alike: [this.own.alike] } : this.map;
      const at = song === MINE ? 0 : song;
      return near[at].map((other, i) => [other, alike[at][i]]);
    }

    /** Rows of a list: song, note, number to sort by, another song. */
    listed(list) {
      const { map, focus } = this;
      if (list === "all") return map.names.map((_, i) => [i]);
      if (list === "selected") return [...this.chosen].map((i) => [i]);
      if (list === "near") return focus === null ? [] : this.nearOf(focus).map(([i, value]) => [i, value.toFixed(2), value]);
      if (list === "doubts") return map.doubts.map(([i, genre, share]) =>
        [i, this.word("votes", { genre: map.genres[genre][0], share: Math.round(100 * share) }), share]);
      return map.copies.map(([i, other, value]) => [i, this.word("copy", { name: map.names[other], value: value.toFixed(2) }), value, other]);
    }

    table() {
      const { words, names } = this.map;
      const of = this.focus === MINE ? this.own.name : names[this.focus];
      const text = { all: words.song_all, near: of ? this.word("near", { name: of }) : words.alike };
      this.lists.replaceChildren(...LISTS.map((list) => {
        const n = this.listed(list).length;
        const show = () => { this.list = list; this.table(); };
        return make("button", { type: "button", onclick: show, disabled: !n, aria: { pressed: list === this.list } }, `${text[list] ?? words[list]} (${n})`);
      }));
      const wanted = this.filter.value.trim().toLowerCase();
      let rows = this.listed(this.list).filter(([i]) => names[i].toLowerCase().includes(wanted));
      const { column, sign } = this.order;
      const keys = [([i]) => names[i], ([i]) => this.genreOf(i), ([, note, value]) => value ?? note ?? ""];
      const compare = (a, b) => (typeof a === "number" ? a - b : String(a).localeCompare(String(b), this.map.language, { numeric: true }));
      if (column >= 0) rows = rows.sort((a, b) => sign * compare(keys[column](a), keys[column](b)));
      const hasNote = !["all", "selected"].includes(this.list);
      const heads = ["song", this.hasLabels ? "genre" : "answer", ...(hasNote ? ["note"] : [])].map((key, i) => {
        const sort = () => {
          this.order = { column: i, sign: i === column ? -sign : 1 };
          this.table();
          this.rows.querySelectorAll("th button")[i].focus();
        };
        const way = i !== column ? "none" : sign > 0 ? "ascending" : "descending";
        return make("th", { scope: "col", aria: { sort: way } }, make("button", { type: "button", onclick: sort }, words[key]));
      });
      const player = (i) => make("button", { type: "button", className: "play", onclick: () => this.play(i), aria: { label: `${words.play}: ${names[i]}` } }, "▶\ufe0e");
      const body = rows.slice(0, MOST_ROWS).map(([i, note, , other]) => {
        const name = make("button", { type: "button", className: "open", aria: { pressed: i === this.focus } }, names[i]);
        name.onclick = () => {
          this.point(i);
          [...this.rows.querySelectorAll(".open")].find((each) => each.textContent === names[i])?.focus();
        };
        const cells = [make("td", {}, make("span", { className: "of-row" }, player(i), name)), make("td", {}, this.genreOf(i))];
        if (hasNote) cells.push(make("td", {}, note, ...(other === undefined ? [] : [" ", player(other)])));
        return make("tr", {}, ...cells);
      });
      const table = make("table", { className: "batch" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body));
      const more = rows.length > MOST_ROWS ? [make("p", {}, this.word("hidden_rows", { shown: MOST_ROWS, n: rows.length }))] : [];
      this.rows.replaceChildren(table, ...more);
    }
  }

  /** Whether a point is inside a polygon: by how often a ray to the right crosses it. */
  function isInside([x, y], corners) {
    let isIn = false;
    corners.forEach(([a, b], i) => {
      const [c, d] = corners.at(i - 1);
      if (b > y !== d > y && x < ((c - a) * (y - b)) / (d - b) + a) isIn = !isIn;
    });
    return isIn;
  }

  Genrescope.songMap = new SongMap(element);
})();
