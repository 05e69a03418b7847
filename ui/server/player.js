// What Gradio's player lacks. It says nothing when the microphone is refused, shows no
// level that can be read at a glance, and takes no file that the browser calls a video.
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

const inPlayer = (target, what) => target.closest?.(`#player ${what}`);
document.addEventListener(
  "click",
  ({ target }) => {
    // Gradio's list stays: an iPhone greys out what only "audio/*" stands for.
    if (inPlayer(target, "input[type=file]") && !target.accept.includes("video/*"))
      target.accept = `${target.accept || "audio/*"},video/*`;
    if (!inPlayer(target, ".source-selection button")) return;
    const isMicrophone = target.closest("button").matches(":nth-of-type(2)");
    // Browsers lend it to pages of this machine and of https only.
    tell(isMicrophone && !devices ? "microphone_insecure" : "");
  },
  true,
);

const isVideo = (file) => file.type.startsWith("video/");
const asSound = (file) =>
  isVideo(file)
    ? new File([file], file.name, { type: file.type.replace("video/", "audio/") })
    : file;
document.addEventListener(
  "drop",
  (event) => {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!inPlayer(event.target, "*") || !files.some(isVideo)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const dataTransfer = new DataTransfer();
    for (const file of files) dataTransfer.items.add(asSound(file));
    const again = { bubbles: true, cancelable: true, dataTransfer };
    event.target.dispatchEvent(new DragEvent("drop", again));
  },
  true,
);
