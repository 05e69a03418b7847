"""The spectrum of one passage: level over frequency, its peaks marked and named."""

from __future__ import annotations

import numpy as np

import i18n
import viz.dft
from audio import pixels
from audio.dsp import Peak, Spectrum, strongest
from audio.frames import Numbers
from audio.partials import Partial
from ui.pictures.plot import Axis, Line, Marks, Plot, rounded
from ui.pictures.writing import said
from viz import style

Partials = tuple[Partial, ...]

N_COLUMNS = 1024  # of either scale of frequency
COLUMNS = ("number", "frequency", "level", "note", "cents", "harmonic")


def dft(
    spectrum: Spectrum, partials: Partials, language: str, *, padding: int = 1
) -> Plot:
    """The strongest bin of each pixel column, whichever the scale of frequency.

    Args:
        spectrum: of the passage.
        partials: its ``peaks``, to be marked.
        language: of labels and facts.
        padding: how many times the passage's length its transform is.
    """
    nyquist_hz = spectrum.sampling_rate / 2
    fmin_hz = min(viz.dft.FMIN_HZ, nyquist_hz / 10)
    bottom_db = viz.dft.BOTTOM_DB[spectrum.reference]
    frequencies_hz, levels_db = shown_bins(spectrum, fmin_hz)
    curve = Line(
        rounded(frequencies_hz, 3), rounded(np.maximum(levels_db, bottom_db), 2), "fill"
    )
    level = said(f"level_{spectrum.reference}", language)
    strong = strongest(spectrum)
    return Plot(
        name="dft",
        x=Axis(
            "frequency",
            fmin_hz,
            nyquist_hz,
            said("frequency", language),
            ("log", "linear", "note"),
        ),
        y=Axis("level", bottom_db, viz.dft.HEADROOM_DB, level),
        layers=(curve, *([_marks(partials, strong)] if strong else [])),
        facts=_facts(spectrum, language, padding),
        note="" if strong else said("silence", language),
    )


def shown_bins(spectrum: Spectrum, fmin_hz: float) -> tuple[Numbers, Numbers]:
    """The bins that some pixel column shows, on a log axis or on a linear one.

    Returns:
        Frequencies (Hz), rising, and levels (dB).
    """
    frequencies_hz, levels_db = spectrum.frequencies_hz, spectrum.levels_db
    if len(frequencies_hz) <= 2 * N_COLUMNS:
        is_shown = frequencies_hz >= fmin_hz
        return frequencies_hz[is_shown], levels_db[is_shown]
    log_hz, _ = pixels.outline(spectrum, N_COLUMNS, fmin_hz)
    log_bins = np.rint(log_hz / spectrum.bin_width_hz).astype(int)
    n_each = -(-len(levels_db) // N_COLUMNS)
    padded = np.pad(levels_db, (0, -len(levels_db) % n_each), constant_values=-np.inf)
    loudest = padded.reshape(-1, n_each).argmax(axis=1)
    linear_bins = np.arange(len(loudest)) * n_each + loudest
    bins = np.union1d(log_bins, linear_bins)
    bins = bins[frequencies_hz[bins] >= fmin_hz]
    return frequencies_hz[bins], levels_db[bins]


def table(
    spectrum: Spectrum, partials: Partials, language: str
) -> tuple[tuple[str, ...], ...]:
    """The peaks, numbered as in the plot; nothing where there are none."""
    if not partials:
        return ()
    top_db, unit = 0.0, "dBFS"
    if spectrum.reference == "peak":  # which is between bins
        top_db, unit = max(each.level_db for each in partials), "dB"
    return (
        tuple(i18n.word(f"see.peak_{name}", language) for name in COLUMNS),
        *(
            _cells(number, each, each.level_db - top_db, unit)
            for number, each in enumerate(partials, start=1)
        ),
    )


def _cells(
    number: int, partial: Partial, level_db: float, unit: str
) -> tuple[str, ...]:
    return (
        f"{number}",
        f"{partial.frequency_hz:,.1f} Hz",
        style.MINUS.sub("−", f"{level_db:.1f} {unit}"),
        partial.note.name,
        style.cents(partial.note.cents),
        f"{partial.harmonic} ×" if partial.harmonic else "–",
    )


def _marks(partials: Partials, strong: Peak) -> Marks:
    """Numbers from left to right; the strongest with its frequency."""
    named = [
        (each.frequency_hz, each.level_db, f"{number}")
        for number, each in enumerate(partials, start=1)
    ]
    loudest = max(named, key=lambda mark: mark[1], default=None)
    if loudest is None:
        named = [
            (strong.frequency_hz, strong.level_db, f"{strong.frequency_hz:,.1f} Hz")
        ]
    else:
        hz, level_db, number = loudest
        named[named.index(loudest)] = (hz, level_db, f"{number} · {hz:,.1f} Hz")
    xs, ys, said_there = zip(*named, strict=True)
    return Marks(rounded(np.array(xs), 2), rounded(np.array(ys), 2), list(said_there))


def _facts(spectrum: Spectrum, language: str, padding: int) -> tuple[str, ...]:
    facts = (
        said("passage", language, n=spectrum.n_samples, start_s=spectrum.start_s),
        said(f"window_{spectrum.window}", language),
        said("bin_width", language, hz=spectrum.bin_width_hz),
        said("resolution", language, hz=viz.dft.resolution_hz(spectrum)),
    )
    padded = (said("padded", language, n=padding),) if padding > 1 else ()
    nyquist = said("nyquist", language, hz=spectrum.sampling_rate / 2)
    return (*facts, *padded, nyquist)
