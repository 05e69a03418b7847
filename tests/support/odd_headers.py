"""Sounds as files of every kind, and files whose headers lie: names and contents."""

from __future__ import annotations

import functools
import struct
import tempfile
from pathlib import Path

import numpy as np

from support.files import CODECS, stereo, write_audio, write_video, write_wav
from support.signals import noise, tone


@functools.cache
def whole():
    """A sound as each kind of file: bytes by suffix."""
    sound = stereo(noise(duration_s=0.4, sampling_rate=48_000))
    with tempfile.TemporaryDirectory() as folder:
        found = {
            suffix: write_audio(Path(folder) / f"a{suffix}", sound, 48_000).read_bytes()
            for suffix in CODECS
        }
        film = write_video(Path(folder) / "film.mp4", tone(duration_s=1.0))
        options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
        pieces = Path(folder) / "pieces.m4a"
        write_audio(pieces, sound, 48_000, options=options)
        found |= {".film.mp4": film.read_bytes(), ".pieces.m4a": pieces.read_bytes()}
    return found


def wav(*, form=1, n_channels=1, rate=22_050, align=2, bits=16, size=None, data=None):
    """A wav whose header says anything."""
    data = noise(duration_s=0.2).samples.tobytes() if data is None else data
    n_bytes = len(data) if size is None else size
    second = rate * align & 0xFFFFFFFF
    head = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", len(data) + 36, b"WAVE", b"fmt ", 16,
        form, n_channels, rate, second, align, bits,
    )  # fmt: skip
    return head + struct.pack("<4sI", b"data", n_bytes) + data


def lying_wavs():
    """Headers of wavs that promise what is not there, or cannot be."""
    odd = {
        "rate": (0, 1, 7, 1_999, 192_001, 2**31 - 1, 2**31, 2**32 - 1),
        "n_channels": (0, 2, 3, 8, 9, 16, 63, 64, 65, 255, 1024, 65_535),
        "bits": (0, 1, 4, 7, 8, 12, 20, 24, 32, 33, 64, 255, 65_535),
        "align": (0, 1, 3, 4, 255, 65_535),
        "size": (0, 1, 3, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1),
        "form": (0, 2, 3, 6, 7, 0x11, 0x31, 0x50, 0x55, 0x161, 0xFFFE, 0xFFFF),
    }
    for field, values in odd.items():
        for value in values:
            yield f"wav {field} {value}.wav", wav(**{field: value})
    for n_channels in (8, 9, 64, 1024):
        yield (
            f"{n_channels} channels.wav",
            wav(n_channels=n_channels, align=2 * n_channels, data=bytes(2**18)),
        )


def lying_chunks():
    """Wavs with chunks that lie, lack, repeat or come in another order."""
    plain = wav()
    form, data = plain[12:36], plain[36:]
    for size in (0, 15, 17, 40, 2**31, 2**32 - 1):
        yield f"form {size}.wav", plain[:16] + struct.pack("<I", size) + plain[20:]
    for size in (0, 4, 2**32 - 1):
        yield f"riff {size}.wav", plain[:4] + struct.pack("<I", size) + plain[8:]
    head = plain[:12]
    yield "no form.wav", head + data
    yield "no data.wav", head + form
    yield "data first.wav", head + data + form
    yield "two forms.wav", head + form + wav(n_channels=9)[12:36] + data
    yield "many chunks.wav", head + b"junk\0\0\0\0" * 50_000 + form + data
    for name in (
        b"LIST",
        b"bext",
        b"id3 ",
        b"fact",
        b"ds64",
        b"iXML",
        b"smpl",
        b"cue ",
    ):
        lie = struct.pack("<4sI", name, 2**32 - 1)
        yield f"lying {name.decode().strip()}.wav", head + form + lie + data
        yield f"first {name.decode().strip()}.wav", head + lie + form + data
    for first in (b"RF64", b"RIFX", b"FFIR", b"riff", b"RIFF\0"):
        yield f"{first.decode()!r} first.wav", first + plain[len(first) :]
    long = struct.pack("<4sIQQQI", b"ds64", 28, 2**63, 2**63, 2**62, 0)
    yield "rf64 of exabytes.wav", b"RF64\xff\xff\xff\xffWAVE" + long + form + data


def odd_floats():
    """Sounds that are none, or hardly one."""
    sung = tone(duration_s=0.3).samples
    sparse, dense = sung.copy(), sung.copy()
    sparse[:3], dense[::2] = np.nan, np.nan
    sounds = {
        "nan": np.full_like(sung, np.nan), "inf": np.full_like(sung, np.inf),
        "minus inf": np.full_like(sung, -np.inf), "some nan": sparse,
        "half nan": dense, "huge": sung * np.float32(3e38),
        "tiny": sung * np.float32(1e-40), "silence": sung * 0, "one": sung[:1],
        "none": sung[:0], "ten": sung[:10], "constant": sung * 0 + 1,
        "antiphase": np.stack([sung, -sung], axis=1), "double": sung.astype("<f8"),
        "double nan": sung.astype("<f8") * np.nan, "double huge": sung.astype("<f8") * 1e300,
        "integers": (sung * 2**31).astype("<i4"), "bytes": (sung * 99).astype("u1"),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for name, samples in sounds.items():
            path = write_wav(Path(folder) / "a.wav", samples)
            yield f"{name}.wav", path.read_bytes()


def lying_flacs():
    """FLACs whose first block says odd things of rate, channels, length, blocks."""
    content = whole()[".flac"]
    start = 8  # of STREAMINFO's 34 bytes
    for name, at, value in (
        ("block 0", 0, b"\0\0\0\0"), ("block 16", 0, b"\0\x10\0\x10"),
        ("frames", 4, b"\xff" * 6), ("rate 0", 10, b"\0\0\0"),
        ("rate most", 10, b"\xff\xff\xff"), ("all", 10, b"\xff" * 8),
        ("bits", 12, b"\x0f\xf0"), ("unknown length", 13, b"\xf0\0\0\0\0"),
        ("longest", 13, b"\xff\xff\xff\xff\xff"), ("sum", 18, b"\1" * 16),
        ("everything", 0, b"\xff" * 34), ("nothing", 0, bytes(34)),
    ):  # fmt: skip
        at += start
        yield f"{name}.flac", content[:at] + value + content[at + len(value) :]
    for size in (0, 33, 35, 2**24 - 1):
        lie = b"\0" + size.to_bytes(3, "big")
        yield f"first block {size}.flac", content[:4] + lie + content[8:]
    for kind in (1, 3, 4, 5, 6, 126, 127):
        block = bytes([kind]) + (2**24 - 1).to_bytes(3, "big")
        body = content[:4] + b"\0" + content[5:42] + block + content[42:]
        yield f"endless block {kind}.flac", body


def id3(frames, size=None):
    """A tag of frames; its size may be a lie."""
    size = len(frames) if size is None else size
    sizes = bytes((size >> shift) & 127 for shift in (21, 14, 7, 0))
    return b"ID3\x04\0\0" + sizes + frames


def id3_frame(name, content, size=None):
    """One frame of a tag."""
    size = len(content) if size is None else size
    sizes = bytes((size >> shift) & 127 for shift in (21, 14, 7, 0))
    return name + sizes + b"\0\0" + content


def lying_mp3s():
    """mp3s with odd tags, odd counts of frames, and odd frames."""
    content = whole()[".mp3"]
    sound = content[content.index(b"\xff\xfb") :]
    for size in (0, 1, 10, 10_000, 2**28 - 1):
        yield f"tag of {size}.mp3", id3(b"", size) + sound
    for size in (0, 5, 2**28 - 1):
        yield f"title of {size}.mp3", id3(id3_frame(b"TIT2", b"\3x", size)) + sound
    yield "hundred tags.mp3", id3(id3_frame(b"TIT2", b"\3x")) * 100 + sound
    yield "tag inside a tag.mp3", id3(id3(id3(b""))) + sound
    yield "two bytes to one.mp3", id3(id3_frame(b"TIT2", b"\1\xff\xfe\0\xd8")) + sound
    for count in (0, 1, 2**31, 2**32 - 1):
        for mark in (b"Xing", b"Info"):
            at = content.find(mark)
            if at >= 0:
                lie = mark + struct.pack(">II", 15, count)
                yield f"{mark} {count}.mp3", content[:at] + lie + content[at + 12 :]
    for head in (
        b"\xff\xfb\x00\x00",
        b"\xff\xfb\xf0\x00",
        b"\xff\xe3\x18\xc4",
        b"\xff",
    ):
        yield f"frames {head.hex()}.mp3", head * 5000
    yield "APE.mp3", sound + b"APETAGEX" + struct.pack("<IIII", 2000, 2**31, 2**31, 0)
    yield "three channels of three rates.mp3", sound[:3000] + sound[5000:] * 2


ATOMS = "ftyp moov mvhd trak tkhd mdia mdhd minf stbl stsd mp4a esds stts stsc stsz stco mdat"


def lying_atoms():
    """m4a files whose atoms lie about their size, or whose tables are absurd."""
    content = whole()[".m4a"]
    for atom in ATOMS.split():
        at = content.find(atom.encode()) - 4
        if at < 0:
            continue
        for size in (0, 1, 8, 2**31, 2**32 - 1):
            lie = struct.pack(">I", size)
            yield f"{atom} of {size}.m4a", content[:at] + lie + content[at + 4 :]
        for filling in (b"\0", b"\xff"):
            inside = content[: at + 8] + filling * 24 + content[at + 32 :]
            yield f"{atom} full of {filling.hex()}.m4a", inside


def lying_oggs():
    """Ogg pages and Opus heads that say odd things; checksums are right."""
    content = whole()[".ogg"]
    head = content.index(b"OpusHead")
    for name, at, value in (
        ("version", 8, b"\xff"), ("no channel", 9, b"\0"), ("channels", 9, b"\xff"),
        ("skip", 10, b"\xff\xff"), ("rate", 12, b"\0\0\0\0"),
        ("gain", 16, b"\xff\x7f"), ("family", 18, b"\xff"),
    ):  # fmt: skip
        at += head
        lie = content[:at] + value + content[at + len(value) :]
        yield f"opus {name}.ogg", with_checksums(lie)
    pages = page_starts(content)
    for granule in (0, 2**62, 2**64 - 1):
        lie = bytearray(content)
        for at in pages[2:]:
            lie[at + 6 : at + 14] = struct.pack("<Q", granule)
        yield f"time {granule}.ogg", with_checksums(bytes(lie))
    for serial in (0, 1):
        lie = bytearray(content)
        lie[pages[-1] + 14] ^= 1 + serial
        yield f"stream {serial}.ogg", with_checksums(bytes(lie))
    yield (
        "pages backwards.ogg",
        b"".join(
            content[a:b]
            for a, b in reversed(list(zip(pages, [*pages[1:], None], strict=True)))
        ),
    )
    yield "first page a thousand times.ogg", content[: pages[1]] * 1000
    yield "only heads.ogg", content[: pages[2]]


def page_starts(content):
    """Where the pages of an Ogg begin."""
    return [k for k in range(len(content)) if content.startswith(b"OggS\0", k)]


def with_checksums(content):
    """The Ogg, its pages' checksums put right, so that the lie is believed."""
    table = []
    for byte in range(256):
        rest = byte << 24
        for _ in range(8):
            rest = (rest << 1) ^ (0x04C11DB7 if rest & 2**31 else 0)
        table.append(rest & 0xFFFFFFFF)
    pages = page_starts(content)
    told = b""
    for start, stop in zip(pages, [*pages[1:], len(content)], strict=True):
        page, rest = bytearray(content[start:stop]), 0
        page[22:26] = bytes(4)
        for byte in page:
            rest = ((rest << 8) & 0xFFFFFFFF) ^ table[(rest >> 24) ^ byte]
        page[22:26] = struct.pack("<I", rest)
        told += bytes(page)
    return told
