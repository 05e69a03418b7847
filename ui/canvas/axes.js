// Scales of axes, their ticks, and how times, frequencies and levels are written.
(() => {
  "use strict";

  // Slaney's mel scale, as audio/transforms/mel_scale.py has it: linear up to 1 kHz, then 27 steps for
  // each factor of 6.4.
  const MEL_HZ = 200 / 3;
  const MEL_STEP = Math.log(6.4) / 27;
  const melOf = (hz) => (hz < 1000 ? hz / MEL_HZ : 15 + Math.log(hz / 1000) / MEL_STEP);
  const hzOf = (mel) => (mel < 15 ? mel * MEL_HZ : 1000 * Math.exp((mel - 15) * MEL_STEP));
  const LOG = [(value) => Math.log2(Math.max(value, 1e-9)), (place) => 2 ** place];
  const WARPS = {
    linear: [(value) => value, (place) => place],
    log: LOG,
    note: LOG,
    mel: [melOf, hzOf],
  };
  const HEARD_HZ = 20;
  const LOWEST_LOG_HZ = 32; // where a logarithmic axis begins that would begin unheard

  const A4_HZ = 440;
  const A4_KEY = 69;
  const NOTES = "C C♯/D♭ D D♯/E♭ E F F♯/G♭ G G♯/A♭ A A♯/B♭ B".split(" ");

  const SECONDS = [10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
  const SPREAD = [[1], [2, 5], [3], [4, 6, 8]]; // times a power of ten, the best first

  const POWERS = Array.from({ length: 15 }, (_, i) => Number(`1e${i - 9}`));
  const N_DECADES = 4; // of a logarithmic axis of plain numbers, which has no lowest one

  /** An axis on the page: between a value and its place in pixels. */
  function ruler(axis, scale, first, last) {
    const [warp, unwarp] = WARPS[scale] ?? WARPS.linear;
    const stop = axis.stop > axis.start ? axis.stop : axis.start + 1;
    const isLog = WARPS[scale] === LOG;
    const isUnheard = isLog && axis.start < HEARD_HZ;
    const lowest = axis.quantity === "number" ? stop / 10 ** N_DECADES : Math.min(LOWEST_LOG_HZ, stop / 10);
    const start = isUnheard ? Math.max(axis.start, lowest) : axis.start;
    const low = warp(start);
    const share = (warp(stop) - low) / (last - first);
    return {
      quantity: axis.quantity, names: axis.names, scale, start, stop, first, last,
      place: (value) => first + (warp(value) - low) / share,
      value: (place) => unwarp(low + (place - first) * share),
    };
  }

  /** Where to write what along a ruler: [{value, label, isMarked}], `room` pixels each. */
  function ticks(ruler, room) {
    if (ruler.quantity === "row") return ruler.names.map((label, i) => ({ value: i + 0.5, label }));
    if (ruler.scale === "note") return noteTicks(ruler, room);
    if (ruler.scale !== "linear") {
      const values = spreadValues(ruler, room);
      if (values.length > 2) return values.map((value) => ({ value, label: hertz(value) }));
    }
    return evenTicks(ruler, room);
  }

  function evenTicks(ruler, room) {
    const length = Math.abs(ruler.last - ruler.first);
    const span = ruler.stop - ruler.start;
    const step = niceStep((span * room) / Math.max(length, room), ruler.quantity);
    const found = [];
    for (let i = Math.ceil(ruler.start / step - 1e-6); i * step <= ruler.stop + step * 1e-6; i++)
      found.push({ value: i * step, label: tickLabel(ruler, i * step, step) });
    return found;
  }

  function niceStep(least, quantity) {
    if (quantity === "count") least = Math.max(least, 1);
    if (quantity === "time" && least > 5)
      return SECONDS.find((step) => step >= least) ?? SECONDS.at(-1);
    const power = 10 ** Math.floor(Math.log10(least) + 1e-9);
    return [1, 2, 5, 10].find((step) => step * power >= least * (1 - 1e-9)) * power;
  }

  function tickLabel(ruler, value, step) {
    if (ruler.quantity === "frequency") return hertz(value);
    if (ruler.quantity === "time") return clock(value, decimalsOf(step), ruler.stop > 60);
    return number(value, decimalsOf(step));
  }

  /** 1, 2, 5 times the powers of ten, more or fewer of them as there is room. */
  function spreadValues(ruler, room) {
    const kept = ruler.start <= 0 ? [0] : [];
    const hasRoom = (value) =>
      kept.every((other) => Math.abs(ruler.place(other) - ruler.place(value)) >= room);
    for (const steps of SPREAD) {
      const all = POWERS.flatMap((power) => steps.map((step) => step * power));
      const inside = all.filter((value) => value >= ruler.start && value <= ruler.stop);
      // On a mel scale low frequencies stand closer: each is asked for itself.
      if (ruler.scale === "mel") for (const value of inside) hasRoom(value) && kept.push(value);
      else if (inside.every(hasRoom)) kept.push(...inside);
    }
    return kept.sort((one, other) => one - other);
  }

  /** A4, and the C of every octave, or of every second or fourth. */
  function noteTicks(ruler, room) {
    const hzOfKey = (key) => A4_HZ * 2 ** ((key - A4_KEY) / 12);
    const apart = (one_hz, other_hz) => Math.abs(ruler.place(one_hz) - ruler.place(other_hz));
    const n_octaves = [1, 2, 4].find((n) => apart(100, 100 * 2 ** n) >= room) ?? 4;
    const found = [{ value: A4_HZ, label: "A4", isMarked: true }];
    for (let octave = 0; octave <= 10; octave += n_octaves) {
      const value = hzOfKey(12 * (octave + 1));
      if (apart(value, A4_HZ) >= room) found.push({ value, label: `C${octave}` });
    }
    return found
      .filter(({ value }) => value >= ruler.start && value <= ruler.stop)
      .sort((one, other) => one.value - other.value);
  }

  /** The nearest note of a piano, as audio/notes.py names it, and how far off (cents). */
  function noteOf(hz) {
    const exact = A4_KEY + 12 * Math.log2(hz / A4_HZ);
    const key = Math.round(exact);
    const octave = Math.floor(key / 12) - 1;
    const names = NOTES[((key % 12) + 12) % 12].split("/");
    return { name: names.map((name) => name + octave).join("/"), cents: 100 * (exact - key) };
  }

  const decimalsOf = (step) => Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const number = (value, decimals) => {
    const text = Math.abs(value).toFixed(decimals);
    return value < 0 && Number(text) !== 0 ? `−${text}` : text;
  };
  const hertz = (hz) => (hz < 1000 ? `${+hz.toPrecision(6)}` : `${+(hz / 1000).toPrecision(6)}k`);

  function clock(time_s, decimals, inMinutes = time_s >= 60) {
    if (!inMinutes) return number(time_s, decimals);
    const all = Number(time_s.toFixed(decimals));
    const seconds = (all % 60).toFixed(decimals);
    return `${Math.floor(all / 60)}:${all % 60 < 10 ? "0" : ""}${seconds}`;
  }

  /** A value with its unit; `step` is about what one pixel is worth. */
  function written(quantity, value, step) {
    const decimals = Math.min(6, decimalsOf(step));
    if (quantity === "time")
      return value < 60 ? `${number(value, Math.max(2, decimals))} s` : clock(value, decimals);
    if (quantity === "frequency")
      return `${value.toLocaleString("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 })} Hz`;
    if (quantity === "level") return `${number(value, 1)} dB`;
    if (quantity === "percent") return `${number(value, 1)} %`;
    if (quantity === "cosine") return number(value, 2);
    if (quantity === "number") return brief(value);
    if (quantity === "amplitude" || quantity === "power") return number(value, 3);
    return number(value, Number.isInteger(value) ? 0 : Math.max(1, decimals));
  }

  /** A plain number in four digits, however small: 0.00002874, 2.3. */
  function brief(value) {
    const text = `${+Math.abs(value).toPrecision(4)}`;
    return value < 0 ? `−${text}` : text;
  }

  /** "A4 +3 ¢" for a frequency that has a note, "" for another. */
  function note(hz) {
    if (!(hz >= 16)) return "";
    const { name, cents } = noteOf(hz);
    const off = Math.round(cents);
    return off ? `${name} ${off > 0 ? "+" : "−"}${Math.abs(off)} ¢` : name;
  }

  /** A text of the page, its {names} filled from `facts`. */
  const word = (key, facts = {}) =>
    (Genrescope.words[key] ?? key).replace(/\{(\w+)\}/g, (all, name) => facts[name] ?? all);

  Object.assign(Genrescope, { axes: { ruler, ticks, written, note, number, clock }, word });
})();
