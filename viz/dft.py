"""Draw the spectrum of one passage: level over frequency, its peaks marked."""

from __future__ import annotations

from math import ceil, floor

import numpy as np

import i18n
from audio.levels import FLOOR_DB
from audio.notes import note_of
from audio.transforms import Peak, Spectrum, pixels, strongest
from audio.transforms.partials import Partial, tone_of
from audio.transforms.windows import Numbers, resolution_bins, scalloping_db
from viz.plot import N_COLUMNS, Axis, Line, Marks, Plot, rounded
from viz.wording import cents, joined, phrase, with_minus

FMIN_HZ = 20.0  # the lowest audible tone
BOTTOM_DB = {"peak": -100.0, "full_scale": -120.0}
ROOM_DB = 20.0  # that the strongest peak has below it, in steps of which the axis ends
HEADROOM_DB = 18.0  # for the words above the strongest peak
N_PEAKS = 8
MIN_MARGIN_CENTS = 1.0  # below it, a whole number of cents is right without a margin
Partials = tuple[Partial, ...]

COLUMNS = ("number", "frequency", "level", "note", "cents", "harmonic")


def plot(
    spectrum: Spectrum, partials: Partials, language: str, *, padding: int = 1
) -> Plot:
    """Draw the strongest bin of each pixel column, on any scale of frequency.

    Args:
        spectrum: of the passage.
        partials: its ``peaks``, to be marked.
        language: of labels and facts.
        padding: how many times the passage's length its transform is.
    """
    nyquist_hz = spectrum.sampling_rate / 2
    fmin_hz = min(FMIN_HZ, nyquist_hz / 10)
    strong = strongest(spectrum)
    bottom_db = _bottom_db(spectrum, strong)
    frequencies_hz, levels_db = shown_bins(spectrum, fmin_hz)
    curve = Line(
        rounded(frequencies_hz, 3), rounded(np.maximum(levels_db, bottom_db), 2), "fill"
    )
    level = phrase(f"level_{spectrum.reference}", language)
    return Plot(
        name="dft",
        x=Axis(
            "frequency",
            fmin_hz,
            nyquist_hz,
            phrase("frequency", language),
            ("log", "linear", "note"),
        ),
        y=Axis("level", bottom_db, HEADROOM_DB, level),
        layers=(curve, *([_marks(partials, strong)] if strong else [])),
        facts=_facts(spectrum, language, padding),
        note="" if strong else phrase("silence", language),
    )


def _bottom_db(spectrum: Spectrum, strong: Peak | None) -> float:
    """Return where the axis ends: lower for what only 24 bits can hold."""
    usual_db = BOTTOM_DB[spectrum.reference]
    if strong is None or strong.level_db >= usual_db + ROOM_DB:
        return usual_db
    return max(ROOM_DB * floor(strong.level_db / ROOM_DB - 1), FLOOR_DB)


def shown_bins(spectrum: Spectrum, fmin_hz: float) -> tuple[Numbers, Numbers]:
    """Return the bins that some pixel column shows, on a log axis or on a linear one.

    Returns:
        Frequencies (n_bins,) in Hz, rising, and levels (n_bins,) in dB.
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
    """Return the peaks, numbered as in the plot; nothing where there are none."""
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


def describe(spectrum: Spectrum, language: str = i18n.DEFAULT_LANGUAGE) -> str:
    """Describe the spectrum's peak, fundamental and resolution."""
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
    tone = tone_of(spectrum)
    if tone:
        note = note_of(tone.frequency_hz)
        details = {"note": note.name, "cents": cents(note.cents)}
        name = "about_tone" if tone.is_certain else "about_tone_if"
        sentences.append(
            i18n.word(f"viz.{name}", language, hz=tone.frequency_hz, **details)
        )
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
    return joined(sentences, language)


def resolution_hz(spectrum: Spectrum) -> float:
    """Compute the distance of two separable equal tones; zero padding does not help."""
    n_samples = max(spectrum.n_samples, 1)
    return resolution_bins(spectrum.window) * spectrum.sampling_rate / n_samples


def lowest_reading_db(spectrum: Spectrum) -> float:
    """Compute the scalloping loss half-way between two bins; zero padding helps."""
    bins_of_window = spectrum.sampling_rate / max(spectrum.n_samples, 1)
    offset_bins = spectrum.bin_width_hz / bins_of_window / 2
    return scalloping_db(spectrum.window, offset_bins)


def _cells(
    number: int, partial: Partial, level_db: float, unit: str
) -> tuple[str, ...]:
    return (
        f"{number}",
        f"{partial.frequency_hz:,.1f} Hz",
        with_minus(f"{level_db:.1f} {unit}"),
        partial.note.name,
        _cents(partial),
        f"{partial.harmonic} ×" if partial.harmonic else "–",
    )


def _cents(partial: Partial) -> str:
    """Write the distance from the note, with what leakage may have moved it by."""
    found = cents(partial.note.cents)
    margin = ceil(partial.margin_cents)
    return f"{found} ± {margin}" if partial.margin_cents >= MIN_MARGIN_CENTS else found


def _marks(partials: Partials, strong: Peak) -> Marks:
    """Label the peaks with their numbers, and the strongest with its frequency."""
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
    xs, ys, words = zip(*named, strict=True)
    return Marks(rounded(np.array(xs), 2), rounded(np.array(ys), 2), list(words))


def _facts(spectrum: Spectrum, language: str, padding: int) -> tuple[str, ...]:
    facts = (
        phrase("passage", language, n=spectrum.n_samples, start_s=spectrum.start_s),
        phrase(f"window_{spectrum.window}", language),
        phrase("bin_width", language, hz=spectrum.bin_width_hz),
        phrase("resolution", language, hz=resolution_hz(spectrum)),
    )
    padded = (phrase("padded", language, n=padding),) if padding > 1 else ()
    nyquist = phrase("nyquist", language, hz=spectrum.sampling_rate / 2)
    return (*facts, *padded, nyquist)
