"""Every picture of a lesson with settings that are not the default."""

from functools import partial
from pathlib import Path

from classifier.models import Models
from settings import ROOT, Settings
from ui import sheets
from ui.tabs.see import (
    decibels,
    hubert_input,
    inside,
    inversion,
    learning,
    masking,
    mel,
    pitch,
    readings,
    rhythm,
    sampling,
    sines,
    spectrogram,
    timbre,
)

# The bundled model alone.
MODELS = Models(
    bundled_model_dir=ROOT / "assets" / "models" / "bundled",
    runs_dir=ROOT / "none",
    hub_model="",
    is_offline=True,
)


def way_back(scene, *values):
    return inversion.draw(scene, inversion.Way(*values))


def recorded_run(scene, run):
    return learning.draw_run(Path("nowhere"), scene, run)


SETTINGS = {
    "waveform": (sheets.waveform, (False,)),
    "dft": (sheets.spectrum, (0.2, 4096, "hann", 1, "peak")),
    "stft": (spectrogram.draw, (2048, 0, 4, "hann", "peak")),
    "mel": (mel.draw, (128, "slaney", 0, 8000, False, "level")),
    "filters": (mel.draw_filters, (64, "htk", 100, 4000)),
    "rate": (sampling.draw_rate, (0.2, 5512, True)),
    "bits": (sampling.draw_bits, (0.2, 6, True)),
    "back": (way_back, (0.1, 0.5, "hann", 4, "mel", 1)),
    "hearing": (partial(hubert_input.draw, MODELS), (0.2, "HuBERT", None)),
    "masking": (partial(masking.draw, MODELS), (8, 3, None)),
    "decibels": (decibels.draw, (-12, "chosen", 0.2)),
    "sines": (sines.draw, ("square", 9, "lot", 441.0, 2, -3, 45)),
    "learning": (learning.draw, (3, -1, 0, "disco")),
    "timbre": (timbre.draw, ("plucked", "clarinet", 220.0, 0.001)),
    "pitch": (pitch.draw, (0.2, 442, 5)),
    "rhythm": (rhythm.draw, (0.0, 10, 2.0)),
    "overfitting": (recorded_run, ("head",)),
    "inside": (partial(inside.draw_layers, MODELS), (None,)),
    "repeats": (partial(inside.draw_repeats, MODELS), (1, 0, None)),
    "attention": (partial(inside.draw_attention, MODELS), (2, 3, 0.2, None)),
    "readings": (partial(readings.draw, MODELS, Settings()), (None,)),
}
