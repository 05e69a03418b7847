// Questions beside their pictures. Each dock shows the questions of one lesson, the tab
// Teach all of them; what was tried and answered is kept in this browser alone.
Genrescope.dock = (() => {
  "use strict";

  const KEY = "genrescope.exercises";
  const SIGNS = { right: "\u2713", wrong: "\u2717", told: "\u2192", unread: "?" };
  const { words, questions, sheetStyle } = Genrescope.asked;
  const docks = new Set();
  const waiting = new Map(); // number of a request -> who waits for its answer
  let ask = null;
  let number = 0;

  /** Of each question: "right", or "tried". */
  const state = load();

  /** A browser may forbid its storage: then the page remembers until it is left. */
  function load() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY));
      const pairs = questions.map(({ id }) => [id, found?.[id]]);
      return Object.fromEntries(pairs.filter(([, how]) => ["right", "tried"].includes(how)));
    } catch {
      return {};
    }
  }

  function keep(id, how) {
    if (state[id] === "right" || state[id] === how) return;
    state[id] = how;
    save();
  }

  function save() {
    try {
      localStorage.setItem(KEY, JSON.stringify(state));
    } catch {
      // It may be forbidden.
    }
    renew();
  }

  /** Update every dock that is still on the page. */
  function renew() {
    for (const dock of docks) {
      if (dock.element.isConnected) dock.renew();
      else docks.delete(dock);
    }
  }

  window.addEventListener("storage", (event) => {
    if (event.key !== KEY && event.key !== null) return;
    for (const id of Object.keys(state)) delete state[id];
    Object.assign(state, load());
    renew();
  });

  /** Let a hidden part of the page ask the server. */
  function examine(props, watch, send) {
    ask = send;
    watch("value", () => {
      const found = props.value;
      waiting.get(found?.number)?.(found);
      waiting.delete(found?.number);
    });
  }

  function asked(what) {
    number += 1;
    const mine = number;
    const answer = new Promise((take) => waiting.set(mine, take));
    ask({ number: mine, id: "", typed: "", ...what });
    return answer;
  }

  function make(tag, given = {}, ...inside) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (name in made) made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...inside.filter((each) => each !== null));
    return made;
  }

  /** Count the right ones in words: "4 of 22". */
  function counted(mine) {
    const n = mine.filter(({ id }) => state[id] === "right").length;
    return words.count.replace("{n}", n).replace("{all}", mine.length);
  }

  /** A form for one question at a time; `show` changes which. */
  function form(hasLesson) {
    const title = make("h4");
    const question = make("p", { className: "dock-question" });
    const link = make("a", { className: "dock-open" }, words.open);
    const label = make("label", {}, words.answer);
    const input = make("input", { type: "text", autocomplete: "off", maxLength: 100 });
    const help = make("small", {}, words.answer_info);
    help.id = `dock-help-${Math.random().toString(36).slice(2)}`;
    input.setAttribute("aria-describedby", help.id);
    input.spellcheck = false;
    label.append(input);
    const check = make("button", { type: "submit", className: "dock-check" }, words.check);
    const reveal = make("button", { type: "button" }, words.reveal);
    const said = make("div", { className: "said", role: "status" });
    const element = make(
      "form", {}, title, question, link, label, help,
      make("div", { className: "dock-buttons" }, check, reveal), said);
    let shown = null;

    function say({ kind, first, more }) {
      const sign = make("span", { className: "sign", ariaHidden: "true" }, SIGNS[kind]);
      const text = make("span", {}, make("strong", {}, first), ` ${more}`);
      said.replaceChildren(make("p", { className: kind }, sign, text));
      input.toggleAttribute("aria-invalid", kind === "wrong" || kind === "unread");
    }

    const renew = () => {
      reveal.hidden = !state[shown.id];
    };

    async function answer(what) {
      const about = shown;
      const found = await asked({ id: about.id, ...what });
      if (found.kind === "right") keep(about.id, "right");
      if (found.kind === "wrong") keep(about.id, "tried");
      if (about === shown) say(found);
    }

    element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!input.value.trim()) return input.focus();
      answer({ typed: input.value });
    });
    reveal.addEventListener("click", () => answer({ is_told: true }));

    function show(chosen) {
      shown = chosen;
      title.textContent = chosen.title;
      question.textContent = chosen.question;
      link.textContent = hasLesson
        ? words.open : words.lesson.replace("{lesson}", chosen.lesson);
      link.href = chosen.address;
      input.value = "";
      input.removeAttribute("aria-invalid");
      said.replaceChildren();
      renew();
    }

    return { element, show, renew };
  }

  /** Buttons that choose among questions, each with its tick. */
  function list(mine, choose) {
    const buttons = mine.map((each) => {
      const tick = make("span", { className: "tick", ariaHidden: "true" });
      const done = make("span", { className: "visually-hidden" });
      const button = make("button", { type: "button" }, tick, each.title, done);
      button.addEventListener("click", () => choose(each));
      return { each, tick, done, button };
    });
    const items = buttons.map(({ button }) => make("li", {}, button));
    const element = make("ol", { className: "dock-list" }, ...items);
    return {
      element,
      renew(chosen) {
        for (const { each, tick, done, button } of buttons) {
          const isRight = state[each.id] === "right";
          tick.textContent = isRight ? SIGNS.right : "";
          done.textContent = isRight ? ` (${words.done})` : "";
          if (each === chosen) button.setAttribute("aria-current", "true");
          else button.removeAttribute("aria-current");
        }
      },
    };
  }

  function tools() {
    const print = make("button", { type: "button" }, words.print);
    const withAnswers = make("button", { type: "button" }, words.print_answers);
    const forget = make("button", { type: "button" }, words.forget);
    print.addEventListener("click", () => printed(null));
    withAnswers.addEventListener("click", async () => printed((await asked({})).answers));
    forget.addEventListener("click", () => {
      for (const id of Object.keys(state)) delete state[id];
      save();
    });
    return make("div", { className: "dock-buttons" }, print, withAnswers, forget);
  }

  /** Print the questions with room to write, and on a page of their own the answers. */
  function printed(answers) {
    document.querySelector(".class-sheet")?.remove();
    const line = (word) => make("span", {}, word);
    const items = questions.map(({ title, lesson, question }) =>
      make("li", {}, make("strong", {}, title), make("em", {}, lesson),
        make("p", {}, question), make("div", { className: "sheet-room" })));
    const sheet = make(
      "section", { className: "class-sheet" }, make("style", {}, sheetStyle), make("h1", {}, words.sheet_title),
      make("p", { className: "sheet-head" }, line(words.sheet_name), line(words.sheet_date)),
      make("ol", {}, ...items));
    if (answers) {
      const solved = questions.map(({ id, title }) =>
        make("li", {}, make("strong", {}, title), ` ${answers[id]}`));
      sheet.append(make(
        "div", { className: "sheet-answers" }, make("h1", {}, words.sheet_answers),
        make("ol", {}, ...solved)));
    }
    document.body.append(sheet);
    window.addEventListener("afterprint", () => sheet.remove(), { once: true });
    window.print();
  }

  /** Draw a dock: of a lesson's or a tab's questions, folded, or of all, open. */
  function mount(element, view) {
    const isAll = view === "teach";
    const mine = isAll ? questions : questions.filter((each) => each.view === view);
    const named = new URLSearchParams(location.search).get("question");
    const linked = mine.find(({ id }) => id === named);
    let chosen = linked ?? mine.find(({ id }) => state[id] !== "right") ?? mine[0];
    const count = make("span", { className: "dock-count" });
    const ask = form(!isAll);
    const choose = (each) => {
      chosen = each;
      ask.show(each);
      renewMine();
    };
    const turn = (each) => {
      choose(each);
      ask.element.scrollIntoView({ block: "nearest" }); // of a phone it is far below
    };
    const titles = mine.length > 1 ? list(mine, turn) : null;
    function renewMine() {
      count.textContent = counted(mine);
      titles?.renew(chosen);
      ask.renew();
    }
    const inside = make(
      "div", { className: "dock-inside" }, titles?.element ?? null, ask.element);
    if (isAll) {
      const head = make("div", { className: "dock-head" }, count, tools());
      element.append(make("section", { className: "dock all" }, head, inside));
    } else {
      const word = mine.length > 1 ? words.exercises_many : words.exercises_one;
      const head = make("summary", {}, make("span", {}, word), count);
      element.append(make("details", { className: "dock", open: Boolean(linked) }, head, inside));
    }
    choose(chosen);
    docks.add({ element, renew: renewMine });
  }

  return { mount, examine };
})();
