// Gradio's slider tells that it was let go where a pointer did it, and never of a key. Here
// the keys that move it count as well, once they have rested for a moment: they come many
// in a row, and one that is held repeats.
{
  const REST_MS = 400;
  const MOVES = ["Left", "Right", "Up", "Down"].map((way) => `Arrow${way}`);
  const KEYS = new Set([...MOVES, "Home", "End", "PageUp", "PageDown"]);
  const moved = new WeakMap(); // sliders: the value before, and the timer of the rest

  const isMove = ({ target, key }) => KEYS.has(key) && target.matches?.("input[type=range]");
  const release = (slider) => {
    const { before } = moved.get(slider);
    moved.delete(slider);
    if (slider.value === before) return;
    slider.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
  };

  addEventListener("keydown", (event) => {
    if (!isMove(event)) return;
    const { before = event.target.value, timer } = moved.get(event.target) ?? {};
    clearTimeout(timer);
    moved.set(event.target, { before });
  }, true);
  addEventListener("keyup", (event) => {
    const entry = isMove(event) && moved.get(event.target);
    if (!entry) return;
    clearTimeout(entry.timer);
    entry.timer = setTimeout(release, REST_MS, event.target);
  }, true);
}
