// An answer in a gr.HTML: a button plays a part of the song, and shows where it lies.
element.addEventListener("click", ({ target }) => {
  const button = target.closest("button.genre-part");
  if (!button) return;
  const { number, start, stop } = button.dataset;
  Genrescope.sound.change({ selection: { start_s: Number(start), stop_s: Number(stop) } });
  trigger("part", { number: Number(number) });
});
