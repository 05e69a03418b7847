// An answer in a gr.HTML: a button plays a part of the song, and shows where it lies.
element.addEventListener("click", ({ target }) => {
  const button = target.closest("button.genre-part");
  if (!button) return;
  const { number, start, stop } = button.dataset;
  Genrescope.sound.change({ selection: { start_s: Number(start), stop_s: Number(stop) } });
  trigger("part", { number: Number(number) });
});

// Another model or effort than was asked for: the answer goes at once, and is asked for anew.
let asked = null;
const choice = (values) => JSON.stringify([values[0] ?? "auto", ...values.slice(1)]);
Genrescope.choice = {
  take(...values) { asked = choice(values); },
  change(...values) {
    if (!asked || asked === choice(values)) return;
    document.documentElement.classList.add("sound-arrives"); // nothing old is seen
    trigger("renew");
  },
  forget() { asked = null; },
};
