// What Gradio's player lacks. It says nothing when the microphone is refused, and shows
// no level that can be read at a glance.
const devices = navigator.mediaDevices;
const reasons = {
  NotAllowedError: "microphone_refused",
  SecurityError: "microphone_refused",
  NotFoundError: "microphone_missing",
  OverconstrainedError: "microphone_missing",
  NotReadableError: "microphone_busy",
  AbortError: "microphone_busy",
};
const tell = (key) => {
  element.querySelector("p").textContent = key ? Genrescope.words[key] : "";
};

// Firefox joins no microphone of another rate than the speaker's. The recorder, which
// only draws what it gets here, is given silence to draw, and records.
const join = AudioContext.prototype.createMediaStreamSource;
AudioContext.prototype.createMediaStreamSource = function (stream) {
  try {
    return join.call(this, stream);
  } catch {
    return this.createGain();
  }
};

const show = (stream) => {
  const meter = element.querySelector("meter");
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  const samples = new Float32Array(analyser.fftSize);
  try {
    join.call(context, stream).connect(analyser);
  } catch (error) {
    context.close();
    throw error;
  }
  const draw = () => {
    const isOver = stream.getTracks().every((track) => track.readyState === "ended");
    meter.hidden = isOver;
    if (isOver) return context.close();
    analyser.getFloatTimeDomainData(samples);
    const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    meter.value = 20 * Math.log10(Math.max(peak, 1e-9));
    requestAnimationFrame(draw);
  };
  draw();
};

if (devices) {
  const ask = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    try {
      const stream = await ask(wanted);
      tell("");
      try {
        if (stream.getAudioTracks().length) show(stream);
      } catch {
        // Firefox joins no microphone of another rate, and lends few contexts: then it
        // is recorded without its level.
      }
      return stream;
    } catch (error) {
      tell(reasons[error.name] ?? "microphone_busy");
      return new Promise(() => {}); // the recorder has no answer to a refusal
    }
  };
}

document.addEventListener(
  "click",
  ({ target }) => {
    if (!target.closest?.("#player .bar-record")) return;
    // Browsers lend it to pages of this machine and of https only.
    tell(devices ? "" : "microphone_insecure");
  },
  true,
);
