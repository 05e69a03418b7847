"""Draw a file's channels, and tabulate its properties before and after decoding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log10

import numpy as np

import i18n
from audio.clip import Clip
from audio.decode import Decoded, SourceFacts
from audio.decode.channels import Channels
from audio.hubert.preprocessing import SAMPLING_RATE
from audio.levels import FLOOR_DB, Extent, Loudness, decibels
from audio.transforms.pixels import Envelope
from viz.plot import Axis, Band, Plot, rounded, time_axis
from viz.waveform import FULL_SCALE
from viz.wording import joined, phrase, with_minus

BYTES_A_SAMPLE, BITS_A_SAMPLE = 4, 32  # of a clip
CONTAINERS = {"ogg": "Ogg", "matroska": "WebM"}  # the others are abbreviations
CODECS = {"vorbis": "Vorbis", "opus": "Opus"}
SIDES = ("left", "right")
MOST_CHANNELS = 8  # whose levels are written
SAME_DB = -100.0  # below every difference that 16 bits can keep
ROWS = (
    "container",
    "codec",
    "channels",
    "sampling_rate",
    "bit_depth",
    "duration",
    "samples",
    "peak",
    "rms",
    "full",
    "size",
    "bit_rate",
)


def outline(
    outline: Envelope, shown_s: tuple[float, float], title: str, language: str
) -> Plot:
    """Draw one channel between two times (s)."""
    band = Band(*shown_s, rounded(outline.lows), rounded(outline.highs))
    is_silent = not (outline.lows.any() or outline.highs.any())
    amplitude = phrase("amplitude", language)
    return Plot(
        name="channel",
        x=time_axis(shown_s, language),
        y=Axis("amplitude", -FULL_SCALE, FULL_SCALE, amplitude),
        layers=(band,),
        title=title,
        is_sound=True,
        note=phrase("silence", language) if is_silent else "",
    )


def title(index: int, n_channels: int, language: str) -> str:
    """Return a channel's name: left and right where there are two."""
    if n_channels == 2:
        return i18n.word(f"see.channel_{SIDES[index]}", language)
    return i18n.word("see.channel_n", language, n=index + 1)


def table(
    decoded: Decoded, loud: Loudness, extent: Extent, language: str
) -> tuple[tuple[str, ...], ...]:
    """Tabulate the file's properties and the clip's; the head first."""
    head = tuple(_word(name, language) for name in ("property", "file", "here"))
    names = (_word(row, language) for row in ROWS)
    then = _then(decoded, language)
    now = _now(decoded.clip, loud, extent, language)
    return (head, *zip(names, then, now, strict=True))


def describe(
    decoded: Decoded,
    loud: Loudness,
    extent: Extent,
    found: Channels | None,
    language: str,
) -> str:
    """Describe values, levels, what decoding changed and, where known, the width."""
    clip, changed = decoded.clip, decoded.levels
    sentences = [
        _word(
            "sum",
            language,
            duration_s=clip.duration_s,
            sampling_rate=clip.sampling_rate,
            n=clip.n_samples,
            n_model=round(clip.duration_s * SAMPLING_RATE),
        ),
        _levels(loud, extent, language),
    ]
    if changed.gain != 1:
        db = 20 * log10(changed.gain)
        sentences.append(_word("scaled", language, db=db, peak_db=-db))
    if changed.n_cut:
        sentences.append(_word("cut", language, n=changed.n_cut))
    if changed.is_bass_cancelled:
        sentences.append(_word("bass", language))
    if found and found.side_db is not None and loud.peak_dbfs > FLOOR_DB:
        sentences.append(_width(found.side_db, language))
    return joined(sentences, language)


def container_of(facts: SourceFacts) -> str:
    """Return a container's name as people write it."""
    return CONTAINERS.get(facts.container, facts.container.upper())


def codec_of(facts: SourceFacts) -> str:
    """Return a codec's name as people write it."""
    if facts.codec.startswith("pcm_"):
        return "PCM"
    return CODECS.get(facts.codec, facts.codec.upper())


def _then(decoded: Decoded, language: str) -> Iterable[str]:
    """Return the cells of the file's column, in the order of ``ROWS``."""
    facts = decoded.facts
    duration_s = facts.duration_s or decoded.clip.duration_s
    n_samples = round(duration_s * facts.sampling_rate)
    bits = facts.bit_depth
    return (
        container_of(facts),
        codec_of(facts),
        f"{facts.n_channels}",
        f"{facts.sampling_rate:,} Hz",
        f"{bits}" if bits else _word("no_bits", language),
        f"{duration_s:.3f} s",
        f"{facts.n_channels} × {n_samples:,}",
        _each(decoded.levels.peaks, language),
        _each([2**0.5 * rms for rms in decoded.levels.rms], language),
        " / ".join(f"{n:,}" for n in decoded.levels.n_full[:MOST_CHANNELS]),
        f"{facts.size_bytes / 1e6:.2f} MB",
        f"{facts.size_bytes * 8 / duration_s / 1000:,.0f} kbit/s",
    )


def _each(amplitudes: Sequence[float], language: str) -> str:
    """Write the level of each channel, in the file's order."""
    powers = np.array(amplitudes[:MOST_CHANNELS]) ** 2
    levels_db = [float(db) for db in decibels(powers)]
    return " / ".join(_level(db, language) for db in levels_db)


def _level(level_db: float, language: str) -> str:
    if level_db <= FLOOR_DB:
        return phrase("silence", language)
    return with_minus(f"{round(level_db, 1) + 0.0:.1f} dBFS")  # never -0.0


def _now(clip: Clip, loud: Loudness, extent: Extent, language: str) -> Iterable[str]:
    """Return the cells of the clip's column, in the order of ``ROWS``."""
    n_bytes = clip.n_samples * BYTES_A_SAMPLE
    return (
        "–",
        "PCM",
        "1",
        f"{clip.sampling_rate:,} Hz",
        f"{BITS_A_SAMPLE}",
        f"{clip.duration_s:.3f} s",
        f"{clip.n_samples:,}",
        _level(loud.peak_dbfs, language),
        _level(loud.rms_dbfs, language),
        f"{extent.n_full:,}",
        _word("memory", language, mb=n_bytes / 1e6),
        f"{clip.sampling_rate * BITS_A_SAMPLE / 1000:,.0f} kbit/s",
    )


def _levels(loud: Loudness, extent: Extent, language: str) -> str:
    if loud.peak_dbfs <= FLOOR_DB:
        return _word("silence", language)
    return _word(
        "levels",
        language,
        peak_db=loud.peak_dbfs,
        at_s=loud.peak_at_s,
        rms_db=loud.rms_dbfs,
        crest_db=loud.crest_db,
        offset=extent.offset,
        n_full=extent.n_full,
    )


def _width(side_db: float, language: str) -> str:
    if side_db < SAME_DB:
        return _word("same", language)
    if side_db > -SAME_DB:
        return _word("opposed", language)
    return _word("side", language, db=side_db)


def _word(name: str, language: str, **details: object) -> str:
    return i18n.word(f"see.source_{name}", language, **details)
