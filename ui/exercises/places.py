"""Where on the page each question is answered, and each part of the plans taught."""

from __future__ import annotations

from dataclasses import dataclass, field

from audio.synth import exercises
from ui import page_state

MANY_BITS = 8  # where the question on bits begins


@dataclass(frozen=True)
class Place:
    """Where on the page a question is answered, or a part of the lesson is taught.

    Attributes:
        view: the lesson or the tab that the address opens.
        sound: id of the built-in sound that it chooses; "" for none.
        settings: of the lesson's knobs.
    """

    view: str
    sound: str = ""
    settings: dict[str, object] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Return it from the question mark on."""
        return page_state.address(self.view, self.sound, **self.settings)


WITHOUT_FILTER = {"is_filtered": False}
PLACES = {
    "waveform": Place("waveform", "brass"),
    "dft": Place("dft", "brass"),
    "bits": Place("bits", "classical_song", {"n_bits": 4}),
    "stft": Place("stft", "disco_song"),
    "back": Place("back", "blues_song"),
    "masking": Place("masking", "sweep"),
    "two": Place("two", "brass"),
    "train": Place("train"),
    "data": Place("data"),
    "classify": Place("classify"),
    # Of the exercises, by their ids.
    "note": Place("dft", "brass"),
    "harmonic": Place("dft", "brass"),
    "passage": Place("dft", "semitone", {"n_samples": 256}),
    "windows": Place("dft", "chord", {"window": "rectangular"}),
    "click": Place("dft", "click"),
    "folds": Place("rate", "sweep", {"rate": 44_100, **WITHOUT_FILTER}),
    "alias": Place("rate", "brass", {"rate": exercises.SLOW_RATE, **WITHOUT_FILTER}),
    "bit": Place("bits", "sweep", {"n_bits": MANY_BITS}),
    "mel": Place("mel", "sweep"),
    "frames": Place("hearing", "brass", {"model": "HuBERT"}),
    "chance": Place("data"),
    "decibel": Place("decibels", "chord", {"gain_db": -20}),
    "missing": Place("sines", "chord", {"shape": "missing", "fundamental_hz": 220.5}),
    "timbre": Place("timbre", "chord", {"instrument": "clarinet", "hz": 220.0}),
    "frame": Place("stft", "disco_song", {"n_fft": exercises.SHORT_FRAME}),
    "return": Place("back", "blues_song", {"window": "hann"}),
    "seventh": Place("pitch", "chord", {"harmonic": exercises.HARMONIC}),
    "tempo": Place("rhythm", "disco_song", {"octave": 1.0}),
    "masked": Place("masking", "sweep", {"n_clusters": 8, "number": 1}),
    "loss": Place("learning", "chord"),
    "interval": Place("learning", "chord", {"truth": "blues"}),
    "calibration": Place("train"),
    "uniform": Place("attention", "brass"),
    "stripe": Place("inside", "disco_song"),
    # Of the plan for 90 minutes.
    "decibels": Place("decibels", "chord"),
    "sines": Place("sines", "chord"),
    "timbres": Place("timbre", "chord"),
    "pitch": Place("pitch", "disco_song"),
    "rhythm": Place("rhythm", "disco_song"),
    "learning": Place("learning", "chord"),
}
