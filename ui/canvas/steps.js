// Which steps of a training run are shown. All plots of the same run share the range, and
// keep it while the run grows; one is zoomed into here, nothing is asked of the server.
(() => {
  "use strict";

  const N_LEAST = 2; // steps, which a line joins
  const PAD = 0.06; // of the values' span, above and below
  const ZOOM = 2;

  const ranges = new Map(); // {start, stop} by `range_of`
  const watchers = new Set();
  let dragged = null; // {key, start, stop}: between a pointer's way down and up
  let pointed = null; // {key, x}: the step under the cursor

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  function tell(key) {
    for (const watcher of watchers) watcher(key);
  }

  /** What is shown of a plot; none where that is all of it. */
  function rangeOf({ range_of: key, x }) {
    const range = key && ranges.get(key);
    return range && range.start < x.stop ? range : null;
  }

  const shownOf = (plot) => rangeOf(plot) ?? { start: plot.x.start, stop: plot.x.stop };

  /** Show the steps from one to another, whichever comes first, of all plots of the run. */
  function zoom(plot, one, other) {
    const { range_of: key, x } = plot;
    let [start, stop] = [one, other].map((at) => clamp(at, x.start, x.stop)).sort((a, b) => a - b);
    const missing = Math.max(N_LEAST - (stop - start), 0);
    start = clamp(start - missing / 2, x.start, Math.max(x.stop - N_LEAST, x.start));
    stop = Math.min(Math.max(stop + missing / 2, start + N_LEAST), x.stop);
    if (start <= x.start && stop >= x.stop) ranges.delete(key);
    else ranges.set(key, { start, stop });
    tell(key);
  }

  /** Show whole steps from one to another. */
  const choose = (plot, one, other) => zoom(plot, Math.round(one), Math.round(other));

  function showAll({ range_of: key }) {
    if (ranges.delete(key)) tell(key);
  }

  /** Show a factor more steps, around one that keeps its place. */
  function around(plot, at, factor) {
    const { start, stop } = shownOf(plot);
    zoom(plot, at - (at - start) * factor, at + (stop - at) * factor);
  }

  /** Show as many steps, a share of them further on, as far as there are some. */
  function move(plot, share) {
    const { start, stop } = shownOf(plot);
    const way = clamp(share * (stop - start), plot.x.start - start, plot.x.stop - stop);
    zoom(plot, start + way, stop + way);
  }

  /** A plot with the steps that are shown, its upright axis as high as their values. */
  function shown(plot) {
    const range = rangeOf(plot);
    if (!range) return plot;
    const values = plot.layers.flatMap((line) => valuesIn(line, range));
    return { ...plot, x: { ...plot.x, ...range }, y: { ...plot.y, ...fitted(plot.y, values) } };
  }

  /** The values of a line within a range, and where it crosses the edges. */
  function valuesIn({ xs, ys }, { start, stop }) {
    return ys.flatMap((y, i) => {
      if (!Number.isFinite(y)) return [];
      const here = xs[i] >= start && xs[i] <= stop ? [y] : [];
      if (!Number.isFinite(ys[i - 1])) return here;
      const crossed = [start, stop].filter((edge) => xs[i - 1] < edge && edge < xs[i]);
      const share = (edge) => (edge - xs[i - 1]) / (xs[i] - xs[i - 1]);
      return [...here, ...crossed.map((edge) => ys[i - 1] + share(edge) * (y - ys[i - 1]))];
    });
  }

  function fitted({ start, stop, quantity }, values) {
    if (!values.length) return { start, stop };
    const low = values.reduce((a, b) => Math.min(a, b));
    const high = values.reduce((a, b) => Math.max(a, b));
    const pad = PAD * (high - low || Math.abs(high) || 1);
    const below = low > 0 ? Math.max(low - pad, 0.9 * low) : low - pad;
    return { start: below, stop: quantity === "percent" ? Math.min(high + pad, stop) : high + pad };
  }

  /** The pointer is on its way from one step to another; null: no longer. */
  function drag({ range_of: key }, range) {
    dragged = range && { key, ...range };
    tell(key);
  }

  /** The cursor is at a step; null: nowhere. */
  function point({ range_of: key }, x) {
    pointed = x === null ? null : { key, x };
    tell(key);
  }

  const ofKey = (one, key) => (one && one.key === key ? one : null);

  /** What keys do at a step of a plot. */
  function keys(plot, at) {
    const { start, stop } = shownOf(plot);
    return {
      "+": () => around(plot, at, 1 / ZOOM),
      "=": () => around(plot, at, 1 / ZOOM),
      "-": () => around(plot, at, ZOOM),
      "[": () => choose(plot, at, stop),
      "]": () => choose(plot, start, at),
      ...(rangeOf(plot) && { Escape: () => showAll(plot) }),
    };
  }

  const watch = (watcher) => watchers.add(watcher);
  const draggedOf = ({ range_of: key }) => key && ofKey(dragged, key);
  const pointedOf = ({ range_of: key }) => (key && ofKey(pointed, key)?.x) ?? null;
  Genrescope.steps = { watch, rangeOf, choose, showAll, around, move, shown, drag, draggedOf, point, pointedOf, keys };
})();
