"""Draw an excerpt before and after a codec, and the difference, with their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

import numpy as np

import i18n
from audio import transforms
from audio.clip import Clip, Samples
from audio.coding import CODECS, Coded
from audio.levels import FLOOR_DB
from audio.transforms import Frames
from audio.transforms.separation import frame_length
from viz import spectrogram
from viz.plot import Plot, Scale
from viz.wording import joined, phrase, relative_level

N_COLUMNS = 512  # half a picture's width
SCALES: tuple[Scale, ...] = ("linear", "mel", "log")  # most is lost near the top


def title(found: Coded, language: str) -> str:
    """Name a codec with its bit rate: "MP3, 64 kbit/s"."""
    name = i18n.word(f"see.codec_{found.codec}", language)
    if not found.bit_rate:
        return name
    return phrase("coded_at", language, name=name, kbits=found.bit_rate / 1000)


def plots(
    codings: Sequence[Coded], since_s: float, top_hz: float, language: str
) -> tuple[Plot, ...]:
    """Draw the original, then each coding and its difference.

    Args:
        codings: of one excerpt.
        since_s: where it starts in the whole sound (s).
        top_hz: what frequencies the sound can have; the axes end there.
        language: of titles, labels and facts.
    """
    first = codings[0]

    def plot(samples: Samples, rate: int, name: str, **rules_hz: float) -> Plot:
        n_fft = frame_length(rate)
        frames = Frames(n_fft=n_fft, hop_length=n_fft // 4, n_columns=N_COLUMNS)
        levels = transforms.stft(Clip(samples, rate), frames)
        return spectrogram.excerpt(
            levels,
            since_s,
            name,
            language,
            scales=SCALES,
            top_hz=top_hz,
            rules_hz=rules_hz,
        )

    original = i18n.word("see.coding_original", language)
    drawn = [plot(first.original, first.sampling_rate, original)]
    for each in codings:
        name, rate = title(each, language), each.sampling_rate
        rules = {}
        if each.cutoff_hz is not None:
            rules[phrase("cutoff", language, hz=each.cutoff_hz)] = each.cutoff_hz
        drawn.append(plot(each.coded, rate, name, **rules))
        difference = i18n.word("see.coding_difference", language, name=name)
        drawn.append(plot(each.difference, rate, difference))
    return tuple(drawn)


def table(codings: Sequence[Coded], language: str) -> tuple[tuple[str, ...], ...]:
    """Tabulate each coding: size, ratio, cut-off, difference, delay; the head first."""
    head = ("coding", "size", "ratio", "cutoff", "error", "delay")
    rows = (
        (
            title(each, language),
            f"{each.n_bytes:,}",
            f"{ratio(each):.1f}",
            "–" if each.cutoff_hz is None else f"{each.cutoff_hz:,.0f} Hz",
            relative_level(each.error_db),
            f"{each.delay:,}",
        )
        for each in codings
    )
    return (tuple(i18n.word(f"see.coding_{name}", language) for name in head), *rows)


def describe(
    codings: Sequence[Coded],
    shown_s: tuple[float, float],
    wanted_kbits: Sequence[int],
    gain_db: float,
    language: str,
) -> str:
    """Describe the excerpt, then size, cut-off and difference of each coding.

    Args:
        codings: of one excerpt.
        shown_s: where it starts and stops in the whole sound (s).
        wanted_kbits: bit rate that was asked for, of each.
        gain_db: by which the differences were to be played louder.
        language: of the sentences.
    """
    details = {"start_s": shown_s[0], "stop_s": shown_s[1]}
    sentences = [phrase("about_excerpt", language, **details)]
    for each, kbits in zip(codings, wanted_kbits, strict=True):
        name = title(each, language)
        if not CODECS[each.codec].is_lossless and 1000 * kbits > each.bit_rate:
            most = {"name": name, "wanted": kbits, "rate": each.sampling_rate}
            sentences.append(phrase("about_most", language, **most))
        size = {
            "name": name,
            "bytes": each.n_bytes,
            "ratio": ratio(each),
            "of": each.n_bytes_of_samples,
        }
        sentences.append(phrase("about_size", language, **size))
        sentences += _losses(each, language)
        if 0 < (played_db := playable_gain_db(each, gain_db)) < gain_db:
            sentences.append(phrase("about_gain_most", language, db=played_db))
    return joined(sentences, language)


def playable_gain_db(found: Coded, gain_db: float) -> float:
    """Return by how much a difference can be played louder, ``gain_db`` at most."""
    peak = float(np.abs(found.difference).max(initial=0.0))
    return min(gain_db, -20 * log10(peak)) if peak else 0.0


def ratio(found: Coded) -> float:
    """Return how many times as large 16 bits a sample are."""
    return found.n_bytes_of_samples / found.n_bytes


def _losses(found: Coded, language: str) -> list[str]:
    """Describe what a codec has changed of an excerpt."""
    error_db = found.error_db
    if error_db is None:
        return [phrase("about_coded_silence", language)]
    if error_db <= FLOOR_DB:
        return [phrase("about_no_loss", language)]
    if CODECS[found.codec].is_lossless:
        return [phrase("about_rounding", language, db=error_db)]
    cutoff = "about_no_cutoff" if found.cutoff_hz is None else "about_cutoff"
    sentences = [
        phrase(cutoff, language, hz=found.cutoff_hz),
        phrase("about_difference", language, db=-error_db),
    ]
    if found.turned_down_db:
        lowered = phrase("about_turned_down", language, db=found.turned_down_db)
        sentences.append(lowered)
    return sentences
