// A table in a gr.HTML: a click on a head sorts; a song opens below its row, and plays there.
const order = { column: -1, sign: 1 };
const opened = { number: 0, isToPlay: false, row: null, url: "" };
const body = () => element.querySelector("tbody");
const rowOf = (number) => element.querySelector(`tbody tr[data-number="${number}"]`);

const sort = () => {
  const heads = [...element.querySelectorAll("thead th")];
  if (!body()) return;
  if (order.column >= 0) {
    heads.forEach((head, i) => {
      const way = order.sign > 0 ? "ascending" : "descending";
      head.setAttribute("aria-sort", i === order.column ? way : "none");
    });
    const key = (row) => row.cells[order.column].dataset.key;
    const compare = (one, other) => one.localeCompare(other, undefined, { numeric: true });
    const rows = [...body().rows].filter((row) => row !== opened.row);
    body().append(...rows.sort((one, other) => order.sign * compare(key(one), key(other))));
  }
  place();
};

/** Put what is open below its song, whose row a new value or another order has moved. */
const place = () => {
  const row = rowOf(opened.number);
  if (!opened.row || !row) return;
  const audio = opened.row.querySelector("audio");
  const isPlaying = audio?.dataset.plays === "yes";
  if (row.nextSibling !== opened.row) row.after(opened.row);
  if (isPlaying) audio.play().catch(() => {});
  row.querySelector(".open").setAttribute("aria-expanded", "true");
};

const close = () => {
  opened.row?.querySelector("audio")?.pause();
  opened.row?.remove();
  rowOf(opened.number)?.querySelector(".open")?.setAttribute("aria-expanded", "false");
  Object.assign(opened, { number: 0, row: null });
};

const open = (number, isToPlay) => {
  close();
  Object.assign(opened, { number, isToPlay });
  trigger("open", { number });
};

/** Show what the server has of the song that was asked for last. */
const show = ({ detail: { url, html } }) => {
  const cell = document.createElement("td");
  cell.innerHTML = html;
  const song = cell.firstElementChild;
  const row = rowOf(opened.number);
  if (!song || !row || Number(song.dataset.number) !== opened.number || opened.row) return;
  cell.colSpan = row.cells.length;
  opened.row = document.createElement("tr");
  opened.row.className = "opened";
  opened.row.append(cell);
  place();
  const audio = song.querySelector("audio");
  if (!audio) return;
  audio.src = url;
  play(audio, song);
  if (opened.isToPlay) audio.play().catch(() => {});
};

/** Let a song's player and its map follow each other; what else plays, stops. */
const play = (audio, song) => {
  const { sound } = Genrescope;
  const length = () => Number(song.dataset.duration) || audio.duration || 1;
  const heads = song.querySelectorAll(".strip b");
  const follow = () => {
    for (const head of heads) head.style.left = `${Math.min((100 * audio.currentTime) / length(), 100)}%`;
    if (!audio.paused) requestAnimationFrame(follow);
  };
  audio.addEventListener("play", () => {
    audio.dataset.plays = "yes";
    if (sound.state.isPlaying) sound.toggle();
    follow();
  });
  // A row that moves stops its player; that is no wish of anybody's.
  audio.addEventListener("pause", () => { if (audio.isConnected) audio.dataset.plays = "no"; });
  audio.addEventListener("seeked", follow);
  sound.watch(() => { if (sound.state.isPlaying && !audio.paused) audio.pause(); });
  for (const strip of song.querySelectorAll(".strip"))
    strip.addEventListener("click", ({ clientX }) => {
      const { left, width } = strip.getBoundingClientRect();
      audio.currentTime = ((clientX - left) / width) * length();
      audio.play().catch(() => {});
    });
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
  if (button.className === "take") return trigger("take", { number: opened.number });
  const number = Number(button.closest("tr").dataset.number);
  const audio = opened.number === number && opened.row?.querySelector("audio");
  if (button.className === "open") {
    if (number === opened.number) close();
    else open(number, false);
  } else if (audio) {
    if (audio.paused) audio.play().catch(() => {});
    else audio.pause();
  } else open(number, true);
});
document.addEventListener("genrescope-song", show);
watch("value", () => requestAnimationFrame(sort));
