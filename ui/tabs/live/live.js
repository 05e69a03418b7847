// The microphone as a spectrogram that runs, with a tuner; all of it in this browser.
(() => {
  "use strict";
  const { axes, image, tools, word } = Genrescope;
  const { make } = tools;

  const N_FFT = 4096; // of the browser's analyser, with its Blackman window
  const PEAK_DB = -20 * Math.log10(0.42 / 2); // what that window takes from a sine of level 0 dB
  const LIMITS_DB = [-110, -20];
  const SHOWN_S = 10; // of the picture's width
  const KEPT_S = 60; // to scroll back to
  const CLIP_S = 30;
  const COLUMNS_PER_S = 60;
  const TUNED_EVERY_S = 0.08;
  const LOWEST_HZ = 50; // voices and instruments that one tunes
  const HIGHEST_HZ = 2000;
  const CLEAR = 0.9; // of a waveform's likeness to itself one period later
  const QUIET_DB = -60; // below, there is nothing to tune
  const IN_TUNE_CENTS = 5; // what trained listeners just tell apart
  const SCALES = ["log", "mel", "linear", "note"];
  const HEIGHT_PX = { wide: 420, phone: 320 };
  const LEFT_PX = 56;
  const NAMED_S = 5; // of sound, in which the server looks for a genre,
  const NAMED_RATE = 16000; // at the rate of its models,
  const NAMED_EVERY_MS = 2000;
  const REASONS = {
    NotAllowedError: "microphone_refused", SecurityError: "microphone_refused",
    NotFoundError: "microphone_missing", OverconstrainedError: "microphone_missing",
  };
  // Hands over what the microphone gives, in pieces of 128 samples.
  const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
    process([[samples]]) { if (samples) this.port.postMessage(samples.slice()); return true; }
  })`;

  const decibels = (power) => 10 * Math.log10(Math.max(power, 1e-12));

  /** The pitch of some samples, {hz, clarity}, by McLeod's normalised square difference.

      P. McLeod and G. Wyvill, "A smarter way to find pitch", ICMC 2005. */
  function pitchOf(samples, rate) {
    const n = samples.length >> 1;
    const [shortest, longest] = [Math.floor(rate / HIGHEST_HZ), Math.min(n, Math.ceil(rate / LOWEST_HZ))];
    const likeness = new Float32Array(longest + 2);
    for (let lag = 1; lag <= longest + 1; lag++) {
      let [both, own] = [0, 0];
      for (let i = 0; i < n; i++) {
        both += samples[i] * samples[i + lag];
        own += samples[i] ** 2 + samples[i + lag] ** 2;
      }
      likeness[lag] = own ? (2 * both) / own : 0;
    }
    const peaks = [];
    let isAbove = false; // the likeness at lag 0 falls first, below zero
    let best = 0;
    for (let lag = 1; lag <= longest; lag++) {
      if (likeness[lag] < 0) isAbove = false;
      if (likeness[lag] > 0 && likeness[lag - 1] <= 0 && lag > 1) isAbove = true;
      const isPeak = likeness[lag] >= likeness[lag - 1] && likeness[lag] > likeness[lag + 1];
      if (!isAbove || !isPeak || lag < shortest) continue;
      peaks.push(lag);
      best = Math.max(best, likeness[lag]);
    }
    const first = peaks.find((lag) => likeness[lag] >= CLEAR * best);
    if (!first) return { hz: 0, clarity: 0 };
    const [before, here, after] = [likeness[first - 1], likeness[first], likeness[first + 1]];
    const bend = before - 2 * here + after;
    const shift = bend ? (before - after) / (2 * bend) : 0;
    return { hz: rate / (first + shift), clarity: here };
  }

  /** The last seconds of what came in: a ring of some length. */
  class Ring {
    constructor(Kind, length) {
      Object.assign(this, { items: new Kind(length), length, n: 0 });
    }

    push(items) {
      const place = this.n % this.length;
      const fits = Math.min(items.length, this.length - place);
      this.items.set(items.subarray(0, fits), place);
      this.items.set(items.subarray(fits), 0);
      this.n += items.length;
    }

    /** The newest ones, oldest first. */
    last(n) {
      const n_there = Math.min(n, this.n, this.length);
      const found = new this.items.constructor(n_there);
      for (let i = 0; i < n_there; i++)
        found[i] = this.items[(this.n - n_there + i) % this.length];
      return found;
    }
  }

  /** A WAV file of one channel, 16 bits, from samples between -1 and 1. */
  function wavOf(samples, rate) {
    const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
    const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
    text(0, "RIFF");
    view.setUint32(4, 36 + 2 * samples.length, true);
    text(8, "WAVEfmt ");
    [[16, 16, 4], [20, 1, 2], [22, 1, 2], [24, rate, 4], [28, 2 * rate, 4], [32, 2, 2], [34, 16, 2]].forEach(
      ([at, value, n_bytes]) => (n_bytes === 4 ? view.setUint32(at, value, true) : view.setUint16(at, value, true)));
    text(36, "data");
    view.setUint32(40, 2 * samples.length, true);
    samples.forEach((sample, i) => {
      view.setInt16(44 + 2 * i, Math.round(32767 * Math.min(1, Math.max(-1, sample))), true);
    });
    return new Blob([view], { type: "audio/wav" });
  }

  /** The last seconds at the rate of the models, 16 bits in base64. */
  async function asQuestion(samples, rate) {
    const context = new OfflineAudioContext(1, Math.floor((samples.length / rate) * NAMED_RATE), NAMED_RATE);
    const source = new AudioBufferSourceNode(context, { buffer: new AudioBuffer({ length: samples.length, sampleRate: rate }) });
    source.buffer.copyToChannel(samples, 0);
    source.connect(context.destination);
    source.start();
    const resampled = (await context.startRendering()).getChannelData(0);
    const bytes = new Uint8Array((await wavOf(resampled, NAMED_RATE).arrayBuffer()).slice(44));
    return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
  }

  /** The microphone, and what is remembered of it. */
  class Microphone {
    async open(onEnd) {
      const stream = await MediaDevices.prototype.getUserMedia.call(navigator.mediaDevices, {
        // What makes speech clearer in a call bends notes and levels.
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      });
      this.stream = stream;
      this.context = new AudioContext();
      this.rate = this.context.sampleRate;
      this.analyser = new AnalyserNode(this.context, { fftSize: N_FFT, smoothingTimeConstant: 0 });
      this.levels = new Float32Array(N_FFT / 2);
      this.samples = new Float32Array(N_FFT);
      this.sound = new Ring(Float32Array, CLIP_S * this.rate);
      const source = this.context.createMediaStreamSource(stream);
      source.connect(this.analyser);
      await this.tap(source);
      await this.context.resume();
      stream.getTracks()[0].addEventListener("ended", onEnd);
    }

    async tap(source) {
      const address = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
      await this.context.audioWorklet.addModule(address);
      URL.revokeObjectURL(address);
      const tap = new AudioWorkletNode(this.context, "tap", { channelCount: 1, channelCountMode: "explicit" });
      tap.port.onmessage = ({ data }) => this.sound.push(data);
      source.connect(tap);
    }

    close() {
      this.stream?.getTracks().forEach((track) => track.stop());
      this.context?.close();
      this.stream = this.context = null;
    }

    get time_s() {
      return this.context.currentTime;
    }

    /** The level (dB) of each frequency now. */
    spectrum() {
      this.analyser.getFloatFrequencyData(this.levels);
      return this.levels;
    }

    /** The newest samples. */
    waveform() {
      this.analyser.getFloatTimeDomainData(this.samples);
      return this.samples;
    }
  }

  const byteOf = (db) => {
    const share = (db + PEAK_DB - LIMITS_DB[0]) / (LIMITS_DB[1] - LIMITS_DB[0]);
    return Math.max(0, Math.min(255, Math.round(255 * share)));
  };

  /** The tab: a canvas that runs, its controls, what the tuner reads. */
  class Live {
    constructor(element) {
      Object.assign(this, { element, columns: [], back_s: 0, isOn: false, start_s: 0 });
      this.microphone = new Microphone();
      this.lay();
      new ResizeObserver(() => this.fit()).observe(this.frame);
      new IntersectionObserver((entries) => {
        if (!entries.at(-1).isIntersecting) this.stop(); // the tab was left
      }).observe(this.frame);
      tools.watch(() => this.redraw());
      // Paused, nothing else would draw the axis in the colours of the other theme.
      new MutationObserver(() => this.redraw()).observe(document.body, { attributeFilter: ["class"] });
    }

    lay() {
      const button = (key, onclick, more = "") =>
        make("button", { type: "button", onclick, className: `live-button ${more}` }, word(key));
      const menu = (key, values, chosen) => {
        const entries = values.map((value) => make("option", { value }, word(`live_${value}`)));
        const select = make("select", { aria: { label: word(key) }, onchange: () => this.redraw() }, ...entries);
        select.value = chosen;
        return select;
      };
      this.start = button("live_start", () => (this.isOn ? this.stop() : this.begin()), "live-start");
      this.keep = button("live_keep", () => this.take());
      this.keep.disabled = true;
      this.scale = menu("live_scale", SCALES, "log");
      this.map = menu("live_map", Object.keys(image.MAPS), "magma");
      this.note = make("output", { className: "live-note" }, "–");
      this.needle = make("i", { hidden: true });
      const scale = { label: word("live_cents"), valuemin: "-50", valuemax: "50", valuenow: "0" };
      this.cents = make("div", { className: "live-cents", role: "meter", aria: scale }, this.needle);
      this.pitch = make("output", { className: "live-pitch" });
      this.level = make("meter", { min: -60, max: 0, high: -3, optimum: -20, value: -60, aria: { label: word("live_level") } });
      this.loud = make("output", { className: "live-loud" });
      this.canvas = make("canvas", { tabIndex: 0, role: "img", aria: { label: word("live_picture") } });
      this.frame = make("div", { className: "live-frame" }, this.canvas);
      this.scroll = make("input", {
        type: "range", min: 0, max: KEPT_S - SHOWN_S, step: 0.1, value: 0, disabled: true,
        aria: { label: word("live_scroll") },
        oninput: () => { this.back_s = Number(this.scroll.value); this.redraw(); },
      });
      this.named = make("input", { type: "checkbox", onchange: () => this.showAnswer("") });
      this.answer = make("div", { className: "live-answer answer", aria: { live: "polite" } });
      this.said = make("p", { className: "live-said", role: "status" }, word("live_ready"));
      this.reading = make("p", { className: "live-reading" });
      this.canvas.addEventListener("pointermove", (event) => this.read(event));
      this.canvas.addEventListener("pointerleave", () => { this.reading.textContent = ""; });
      this.canvas.addEventListener("keydown", (event) => this.hit(event));
      this.element.replaceChildren(make("div", { className: "live" },
        make("div", { className: "live-row" }, this.start, this.keep, this.scale, this.map, this.said),
        make("div", { className: "live-row live-tuner" },
          make("div", { className: "live-part" }, this.note, this.cents, this.pitch),
          make("div", { className: "live-part" }, this.level, this.loud)),
        this.frame, this.scroll, this.reading,
        make("label", { className: "live-named" }, this.named, word("live_name_genre")), this.answer));
      setInterval(() => this.ask(), NAMED_EVERY_MS);
      watch("value", () => this.showAnswer(props.value));
    }

    /** Ask the server for the genre of the last seconds, where that is wanted. */
    async ask() {
      if (!this.isOn || !this.named.checked) return;
      const { sound, rate } = this.microphone;
      const samples = sound.last(NAMED_S * rate);
      if (samples.length < rate) return;
      const pcm = await asQuestion(samples, rate);
      if (this.isOn && this.named.checked) trigger("hear", { pcm }); // as it still is
    }

    /** Show what the server made of it, its own HTML; nothing once it is not wanted. */
    showAnswer(html) {
      this.answer.innerHTML = this.named.checked ? (html ?? "") : "";
    }

    /** Space starts and pauses, the arrows scroll through what was. */
    hit(event) {
      const step = { ArrowLeft: 1, ArrowRight: -1 }[event.key];
      if (event.key === " ") this.isOn ? this.stop() : this.begin();
      else if (step && !this.isOn) {
        this.back_s = Math.max(0, Math.min(this.scroll.max, this.back_s + step));
        this.scroll.value = this.back_s;
        this.redraw();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    }

    async begin() {
      if (!navigator.mediaDevices) return this.tell("microphone_insecure");
      this.start.disabled = true;
      try {
        await this.microphone.open(() => this.stop());
      } catch (error) {
        this.microphone.close();
        return this.tell(REASONS[error.name] ?? "microphone_busy");
      } finally {
        this.start.disabled = false;
      }
      Object.assign(this, { isOn: true, columns: [], back_s: 0, tuned_s: 0 });
      this.start_s = this.drawn_s = this.microphone.time_s;
      Object.assign(this.scroll, { value: 0, disabled: true });
      this.start.textContent = word("live_pause");
      this.keep.disabled = false;
      this.tell("live_running");
      this.redraw();
      this.run();
    }

    /** Pause: the picture stays, the microphone is given back. */
    stop() {
      if (!this.isOn) return;
      this.isOn = false;
      this.microphone.close();
      this.start.textContent = word("live_start");
      this.scroll.max = Math.max(0, this.now_s - SHOWN_S).toFixed(1);
      this.scroll.disabled = Number(this.scroll.max) <= 0;
      this.tell("live_paused");
    }

    tell(key) {
      this.said.textContent = word(key);
    }

    /** Make the last half minute the sound that all tabs use. */
    take() {
      const { sound, rate } = this.microphone;
      const file = new File([wavOf(sound.last(CLIP_S * rate), rate)], `${word("live_name")}.wav`, { type: "audio/wav" });
      const field = document.querySelector("#player input[type=file]");
      if (!field) return this.tell("live_no_player");
      const data = new DataTransfer();
      data.items.add(file);
      this.stop();
      field.files = data.files;
      field.dispatchEvent(new Event("change", { bubbles: true }));
      this.tell("live_kept");
    }

    /** Draw what came since the last screen frame, and go on. */
    run() {
      if (!this.isOn) return;
      const time_s = this.microphone.time_s;
      const last = this.columns.at(-1);
      if (!last || time_s - last.time_s >= 1 / COLUMNS_PER_S - 1e-4) {
        this.columns.push({ time_s, levels: Uint8Array.from(this.microphone.spectrum(), byteOf) });
        while (this.columns[0].time_s < time_s - KEPT_S) this.columns.shift();
        this.advance(time_s);
      }
      if (time_s - this.tuned_s >= TUNED_EVERY_S) this.tune(time_s);
      requestAnimationFrame(() => this.run());
    }

    get now_s() {
      return (this.columns.at(-1)?.time_s ?? this.start_s) - this.start_s;
    }

    tune(time_s) {
      this.tuned_s = time_s;
      const samples = this.microphone.waveform();
      const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      const peak_db = 2 * decibels(peak);
      this.level.value = Math.max(-60, peak_db);
      this.loud.textContent = peak_db > -99 ? axes.written("level", peak_db) : "";
      const found = decibels(power) > QUIET_DB ? pitchOf(samples.subarray(N_FFT / 2), this.microphone.rate) : null;
      const isClear = found && found.clarity >= CLEAR;
      const [name, cents] = isClear ? noteAndCents(found.hz) : ["–", 0];
      this.note.textContent = name;
      this.cents.setAttribute("aria-valuenow", cents);
      this.cents.classList.toggle("in-tune", isClear && Math.abs(cents) <= IN_TUNE_CENTS);
      this.needle.hidden = !isClear;
      this.needle.style.left = `${50 + cents}%`;
      this.pitch.textContent = isClear ? `${axes.written("frequency", found.hz)} · ${cents < 0 ? "−" : "+"}${Math.abs(cents)} ¢` : "";
    }

    fit() {
      const width = this.frame.clientWidth;
      if (!width) return;
      const height = width < 560 ? HEIGHT_PX.phone : HEIGHT_PX.wide;
      const ratio = devicePixelRatio || 1;
      Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
      this.canvas.style.height = `${height}px`;
      Object.assign(this, { width, height, ratio });
      this.redraw();
    }

    /** Where things lie, in CSS pixels: the plot's edges, both rulers, each row's bins. */
    layOut() {
      const rate = this.microphone.rate ?? 48000;
      const [left, right, top, bottom] = [LEFT_PX, this.width, 8, this.height - 24];
      const scale = this.scale.value;
      const y = axes.ruler(
        { quantity: "frequency", start: scale === "linear" || scale === "mel" ? 0 : 40, stop: Math.min(rate / 2, 16000) },
        scale, bottom, top);
      this.plot = { left, right, top, bottom, y, speed: (right - left) / SHOWN_S };
      const colours = image.coloursOf(this.map.value);
      this.table = Uint32Array.from(colours, ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
      const n_rows = Math.round((bottom - top) * this.ratio);
      const bin_hz = rate / N_FFT;
      this.rows = Array.from({ length: n_rows }, (_, i) => {
        const edge = (row) => y.value(top + row / this.ratio) / bin_hz;
        const [high, low] = [edge(i), edge(i + 1)];
        return [low, high];
      });
    }

    /** One column of pixels: the loudest bin of a row, or what lies between two bins. */
    pixelsOf(levels) {
      return Uint32Array.from(this.rows, ([low, high]) => {
        const [first, last] = [Math.ceil(low), Math.floor(high)];
        let byte = 0;
        if (first > last) {
          const below = Math.max(0, Math.min(levels.length - 2, Math.floor(low)));
          const share = (low + high) / 2 - below;
          byte = Math.round((1 - share) * levels[below] + share * levels[below + 1]);
        } else for (let bin = first; bin <= last && bin < levels.length; bin++) byte = Math.max(byte, levels[bin]);
        return this.table[byte];
      });
    }

    /** Put a column, `n` device pixels wide, at a place. */
    put(levels, x, n) {
      const pixels = this.pixelsOf(levels);
      const strip = new ImageData(n, pixels.length);
      const words = new Uint32Array(strip.data.buffer);
      pixels.forEach((pixel, row) => words.fill(pixel, row * n, (row + 1) * n));
      this.pen.putImageData(strip, x, Math.round(this.plot.top * this.ratio));
    }

    /** Shift the picture to the left by what the time since took, and draw the newest. */
    advance(time_s) {
      const { left, right, top, bottom, speed } = this.plot;
      const n = Math.floor((time_s - this.drawn_s) * speed * this.ratio);
      if (n < 1) return;
      this.drawn_s += n / (speed * this.ratio);
      const px = (length) => Math.round(length * this.ratio);
      const [x, y, width, height] = [px(left), px(top), px(right) - px(left), px(bottom) - px(top)];
      const step = Math.min(n, width);
      this.pen.setTransform(1, 0, 0, 1, 0, 0);
      this.pen.drawImage(this.canvas, x + step, y, width - step, height, x, y, width - step, height);
      this.put(this.columns.at(-1).levels, x + width - step, step);
      this.label();
    }

    /** Draw all of it anew: another size, scale or map, or another time. */
    redraw() {
      if (!this.width) return;
      this.layOut();
      this.pen = this.canvas.getContext("2d");
      this.pen.setTransform(1, 0, 0, 1, 0, 0);
      this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
      const { left, right, top, bottom, speed } = this.plot;
      const px = (length) => Math.round(length * this.ratio);
      this.pen.fillStyle = `rgb(${image.coloursOf(this.map.value)[0]})`;
      this.pen.fillRect(px(left), px(top), px(right) - px(left), px(bottom) - px(top));
      const stop_s = this.start_s + this.now_s - (this.isOn ? 0 : this.back_s);
      this.shown_s = [stop_s - SHOWN_S, stop_s];
      const place = (time_s) => Math.round((right - (stop_s - time_s) * speed) * this.ratio);
      this.columns.forEach((column, i) => {
        const [x, next] = [place(this.columns[i - 1]?.time_s ?? column.time_s - 1 / COLUMNS_PER_S), place(column.time_s)];
        if (next > px(left) && x >= px(left) && next <= px(right) && next > x) this.put(column.levels, x, next - x);
      });
      this.drawn_s = Math.max(this.drawn_s ?? 0, this.columns.at(-1)?.time_s ?? 0);
      this.label();
    }

    /** The axes. */
    label() {
      const { left, right, bottom, y, speed } = this.plot;
      const { pen, ratio } = this;
      const style = getComputedStyle(this.element);
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, left, this.height);
      pen.clearRect(0, bottom, this.width, this.height - bottom);
      Object.assign(pen, { fillStyle: style.getPropertyValue("--body-text-color") || style.color, font: `12px ${style.fontFamily}`, textAlign: "right", textBaseline: "middle" });
      for (const { value, label } of axes.ticks(y, 22)) pen.fillText(label, left - 8, y.place(value));
      Object.assign(pen, { textAlign: "center", textBaseline: "top" });
      const stop_s = this.now_s - (this.isOn ? 0 : this.back_s);
      for (let back_s = 0; back_s <= SHOWN_S; back_s += 2) {
        const time_s = stop_s - back_s;
        if (time_s < 0) break;
        pen.textAlign = back_s ? "center" : "right";
        pen.fillText(`${axes.number(time_s, 1)} s`, right - back_s * speed, bottom + 6);
      }
    }

    /** What lies under the pointer: time, frequency, note, level. */
    read({ offsetX, offsetY }) {
      const { left, right, y, speed } = this.plot;
      if (offsetX < left || !this.columns.length) return;
      const stop_s = this.start_s + this.now_s - (this.isOn ? 0 : this.back_s);
      const time_s = stop_s - (right - offsetX) / speed;
      const hz = y.value(offsetY);
      const near = this.columns.reduce((best, column) =>
        Math.abs(column.time_s - time_s) < Math.abs(best.time_s - time_s) ? column : best);
      const bin = Math.round((hz * N_FFT) / (this.microphone.rate ?? 48000));
      const byte = near.levels[bin];
      if (byte === undefined || time_s < this.start_s) return;
      const db = LIMITS_DB[0] + (byte / 255) * (LIMITS_DB[1] - LIMITS_DB[0]);
      const level = byte ? axes.written("level", db) : `< ${axes.written("level", LIMITS_DB[0])}`;
      this.reading.textContent = [
        axes.written("time", time_s - this.start_s, 0.01), axes.written("frequency", hz, 1), axes.note(hz), level,
      ].filter(Boolean).join(" · ");
    }
  }

  /** "A4" and how far off (whole cents). */
  function noteAndCents(hz) {
    const [name, off = "0"] = axes.note(hz).replace(" ¢", "").replace("−", "-").split(" ");
    return [name, Number(off)];
  }

  Genrescope.live = new Live(element);
  Object.assign(Genrescope.live, { pitchOf, wavOf });
})();
