"""A page with our pictures, their script and style, but without a server.

A test module takes what it needs::

    chromium, show = canvas.chromium, show.show
"""

from dataclasses import replace

import numpy as np

from viz.plot import POWER_STEP, Axis, Band, Image, Plot, Sheet, packed, rounded

# A player as Gradio's: in an open shadow root, and its address a blob's.
ADD_PLAYER = """async (seconds) => {
  const n = seconds * 8000, bytes = new DataView(new ArrayBuffer(44 + n));
  const text = (at, s) => [...s].forEach((c, i) => bytes.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF"); bytes.setUint32(4, 36 + n, true); text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true); bytes.setUint16(20, 1, true); bytes.setUint16(22, 1, true);
  bytes.setUint32(24, 8000, true); bytes.setUint32(28, 8000, true);
  bytes.setUint16(32, 1, true); bytes.setUint16(34, 8, true);
  text(36, "data"); bytes.setUint32(40, n, true);
  for (let i = 0; i < n; i++) bytes.setUint8(44 + i, 128);
  const host = document.createElement("div");
  const audio = document.createElement("audio");
  audio.src = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
  host.attachShadow({ mode: "open" }).append(audio);
  document.getElementById("player").replaceChildren(host);
  window.audio = audio;
  window.wav = audio.src;
  await new Promise((ready) => { audio.onloadedmetadata = ready; });
}"""


def spectrogram(levels_db, frequencies_hz, stop_s=2.0, scales=("linear",), **more):
    levels_db = np.asarray(levels_db, np.float32)
    image = Image(
        0.0,
        stop_s,
        rounded(frequencies_hz),
        levels_db.shape[1],
        packed(levels_db),
        "Level (dBFS)",
    )
    frequency = Axis(
        "frequency", 0, float(frequencies_hz[-1]), "Frequency (Hz)", scales
    )
    time = Axis("time", 0.0, stop_s, "Time (s)")
    plot = Plot("stft", time, frequency, (image,), is_sound=True, **more)
    return Sheet((plot,), "A spectrogram.", (), stop_s)


def powers(shares):
    """Three bands, each of one power all the time; the first is the lowest."""
    sheet = spectrogram(np.zeros((3, 50)), np.array([1000.0, 4000.0, 7000.0]))
    (plot,) = sheet.plots
    values = np.repeat(np.array(shares, np.float32)[:, None], 50, axis=1)
    image = replace(
        plot.layers[0],
        levels=packed(values, 0.0, POWER_STEP),
        label="Power",
        limits=(0.0, 1.0),
        quantity="power",
        bottom=0.0,
        step=POWER_STEP,
    )
    plot = replace(plot, name="mel", layers=(image,))
    return replace(sheet, plots=(plot,))


def one_row(hz=1000.0, level_db=-20.0, scales=("linear",)):
    frequencies_hz = np.linspace(0, 8000, 161)
    levels_db = np.full((161, 100), -110.0)
    levels_db[np.argmin(np.abs(frequencies_hz - hz))] = level_db
    return spectrogram(levels_db, frequencies_hz, scales=scales)


def curves(*layers, x=None, y=None, name="dft", **more):
    x = x or Axis("frequency", 0, 1000, "Frequency (Hz)")
    y = y or Axis("level", -80, 0, "Level (dBFS)")
    return Sheet((Plot(name, x, y, layers, **more),), "Curves.", (), 2.0)


def waveform(lows, highs, stop_s=2.0):
    plot = Plot(
        "wave",
        Axis("time", 0, stop_s, "Time (s)"),
        Axis("amplitude", -1, 1, "Amplitude"),
        (Band(0, stop_s, rounded(lows), rounded(highs)),),
        is_sound=True,
    )
    return Sheet((plot,), "A waveform.", (), stop_s)


# Where the axes lie on the canvas, in CSS pixels of normal letters.
LEFT, TOP, BOTTOM, RIGHT = 64, 10, 44, 18
BESIDE = 76 + 26 + 84  # the colour bar and the slice


def box_of(page, i=0, right=BESIDE):
    box = page.locator(f"#place{i} canvas[role=img]").bounding_box()
    return {
        "left": LEFT,
        "top": TOP,
        "right": box["width"] - right,
        "bottom": box["height"] - BOTTOM,
        "x": box["x"],
        "y": box["y"],
    }


def pixel(page, x, y, i=0, name="role=img"):
    return page.evaluate(
        """([i, name, x, y]) => [...document.querySelector(`#place${i} canvas[${name}]`)
          .getContext("2d").getImageData(x, y, 1, 1).data]""",
        [i, name, int(x), int(y)],
    )


def at(page, share_x, share_y=0.5, i=0, right=BESIDE):
    """A place on the page, by its shares of the axes' width and height from above."""
    box = box_of(page, i, right)
    x = box["left"] + share_x * (box["right"] - box["left"])
    y = box["top"] + share_y * (box["bottom"] - box["top"])
    return box["x"] + x, box["y"] + y


def drag(page, start, stop):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*stop, steps=5)
    page.mouse.up()


NEXT_FRAMES = (
    "new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
)


def asked(page, event):
    return [data for name, data in page.evaluate("asked") if name == event]


def reading(page, i=0):
    return page.locator(f"#place{i} .sheet-reading").inner_text()


def wait_for_reading(page, text, i=0):
    page.wait_for_function(
        """([i, text]) => document.querySelector(`#place${i} .sheet-reading`)
          .textContent.includes(text)""",
        arg=[i, text],
    )
