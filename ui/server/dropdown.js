// Gradio's list closes where its field loses focus, and its answer to the same key, a
// moment later, opens it again. So it never learns of the key that leaves the field.
addEventListener(
  "keydown",
  (event) => {
    if (event.key === "Tab" && event.target.matches?.("input[role=combobox]"))
      event.stopImmediatePropagation();
  },
  true,
);
