"""Hundreds of odd files that are named as audio, the same ones on every run.

``groups`` gives them by what is odd about them: name and content of each.
"""

from __future__ import annotations

import functools
import gzip
import io
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from files import CODECS, stereo, write_audio, write_video, write_wav
from signals import noise, tone

MARKUP = "<script>alert('x')</script><img src=x onerror=alert(1)>"
HERE, PASSWORDS = "http://127.0.0.1:9/canary.mp3", "file:///etc/passwd"
N_FLIPPED = 12  # files a kind


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


def groups():
    """Name of a group -> its files, (name, content) each."""
    made = (
        cut_off, flipped, spoilt_inside, misnamed, lying_wavs, lying_chunks, odd_floats,
        lying_flacs, lying_mp3s, lying_atoms, lying_oggs, other_kinds, not_sound,
        pointing_elsewhere, tagged, bombs,
    )  # fmt: skip
    return {each.__name__: dict(each()) for each in made}


def cut_off():
    """Every kind, ending everywhere: in its first bytes, its header, its sound."""
    for suffix, content in whole().items():
        n = len(content)
        places = {1, 4, 12, 30, 44, 60, 100, 300, n // 4, n // 2, n - 100, n - 1}
        for place in sorted(places):
            yield f"cut {place}{suffix}", content[:place]


def flipped():
    """Every kind with some bits the other way round, in its header or anywhere."""
    for suffix, content in whole().items():
        rng = np.random.default_rng(len(content))
        for k in range(N_FLIPPED):
            within = min(len(content), (64, 400, len(content))[k % 3])
            bits = np.unpackbits(np.frombuffer(content, np.uint8))
            places = rng.integers(8 * within, size=1 + 4 * k)
            bits[places] ^= 1
            yield f"flipped {k}{suffix}", np.packbits(bits).tobytes()


def spoilt_inside():
    """Every kind with a piece lost, doubled, zeroed, or replaced by noise."""
    rng = np.random.default_rng(2)
    for suffix, content in whole().items():
        half, third = len(content) // 2, len(content) // 3
        yield f"lost{suffix}", content[:third] + content[half:]
        yield f"doubled{suffix}", content + content
        yield f"zeroed{suffix}", content[:third] + bytes(half - third) + content[half:]
        yield f"headless{suffix}", content[100:]
        yield f"noisy{suffix}", content[:half] + rng.bytes(2000) + content[half:]


def misnamed():
    """Each kind under the next one's suffix, and under none."""
    kinds = list(whole().items())
    for (_, content), (suffix, _) in zip(kinds, kinds[1:] + kinds[:1], strict=True):
        yield f"misnamed{suffix}", content
        yield f"nameless before {suffix[1:]}", content


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


def other_kinds():
    """Sound that we do not read, and rates as AIFF writes them: 80-bit floats."""
    data = bytes(4000)
    yield "a.au", struct.pack(">4sIIIII", b".snd", 24, len(data), 3, 22_050, 1) + data
    yield "a.caf", b"caff\0\1\0\0desc" + struct.pack(">q", 32) + data
    yield "a.voc", b"Creative Voice File\x1a" + data
    yield "a.amr", b"#!AMR\n" + data
    yield "a.awb", b"#!AMR-WB\n" + data
    yield "a.mid", b"MThd\0\0\0\6\0\1\0\1\0\x60MTrk" + data
    yield "a.mod", data[:1080] + b"M.K." + data
    yield "a.ape", b"MAC \x96\x0f" + data
    yield "a.wv", b"wvpk" + data
    yield "a.tta", b"TTA1" + data
    yield "a.dsf", b"DSD " + data
    yield "a.ac3", b"\x0b\x77" + data
    yield "a.ra", b".ra\xfd" + data
    yield "a.avi", b"RIFF\0\0\0\0AVI LIST" + data
    yield "a.swf", b"FWS\x09" + data
    content = whole()[".aiff"]
    at = content.index(b"COMM") + 16
    for name, rate in (
        ("0", bytes(10)), ("infinite", b"\x7f\xff" + bytes(8)),
        ("negative", b"\xc0\x0e" + b"\xac\x44" + bytes(6)),
        ("not a number", b"\x7f\xff\xff" + bytes(7)), ("tiny", b"\0\1" + b"\xff" * 8),
    ):  # fmt: skip
        yield f"rate {name}.aiff", content[:at] + rate + content[at + 10 :]
    for size in (0, 2**31, 2**32 - 1):
        lie = content.replace(b"SSND", b"SSND" + struct.pack(">I", size), 1)
        yield f"sound of {size}.aiff", lie


def not_sound():
    """What was never sound, named as if it were."""
    rng = np.random.default_rng(3)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("song.mp3", whole()[".mp3"])
    contents = {
        "nothing": b"", "zero": b"\0", "zeros": bytes(100_000), "ones": b"\xff" * 50_000,
        "text": b"la la la\n" * 500, "zip": packed.getvalue(),
        "gzip": gzip.compress(whole()[".wav"], mtime=0), "zlib": zlib.compress(b"x" * 999),
        "pdf": b"%PDF-1.7\n%\xe2\xe3" + bytes(999), "elf": b"\x7fELF" + bytes(999),
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(999),
        "jpg": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(999), "gif": b"GIF89a" + bytes(999),
        "html": f"<!doctype html>{MARKUP}".encode(), "python": b"import os\n",
        "pickle": b"\x80\4\x95\x0b\0\0\0\0\0\0\0cos\nsystem\n.",
        "numpy": b"\x93NUMPY\1\0v\0" + bytes(999), "sqlite": b"SQLite format 3\0" * 99,
    }  # fmt: skip
    for name, content in contents.items():
        yield f"{name}.mp3", content
        yield f"{name}.wav", content
    for k in range(12):
        yield f"noise {k}.ogg", rng.bytes(1 + 3000 * k)
    for start in (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\x1aE\xdf\xa3", b"FORM"):
        yield f"{start.hex()} and noise.mp3", start + rng.bytes(5000)
        yield f"{start.hex()} and zeros.mp3", start + bytes(5000)


def pointing_elsewhere():
    """Playlists and the like: what names another file, or an address."""
    for k, place in enumerate((HERE, PASSWORDS, "/etc/passwd", "../../../etc/passwd")):
        texts = {
            "m3u": f"#EXTM3U\n#EXTINF:9,x\n{place}\n",
            "hls": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n"
            f"#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:9,\n{place}\n#EXT-X-ENDLIST\n",
            "master": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9\n{place}\n",
            "concat": f"ffconcat version 1.0\nfile '{place}'\n",
            "pls": f"[playlist]\nFile1={place}\nNumberOfEntries=1\n",
            "asx": f'<asx version="3"><entry><ref href="{place}"/></entry></asx>',
            "xspf": f"<playlist><track><location>{place}</location></track></playlist>",
            "cue": f'FILE "{place}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
            "dash": f"<MPD><Period><BaseURL>{place}</BaseURL></Period></MPD>",
            "image2": f"{place}%d.png",
            "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{place}"/></svg>',
            "smil": f'<smil><body><audio src="{place}"/></body></smil>',
        }
        for kind, text in texts.items():
            yield f"{kind} {k}.mp3", text.encode()
    speaker = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    yield "session.wav", f"{speaker}m=audio 9 RTP/AVP 0\n".encode()
    yield "session.mp3", f"SDP\n{speaker}m=audio 9 RTP/AVP 0\n".encode()
    content = whole()[".mov"]
    for reference in (HERE, "/etc/passwd"):
        told = content.replace(b"alis", b"url ").replace(
            b"self", reference[:4].encode()
        )
        yield f"reference to {len(reference)}.mov", told


def tagged():
    """Songs whose tags are markup, or megabytes."""
    sound = whole()[".mp3"]
    sound = sound[sound.index(b"\xff\xfb") :]
    markup = b"\3" + MARKUP.encode()
    frames = b"".join(
        id3_frame(n, markup) for n in (b"TIT2", b"TPE1", b"TALB", b"TCON")
    )
    yield "markup.mp3", id3(frames) + sound
    yield "long title.mp3", id3(id3_frame(b"TIT2", b"\3" + b"x" * 3_000_000)) + sound
    rng = np.random.default_rng(4)
    cover = b"\0image/jpeg\0\3\0\xff\xd8\xff\xe0" + rng.bytes(4_000_000)
    yield "large cover.mp3", id3(id3_frame(b"APIC", cover)) + sound
    yield "cover of zeros.mp3", id3(id3_frame(b"APIC", bytes(4_000_000))) + sound
    link = b"\0-->\0\3\0" + HERE.encode()
    yield "cover elsewhere.mp3", id3(id3_frame(b"APIC", link)) + sound
    yield "thousand frames.mp3", id3(id3_frame(b"TXXX", markup) * 3000) + sound
    info = b"INFOINAM" + struct.pack("<I", len(MARKUP)) + MARKUP.encode()
    chunk = struct.pack("<4sI", b"LIST", len(info)) + info + b"\0" * (len(info) % 2)
    plain = wav()
    yield "markup.wav", plain[:36] + chunk + plain[36:]
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".wav", ".flac", ".ogg", ".m4a"):
            path = Path(folder) / f"{'歌' * 60}{suffix}"
            content = write_audio(path, tone(duration_s=0.5, sampling_rate=48_000))
            yield path.name, content.read_bytes()


def bombs():
    """Small files of hours."""
    with tempfile.TemporaryDirectory() as folder:
        frame = write_audio(Path(folder) / "a.mp3", tone(duration_s=1.0, amplitude=0.0))
        content = frame.read_bytes()
        yield "an hour.mp3", content * 3600
        hour = np.zeros((1, 3600 * 4000), np.float32)
        flac = write_audio(Path(folder) / "a.flac", hour, 4000)
        yield "an hour.flac", flac.read_bytes()
        fast = np.zeros((1, 30 * 192_000), np.float32)
        flac = write_audio(Path(folder) / "b.flac", fast, 192_000)
        yield "fast.flac", flac.read_bytes()
    yield "a gigabyte said.wav", wav(size=2**30, data=bytes(10_000))
    yield "zeros in a zip.mp3", gzip.compress(bytes(20_000_000), mtime=0)
