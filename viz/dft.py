"""The DFT: level over frequency, for one passage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

import i18n
from audio import pixels
from audio.dsp import Spectrum, strongest
from audio.frames import Numbers, resolution_bins, scalloping_db
from audio.notes import note_of
from audio.partials import fundamental_hz, peaks
from viz import style, ticks
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Scale = Literal["linear", "log"]

FMIN_HZ = 20.0  # the lowest tone that ears hear
BOTTOM_DB = {"peak": -100.0, "full_scale": -120.0}
TICK_PX = 30
NYQUIST_PX = 30  # for its name beside the axes
HEADROOM_DB = 18.0  # for the words above the strongest peak
N_PEAKS = 8


def figure(spectrum: Spectrum, look: Look = DEFAULT, *, scale: Scale = "log") -> Figure:
    """The strongest bin of each pixel column, up to the Nyquist frequency.

    From 0 Hz on a linear axis; from 20 Hz on a logarithmic one.
    """
    fig, axes = style.canvas(look, right_px=NYQUIST_PX)
    style.grid(axes, look)
    nyquist_hz = spectrum.sampling_rate / 2
    fmin_hz = min(FMIN_HZ, nyquist_hz / 10) if scale == "log" else 0.0
    _frequency_axis(axes, fmin_hz, nyquist_hz, scale, look)
    bottom_db = BOTTOM_DB[spectrum.reference]
    axes.set_ylim(bottom_db, HEADROOM_DB)
    ticks_db = np.arange(bottom_db, 1.0, 20.0).tolist()
    names = {db: f"{db:.0f}".replace("-", "−") for db in ticks_db}
    ticks.put(axes, "y", names, look.word(f"level_{spectrum.reference}"), look)
    n_columns, _ = style.size_px(axes)
    if scale == "log":
        frequencies_hz, levels_db = pixels.outline(spectrum, n_columns, fmin_hz)
    else:
        frequencies_hz, levels_db = _strongest_of_each(spectrum, n_columns)
    axes.fill_between(
        frequencies_hz, levels_db, bottom_db, color=style.ACCENT, alpha=0.2, linewidth=0
    )
    axes.plot(frequencies_hz, levels_db, color=style.ACCENT, linewidth=1.2)
    _mark_peaks(axes, spectrum, look)
    style.caption(axes, _facts(spectrum, look), look)
    return fig


def _strongest_of_each(spectrum: Spectrum, n_columns: int) -> tuple[Numbers, Numbers]:
    """Frequencies (Hz) and levels (dB) of evenly spaced shares."""
    n_columns = min(n_columns, len(spectrum.levels_db))
    (levels_db,) = pixels.columns(
        spectrum.levels_db[None].astype(np.float32), n_columns
    )
    return np.linspace(0, spectrum.frequencies_hz[-1], n_columns), levels_db


def describe(spectrum: Spectrum, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """The spectrum's key numbers: its peak, its tone, what it can tell apart."""
    peak = strongest(spectrum)
    name = "about_dft" if peak else "about_dft_silence"
    sentences = [
        i18n.word(
            f"viz.{name}",
            language,
            n=spectrum.n_samples,
            start_s=spectrum.start_s,
            nyquist_hz=spectrum.sampling_rate / 2,
            hz=peak.frequency_hz if peak else None,
        )
    ]
    tone_hz = fundamental_hz(spectrum)
    if tone_hz:
        note = note_of(tone_hz)
        details = {"hz": tone_hz, "note": note.name, "cents": style.cents(note.cents)}
        sentences.append(i18n.word("viz.about_tone", language, **details))
    sentences.append(
        i18n.word(
            "viz.about_resolution",
            language,
            bin_hz=spectrum.bin_width_hz,
            window=i18n.word(f"viz.window_{spectrum.window}", language),
            hz=resolution_hz(spectrum),
            low_db=lowest_reading_db(spectrum),
        )
    )
    return style.joined(sentences, language)


def resolution_hz(spectrum: Spectrum) -> float:
    """The distance at which two equal tones come apart; zero padding does not help."""
    n_samples = max(spectrum.n_samples, 1)
    return resolution_bins(spectrum.window) * spectrum.sampling_rate / n_samples


def lowest_reading_db(spectrum: Spectrum) -> float:
    """How much too low a tone half-way between two bins reads; zero padding helps."""
    bins_of_window = spectrum.sampling_rate / max(spectrum.n_samples, 1)
    offset_bins = spectrum.bin_width_hz / bins_of_window / 2
    return scalloping_db(spectrum.window, offset_bins)


def _frequency_axis(
    axes: Axes, fmin_hz: float, nyquist_hz: float, scale: Scale, look: Look
) -> None:
    """An axis that ends at Nyquist, and says so."""
    axes.set_xscale(scale)
    axes.set_xlim(fmin_hz, nyquist_hz)
    width_px, _ = style.size_px(axes)
    ticks_hz = ticks.frequencies_hz(fmin_hz, nyquist_hz, width_px, scale, TICK_PX)
    names = {hz: ticks.hertz(hz) for hz in ticks_hz}
    ticks.put(axes, "x", names, look.word("frequency"), look)
    axes.spines["right"].set(visible=True, linestyle=(0, (4, 3)))
    axes.annotate(
        look.word("nyquist", hz=nyquist_hz),
        (1, 0.5),
        (6, 0),
        xycoords="axes fraction",
        textcoords="offset points",
        rotation=90,
        rotation_mode="anchor",
        ha="center",
        va="top",
        **style.text(look),
    )


def _mark_peaks(axes: Axes, spectrum: Spectrum, look: Look) -> None:
    """Numbers from left to right; of the strongest its frequency too."""
    strong = strongest(spectrum)
    if strong is None:
        style.note(axes, look.word("silence"), look.ink)
        return
    partials = peaks(spectrum, N_PEAKS)
    for number, each in enumerate(partials, start=1):
        _mark(axes, (each.frequency_hz, each.level_db), f"{number}", 6, look)
    where = (strong.frequency_hz, strong.level_db)
    words_px = 20 if partials else 7  # above its number
    _mark(axes, where, f"{strong.frequency_hz:,.1f} Hz", words_px, look, weight="bold")


def _mark(
    axes: Axes,
    where: tuple[float, float],
    words_there: str,
    up_px: float,
    look: Look,
    weight: str = "normal",
) -> None:
    share = axes.transAxes.inverted().transform(axes.transData.transform(where))[0]
    wide = len(words_there) > 2  # too wide to stand in the middle near an end
    side = "left" if wide and share < 0.1 else "right" if share > 0.9 else "center"
    axes.plot(*where, "o", markersize=5, color=style.ACCENT)
    axes.annotate(
        words_there,
        where,
        (0, up_px),
        textcoords="offset points",
        ha=side,
        fontweight=weight,
        **style.text(look),
    )


def _facts(spectrum: Spectrum, look: Look) -> list[str]:
    return [
        look.word("passage", n=spectrum.n_samples, start_s=spectrum.start_s),
        look.word(f"window_{spectrum.window}"),
        look.word("bin_width", hz=spectrum.bin_width_hz),
        look.word("resolution", hz=resolution_hz(spectrum)),
    ]
