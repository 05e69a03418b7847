// Pointer and keys on a plot: cursor, selection, position, zoom.
(() => {
  "use strict";
  const { sound, steps, tools } = Genrescope;

  const DRAG_PX = 5; // less is a click
  const SHORTEST_S = 0.0005; // a range to zoom into
  const WHEEL_MS = 250; // after the last turn the server is asked
  const STEPS = [100, 10]; // arrow keys to cross a plot, without and with shift
  const ZOOM = 2;

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /** Make a view's canvas answer. */
  function attach(picture, view) {
    const { canvas } = view;
    pointer(picture, view, canvas);
    canvas.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || !view.box) return;
      if (key(picture, view, event)) event.preventDefault();
    });
    canvas.addEventListener("blur", () => picture.point(view, null));
    canvas.addEventListener("dblclick", (event) => {
      if (view.plot.is_sound) picture.zoom(around(picture, view, valuesAt(view, event).x, 1 / (2 * ZOOM)));
      else if (view.plot.range_of) steps.showAll(view.plot);
    });
    canvas.addEventListener("wheel", wheel(picture, view), { passive: false });
  }

  /** The axes' values under an event, inside the axes. */
  function valuesAt({ box: { area, x, y } }, { offsetX, offsetY }) {
    return {
      x: x.value(clamp(offsetX, area.left, area.right)),
      y: y.value(clamp(offsetY, area.top, area.bottom)),
    };
  }

  function pointer(picture, view, canvas) {
    let down = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button || !view.box) return;
      down = { px: event.offsetX, value: valuesAt(view, event).x, isDrag: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!view.box) return;
      const here = valuesAt(view, event);
      picture.point(view, here);
      const { plot } = view;
      if (!down || !(plot.is_sound || plot.range_of)) return;
      down.isDrag ||= Math.abs(event.offsetX - down.px) >= DRAG_PX;
      if (!down.isDrag) return;
      if (plot.is_sound) return select(picture, down.value, here.x);
      const [start, stop] = [down.value, here.x].sort((a, b) => a - b);
      steps.drag(plot, { start, stop });
    });
    canvas.addEventListener("pointerup", (event) => {
      const isClick = down && !down.isDrag;
      if (down?.isDrag && view.plot.is_sound) dragged(picture);
      else if (down?.isDrag) zoomed(view, down.value, valuesAt(view, event).x);
      down = null;
      if (!isClick) return;
      picture.point(view, valuesAt(view, event));
      if (view.plot.is_sound) picture.goTo(view.cursor.x);
    });
    canvas.addEventListener("pointercancel", () => {
      down = null;
      steps.drag(view.plot ?? {}, null);
    });
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && !down) picture.point(view, null);
    });
  }

  /** A selection stands: a loop goes on with it. */
  function dragged(picture) {
    tools.know();
    const { selection } = sound.state;
    if (selection && sound.isLoopHeard()) picture.ask("hear", selection);
  }

  function zoomed({ plot }, one, other) {
    steps.drag(plot, null);
    steps.choose(plot, one, other);
  }

  /** Choose from one time to another, whichever comes first. */
  function select(picture, one_s, other_s) {
    const [start_s, stop_s] = [one_s, other_s]
      .map((time_s) => clamp(time_s, 0, picture.duration_s))
      .sort((a, b) => a - b);
    sound.change({ selection: stop_s > start_s ? { start_s, stop_s } : null });
  }

  /** What is shown, made longer by a factor around a time; null for the whole sound. */
  function around(picture, { box: { x } }, time_s, factor) {
    const span_s = Math.max((x.stop - x.start) * factor, SHORTEST_S);
    if (span_s >= picture.duration_s) return null;
    const share = (time_s - x.start) / (x.stop - x.start);
    const start_s = clamp(time_s - share * span_s, 0, picture.duration_s - span_s);
    return { start_s, stop_s: start_s + span_s };
  }

  function wheel(picture, view) {
    let timer = 0;
    return (event) => {
      const { plot, box } = view;
      if (!(event.ctrlKey || event.metaKey) || !box || !(plot.is_sound || plot.range_of)) return;
      event.preventDefault();
      const factor = Math.exp(clamp(event.deltaY, -100, 100) / 250);
      if (!plot.is_sound) return steps.around(plot, valuesAt(view, event).x, factor);
      const range = around(picture, view, valuesAt(view, event).x, factor);
      picture.preview(range);
      clearTimeout(timer);
      timer = setTimeout(() => picture.ask("zoom", range), WHEEL_MS);
    };
  }

  /** Do what a key means; false if it means nothing. */
  function key(picture, view, event) {
    const { box: { x, y, area }, plot } = view;
    const at = view.cursor ?? {
      x: plot.is_sound ? clamp(sound.state.at_s ?? x.start, x.start, x.stop) : x.start,
      y: y.value((area.top + area.bottom) / 2),
    };
    const move = (across, upwards) => {
      const n_steps = STEPS[Number(event.shiftKey)];
      // At the edge of a part of a run, the part moves on.
      const isAtEdge = at.x === (across > 0 ? x.stop : x.start);
      if (across && isAtEdge && steps.rangeOf(plot)) steps.move(plot, across / STEPS[1]);
      const next = (ruler, value, n) =>
        ruler.value(ruler.place(value) + (n * (ruler.last - ruler.first)) / n_steps);
      picture.point(view, {
        x: clamp(next(x, at.x, across), x.start, x.stop),
        y: clamp(next(y, at.y, upwards), y.start, y.stop),
      }, true);
    };
    const actions = {
      ArrowLeft: () => move(-1, 0),
      ArrowRight: () => move(1, 0),
      ArrowUp: () => move(0, 1),
      ArrowDown: () => move(0, -1),
      Home: () => picture.point(view, { ...at, x: x.start }, true),
      End: () => picture.point(view, { ...at, x: x.stop }, true),
      ...(plot.is_sound && soundKeys(picture, view, at)),
      ...(plot.range_of && steps.keys(plot, at.x)),
    };
    actions[event.key]?.();
    return event.key in actions;
  }

  function soundKeys(picture, view, at) {
    const { selection } = sound.state;
    const zoom = (factor) => picture.zoom(around(picture, view, at.x, factor));
    const edge = (other) => select(picture, at.x, other);
    const keys = {
      "+": () => zoom(1 / ZOOM),
      "=": () => zoom(1 / ZOOM),
      "-": () => picture.isZoomed && zoom(ZOOM),
      "[": () => edge(selection?.stop_s ?? view.box.x.stop),
      "]": () => edge(selection?.start_s ?? view.box.x.start),
      " ": () => sound.toggle(),
      Enter: () => sound.toggle(at.x),
    };
    const loop = () => {
      const isLooping = !sound.state.isLooping;
      sound.loop(isLooping);
      if (isLooping && !sound.isLoopHeard()) picture.ask("hear", selection);
    };
    if (selection) Object.assign(keys, { l: loop, L: loop });
    if (selection) keys.Escape = () => sound.change({ selection: null });
    else if (picture.isZoomed) keys.Escape = () => picture.zoom(null);
    return keys;
  }

  Genrescope.hands = { attach };
})();
