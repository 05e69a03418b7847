"""Load a file as a Clip, or raise a KnownError; each check of a file is done here.

A file is judged before it is opened (bytes), by its header (kind, rate), and while it
is decoded (seconds, finite samples). What is damaged in the middle or cut off at the
end gives what is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from audio.clip import Clip, Samples
from audio.decode import ffmpeg
from audio.decode.downmix import Mix, packed
from audio.decode.limits import USUAL, Decoded, Limits, SourceFacts
from errors import FULL_DISK, KnownError

if TYPE_CHECKING:
    from av import AudioStream
    from av.container import InputContainer

# How files of these kinds begin: one that FFmpeg cannot open is broken, not foreign.
SOUND_STARTS = re.compile(
    rb"RIFF....WAVE|RF64|riff|FORM....AIF|fLaC|OggS|ID3|....ftyp|\x1aE\xdf\xa3"
    rb"|MAC |wvpk|TTA1|MPCK|MP\+|DSD |caff|#!AMR|\.snd",
    re.DOTALL,
)
MAX_BROKEN_SHARE = 0.01  # of the samples


def probe(path: Path, limits: Limits = USUAL) -> SourceFacts:
    """Read a file's header without decoding its sound; the cheapest check.

    Raises:
        KnownError: ``unreadable``, ``empty_file``, ``too_large``, ``not_audio``,
            ``broken_audio`` or ``odd_sampling_rate``.
    """
    with opened(path, path.name, limits) as (_, facts):
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
        name: of the file in messages; the path's last part by default.
        limits: what the file may be.

    Raises:
        KnownError: as ``probe``, and ``empty_file`` for a file without samples,
            ``too_short``, ``not_finite``, ``decoder_gave_up``.
    """
    name = name or path.name
    if limits.decoder:
        return limits.decoder.load(path, name, limits)
    facts, mix = mixed(path, name, limits)
    is_long = mix.duration_s > limits.max_duration_s
    samples = mix.samples(
        limits.max_duration_s, is_any_scale=facts.codec.startswith("pcm_f")
    )
    clip = Clip(samples, mix.sampling_rate, name)
    cut_at_s = limits.max_duration_s if is_long else None
    return Decoded(clip, facts, cut_at_s, mix.levels)


def channel_blocks(path: Path, limits: Limits = USUAL) -> Iterator[Samples]:
    """Yield every channel of a file that ``load`` can read, block by block.

    Together the blocks are as long as the clip, unless that was cut. Levels are the
    file's: what exceeds full scale is neither clipped nor scaled.

    Returns:
        Blocks (n_samples, n_channels), float32.

    Raises:
        KnownError: as ``probe``, and ``decoder_gave_up``.
    """
    if limits.decoder:
        yield from limits.decoder.channel_blocks(path, limits)
        return
    with opened(path, path.name, limits) as (stream, _):
        for frame in ffmpeg.blocks(stream):
            yield packed(frame)[0]


def mixed(
    path: Path, name: str, limits: Limits, *, file: BinaryIO | None = None
) -> tuple[SourceFacts, Mix]:
    """Downmix a file to mono, in memory or into ``file``, as for ``load``.

    Raises:
        KnownError: as ``load``.
    """
    facts, mix = _decode(path, name, limits, file=file)
    if mix.is_cancelled:
        # A second pass is cheaper than keeping every channel of every file.
        channel = mix.loudest_channel
        del mix  # or memory would hold both
        if file:
            file.seek(0)
        facts, mix = _decode(path, name, limits, channel=channel, file=file)
    _check_mix(mix, name, limits)
    return facts, mix


def _decode(
    path: Path,
    name: str,
    limits: Limits,
    *,
    channel: int | None = None,
    file: BinaryIO | None = None,
) -> tuple[SourceFacts, Mix]:
    """Decode until the end or just past the limit; ``channel`` alone if given."""
    mix = Mix(channel, file)
    with opened(path, name, limits) as (stream, facts):
        for frame in ffmpeg.blocks(stream):
            mix.add(frame)
            if mix.duration_s > limits.max_duration_s:
                break
    return facts, mix


def _check_mix(mix: Mix, name: str, limits: Limits) -> None:
    """Refuse a decoded sound that is empty, too short or broken.

    Raises:
        KnownError: ``empty_file``, ``too_short``, ``not_finite``, or a code of
            ``_check_rate``.
    """
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
def opened(
    path: Path, name: str, limits: Limits
) -> Iterator[tuple[AudioStream, SourceFacts]]:
    """Open a file's audio stream; convert every foreign error to a known one.

    Raises:
        KnownError: ``too_large``, ``odd_sampling_rate`` and the like where a limit is
            exceeded; ``not_audio``, ``protected``, ``encoded``, ``broken_audio``,
            ``decoder_gave_up``, ``unreadable``; ``no_room`` for the spool.
    """
    import av

    try:
        _check_size(path, name, limits)
        with _demuxed(path, name) as container:
            stream = ffmpeg.sound_of(container)
            if stream is None:
                raise KnownError("not_audio", name=name)
            facts = _facts(container, stream, path)
            _check_rate(facts.sampling_rate, name, limits)
            if ffmpeg.is_protected(container, stream, path):
                raise KnownError("protected", name=name)
            if codec := ffmpeg.hidden_codec(stream, path):
                raise KnownError("encoded", name=name, codec=codec)
            yield stream, facts
    except (av.FFmpegError, ValueError, ArithmeticError) as error:
        raise KnownError("broken_audio", name=name) from error
    except MemoryError as error:
        raise KnownError("decoder_gave_up", name=name) from error
    except OSError as error:
        if error.errno in FULL_DISK:  # of the spool's folder, not of the song
            raise KnownError("no_room") from error
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
    """Open a file's container; one that cannot be opened is broken, or no sound.

    Raises:
        KnownError: ``broken_audio`` or ``not_audio``, by the file's first bytes.
    """
    import av

    try:
        return ffmpeg.demuxed(path)
    except av.FFmpegError as error:
        with path.open("rb") as file:
            is_sound = SOUND_STARTS.match(file.read(12))
        code = "broken_audio" if is_sound else "not_audio"
        raise KnownError(code, name=name) from error


def _facts(container: InputContainer, stream: AudioStream, path: Path) -> SourceFacts:
    codec = stream.codec_context
    return SourceFacts(
        container=ffmpeg.container_name(container),
        codec=codec.codec.canonical_name,
        n_channels=codec.channels,
        sampling_rate=ffmpeg.sampling_rate(codec),
        bit_depth=ffmpeg.bit_depth(codec),
        duration_s=ffmpeg.duration_s(container, stream, path),
        size_bytes=path.stat().st_size,
        track=1 + [each.index for each in container.streams.audio].index(stream.index),
        n_tracks=len(container.streams.audio),
    )
