// Mistakes in a gr.HTML: a button names the number of the song to be heard.
element.addEventListener("click", ({ target }) => {
  const button = target.closest("button.play");
  if (button) trigger("play", { number: Number(button.dataset.number) });
});
