// A card of an answer: one picture to save or to share, drawn in the visitor's own fonts.
const drawCard = (() => {
  const [WIDTH, HEIGHT, EDGE] = [1200, 630, 60];
  const INK = "#ffffff";
  const FAINT = "#a9c3d8";
  const AMBER = "#f7b267";
  const [WAVE_TOP, WAVE_HIGH, MAP_TOP, MAP_HIGH] = [396, 76, 482, 84];
  const NAMES = 120; // px, beside the map
  const ROW = 26; // px, at most

  function fitted(pen, text, room) {
    if (pen.measureText(text).width <= room) return text;
    const letters = [...text];
    while (letters.length > 1 && pen.measureText(`${letters.join("")}…`).width > room) letters.pop();
    return `${letters.join("")}…`;
  }

  function write(pen, text, x, y, room, font, colour = INK, align = "left") {
    Object.assign(pen, { font, fillStyle: colour, textAlign: align, textBaseline: "alphabetic" });
    pen.fillText(fitted(pen, text, room), x, y);
  }

  /** The largest font, down from one size, in which a text has room. */
  function sized(pen, text, room, size, least, family) {
    for (let px = size; px > least; px -= 2) {
      pen.font = `700 ${px}px ${family}`;
      if (pen.measureText(text).width <= room) return pen.font;
    }
    return `700 ${least}px ${family}`;
  }

  function round(pen, x, y, width, height, colour, alpha = 1) {
    Object.assign(pen, { fillStyle: colour, globalAlpha: alpha });
    pen.beginPath();
    pen.roundRect(x, y, Math.max(width, 2), height, Math.min(height / 2, 6));
    pen.fill();
    pen.globalAlpha = 1;
  }

  function ground(pen) {
    const shade = pen.createLinearGradient(0, 0, WIDTH, HEIGHT);
    shade.addColorStop(0, "#0c2436");
    shade.addColorStop(1, "#1a4a72");
    pen.fillStyle = shade;
    pen.fillRect(0, 0, WIDTH, HEIGHT);
  }

  /** The ranked genres with their bars, `n` of them. */
  function ranking(pen, entries, n, x, y, width, family) {
    entries.slice(0, n).forEach(([name, share, colour], i) => {
      const line = y + 46 * i;
      write(pen, name, x, line, width - 90, `500 22px ${family}`);
      write(pen, `${Math.round(100 * share)}%`, x + width, line, 80, `600 22px ${family}`, INK, "right");
      round(pen, x, line + 9, width, 10, INK, 0.16);
      round(pen, x, line + 9, width * share, 10, colour);
    });
  }

  /** The waveform, each column in the colour of its likeliest genre. */
  function wave(pen, card, { starts_s, stops_s, rows }, left, width) {
    const column = width / card.wave.length;
    card.wave.forEach((level, i) => {
      const at_s = ((i + 0.5) / card.wave.length) * card.duration_s;
      const k = starts_s.findIndex((start_s, place) => at_s >= start_s && at_s <= stops_s[place]);
      const best = k < 0 ? null : rows.reduce((one, other) => (other.shares[k] > one.shares[k] ? other : one));
      const high = Math.max(2, level * WAVE_HIGH);
      round(pen, left + i * column, WAVE_TOP + (WAVE_HIGH - high) / 2, column - 1, high, best?.colour ?? FAINT);
    });
  }

  /** Genre along the song: a row a genre. */
  function map(pen, card, { starts_s, stops_s, rows }, left, width, top, high, family) {
    const row = Math.min(high / rows.length, ROW);
    rows.forEach(({ name, colour, shares }, i) => {
      const y = top + i * row;
      write(pen, name, left - 12, y + row / 2 + 5, NAMES - 16, `400 15px ${family}`, FAINT, "right");
      shares.forEach((share, k) => {
        const from = left + (starts_s[k] / card.duration_s) * width;
        const to = left + (stops_s[k] / card.duration_s) * width;
        Object.assign(pen, { fillStyle: INK, globalAlpha: 0.1 });
        pen.fillRect(from, y, to - from + 0.5, row - 2);
        Object.assign(pen, { fillStyle: colour, globalAlpha: share });
        pen.fillRect(from, y, to - from + 0.5, row - 2);
      });
      pen.globalAlpha = 1;
    });
  }

  function verdicts(pen, card, family) {
    const [first, second] = card.models;
    const room = (WIDTH - 2 * EDGE - 60) / 2;
    if (!second) {
      const font = sized(pen, first.head, room, 68, 34, family);
      write(pen, first.head, EDGE, 236, room, font);
      write(pen, first.caveat, EDGE, 280, room, `500 26px ${family}`, AMBER);
      write(pen, first.model, EDGE, first.caveat ? 326 : 282, room, `400 20px ${family}`, FAINT);
      return ranking(pen, first.ranking, 4, EDGE + room + 60, 192, room, family);
    }
    card.models.forEach((each, i) => {
      const x = EDGE + i * (room + 60);
      write(pen, each.model, x, 178, room, `400 19px ${family}`, FAINT);
      write(pen, each.head, x, 226, room, sized(pen, each.head, room, 44, 28, family));
      write(pen, each.caveat, x, 258, room, `500 20px ${family}`, AMBER);
      ranking(pen, each.ranking, 2, x, 302, room, family);
    });
  }

  return (card) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
    const pen = canvas.getContext("2d");
    const family = getComputedStyle(document.body).fontFamily;
    ground(pen);
    write(pen, "Genrescope", EDGE, 72, 300, `700 24px ${family}`);
    write(pen, card.duration, WIDTH - EDGE, 72, 200, `400 20px ${family}`, FAINT, "right");
    write(pen, card.song, EDGE, 130, WIDTH - 2 * EDGE, `600 36px ${family}`);
    verdicts(pen, card, family);
    const [left, width] = [EDGE + NAMES, WIDTH - 2 * EDGE - NAMES];
    wave(pen, card, card.models[0], left, width);
    const high = MAP_HIGH / card.models.length - 4;
    card.models.forEach((each, i) => {
      const rows = card.models.length > 1 ? each.rows.slice(0, 2) : each.rows;
      map(pen, card, { ...each, rows }, left, width, MAP_TOP + i * (high + 8), high, family);
    });
    write(pen, card.by, EDGE, 602, WIDTH - 2 * EDGE, `400 18px ${family}`, FAINT);
    return canvas;
  };
})();

/** Save the picture; where fingers are, offer to share it. */
const saveCard = (card) => drawCard(card).toBlob(async (blob) => {
  const name = `${card.song.replace(/\.\w+$/, "").replace(/[^\p{L}\p{N}.-]+/gu, "-")}-genre.png`;
  const file = new File([blob], name, { type: "image/png" });
  if (matchMedia("(pointer: coarse)").matches && navigator.canShare?.({ files: [file] }))
    try {
      return await navigator.share({ files: [file] });
    } catch (error) {
      if (error.name === "AbortError") return; // nobody to share it with, after all
    }
  const url = URL.createObjectURL(file);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}, "image/png");

document.addEventListener("genrescope-card", ({ detail }) => saveCard(detail));
element.addEventListener("click", ({ target }) => {
  if (target.closest("button.card")) trigger("card", {});
});
