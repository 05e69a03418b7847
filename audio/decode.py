"""File in, Clip out, or a KnownError: all suspicion of files lives here.

FFmpeg, in PyAV's wheel, is the one decoder. It meets strangers' files, so it is kept
on a short lead: demuxers and codecs by allow-list (no playlist, no picture, no video
is ever decoded), no protocol (no file may name another file or a host), a limit on
bytes before opening and on seconds while decoding. What is damaged in the middle or
cut off at the end gives what is there.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audio.clip import Clip, Samples
from errors import KnownError

if TYPE_CHECKING:
    from av import AudioCodecContext, AudioFrame, AudioStream
    from av.container import InputContainer

# FFmpeg's name of a demuxer -> what people call the container.
CONTAINERS = {
    "wav": "wav",  # and RF64
    "w64": "w64",
    "aiff": "aiff",
    "flac": "flac",
    "ogg": "ogg",
    "mp3": "mp3",
    "aac": "aac",
    "mov": "mp4",  # and m4a, 3gp
    "matroska": "matroska",  # and webm, which browsers record
    "asf": "wma",
}
PCM = "u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be alaw mulaw"
CODECS = (
    "aac", "ac3", "adpcm_ima_wav", "adpcm_ms", "alac", "amrnb", "amrwb", "eac3",
    "flac", "mp2", "mp2float", "mp3", "mp3float", "opus", "vorbis", "wmapro", "wmav1",
    "wmav2", *(f"pcm_{kind}" for kind in PCM.split()),
)  # fmt: skip
FFMPEG_OPTIONS = {
    "format_whitelist": ",".join(CONTAINERS),
    "codec_whitelist": ",".join(CODECS),
    "protocol_whitelist": "file",
}
# How files of these kinds begin: one that FFmpeg cannot open is broken, not foreign.
SOUND_STARTS = re.compile(
    rb"RIFF....WAVE|RF64|riff|FORM....AIF|fLaC|OggS|ID3|....ftyp|\x1aE\xdf\xa3",
    re.DOTALL,
)
BLOCK_LENGTH = 16_384  # samples, 128 KiB in stereo: a block stays in the cache
MAX_BROKEN_PACKETS = 1000  # in a row; bounds the work on a file made to fail
MAX_BROKEN_SHARE = 0.01  # of the samples
LOUDEST = 2.0**32  # beyond every integer scale that a float file may hold
CANCELLED = 0.25  # -6 dB


@dataclass(frozen=True)
class Limits:
    """What a file may be.

    Attributes:
        max_bytes: a larger file is refused unread.
        min_duration_s: a shorter sound is refused.
        max_duration_s: a longer one is cut here.
        min_sampling_rate: Hz; below it there is nothing to see or to classify.
        max_sampling_rate: Hz; with ``max_duration_s`` it bounds the memory.
    """

    max_bytes: int = 100_000_000
    min_duration_s: float = 0.1
    max_duration_s: float = 600.0
    min_sampling_rate: int = 2_000
    max_sampling_rate: int = 192_000


USUAL = Limits()


@dataclass(frozen=True)
class SourceFacts:
    """What the file was before it became a Clip, as its header says.

    Attributes:
        container: such as ``mp4``; see ``CONTAINERS``.
        codec: such as ``aac``, ``pcm_s16le``.
        n_channels: as stored, before the mix.
        sampling_rate: Hz.
        bit_depth: bits a sample; None for codecs that do not keep samples (mp3, aac).
        duration_s: None where the header does not know it (streams, bare mp3 and aac).
        size_bytes: of the whole file.
    """

    container: str
    codec: str
    n_channels: int
    sampling_rate: int
    bit_depth: int | None
    duration_s: float | None
    size_bytes: int


@dataclass(frozen=True, eq=False)
class Decoded:
    """A file's sound.

    Attributes:
        clip: mono, at the file's own rate, named by the file's stem.
        facts: what the file was.
        cut_at_s: where a sound longer than the limit was cut; None when it was not.
    """

    clip: Clip
    facts: SourceFacts
    cut_at_s: float | None


def probe(path: Path, limits: Limits = USUAL) -> SourceFacts:
    """What the header says, without decoding the sound: the cheap refusal.

    Raises:
        KnownError: ``unreadable``, ``empty_file``, ``too_large``, ``not_audio``,
            ``broken_audio`` or ``odd_sampling_rate``.
    """
    with _opened(path, path.name, limits) as (_, facts):
        return facts


def load(path: Path, *, name: str | None = None, limits: Limits = USUAL) -> Decoded:
    """Decode a file to mono at its own rate.

    Channels are averaged. Where that would cancel them (antiphase stereo), the
    loudest channel is taken alone. A float wav may use any scale: where it exceeds 1
    it is scaled to a peak of 1. What lossy codecs overshoot is clipped, as players do.
    Samples that are no numbers become 0; where they are more than 1 % the file is
    refused.

    Args:
        path: the file.
        name: what messages call it; the path's last part by default.
        limits: what the file may be.

    Raises:
        KnownError: as ``probe``, and ``empty_file`` for a file without samples,
            ``too_short``, ``not_finite``.
    """
    name = name or path.name
    facts, mix = _decode(path, name, limits)
    if mix.is_cancelled:
        # A second pass is cheaper than keeping every channel of every file.
        facts, mix = _decode(path, name, limits, channel=mix.loudest_channel)
    _check_mix(mix, name, limits)
    is_long = mix.duration_s > limits.max_duration_s
    samples = mix.samples(
        limits.max_duration_s, is_any_scale=facts.codec.startswith("pcm_f")
    )
    clip = Clip(samples, mix.sampling_rate, Path(name).stem)
    return Decoded(clip, facts, limits.max_duration_s if is_long else None)


class _Mix:
    """The mono mix as it grows, and what tells whether it is sound.

    One byte buffer, because a list of blocks would need the memory twice at the end.
    """

    def __init__(self, channel: int | None) -> None:
        self.sampling_rate = 1
        self.n_broken = 0
        self._channel = channel
        self._buffer = bytearray()
        # Products of the channels, summed over time: each one's energy is on the
        # diagonal, and the sum of all is the energy of the channels' sum.
        self._products = np.zeros((1, 1))

    @property
    def n_samples(self) -> int:
        return len(self._buffer) // 4  # float32

    @property
    def duration_s(self) -> float:
        return self.n_samples / self.sampling_rate

    @property
    def loudest_channel(self) -> int:
        return int(self._products.diagonal().argmax())

    @property
    def is_cancelled(self) -> bool:
        """Whether the channels erase one another.

        Energies add up where channels have nothing in common, or only one sounds.
        Only opposed ones (stereo: correlation below -0.75) leave a quarter of that.
        """
        return bool(self._products.sum() < CANCELLED * self._products.trace())

    def add(self, frame: AudioFrame) -> None:
        """Append the mean of one packed float32 frame's channels, or the chosen one."""
        n_channels = frame.layout.nb_channels
        block = frame.to_ndarray().reshape(-1, n_channels)
        if not max(block.max(), -block.min()) <= LOUDEST:  # so NaN comes in here too
            is_broken = ~(np.abs(block) <= LOUDEST)
            self.n_broken += int(is_broken.any(axis=1).sum())
            block = np.where(is_broken, np.float32(0), block)
        weights = np.full(n_channels, 1 / n_channels, np.float32)
        if self._channel is not None:
            weights = np.eye(n_channels, dtype=np.float32)[self._channel]
        self.sampling_rate = frame.sample_rate
        self._products = self._products + block.T @ block
        self._buffer += (block @ weights).data  # 20 times faster than block.mean(1)

    def samples(self, max_duration_s: float, *, is_any_scale: bool) -> Samples:
        """The mix, float32 (n_samples,) in [-1, 1], no longer than the limit."""
        n_most = round(max_duration_s * self.sampling_rate)
        samples = np.frombuffer(self._buffer, np.float32)[:n_most]
        peak = max(samples.max(), -samples.min())
        if is_any_scale and peak > 1:
            samples /= peak
        np.clip(samples, -1, 1, out=samples)
        samples.flags.writeable = False
        return samples


def _decode(
    path: Path, name: str, limits: Limits, channel: int | None = None
) -> tuple[SourceFacts, _Mix]:
    """Decode until the end or just past the limit; ``channel`` alone if given."""
    mix = _Mix(channel)
    with _opened(path, name, limits) as (stream, facts):
        for frame in _blocks(stream):
            mix.add(frame)
            if mix.duration_s > limits.max_duration_s:
                break
    return facts, mix


def _check_mix(mix: _Mix, name: str, limits: Limits) -> None:
    if mix.n_samples == 0:
        raise KnownError("empty_file", name=name)
    _check_rate(mix.sampling_rate, name, limits)
    if mix.duration_s < limits.min_duration_s:
        raise KnownError(
            "too_short",
            name=name,
            duration_s=mix.duration_s,
            min_duration_s=limits.min_duration_s,
        )
    if mix.n_broken > MAX_BROKEN_SHARE * mix.n_samples:
        raise KnownError("not_finite", name=name, share=mix.n_broken / mix.n_samples)


def _check_rate(sampling_rate: int, name: str, limits: Limits) -> None:
    if not limits.min_sampling_rate <= sampling_rate <= limits.max_sampling_rate:
        raise KnownError(
            "odd_sampling_rate",
            name=name,
            sampling_rate=sampling_rate,
            lowest=limits.min_sampling_rate,
            highest=limits.max_sampling_rate,
        )


@contextmanager
def _opened(
    path: Path, name: str, limits: Limits
) -> Iterator[tuple[AudioStream, SourceFacts]]:
    """The file's sound, ready to decode; every foreign error ends here."""
    import av

    try:
        _check_size(path, name, limits)
        with _demuxed(path, name) as container:
            stream = container.streams.best("audio")
            codec = getattr(stream, "codec_context", None)
            if codec is None or codec.name not in CODECS:
                raise KnownError("not_audio", name=name)
            facts = _facts(stream, path)
            _check_rate(facts.sampling_rate, name, limits)
            yield stream, facts
    except (av.FFmpegError, ValueError, ArithmeticError) as error:
        raise KnownError("broken_audio", name=name) from error
    except OSError as error:
        raise KnownError("unreadable", name=name) from error


def _check_size(path: Path, name: str, limits: Limits) -> None:
    if not path.is_file():  # a folder, a device, a pipe that would never end
        raise KnownError("unreadable", name=name)
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise KnownError("empty_file", name=name)
    if size_bytes > limits.max_bytes:
        raise KnownError(
            "too_large", name=name, mb=size_bytes / 1e6, max_mb=limits.max_bytes / 1e6
        )


def _demuxed(path: Path, name: str) -> InputContainer:
    import av

    try:
        return av.open(
            path.absolute(),  # begins with no protocol, whatever it is called
            "r",
            container_options=FFMPEG_OPTIONS,
            metadata_errors="replace",
        )
    except av.FFmpegError as error:
        with path.open("rb") as file:
            is_sound = SOUND_STARTS.match(file.read(12))
        code = "broken_audio" if is_sound else "not_audio"
        raise KnownError(code, name=name) from error


def _facts(stream: AudioStream, path: Path) -> SourceFacts:
    codec = stream.codec_context
    return SourceFacts(
        container=CONTAINERS[stream.container.format.name.split(",")[0]],
        codec=codec.codec.canonical_name,
        n_channels=codec.channels,
        sampling_rate=codec.sample_rate,
        bit_depth=_bit_depth(codec),
        duration_s=_duration_s(stream, path),
        size_bytes=path.stat().st_size,
    )


def _bit_depth(codec: AudioCodecContext) -> int | None:
    """Bits a sample, read where each lossless codec's specification puts them."""
    header = codec.extradata or b""
    if pcm := re.fullmatch(r"pcm_[usf](\d+).*", codec.name):
        return int(pcm[1])
    if codec.name == "flac" and len(header) >= 34:  # STREAMINFO: bits 103 to 107
        return ((header[12] & 1) << 4 | header[13] >> 4) + 1
    if codec.name == "alac" and len(header) >= 36:  # the magic cookie's bitDepth
        return header[17]
    return None


def _duration_s(stream: AudioStream, path: Path) -> float | None:
    """What the header says; None where FFmpeg only guesses from the bit rate."""
    container = stream.container
    if container.format.name == "aac" or (
        container.format.name == "mp3" and not _is_counted(path)
    ):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / 1e6  # from us


def _is_counted(mp3: Path) -> bool:
    """Whether the first frame is the one that tells how many there are."""
    with mp3.open("rb") as file:
        tag = file.read(10)
        if tag.startswith(b"ID3"):  # its length: four bytes of seven bits
            a, b, c, d = tag[6:10]
            file.seek(10 + (a << 21 | b << 14 | c << 7 | d))
        else:
            file.seek(0)
        return re.search(b"Xing|Info|VBRI", file.read(256)) is not None


def _blocks(stream: AudioStream) -> Iterator[AudioFrame]:
    """The sound in frames of packed float32, all with the first one's rate and layout.

    FFmpeg converts what changes on the way (chained files), and collects the codec's
    short frames, because numpy's overhead on each would cost as much as decoding.
    Packed, because PyAV 18 reads beyond the plane pointers of a planar frame with
    eight channels or more, and crashes.
    """
    import av

    frames = _frames(stream)
    first = next(frames, None)
    if first is None:
        return
    target = ("flt", first.layout, first.sample_rate, BLOCK_LENGTH)
    resampler = av.AudioResampler(*target)
    for frame in itertools.chain([first], frames):
        try:
            yield from resampler.resample(frame)
        except ValueError:  # another format, layout or rate from here on
            yield from resampler.resample(None)
            resampler = av.AudioResampler(*target)
            yield from resampler.resample(frame)
    yield from resampler.resample(None)


def _frames(stream: AudioStream) -> Iterator[AudioFrame]:
    """Every frame that can be decoded; broken packets are left out, as players do.

    Raises:
        av.FFmpegError: nothing at all could be decoded.
    """
    import av

    is_heard, n_broken, problem = False, 0, None
    packets = stream.container.demux(stream)
    while n_broken < MAX_BROKEN_PACKETS:
        try:
            packet = next(packets, None)  # None as well once the demuxer has failed
            if packet is None:
                break
            frames = packet.decode()
        except av.FFmpegError as error:
            n_broken, problem = n_broken + 1, error
            continue
        if frames:
            is_heard, n_broken = True, 0
        yield from frames
    if problem and not is_heard:
        raise problem
