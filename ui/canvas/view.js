// One plot of a sheet on the page: its texts, its two canvases, its cursor.
(() => {
  "use strict";
  const { paint, over, image: images, steps, tools, hands, word } = Genrescope;
  const { make } = tools;

  /** A plot's place: its element, its two canvases, and what it shows. */
  class View {
    constructor(picture) {
      this.picture = picture;
      this.title = make("div", { className: "sheet-title" });
      this.facts = make("div", { className: "sheet-facts" });
      this.legend = make("div", { className: "sheet-legend" });
      this.canvas = make("canvas", { tabIndex: 0 });
      this.canvas.setAttribute("role", "img");
      this.cover = make("canvas", { aria: { hidden: "true" } });
      this.frame = make("div", { className: "sheet-canvases" }, this.canvas, this.cover);
      this.element = make("div", { className: "sheet-plot" }, this.title, this.facts, this.legend, this.frame);
      this.cursor = null;
      hands.attach(picture, this);
    }

    /** Take another plot; its images' bytes are unpacked already. */
    show(plot, bytes, about) {
      Object.assign(this, { plot, bytes, pool: {} });
      this.element.classList.toggle("aligned", plot.is_aligned);
      this.title.textContent = plot.title;
      this.facts.replaceChildren(...plot.facts.map((fact) => make("span", {}, fact)));
      this.legend.replaceChildren(...named(plot).map(([shape, colour, name]) =>
        legendOf(shape, colour, name)));
      this.canvas.setAttribute("aria-label", plot.title ? `${plot.title}: ${about}` : about);
      this.canvas.setAttribute("aria-description", word(`keys${tools.kindOf(plot)}`));
    }

    /** Pixels of an image, made anew only if they would be others. */
    pooled(layer, width, height, compute) {
      const { x, y } = this.box;
      const key = [width, height, x.scale, x.start, x.stop, y.scale, y.start, y.stop].join();
      if (this.pool.key !== key || this.pool.layer !== layer)
        this.pool = { key, layer, pixels: compute() };
      return this.pool.pixels;
    }

    /** Draw all of it for the present size and look. */
    draw(height, range) {
      const { plot, canvas, cover } = this;
      const width = this.frame.clientWidth;
      this.style = paint.styleOf(this.element, tools.isLarge());
      this.ratio = window.devicePixelRatio || 1;
      const [x, y] = ["x", "y"].map((side) =>
        tools.scaleOf({ key: `${plot.name}.${side}`, scales: plot[side].scales }));
      this.box = paint.layOut(shown(plot, range), width, height, this.style.size, { x, y });
      this.element.style.setProperty("--left", `${this.box.area.left}px`);
      if (this.box.image) {
        // What lies over an image has the colours.
        this.colours = images.coloursOf(paint.tilesOf(plot) ? "grey" : tools.look.map);
        this.limits = tools.limitsOf(this.box.image);
      }
      this.frame.style.height = `${height}px`;
      for (const each of [canvas, cover]) {
        each.width = Math.round(width * this.ratio);
        each.height = Math.round(height * this.ratio);
      }
      paint.paint(this.pen(canvas), this);
      this.drawOver();
    }

    /** Draw what moves. */
    drawOver() {
      if (this.box) over.paint(this.pen(this.cover), this);
    }

    pen(canvas) {
      const pen = canvas.getContext("2d");
      pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      return pen;
    }
  }

  /** Names of lines for a legend; a rule has its name beside it. */
  const named = ({ layers }) =>
    layers
      .filter(({ kind, name, shape }) => kind === "line" && name && shape !== "rule")
      .map(({ shape, colour, name }) => [shape, colour, name]);

  /** A name beside its line's colour. */
  function legendOf(shape, colour, name) {
    const entry = make("span", { className: `sheet-shape-${shape}` }, name);
    const isGrey = colour === paint.GREY;
    entry.style.setProperty("--line", isGrey ? "var(--body-text-color-subdued)" : Genrescope.lines[colour]);
    return entry;
  }

  /** A plot with another range of times, if it is one of the chosen sound. */
  const shown = (plot, range) =>
    plot.is_sound && range
      ? { ...plot, x: { ...plot.x, start: range.start_s, stop: range.stop_s } }
      : steps.shown(plot);

  Genrescope.View = View;
})();
