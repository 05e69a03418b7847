// The layers of a plot, each drawn inside its axes; and strokes that all drawing shares.
(() => {
  "use strict";
  const { axes, image: images } = Genrescope;

  const DASHES = [[], [7, 4], [2, 3]]; // of lines
  const FAINT = 0.55; // of a rule without a name, or a faint line: one of many
  const TILE_ALPHA = 0.75; // of a tile with the largest value
  const TRACK_ALPHA = 0.06; // of a row's ground, where there is a share at all

  const crisp = (place) => Math.round(place) + 0.5;

  function segment(pen, x0, y0, x1, y1) {
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
  }

  function words(pen, text, x, y, { align = "left", base = "middle", colour } = {}) {
    if (colour) pen.fillStyle = colour;
    Object.assign(pen, { textAlign: align, textBaseline: base });
    pen.fillText(text, x, y);
  }

  /** A text, or as much of it as there is room for. */
  function fitted(pen, text, room) {
    if (pen.measureText(text).width <= room) return text;
    let n = text.length - 1;
    while (n > 1 && pen.measureText(`${text.slice(0, n)}…`).width > room) n--;
    return `${text.slice(0, n)}…`;
  }

  function dot(pen, x, y, radius) {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
  }

  function haloed(pen, text, x, y, ink, halo, align) {
    Object.assign(pen, { strokeStyle: halo, lineWidth: 3, textAlign: align, textBaseline: "middle" });
    pen.strokeText(text, x, y);
    words(pen, text, x, y, { align, colour: ink });
  }

  // Each draws one kind of layer, inside the axes.
  const LAYERS = {
    image(pen, view, layer) {
      const { box: { area, x, y }, ratio } = view;
      const [left, top] = [Math.round(area.left * ratio), Math.round(area.top * ratio)];
      const width = Math.round(area.right * ratio) - left;
      const height = Math.round(area.bottom * ratio) - top;
      const pixels = view.pooled(layer, width, height, () => {
        const across = axes.ruler(x, x.scale, 0, width);
        const upwards = axes.ruler(y, y.scale, height, 0);
        return images.pooled(layer, view.bytes.get(layer), across, upwards, width, height);
      });
      const canvas = images.coloured(layer, pixels, width, height, view.colours, view.limits);
      pen.save();
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.drawImage(canvas, left, top);
      pen.restore();
    },

    band(pen, { box: { x, y }, style }, layer) {
      const n = layer.lows.length;
      const place = (i) => x.place(layer.start + (i / n) * (layer.stop - layer.start));
      pen.beginPath();
      for (let i = 0; i < n; i++) across(pen, place(i), place(i + 1), y.place(layer.highs[i]) - 0.5);
      for (let i = n - 1; i >= 0; i--) across(pen, place(i + 1), place(i), y.place(layer.lows[i]) + 0.5);
      pen.closePath();
      pen.fillStyle = style.colours[0];
      pen.fill();
    },

    line(pen, view, layer) {
      const colour = view.style.colours[layer.colour] ?? view.style.colours[0];
      Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: 1.4 });
      pen.setLineDash(DASHES[layer.dash ?? 0]);
      pen.globalAlpha = layer.is_faint ? FAINT : 1;
      SHAPES[layer.shape](pen, view, layer);
      pen.setLineDash([]);
      pen.globalAlpha = 1;
    },

    rows(pen, { box: { x, y }, style }, { starts_s, stops_s, shares, colours }) {
      const edges = starts_s.map((start_s, k) => [start_s, stops_s[k]].map((s) => Math.round(x.place(s))));
      shares.forEach((row, i) => {
        const [top, bottom] = [Math.round(y.place(i + 1)) + 2, Math.round(y.place(i)) - 1];
        const fill = (colour, k, alpha) => {
          const [left, right] = edges[k];
          Object.assign(pen, { fillStyle: colour, globalAlpha: alpha });
          pen.fillRect(left, top, right - left, bottom - top);
        };
        row.forEach((share, k) => {
          fill(style.ink, k, TRACK_ALPHA);
          if (share) fill(colours[i], k, share);
        });
      });
      pen.globalAlpha = 1;
    },

    tiles(pen, { box: { x, y } }, layer) {
      layer.values.forEach((value, i) => {
        const [left, right] = [layer.starts_s[i], layer.stops_s[i]].map((s) => Math.round(x.place(s)));
        const [top, bottom] = [layer.highs_hz[i], layer.lows_hz[i]].map((hz) =>
          Math.round(y.place(Math.max(hz, y.start))));
        const share = Math.min(Math.abs(value) / layer.limit, 1);
        Object.assign(pen, { fillStyle: layer.colours[value > 0 ? 1 : 0], globalAlpha: TILE_ALPHA * share });
        pen.fillRect(left, top, right - left, bottom - top);
      });
      pen.globalAlpha = 1;
    },

    strips(pen, { box: { x, y } }, { starts_s, stops_s, colours }) {
      const edges = starts_s.map((start_s, k) => [start_s, stops_s[k]].map((s) => Math.round(x.place(s))));
      colours.forEach((row, i) => {
        const [top, bottom] = [Math.round(y.place(i + 1)), Math.round(y.place(i))];
        edges.forEach(([left, right], k) => {
          pen.fillStyle = `#${row.slice(6 * k, 6 * k + 6)}`;
          pen.fillRect(left, top, right - left, bottom - top);
        });
      });
    },

    marks(pen, { box: { x, y }, style }, layer) {
      pen.fillStyle = style.colours[0];
      layer.xs.forEach((value, i) =>
        dot(pen, x.place(value), y.place(layer.ys[i]), radiusOf(layer, i)));
    },
  };

  const radiusOf = ({ radii_px }, i) => radii_px?.[i] ?? 3;

  function across(pen, from, to, y) {
    pen.lineTo(from, y);
    pen.lineTo(to, y);
  }

  /** Points that have a value, as runs of [x, y] in pixels. */
  function runs({ box: { x, y } }, { xs, ys }) {
    const found = [[]];
    xs.forEach((value, i) => {
      if (Number.isFinite(ys[i])) found.at(-1).push([x.place(value), y.place(ys[i])]);
      else found.push([]);
    });
    return found.filter((run) => run.length);
  }

  function join(pen, points) {
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo(x, y);
    pen.stroke();
  }

  const SHAPES = {
    line: (pen, view, layer) => runs(view, layer).forEach((run) => join(pen, run)),
    marked(pen, view, layer) {
      for (const run of runs(view, layer)) {
        join(pen, run);
        for (const [x, y] of run) dot(pen, x, y, 2.5);
      }
    },
    dots(pen, view, layer) {
      const room = (view.box.area.right - view.box.area.left) / layer.xs.length;
      const radius = Math.max(1.5, Math.min(3.5, room / 3));
      for (const [x, y] of runs(view, layer).flat()) dot(pen, x, y, radius);
    },
    steps(pen, view, layer) {
      for (const run of runs(view, layer))
        join(pen, run.flatMap(([x, y], i) => (i ? [[x, run[i - 1][1]], [x, y]] : [[x, y]])));
    },
    fill(pen, view, layer) {
      const { bottom } = view.box.area;
      for (const run of runs(view, layer)) {
        pen.beginPath();
        for (const [x, y] of [[run[0][0], bottom], ...run, [run.at(-1)[0], bottom]]) pen.lineTo(x, y);
        pen.globalAlpha = 0.2;
        pen.fill();
        pen.globalAlpha = 1;
        join(pen, run);
      }
    },
    rule(pen, view, layer) {
      const [[x, y] = [], other = []] = runs(view, layer).flat();
      Object.assign(pen, { lineWidth: 1, globalAlpha: layer.name ? 1 : FAINT });
      pen.setLineDash([4, 3]);
      segment(pen, x, y, ...other);
      pen.setLineDash([]);
      pen.globalAlpha = 1;
      if (layer.name) ruleName(pen, view, layer.name, x, y, ...other);
    },
  };

  function ruleName(pen, { box: { area, px } }, name, x0, y0, x1, y1) {
    const isUpright = Math.abs(x1 - x0) < Math.abs(y1 - y0);
    const isLeft = isUpright && x0 + pen.measureText(name).width + px(8) > area.right;
    const x = isUpright ? x0 + (isLeft ? -px(4) : px(4)) : area.right - px(4);
    const y = isUpright ? area.top + px(8) : y0 - px(8);
    words(pen, name, x, y, { align: isLeft || !isUpright ? "right" : "left" });
  }

  /**
   * Marks' words above their dots, inside the frame, short ones first. One in the way of
   * others stands to the right of its dot, or a line higher; without room it is left out.
   */
  function markWords(pen, { box, style }, layer) {
    const { area, x, y, px } = box;
    const taken = [];
    const high = style.size + 2;
    const isFree = (one) => !taken.some((other) =>
      one.left < other.left + other.width + 4 && other.left < one.left + one.width + 4 &&
      Math.abs(other.middle - one.middle) < high);
    const marks = layer.words.map((word, i) =>
      ({ word, x: layer.xs[i], y: layer.ys[i], radius: radiusOf(layer, i), side: layer.sides?.[i] }));
    marks.sort((one, other) => one.word.length - other.word.length);
    for (const mark of marks.filter((each) => each.x >= x.start && each.x <= x.stop)) {
      const width = pen.measureText(mark.word).width;
      const at = (left, middle) => ({
        width,
        left: Math.max(area.left + 2, Math.min(left, area.right - width - 2)),
        middle: Math.max(area.top + high / 2, middle),
      });
      const centred = x.place(mark.x) - width / 2;
      const lowest = Math.min(y.place(mark.y) - px(9 + mark.radius), area.bottom - high / 2);
      const beside = {
        left: [at(x.place(mark.x) - width - px(6), lowest)],
        right: [at(x.place(mark.x) + px(6 + mark.radius), Math.min(y.place(mark.y), area.bottom - high / 2))],
      };
      const places = [...(beside[mark.side] ?? []),
        at(centred, lowest), at(x.place(mark.x) - px(4), lowest), at(centred, lowest - high)];
      const place = places.find(isFree);
      if (!place) continue;
      taken.push(place);
      haloed(pen, mark.word, place.left, place.middle, style.ink, style.paper, "left");
    }
  }

  Genrescope.layers = { LAYERS, markWords, words, fitted, segment, crisp, dot, haloed };
})();
