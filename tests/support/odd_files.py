"""Odd files that are named as audio, the same ones on every run: names and contents.

Those whose headers lie are in ``odd_headers``.
"""

from __future__ import annotations

import gzip
import io
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from support.files import write_audio
from support.odd_headers import id3, id3_frame, wav, whole
from support.signals import tone

HERE, PASSWORDS = "http://127.0.0.1:9/canary.mp3", "file:///etc/passwd"
MARKUP = "<script>alert('x')</script><img src=x onerror=alert(1)>"


N_FLIPPED = 12  # files a kind


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
