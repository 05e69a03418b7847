// The line of the chosen sound: play, time, what folds out below it; and what becomes of
// an answer to the sound before.
const { words, word, sound, tools: { make } } = Genrescope;
const bar = element.closest(".clip-bar");
const root = document.documentElement;
const find = (selector) => bar.querySelector(selector);
const sounds = find(".bar-sounds");
const record = find(".bar-record");
sounds.textContent = words.bar_sounds;
record.textContent = words.bar_record;
const FIRST_TAB = "see";
const RECORDER_MS = 5000; // until Gradio has laid it out
let coming = null; // a file that is uploaded or read

const write = (node, name, value) => {
  if (node && node[name] !== value) node[name] = value; // sixty times a second
};
const clock = (time_s) => {
  const whole_s = Math.floor(time_s || 0);
  return `${Math.floor(whole_s / 60)}:${String(whole_s % 60).padStart(2, "0")}`;
};
const duration_s = () => find(".clip-facts [data-duration-s]")?.dataset.durationS;

const show = () => {
  const whole_s = duration_s();
  const play = find(".bar-play");
  const { at_s, isPlaying } = sound.state;
  const time = whole_s ? `${clock(Math.min(at_s ?? 0, whole_s))} / ${clock(whole_s)}` : "";
  write(find(".bar-time"), "textContent", time);
  write(play, "disabled", !whole_s || (Boolean(coming) && !isPlaying));
  write(play, "ariaLabel", isPlaying ? words.bar_pause : words.bar_play);
  play?.classList.toggle("is-playing", isPlaying);
};
sound.watch(show);

// What folds out.
const isOpen = () => bar.classList.contains("is-open");
const isRecording = () => Boolean(find(".stop-button"));
const open = () => {
  bar.classList.add("is-open");
  sounds.ariaExpanded = "true";
};
const fold = () => {
  bar.classList.remove("is-open");
  sounds.ariaExpanded = "false";
};
const close = () => {
  if (!isOpen()) return;
  fold();
  // Nothing was recorded: the player has its sound again.
  if (find(".record-button, .stop-button") && duration_s()) trigger("back");
};
const recordNow = () => {
  open();
  if (!navigator.mediaDevices) return;
  if (duration_s()) trigger("start"); // makes room for the recorder
  const end = performance.now() + RECORDER_MS;
  const look = () => {
    const button = find(".record-button");
    if (button) button.click();
    else if (performance.now() < end) setTimeout(look, 50);
  };
  look();
};

bar.addEventListener("click", ({ target }) => {
  if (target.closest(".bar-play")) sound.toggle();
  else if (target.closest(".bar-sounds")) isOpen() ? close() : open();
  else if (target.closest(".bar-record")) recordNow();
});
bar.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !isOpen()) return;
  close();
  sounds.focus();
});
document.addEventListener("pointerdown", ({ target }) => {
  if (!bar.contains(target) && !isRecording()) close();
});
bar.addEventListener("focusout", ({ relatedTarget }) => {
  if (relatedTarget && !bar.contains(relatedTarget) && !isRecording()) close();
});

// A new sound folds everything away, and is what plays and is named from now on.
let facts = "";
new MutationObserver(() => {
  // Of the sound alone: Gradio shows there how long an answer takes, too.
  const line = find(".clip-facts [data-duration-s]");
  const now = line ? `${line.dataset.durationS} ${line.textContent}` : "";
  if (now === facts) return;
  facts = now;
  // For the style sheets: asked by `:has`, it would cost styles of the whole page.
  for (const each of [root, bar]) each.classList.toggle("has-sound", Boolean(line));
  if (coming?.file) leave(); // else it is of one before, and the next is on its way
  fold();
  show();
  Genrescope.front.fold();
}).observe(bar, { childList: true, subtree: true, attributeFilter: ["data-duration-s"] });

// Which tab is open, besides the first one, for the style sheets. Asked by `:has` of the
// page, each change of it would cost styles of all that is shown.
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const { tabId } = target.dataset;
    if (!tabId || target.ariaSelected !== "true") continue;
    if (tabId === FIRST_TAB) delete root.dataset.tab;
    else root.dataset.tab = tabId;
  }
}).observe(document.body, { subtree: true, attributeFilter: ["aria-selected"] });

// A file: chosen, or dropped anywhere on the page. It has its name at once, in place of
// that of the sound, until it has been read; what fails leaves the sound, and a sentence.
// Gradio's own button would send it later, and its player draw it before anybody reads it.
const GIVE_UP_MS = 90_000; // without a byte on its way
const line = make("div", { className: "bar-coming", role: "status" });
find(".clip-facts").before(line);
const tell = (name, told) =>
  line.replaceChildren(make("strong", {}, name), make("span", {}, told));
const come = (file) => {
  leave();
  const request = new XMLHttpRequest();
  coming = { request, name: file.name };
  request.open("POST", `${window.gradio_config.root}/gradio_api/upload`);
  request.upload.onprogress = ({ loaded, total }) => {
    if (coming?.request !== request) return;
    const percent = Math.floor(100 * loaded / total);
    tell(file.name, word(loaded < total ? "bar_uploading" : "bar_reading", { percent }));
    wait(request);
  };
  request.onloadend = () => {
    if (coming?.request === request) arrived(request, file.name);
  };
  const most = window.gradio_config.max_file_size ?? Infinity;
  const form = new FormData();
  form.append("files", file);
  if (file.size <= most) request.send(form);
  wait(request);
  tell(file.name, word("bar_uploading", { percent: 0 }));
  root.classList.add("sound-uploads");
  empty();
  show();
  const max_mb = Math.round(most / 1e6);
  if (file.size > most) fail(word("bar_too_large", { name: file.name, max_mb }));
};
const wait = (request) => {
  clearTimeout(coming.end);
  coming.end = setTimeout(() => request.abort(), GIVE_UP_MS);
};
// The server has it, or has refused it.
const arrived = (request, name) => {
  clearTimeout(coming.end);
  try {
    const [path] = JSON.parse(request.status === 200 ? request.responseText : "[]");
    if (!path) throw new Error("no file");
    coming.file = { path, orig_name: name, meta: { _type: "gradio.FileData" } };
    coming.isSame = path === chosen.path;
    trigger("bring", { seen: seen(), turn: ++turn });
  } catch {
    const isSentence = request.getResponseHeader("content-type")?.startsWith("text/plain");
    const said = isSentence && request.status !== 500 ? request.responseText : "";
    fail(said || word("bar_upload_broken", { name }));
  }
};
const fail = (sentence) => {
  leave();
  root.classList.remove("sound-arrives");
  trigger("error", make("p", {}, sentence).innerHTML);
};
// The sound's own name is shown again, be it the new one.
const leave = () => {
  const before = coming;
  coming = null;
  clearTimeout(before?.end);
  if (before && !before.file) before.request.abort();
  line.replaceChildren();
  root.classList.remove("sound-uploads");
  show();
};

const input = () => find("input[type=file]");
document.addEventListener("change", (event) => {
  const { target } = event;
  if (target !== input() || !target.files.length) return;
  event.stopImmediatePropagation();
  come(target.files[0]);
  target.value = "";
}, { capture: true });
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
const isElsewhere = ({ target }) => target.closest?.("[data-testid=file-upload], .upload-container");
for (const kind of ["dragover", "drop"])
  document.addEventListener(kind, (event) => {
    if (!hasFiles(event) || event.defaultPrevented || isElsewhere(event)) return;
    event.preventDefault();
    if (kind === "drop") come(event.dataTransfer.files[0]);
  });

// A built-in sound, wherever the page offers it.
document.addEventListener("click", ({ target }) => {
  const id = target.closest?.("button[id^=sound-]")?.id;
  if (id) Genrescope.bar.choose(id.replace("sound-", ""));
});

// Between the moment when the player has another sound and the one when its name is
// shown, no answer to the one before is seen. One that cannot be read changes nothing.
// A sound that arrives on the tab Classify is classified at once, by a press of its
// button: so two questions are never asked at the same time.
const ASK_MS = 100;
const PHONE_PX = 700;
const PATIENCE_MS = 5000; // for a tab that is being laid out
let isDue = false, isListed = false;
const isSeen = (id) => document.getElementById(id)?.checkVisibility() ?? false;
const ask = (id, end = performance.now() + PATIENCE_MS) => {
  if (!isDue) return;
  if (isListed && isSeen(id)) document.getElementById(id).click();
  // What is being cancelled may not have ended: then the press did not count.
  if (performance.now() < end) setTimeout(ask, ASK_MS, id, end);
};

// The page has been emptied, and is drawn so with the next frame.
const reveal = () =>
  requestAnimationFrame(() => requestAnimationFrame(() => root.classList.remove("sound-arrives")));

// A press between two sounds asks what is about to be asked anyway. One that comes before
// the models are listed counts once they are: nobody knows which one was chosen before.
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#ask")) return;
  const isBetween = event.isTrusted && root.classList.contains("sound-arrives");
  if (isListed && !isBetween) return;
  event.stopImmediatePropagation();
  if (!isListed) isDue = true;
}, { capture: true });

// Requests may overtake each other on their way: the last one counts, by its number.
let turn = 0;
const held = (kept) => (kept ? JSON.parse(kept) : {});
let chosen = {}; // the sound that the page shows, as the server writes it for `kept`
// The lessons in view: a picture of theirs is to come with the sound. Where a link set its
// knobs, they may be on their way still.
const seen = () => (duration_s() ? Genrescope.inView() : Genrescope.front.leads());
const empty = () => {
  root.classList.add("sound-arrives");
  fold();
};

Genrescope.bar = {
  // The player has a file: one that has not been read yet is.
  arrive(file, kept) {
    const { path, copy } = held(kept);
    const isNew = file && file.path !== path && file.path !== copy;
    if (!isNew) return;
    leave(); // a recording, or a part: of what is here
    empty();
    trigger("read", { seen: seen(), turn: ++turn });
  },
  // Choose a built-in sound, by its id.
  choose(id, lessons = seen()) {
    leave();
    if (chosen.sound !== id) empty();
    else {
      fold();
      root.classList.remove("sound-arrives"); // for one that this came after
    }
    trigger("choose", { sound: id, seen: lessons, turn: ++turn });
  },
  // There is another sound: what is kept of it, the names of lessons and their pictures.
  take(text) {
    if (!text) return;
    const [kept, ...pictures] = text.split("\n");
    chosen = held(kept);
    Genrescope.renewed(...pictures).finally(() => Genrescope.kept.sound(kept));
  },
  refuse() {
    const isOlder = coming && !coming.file; // another one is on its way
    if (isOlder) return [];
    leave();
    root.classList.remove("sound-arrives");
    trigger("back");
    return [];
  },
  // What the event of an uploaded file sends in place of what the player has.
  file: (_, ...rest) => [coming?.file ?? null, ...rest],
  // It has been read. The one that was there before changes nothing else on the page.
  brought() {
    if (coming?.isSame) root.classList.remove("sound-arrives");
    if (coming?.file) leave();
  },
  settle(id, kept) {
    reveal();
    Genrescope.choice?.forget();
    isDue = isSeen(id) || Genrescope.kept.asked("view") === "classify" || Genrescope.kept.isAnswered(kept);
    ask(id);
  },
  listed(id) {
    isListed = true;
    ask(id);
  },
  taken() {
    isDue = false;
    // On a phone the answer is below the question.
    const answer = document.querySelector(".block.answer");
    const isBelow = answer?.getBoundingClientRect().top > innerHeight * 0.6;
    if (innerWidth <= PHONE_PX && isBelow) answer.scrollIntoView({ block: "start" });
  },
  again(id) {
    reveal();
    isDue = true;
    ask(id);
  },
  answered: () => Genrescope.kept.answer(),
};
show();
