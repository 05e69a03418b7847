// The list of lessons: at the side, on a phone a menu in a slim line; which one is in
// view, and a step to the next one at each one's end. Its entries are the headings.
const { make } = Genrescope.tools;
const { words, presentation } = Genrescope;

const LINE = 0.4; // of the window's height: a lesson that begins above it is in view
const HOLD_MS = 2000; // parts above a place may grow that long
const DRAWN_MS = 20_000; // and, on a busy server, until its own picture is there
const SETTLED_MS = 300; // without scrolling, before the address follows
const TAKES_KEYS = "input, textarea, select, [contenteditable], [role=listbox], dialog";
const NEAR = "150% 0px"; // how far around the screen a lesson is laid out: its height

const tab = () => element.closest(".lessons");
const lessons = () => [...tab().querySelectorAll(".lesson[id^=lesson-]")].filter(heading);
const heading = (lesson) => lesson.querySelector("h2");
const nameOf = (lesson) => lesson.id.replace("lesson-", "");
const named = (name) => document.getElementById(`lesson-${name}`);
const address = (name) => {
  const query = new URLSearchParams(location.search);
  query.set("view", name);
  return `?${query}`;
};

const list = make("ol");
const menu = make("select", { onchange: () => go(menu.value), aria: { label: words.lessons } });
const step = (by, sign, key) =>
  make("button", {
    type: "button", onclick: () => go(neighbour(current, by)), title: words[key],
    className: `step ${key}`, aria: { label: words[key] },
  }, sign);
const [back, next] = [step(-1, "‹", "lesson_back"), step(1, "›", "lesson_next")];
const show = make("button", { type: "button", className: "presents", onclick: () => presentation.toggle() });
element.append(make("nav", { aria: { label: words.lessons } },
  make("p", {}, words.lessons), list, back, menu, next, show));

const dress = () => {
  show.textContent = presentation.isOn ? words.present_end : words.present;
  show.setAttribute("aria-pressed", presentation.isOn);
};
presentation.watch(dress);
dress();

let current = "";
let isMoved = false;
let moves = 0; // of somebody, and of the page
let timer = 0;

function neighbour(name, by) {
  const names = lessons().map(nameOf);
  return names[names.indexOf(name) + by] ?? "";
}

// A lesson far from the screen costs neither styles nor layout, see the style sheet. One
// near it is as any other element: what hides the rest would cut off its open lists.
const far = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting, boundingClientRect } of entries) {
    if (!isIntersecting && !boundingClientRect.height) continue; // in a hidden tab
    target.classList.toggle("far", !isIntersecting);
    if (isIntersecting) Genrescope.shown(target);
  }
}, { rootMargin: NEAR });
const watched = new WeakSet();
function watchFar(lesson) {
  if (watched.has(lesson)) return;
  watched.add(lesson);
  lesson.classList.add("far");
  far.observe(lesson);
}

/** Build the entries anew where other lessons are there than before. */
function build() {
  const all = lessons();
  all.forEach(watchFar);
  const key = all.map((lesson) => heading(lesson).textContent).join("\n");
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...all.map((lesson) =>
    make("li", {}, link(lesson, heading(lesson).textContent))));
  menu.replaceChildren(...all.map((lesson) =>
    make("option", { value: nameOf(lesson) }, heading(lesson).textContent)));
  for (const lesson of all) lesson.querySelector(":scope > .lesson-steps")?.remove();
  all.forEach((lesson, i) => {
    const [before, after] = [all[i - 1], all[i + 1]];
    lesson.append(make("nav", { className: "lesson-steps", aria: { label: words.lesson_steps } },
      before ? link(before, `‹ ${heading(before).textContent}`) : "",
      after ? link(after, `${heading(after).textContent} ›`) : ""));
  });
  current = "";
  look();
}

/** A link to a lesson, which leads there without another load. */
function link(lesson, text) {
  const name = nameOf(lesson);
  const onclick = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(name);
  };
  const entry = make("a", { href: address(name), onclick }, text);
  entry.dataset.name = name;
  return entry;
}

/** Show a lesson, its heading focused, for as long as nobody moves. */
function go(name) {
  const lesson = named(name);
  if (!lesson) return;
  const title = heading(lesson);
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
  hold(() => lesson.scrollIntoView({ behavior: "instant" }), () => lesson.querySelector("canvas[role=img]"));
  mark(name);
  write();
}

/** Stay at a place until what is there is drawn, or somebody moves, or goes elsewhere. */
function hold(stay, isDrawn) {
  const start = performance.now();
  const turn = ++moves;
  let end = start + HOLD_MS;
  for (const event of ["wheel", "touchstart", "pointerdown", "keydown"])
    addEventListener(event, () => { moves++; }, { once: true, passive: true });
  const again = () => {
    const now = performance.now();
    if (turn !== moves || now > end) return;
    if (!isDrawn() && now < start + DRAWN_MS) end = now + HOLD_MS;
    stay();
    setTimeout(again, 100);
  };
  again();
}

// The page's end is below the last lesson, whose pictures have not come yet.
addEventListener("keydown", (event) => {
  const { key, target, defaultPrevented } = event;
  if (key !== "End" || defaultPrevented || !element.offsetParent || target.closest?.(TAKES_KEYS)) return;
  const root = document.documentElement;
  setTimeout(() => hold(() => root.scrollTo({ top: root.scrollHeight, behavior: "instant" }), Genrescope.isDrawn));
});

/** Mark the lesson that is in view. */
function look() {
  const all = lessons().filter((lesson) => lesson.offsetParent); // none before a sound
  if (!element.offsetParent || !all.length) return;
  const line = LINE * innerHeight;
  const begun = all.filter((lesson) => lesson.getBoundingClientRect().top <= line);
  mark(nameOf(begun.at(-1) ?? all[0]));
}

function mark(name) {
  if (name === current) return;
  current = name;
  menu.value = name;
  [back.disabled, next.disabled] = [!neighbour(name, -1), !neighbour(name, 1)];
  for (const entry of list.querySelectorAll("a")) {
    const isHere = entry.dataset.name === name;
    if (isHere) entry.setAttribute("aria-current", "location");
    else entry.removeAttribute("aria-current");
    // One stop of the Tab key; arrows move inside.
    entry.tabIndex = isHere ? 0 : -1;
    if (isHere) list.scrollTop = entry.offsetTop - list.clientHeight / 2;
  }
}

/** The address follows whoever scrolls, so that a reload or a link leads here. */
function write() {
  if (!current || !element.offsetParent) return;
  if (new URLSearchParams(location.search).get("view") !== current)
    history.replaceState(history.state, "", address(current));
}

list.addEventListener("keydown", (event) => {
  const entries = [...list.querySelectorAll("a")];
  const at = entries.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  entries[Math.min(Math.max(to, 0), entries.length - 1)].focus();
});
for (const event of ["wheel", "touchmove", "keydown", "pointerdown"])
  addEventListener(event, () => { isMoved = true; }, { passive: true });
let frame = 0;
addEventListener("scroll", () => {
  if (!frame) frame = requestAnimationFrame(() => {
    frame = 0;
    look();
    clearTimeout(timer);
    if (isMoved) timer = setTimeout(write, SETTLED_MS);
  });
}, { passive: true });

// A link in a lesson's text that says what to try: its sound and knobs, right here.
tab().addEventListener("click", (event) => {
  const tried = event.target.closest?.(".lesson .md a[href^='?']");
  if (!tried || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopPropagation();
  const lesson = tried.closest(".lesson");
  const query = new URLSearchParams(tried.getAttribute("href"));
  const view = query.get("view");
  if (view !== nameOf(lesson) && named(view)) return go(view);
  const sound = query.get("sound");
  Genrescope.setKnobs(nameOf(lesson), query);
  const knobs = [...query].filter(([name]) => name.startsWith(`${nameOf(lesson)}.`));
  Genrescope.kept.write(Object.fromEntries(knobs));
  if (sound) Genrescope.bar.choose(sound, ""); // the picture waits for its knobs
}, { capture: true });

// Gradio adds the parts of a page one by one.
let building = 0;
new MutationObserver(() => {
  if (!building) building = requestAnimationFrame(() => {
    building = 0;
    build();
  });
}).observe(tab(), { childList: true, subtree: true });
new ResizeObserver(look).observe(tab()); // the lessons come, or the first view goes
build();
