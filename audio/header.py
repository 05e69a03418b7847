"""An opened file's header in, what it says about the sound out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av import AudioCodecContext, AudioStream
    from av.container import InputContainer


def bit_depth(codec: AudioCodecContext) -> int | None:
    """Bits a sample, read where each lossless codec's specification puts them."""
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
    """Length in s; None where FFmpeg could only guess it from the bit rate."""
    kind = container.format.name
    if kind == "aac" or (kind == "mp3" and not _is_counted(path)):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / 1e6  # from us


def _is_counted(mp3: Path) -> bool:
    """Whether an mp3's first frame is the one that tells how many follow."""
    with mp3.open("rb") as file:
        tag = file.read(10)
        if tag.startswith(b"ID3") and len(tag) == 10:
            a, b, c, d = tag[6:]  # the tag's length: four bytes of seven bits
            file.seek(10 + (a << 21 | b << 14 | c << 7 | d))
        else:
            file.seek(0)
        return re.search(b"Xing|Info|VBRI", file.read(256)) is not None
