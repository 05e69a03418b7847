// A plot on a canvas: where its parts lie, its axes, its layers. Lengths in CSS pixels.
(() => {
  "use strict";
  const { axes, layers, steps, word } = Genrescope;
  const { words, fitted, segment, crisp, haloed } = layers;

  const SIZE_PX = 12; // of normal letters; what is around a plot grows with them
  const SLICE_FROM_PX = 560; // a narrower picture has no room beside its image
  const GRID_ALPHA = 0.14;
  const GREY = 3; // of the lines' colours: the page's own

  /** The colours and letters of the page that an element stands on. */
  function styleOf(element, isLarge) {
    const page = getComputedStyle(element);
    const variable = (name, other) => page.getPropertyValue(name).trim() || other;
    const ink = variable("--body-text-color", page.color);
    const grey = variable("--body-text-color-subdued", ink);
    const size = isLarge ? SIZE_PX * 1.5 : SIZE_PX;
    return {
      ink, grey, size,
      paper: variable("--body-background-fill", "#ffffff"),
      frame: variable("--border-color-primary", grey),
      family: page.fontFamily || "sans-serif",
      colours: Genrescope.lines.map((colour, i) => (i === GREY ? grey : colour)),
    };
  }

  const DOT_PX = 5;
  const imageOf = (plot) => plot.layers.find((layer) => layer.kind === "image");
  const tilesOf = (plot) => plot.layers.find((layer) => layer.kind === "tiles");

  /** Where the parts of a plot lie on a canvas, and its two rulers. */
  function layOut(plot, width, height, size, scales) {
    const unit = size / SIZE_PX;
    const px = (length) => Math.round(length * unit);
    const image = imageOf(plot);
    const hasSlice = image && plot.is_sound && !plot.is_aligned && width > SLICE_FROM_PX;
    const slicePx = hasSlice ? px(84) : 0;
    const room = tilesOf(plot) ? px(92) : image || plot.is_aligned ? px(76) : px(18);
    const right = width - room - (hasSlice ? slicePx + px(26) : 0);
    const area = {
      left: px(64), top: px(10),
      right: Math.round(right), bottom: Math.round(height) - px(44),
    };
    const x = axes.ruler(plot.x, scales.x, area.left, area.right);
    const y = axes.ruler(plot.y, scales.y, area.bottom, area.top);
    const slice = hasSlice && { left: area.right + px(26), right: area.right + px(26) + slicePx };
    const bar = image && (slice ? slice.right : area.right) + px(14);
    return { width, height, area, x, y, slice, bar, image, unit, px };
  }

  /** The height at which a plot of times against times is a square; none for another. */
  function squareHeight(plot, width, size) {
    if (plot.x.quantity !== "time" || plot.y.quantity !== "time") return undefined;
    const { area, px } = layOut(plot, width, width, size, {});
    return area.right - area.left + px(54);
  }

  /** All of a plot that does not move. */
  function paint(pen, view) {
    const { plot, box, style } = view;
    pen.clearRect(0, 0, box.width, box.height);
    pen.font = `${style.size}px ${style.family}`;
    pen.lineJoin = "round";
    if (!box.image) grid(pen, view);
    pen.save();
    pen.beginPath();
    const { left, top, right, bottom } = box.area;
    // A dot at the edge is drawn whole.
    const beyond = plot.is_sound || box.image || steps.rangeOf(plot) ? 0 : box.px(DOT_PX);
    pen.rect(left, top - beyond, right - left + beyond, bottom - top + beyond);
    pen.clip();
    for (const layer of plot.layers) layers.LAYERS[layer.kind](pen, view, layer);
    pen.restore();
    for (const layer of plot.layers) if (layer.kind === "marks") layers.markWords(pen, view, layer);
    for (const layer of plot.layers) if (layer.kind === "strips") rowNotes(pen, view, layer);
    frame(pen, view);
    if (box.image) bar(pen, view);
    if (box.slice) sliceFrame(pen, view);
    if (plot.note) note(pen, view);
  }

  const LEAST_WIDTH = 0.6; // of letters, so that they can be read
  const IN_BRACKETS = /\s*[(（][^()（）]*[)）]$/;

  /** Words beside an axis, from the bottom to the top, never longer than the axis; where
   they would be too narrow to be read, without what is in brackets at their end. */
  function upright(pen, text, x, { top, bottom }) {
    const room = bottom - top;
    pen.save();
    pen.translate(x, (top + bottom) / 2);
    pen.rotate(-Math.PI / 2);
    Object.assign(pen, { textAlign: "center", textBaseline: "middle" });
    const isNarrow = pen.measureText(text).width * LEAST_WIDTH > room;
    pen.fillText(isNarrow ? text.replace(IN_BRACKETS, "") : text, 0, 0, room);
    pen.restore();
  }

  const N_TICKS = 9; // about as many as an upright axis has at most

  /** The room for a tick on an upright axis, so that a high one has not too many. */
  const upRoom = ({ top, bottom }, least) => Math.max(least, (bottom - top) / N_TICKS);

  const xTicks = ({ box }) => axes.ticks(box.x, box.px(box.x.quantity === "time" ? 68 : 44));
  const yTicks = ({ box }) =>
    axes.ticks(box.y, box.y.scale === "linear" ? upRoom(box.area, box.px(24)) : box.px(22));

  function grid(pen, view) {
    const { box: { area, x, y }, style } = view;
    Object.assign(pen, { strokeStyle: style.ink, lineWidth: 1, globalAlpha: GRID_ALPHA });
    for (const { value } of xTicks(view))
      segment(pen, crisp(x.place(value)), area.top, crisp(x.place(value)), area.bottom);
    if (y.quantity !== "row")
      for (const { value } of yTicks(view))
        segment(pen, area.left, crisp(y.place(value)), area.right, crisp(y.place(value)));
    pen.globalAlpha = 1;
  }

  function frame(pen, view) {
    const { plot, box, style } = view;
    const { area, px } = box;
    Object.assign(pen, { strokeStyle: style.ink, fillStyle: style.ink, lineWidth: 1 });
    segment(pen, crisp(area.left - 1), area.top, crisp(area.left - 1), area.bottom + 1);
    segment(pen, area.left - 1, crisp(area.bottom), area.right, crisp(area.bottom));
    for (const tick of xTicks(view)) {
      const place = box.x.place(tick.value);
      const half = pen.measureText(tick.label).width / 2;
      segment(pen, crisp(place), area.bottom, crisp(place), area.bottom + 5);
      words(pen, tick.label, Math.min(place, box.width - half), area.bottom + px(8), {
        align: "center", base: "top", colour: tick.isMarked ? style.colours[0] : style.ink,
      });
    }
    for (const tick of yTicks(view)) {
      const place = box.y.place(tick.value);
      segment(pen, area.left - 5, crisp(place), area.left, crisp(place));
      words(pen, fitted(pen, tick.label, area.left - px(10)), area.left - px(8), place, {
        align: "right", colour: tick.isMarked ? style.colours[0] : style.ink,
      });
    }
    pen.fillStyle = style.ink;
    words(pen, plot.x.label, (area.left + area.right) / 2, area.bottom + px(26), {
      align: "center", base: "top",
    });
    upright(pen, plot.y.label, px(8), area);
  }

  function note(pen, { plot, box: { area, image }, style }) {
    pen.font = `${style.size + 2}px ${style.family}`;
    const [ink, halo] = image ? ["#ffffff", "rgba(0, 0, 0, 0.5)"] : [style.ink, style.paper];
    haloed(pen, plot.note, (area.left + area.right) / 2, (area.top + area.bottom) / 2, ink, halo, "center");
  }

  /** What the colour bar of a plot tells: of tiles over an image, or else of the image. */
  function keyOf({ plot, box: { image }, colours, limits }) {
    const tiles = tilesOf(plot);
    const { quantity, label } = tiles ? { quantity: "number", label: tiles.label } : image;
    if (!tiles) return { quantity, label, limits, paints: colours.map((rgb) => `rgb(${rgb})`) };
    const [against, speaking] = tiles.colours;
    const paints = Array.from({ length: 256 }, (_, i) => {
      const share = Math.round(Math.abs(i / 127.5 - 1) * 100);
      return `color-mix(in srgb, ${i > 127 ? speaking : against} ${share}%, #808080)`;
    });
    return { quantity, label, limits: [-tiles.limit, tiles.limit], paints };
  }

  /** The colours and their values; arrows say that both ends stand for more. */
  function bar(pen, view) {
    const { box, style } = view;
    const { area, px } = box;
    const { quantity, label, limits, paints } = keyOf(view);
    const [left, width, arrow] = [box.bar, px(12), quantity === "level" ? px(8) : 0];
    const inside = { top: area.top + arrow, bottom: area.bottom - arrow };
    const height = inside.bottom - inside.top;
    const shades = pen.createLinearGradient(0, inside.bottom, 0, inside.top);
    paints.forEach((paint, i) => shades.addColorStop(i / 255, paint));
    pen.fillStyle = shades;
    pen.fillRect(left, inside.top, width, height);
    for (const [paint, base, tip] of [[paints[255], inside.top, area.top], [paints[0], inside.bottom, area.bottom]]) {
      pen.fillStyle = paint;
      pen.beginPath();
      for (const point of [[left, base], [left + width, base], [left + width / 2, tip]]) pen.lineTo(...point);
      pen.fill();
    }
    const axis = { quantity, start: limits[0], stop: limits[1] };
    const ruler = axes.ruler(axis, "linear", inside.bottom, inside.top);
    pen.fillStyle = style.ink;
    for (const { value, label } of axes.ticks(ruler, upRoom(area, px(26)))) {
      words(pen, label, left + width + px(6), ruler.place(value));
    }
    upright(pen, label, box.width - px(6), area);
  }

  /** Words at the right of rows, as many as there is room for. */
  function rowNotes(pen, { box: { area, y, px }, style }, { notes }) {
    const n_apart = Math.ceil((notes.length * px(16)) / (area.bottom - area.top));
    notes.forEach((note, i) => {
      if (i % n_apart === 0)
        words(pen, note, area.right + px(6), y.place(i + 0.5), { colour: style.ink });
    });
  }

  /** The axes of the slim panel beside an image; `over.js` draws what moves in it. */
  function sliceFrame(pen, { box, style, limits }) {
    const { area, slice, px, image } = box;
    Object.assign(pen, { strokeStyle: style.ink, fillStyle: style.ink, lineWidth: 1 });
    segment(pen, crisp(slice.left - 1), area.top, crisp(slice.left - 1), area.bottom + 1);
    segment(pen, slice.left - 1, crisp(area.bottom), slice.right, crisp(area.bottom));
    const ends = [[limits[0], slice.left, "left"], [limits[1], slice.right, "right"]];
    for (const [value, x, align] of ends) {
      segment(pen, crisp(x - (align === "right")), area.bottom, crisp(x - (align === "right")), area.bottom + 5);
      words(pen, axes.number(value, Number.isInteger(value) || value > 10 ? 0 : 1), x, area.bottom + px(8), { align, base: "top" });
    }
    const middle = (slice.left + slice.right) / 2;
    words(pen, image.quantity === "level" ? "dB" : word(image.quantity), middle, area.bottom + px(26), { align: "center", base: "top" });
  }

  Genrescope.paint = { GREY, styleOf, layOut, squareHeight, paint, imageOf, tilesOf };
})();
