// Past answers in a gr.HTML: a button shows one of them again.
element.addEventListener("click", ({ target }) => {
  const button = target.closest("button.again");
  if (button) trigger("again", { path: button.dataset.path });
});
