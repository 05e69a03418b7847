// A table in a gr.HTML: a click on a head sorts; a button in a row names the row.
const order = { column: -1, sign: 1 };
const sort = () => {
  const heads = [...element.querySelectorAll("thead th")];
  const body = element.querySelector("tbody");
  if (!body || order.column < 0) return;
  heads.forEach((head, i) => {
    const way = order.sign > 0 ? "ascending" : "descending";
    head.setAttribute("aria-sort", i === order.column ? way : "none");
  });
  const key = (row) => row.cells[order.column].dataset.key;
  const compare = (one, other) => one.localeCompare(other, undefined, { numeric: true });
  body.append(...[...body.rows].sort((one, other) => order.sign * compare(key(one), key(other))));
};
element.addEventListener("click", ({ target }) => {
  const head = target.closest("thead button");
  if (head) {
    const column = head.parentElement.cellIndex;
    order.sign = column === order.column ? -order.sign : 1;
    order.column = column;
    return sort();
  }
  const button = target.closest("tbody button");
  if (!button) return;
  const number = Number(button.closest("tr").dataset.number);
  if (button.className === "play") trigger("play", { number });
  else trigger("take", { number });
});
watch("value", () => requestAnimationFrame(sort));
