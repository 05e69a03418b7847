"""Decode files to float frames by FFmpeg, restricted to what is on the allow-lists.

FFmpeg, in PyAV's wheel, is the only decoder. Files are untrusted, so demuxers, codecs
and protocols are allowed by list: no playlist, picture or video is ever decoded, and
no file can refer to another one or to a host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from av import AudioCodecContext, AudioFifo, AudioFrame, AudioStream
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
    "au": "au",  # of Sun: the original GTZAN's
    "caf": "caf",
    "ape": "ape",
    "wv": "wavpack",
    "tta": "tta",
    "mpc": "musepack",
    "mpc8": "musepack",
    "dsf": "dsf",
    "ac3": "ac3",
    "eac3": "eac3",
    "amr": "amr",
}
PCM = "u8 s8 s16le s16be s24le s24be s32le s32be f32le f32be f64le f64be alaw mulaw"
DSD = ("dsd_lsbf", "dsd_msbf", "dsd_lsbf_planar", "dsd_msbf_planar")
CODECS = (
    "aac", "ac3", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms", "alac", "amrnb", "amrwb",
    "ape", "eac3", "flac", "mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float",
    "mpc7", "mpc8", "opus", "speex", "tta", "vorbis", "wavpack", "wmalossless",
    "wmapro", "wmav1", "wmav2", *DSD, *(f"pcm_{kind}" for kind in PCM.split()),
)  # fmt: skip
MAX_DSD_RATE = 192_000  # Hz; what lies above is the noise that one bit a sample makes
# Tags of encrypted tracks in an mp4: FairPlay, Common Encryption, Audible.
PROTECTED_TAGS = ("drms", "enca", "aavd")
# GUIDs in the header of a protected wma: (extended) content encryption object.
PROTECTED_ASF = re.compile(
    rb"\xfb\xb3\x11\x22\x23\xbd\xd2\x11\xb4\xb7\x00\xa0\xc9\x55\xfc\x6e"
    rb"|\x14\xe6\x8a\x29\x22\x26\x17\x4c\xb9\x35\xda\xe0\x7e\xe9\x28\x9c"
)
# How a frame of DTS begins, in 16 or 14 bits a word, in either order of bytes.
DTS_SYNC = re.compile(
    rb"\xfe\x7f\x01\x80|\x7f\xfe\x80\x01|\xff\x1f\x00\xe8|\x1f\xff\xe8\x00"
)
MIN_SYNCS = 3  # in the beginning of a file; plain sound has none
BEGINNING_BYTES = 1 << 18
OPTIONS = {
    "format_whitelist": ",".join(CONTAINERS),
    "codec_whitelist": ",".join(CODECS),
    "protocol_whitelist": "file",
}
BLOCK_LENGTH = 16_384  # samples, 128 KiB in stereo: a block stays in the cache
MAX_BROKEN_PACKETS = 1000  # in a row; bounds the work on a file made to fail


def demuxed(path: Path) -> InputContainer:
    """Open a container.

    Raises:
        av.FFmpegError: it is of no kind that we allow, or its header is broken.
    """
    import av

    return av.open(
        path.absolute(),  # begins with no protocol, whatever it is called
        "r",
        container_options=OPTIONS,
        metadata_errors="replace",
    )


def container_name(container: InputContainer) -> str:
    """Return the container's usual name: one of ``CONTAINERS``' values."""
    return CONTAINERS[container.format.name.split(",")[0]]


def sound_of(container: InputContainer) -> AudioStream | None:
    """Return the stream to decode; None where no allowed one exists."""
    import av

    stream = container.streams.best("audio")
    if not isinstance(stream, av.AudioStream):
        return None
    codec = stream.codec_context  # None where FFmpeg has no decoder
    return stream if codec and codec.name in CODECS else None


def sampling_rate(codec: AudioCodecContext) -> int:
    """Return the rate to decode at (Hz): the file's own, except for one-bit sound."""
    rate = codec.sample_rate
    while codec.name in DSD and rate > MAX_DSD_RATE:
        rate //= 2
    return rate


def is_protected(container: InputContainer, stream: AudioStream, path: Path) -> bool:
    """Return whether the sound is encrypted: FFmpeg would decode it to noise."""
    if container.format.name == "asf":
        return PROTECTED_ASF.search(_beginning(path)) is not None
    return stream.codec_context.codec_tag in PROTECTED_TAGS


def hidden_codec(stream: AudioStream, path: Path) -> str:
    """Name the codec of what calls itself plain samples (a DTS CD as wav); or ""."""
    if not stream.codec_context.name.startswith("pcm_s16"):
        return ""
    is_dts = len(DTS_SYNC.findall(_beginning(path))) >= MIN_SYNCS
    return "DTS" if is_dts else ""


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BEGINNING_BYTES)


def bit_depth(codec: AudioCodecContext) -> int | None:
    """Read the bits a sample from a lossless codec's header; None for other codecs."""
    header = codec.extradata or b""
    if pcm := re.fullmatch(r"pcm_[usf](\d+).*", codec.name):
        return int(pcm[1])
    if codec.name == "flac" and len(header) >= 34:  # STREAMINFO: bits 103 to 107
        return ((header[12] & 1) << 4 | header[13] >> 4) + 1
    if codec.name == "alac" and len(header) >= 36:  # the magic cookie's bitDepth
        return header[17]
    return None


def duration_s(
    container: InputContainer, stream: AudioStream, path: Path
) -> float | None:
    """Return the length (s); None where FFmpeg could only estimate it."""
    kind = container.format.name
    if kind == "aac" or (kind == "mp3" and not _is_counted(path)):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / 1e6  # from us


def _is_counted(mp3: Path) -> bool:
    """Return whether an mp3's first frame holds the number of frames (Xing header)."""
    with mp3.open("rb") as file:
        tag = file.read(10)
        if tag.startswith(b"ID3") and len(tag) == 10:
            a, b, c, d = tag[6:]  # the tag's length: four bytes of seven bits
            file.seek(10 + (a << 21 | b << 14 | c << 7 | d))
        else:
            file.seek(0)
        return re.search(b"Xing|Info|VBRI", file.read(256)) is not None


def blocks(stream: AudioStream) -> Iterator[AudioFrame]:
    """Yield frames of packed float32, all with the first one's rate and layout.

    FFmpeg converts what changes on the way (chained files). Packed, because PyAV 18
    reads beyond the plane pointers of a planar frame with eight channels or more, and
    crashes.
    """
    import av

    resampler = None
    for block in _collected(_frames(stream)):
        if resampler is None:
            rate = sampling_rate(stream.codec_context)
            is_dsd = stream.codec_context.name in DSD
            target = ("flt", block.layout, rate if is_dsd else block.sample_rate)
            resampler = av.AudioResampler(*target)
        try:
            yield from resampler.resample(block)
        except ValueError:  # another format, layout or rate from here on
            yield from resampler.resample(None)
            resampler = av.AudioResampler(*target)
            yield from resampler.resample(block)
    if resampler is not None:
        yield from resampler.resample(None)


def _collected(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    """Concatenate the codec's short frames into longer ones, each of one format.

    Otherwise the overhead of converting and mixing each would cost as much as decoding.
    """
    import av

    fifo = av.AudioFifo()
    for frame in frames:
        frame.pts = None  # what is broken leaves gaps, which the queue would refuse
        try:
            fifo.write(frame)
        except ValueError:  # another kind
            yield from _rest(fifo)
            fifo = av.AudioFifo()
            fifo.write(frame)
        if fifo.samples >= BLOCK_LENGTH:
            yield from _rest(fifo)
    yield from _rest(fifo)


def _rest(fifo: AudioFifo) -> Iterator[AudioFrame]:
    if fifo.samples:
        yield cast("AudioFrame", fifo.read())


def _frames(stream: AudioStream) -> Iterator[AudioFrame]:
    """Yield every frame that can be decoded; skip broken packets, as players do.

    Raises:
        av.FFmpegError: nothing at all could be decoded.
    """
    import av

    is_decoded, n_broken, problem = False, 0, None
    packets = cast("InputContainer", stream.container).demux(stream)
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
            is_decoded, n_broken = True, 0
        yield from frames
    if problem and not is_decoded:
        raise problem
