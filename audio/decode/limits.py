"""Limits on files, and the types that decoding returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from audio.clip import Clip, Samples

if TYPE_CHECKING:
    from audio.coding import Trip
    from audio.decode.spool import Spool


class Decoder(Protocol):
    """Decode files elsewhere than in this process; see ``pool.DecoderPool``."""

    def load(self, path: Path, name: str, limits: Limits) -> Decoded:
        """Decode a file to mono, as ``decode.load``."""

    def channel_blocks(self, path: Path, limits: Limits) -> Iterator[Samples]:
        """Yield every channel, (n_samples, n_channels), as ``decode.channel_blocks``."""

    def spool(
        self, path: Path, name: str, limits: Limits, file: BinaryIO
    ) -> tuple[Spool, float | None]:
        """Decode into ``file``, as ``decode.spooled``."""

    def round_trip(self, samples: Samples, rate: int, name: str, bit_rate: int) -> Trip:
        """Encode samples and decode them, as ``coding.round_trip``."""


@dataclass(frozen=True)
class Limits:
    """Limits on a file.

    Attributes:
        max_bytes: a larger file is refused unread.
        min_duration_s: a shorter sound is refused.
        max_duration_s: a longer one is cut here.
        min_sampling_rate: Hz; below it there is nothing to see or to classify.
        max_sampling_rate: Hz; with ``max_duration_s`` it bounds the memory.
        decoder: decodes in place of this process, where files come from strangers.
    """

    max_bytes: int = 100_000_000
    min_duration_s: float = 0.1
    max_duration_s: float = 600.0
    min_sampling_rate: int = 2_000
    max_sampling_rate: int = 192_000
    decoder: Decoder | None = field(default=None, compare=False, repr=False)


USUAL = Limits()
# Of files that belong to the person at the machine: length and free space decide.
OWN = Limits(max_bytes=2**62, max_duration_s=3600.0)


@dataclass(frozen=True)
class SourceFacts:
    """A file's properties before decoding, from its header.

    Attributes:
        container: such as ``mp4``; see ``ffmpeg.CONTAINERS``.
        codec: such as ``aac``, ``pcm_s16le``.
        n_channels: as stored, before the mix.
        sampling_rate: Hz.
        bit_depth: bits a sample; None for codecs that do not keep samples (mp3, aac).
        duration_s: None where the header does not know it (streams, bare mp3 and aac).
        size_bytes: of the whole file.
        track: which of the file's sound tracks is decoded, from 1 on.
        n_tracks: how many it has; films have more than one.
    """

    container: str
    codec: str
    n_channels: int
    sampling_rate: int
    bit_depth: int | None
    duration_s: float | None
    size_bytes: int
    track: int = 1
    n_tracks: int = 1


@dataclass(frozen=True)
class FileLevels:
    """Levels of a file's channels before the mix, and what the mix was changed by.

    Attributes:
        peaks: largest magnitude of each channel's samples, 1 at full scale; of a float
            file it may be more.
        rms: of each channel, where a full-scale square wave has 1.
        n_full: samples of each channel at full scale, or above it.
        n_flat: samples of each channel at flat tops; see ``levels.n_flat``.
        gain: the mix was multiplied by it, to fit.
        n_cut: samples of the mix beyond full scale, which were cut off.
        is_bass_cancelled: the channels' low tones are opposed: the mix has lost them.
    """

    peaks: tuple[float, ...]
    rms: tuple[float, ...]
    n_full: tuple[int, ...]
    n_flat: tuple[int, ...] = ()
    gain: float = 1.0
    n_cut: int = 0
    is_bass_cancelled: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> FileLevels:
        """Read what ``dataclasses.asdict`` made, after JSON."""
        names = ("peaks", "rms", "n_full", "n_flat")
        lists = {name: tuple(values[name]) for name in names}
        return cls(**{**values, **lists})


@dataclass(frozen=True, eq=False)
class Decoded:
    """A file's sound.

    Attributes:
        clip: mono, at the file's own rate, named by the file's stem.
        facts: what the file was.
        cut_at_s: where a sound longer than the limit was cut; None when it was not.
        levels: of the file's channels.
    """

    clip: Clip
    facts: SourceFacts
    cut_at_s: float | None
    levels: FileLevels

    @property
    def n_clipped(self) -> int:
        """Samples at full scale or at flat tops, of the channel that has most."""
        return n_clipped(self.facts, self.levels)


def n_clipped(facts: SourceFacts, levels: FileLevels) -> int:
    """Count a file's clipped samples in the channel that has most, before the mix.

    Full scale means nothing in a float file: it may go beyond, and nothing is cut off.
    """
    is_any_scale = facts.codec.startswith("pcm_f")
    return max(levels.n_flat if is_any_scale else (*levels.n_full, *levels.n_flat))
