// What moves over a plot: selection, position, cursor, the slice of an image; and what
// the cursor reads.
(() => {
  "use strict";
  const { axes, image: images, layers, notes, sound, steps, word } = Genrescope;

  /** Draw all of it anew; the plot below stays. */
  function paint(pen, view) {
    const { plot, box } = view;
    const cursor = cursorOf(view);
    pen.clearRect(0, 0, box.width, box.height);
    const { left, top, right, bottom } = box.area;
    pen.save();
    pen.beginPath();
    pen.rect(left - 1, top, right - left + 2, bottom - top);
    pen.clip();
    if (plot.is_sound) {
      const { selection, at_s, cursor_s, isPlaying } = sound.state;
      notes.paint(pen, view);
      if (selection) shade(pen, view, selection.start_s, selection.stop_s);
      if (at_s || isPlaying) upright(pen, view, at_s, 2);
      if (cursor_s !== null) upright(pen, view, cursor_s, 1);
    } else {
      const dragged = steps.draggedOf(plot);
      if (dragged) shade(pen, view, dragged.start, dragged.stop);
      if (cursor) upright(pen, view, points(view)[0]?.x ?? cursor.x, 1);
    }
    if (cursor && box.image) level(pen, view, box.y.place(cursor.y));
    if (cursor) for (const { x, y, colour } of points(view)) ring(pen, view, x, y, colour);
    pen.restore();
    if (box.slice) slice(pen, view);
  }

  /** The colours of lines that cross a plot; over an image they must show anywhere. */
  function inks({ box, style }) {
    return box.image ? ["#ffffff", "rgba(0, 0, 0, 0.55)"] : [style.ink, style.paper];
  }

  function shade(pen, view, start, stop) {
    const { box: { area, x, image }, style } = view;
    const [left, right] = [x.place(start), x.place(stop)];
    pen.fillStyle = image ? "#ffffff" : style.ink;
    pen.globalAlpha = image ? 0.24 : 0.12;
    pen.fillRect(left, area.top, right - left, area.bottom - area.top);
    pen.globalAlpha = 1;
    for (const edge of [start, stop]) upright(pen, view, edge, 1);
  }

  function upright(pen, view, value, width) {
    const { area, x } = view.box;
    crossing(pen, view, width, () => {
      const place = layers.crisp(x.place(value));
      layers.segment(pen, place, area.top, place, area.bottom);
    });
  }

  function level(pen, view, place) {
    const { area, slice } = view.box;
    crossing(pen, view, 1, () => {
      layers.segment(pen, area.left, layers.crisp(place), (slice || area).right, layers.crisp(place));
    });
  }

  function crossing(pen, view, width, draw) {
    const [ink, halo] = inks(view);
    Object.assign(pen, { strokeStyle: halo, lineWidth: width + 2 });
    draw();
    Object.assign(pen, { strokeStyle: ink, lineWidth: width });
    draw();
  }

  function ring(pen, { box, style }, x, y, colour) {
    pen.fillStyle = style.paper;
    layers.dot(pen, box.x.place(x), box.y.place(y), 5);
    pen.fillStyle = colour;
    layers.dot(pen, box.x.place(x), box.y.place(y), 3.5);
  }

  /** The levels of an image at the cursor, or else at the position, over frequency. */
  function slice(pen, view) {
    const { box: { image, slice: panel, area, y }, style, limits } = view;
    const { cursor_s, at_s } = sound.state;
    const column = images.columnAt(image, cursor_s ?? at_s ?? view.plot.x.start);
    if (column < 0 || column >= image.n_columns) return;
    const axis = { quantity: image.quantity, start: limits[0], stop: limits[1] };
    const across = axes.ruler(axis, "linear", panel.left, panel.right);
    const bytes = view.bytes.get(image);
    pen.save();
    pen.beginPath();
    pen.rect(panel.left, area.top, panel.right - panel.left + 1, area.bottom - area.top);
    pen.clip();
    pen.beginPath();
    pen.lineTo(panel.left, area.bottom);
    image.frequencies_hz.forEach((hz, row) => {
      const value = images.valueOfByte(image, bytes[row * image.n_columns + column]);
      pen.lineTo(Math.max(panel.left, across.place(value)), y.place(hz));
    });
    pen.lineTo(panel.left, area.top);
    Object.assign(pen, { strokeStyle: style.colours[0], fillStyle: style.colours[0], lineWidth: 1.2 });
    pen.globalAlpha = 0.2;
    pen.fill();
    pen.globalAlpha = 1;
    pen.stroke();
    pen.restore();
  }

  /** Where a plot's cursor is; over another plot of the same run its step is here too. */
  function cursorOf({ plot, cursor }) {
    const x = steps.pointedOf(plot);
    return cursor ?? (x === null ? null : { x });
  }

  /** Of each line the shown point nearest to the cursor: [{name, x, y, colour}]. */
  function points(view) {
    const { plot, box, style } = view;
    const cursor = cursorOf(view);
    const lines = plot.layers.filter(({ kind, shape }) => kind === "line" && shape !== "rule");
    const here = box.x.place(cursor.x);
    return lines.flatMap(({ xs, ys, name, colour }) => {
      let best = -1;
      let least = Infinity;
      xs.forEach((x, i) => {
        const distance = Math.abs(box.x.place(x) - here);
        const isShown = !plot.range_of || (x >= box.x.start && x <= box.x.stop);
        if (isShown && Number.isFinite(ys[i]) && distance < least) [best, least] = [i, distance];
      });
      const found = { name, x: xs[best], y: ys[best], colour: style.colours[colour] };
      return best < 0 ? [] : [found];
    });
  }

  /** What the cursor of a plot reads, in a line. */
  function reading(view) {
    const { plot, box, cursor } = view;
    const step = (ruler) => Math.abs((ruler.stop - ruler.start) / (ruler.last - ruler.first));
    const say = (axis, ruler, value) => [
      fullScale(axes.written(axis.quantity, value, step(ruler)), axis.label),
      axis.quantity === "frequency" ? axes.note(value) : "",
    ];
    if (box.image) {
      const byte = images.byteAt(box.image, view.bytes.get(box.image), cursor.x, cursor.y);
      const [time, frequency] = [say(plot.x, box.x, cursor.x), say(plot.y, box.y, cursor.y)];
      const tiles = plot.layers.filter(({ kind }) => kind === "tiles");
      const told = tiles.map((layer) => tileAt(layer, cursor));
      return joined([...time, frequency[0], loudness(box.image, byte), frequency[1], ...told]);
    }
    const found = points(view);
    const gap = plot.range_of ? ": " : " "; // a run's name has dots and numbers itself
    const values = found.flatMap(({ name, y }) => {
      const [value, note] = say(plot.y, box.y, y);
      return [name ? `${name}${gap}${value}` : value, note];
    });
    const bands = plot.layers.filter(({ kind }) => kind === "band");
    const spans = bands.map((band) => spanAt(band, cursor.x, (y) => say(plot.y, box.y, y)[0]));
    const rows = plot.layers.filter(({ kind }) => kind === "rows");
    const cells = rows.map((layer) => cellAt(layer, plot.y.names, cursor));
    const strips = plot.layers.filter(({ kind }) => kind === "strips");
    const named = strips.map(() => rowName(plot.y.names, cursor.y));
    const [place, ...noted] = say(plot.x, box.x, found[0]?.x ?? cursor.x);
    const at = plot.range_of ? `${plot.x.label} ${axes.number(found[0]?.x ?? cursor.x, 0)}` : place;
    return joined([at, ...noted, ...values, ...spans, ...cells, ...named]);
  }

  const joined = (parts, between = " · ") => parts.filter(Boolean).join(between);

  /** Decibels of an axis that says what they are relative to, say it too. */
  const fullScale = (text, label) => (label.includes("dBFS") ? text.replace(/dB$/, "dBFS") : text);

  function loudness(image, byte) {
    if (byte === undefined) return "";
    const isPower = image.quantity === "power"; // which nothing lies below
    const value = isPower && byte === 0 ? image.step / 2 : images.valueOfByte(image, byte);
    const level = fullScale(axes.written(image.quantity, value, 1), image.label);
    const isOpen = isPower || image.quantity === "level"; // byte 0 is anything lower
    return byte === 0 && isOpen ? word("below", { level: level.replace(".0 ", " ") }) : level;
  }

  function tileAt({ starts_s, stops_s, lows_hz, highs_hz, values, names }, { x, y }) {
    const i = values.findIndex((_, k) =>
      x >= starts_s[k] && x < stops_s[k] && y >= lows_hz[k] && y < highs_hz[k]);
    if (i < 0 || !values[i]) return "";
    return `${names[values[i] > 0 ? 1 : 0]} ${axes.number(Math.abs(values[i]), 3)}`;
  }

  const rowAt = (names, y) => Math.min(Math.max(Math.floor(y), 0), names.length - 1);
  const rowName = (names, y) => names[rowAt(names, y)];

  function cellAt({ starts_s, stops_s, shares, name }, names, { x, y }) {
    const row = rowAt(names, y);
    const column = starts_s.findIndex((start_s, k) => x >= start_s && x <= stops_s[k]);
    if (column < 0) return name ? "" : names[row];
    const share = shares[row][column];
    if (name && !share) return "";
    return joined([names[row], name], " ") + ` ${axes.number(100 * share, 0)}%`;
  }

  function spanAt({ start, stop, lows, highs }, x, write) {
    const i = Math.floor(((x - start) / (stop - start)) * lows.length);
    if (!(i in lows)) return "";
    return lows[i] === highs[i] ? write(lows[i]) : `${write(lows[i])} … ${write(highs[i])}`;
  }

  Genrescope.over = { paint, reading };
})();
