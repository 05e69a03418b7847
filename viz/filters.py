"""Draw a mel filter bank: its triangles, and the mel scale that spaces them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from audio.transforms import MelBands
from audio.transforms.mel_scale import Formula, band_edges_hz, hz_to_mel
from audio.transforms.windows import Numbers
from viz.palette import ACCENT_LINE, GREY_LINE
from viz.plot import Axis, Line, Plot, Scale, rounded
from viz.wording import joined, phrase

N_POINTS = 200  # of the scale's curve
HEADROOM = 1.1


@dataclass(frozen=True)
class Bank:
    """A bank of mel filters at a sampling rate (Hz) and a length of frames (samples)."""

    sampling_rate: int
    n_fft: int
    bands: MelBands

    @property
    def edges_hz(self) -> Numbers:
        """Corners of the triangles, (n_mels + 2,) Hz."""
        bands = self.bands
        return band_edges_hz(bands.n_mels, bands.fmin_hz, bands.fmax_hz, bands.formula)


def triangles(bank: Bank, language: str) -> Plot:
    """Draw every filter with area 1: the narrowest, at low frequencies, are highest."""
    edges_hz = bank.edges_hz
    heights = (edges_hz[2:] - edges_hz[:-2]).min() / (edges_hz[2:] - edges_hz[:-2])
    lines = tuple(
        Line(
            rounded(edges_hz[i : i + 3], 2),
            [0.0, float(heights[i]), 0.0],
            colour=GREY_LINE if i % 2 else ACCENT_LINE,
        )
        for i in range(bank.bands.n_mels)
    )
    return Plot(
        name="filters",
        x=_frequency(bank, language),
        y=Axis("count", 0.0, HEADROOM, phrase("weight", language)),
        layers=lines,
        facts=(
            phrase("bands", language, n=bank.bands.n_mels),
            phrase("area", language),
        ),
        title=phrase("filters_title", language),
    )


def scales(bank: Bank, language: str) -> Plot:
    """Draw mel over frequency by both formulas, each scaled to end at 1."""
    hz = np.linspace(bank.bands.fmin_hz, bank.bands.fmax_hz, N_POINTS)
    lines = tuple(
        Line(
            rounded(hz, 1),
            rounded(_share(hz, formula), 4),
            name=phrase(f"formula_{formula}", language),
            colour=ACCENT_LINE if formula == bank.bands.formula else GREY_LINE,
        )
        for formula in get_args(Formula)
    )
    return Plot(
        name="mel_scale",
        x=_frequency(bank, language),
        y=Axis("count", 0.0, 1.0, phrase("mel_share", language)),
        layers=lines,
        title=phrase("scale_title", language),
    )


def describe(bank: Bank, language: str) -> str:
    """Describe the formula, the bands' widths, and whether some hold only one bin."""
    widths_hz = bank.edges_hz[2:] - bank.edges_hz[:-2]
    details = {
        "n": bank.bands.n_mels,
        "narrow_hz": float(widths_hz.min()) / 2,
        "wide_hz": float(widths_hz.max()) / 2,
        "bin_hz": bank.sampling_rate / bank.n_fft,
    }
    sentences = [
        phrase(f"about_{bank.bands.formula}", language),
        phrase("about_filters", language, **details),
    ]
    if details["narrow_hz"] < details["bin_hz"]:
        sentences.append(phrase("about_narrow", language, **details))
    return joined(sentences, language)


def _frequency(bank: Bank, language: str) -> Axis:
    scales: tuple[Scale, ...] = ("linear", "mel")
    return Axis(
        "frequency",
        bank.bands.fmin_hz,
        bank.bands.fmax_hz,
        phrase("frequency", language),
        scales,
    )


def _share(hz: Numbers, formula: Formula) -> Numbers:
    """Convert frequencies to shares of the mel scale, 0 to 1."""
    mels = hz_to_mel(hz, formula)
    return (mels - mels[0]) / (mels[-1] - mels[0])
