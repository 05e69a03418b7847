// The scores in a gr.HTML: a curve that is drawn, and buttons to hear mistakes.
element.addEventListener("click", ({ target }) => {
  const button = target.closest("button.play");
  if (button) trigger("play", { number: Number(button.dataset.number) });
});

// Gradio writes the HTML anew for each run; the curve's place comes with it, empty.
const draw = () => {
  for (const place of element.querySelectorAll("[data-sheet]:empty"))
    Genrescope.mount(place, { value: place.dataset.sheet }, () => {}, () => {}, [], { formats: [] });
};
new MutationObserver(draw).observe(element, { childList: true, subtree: true });
draw();
