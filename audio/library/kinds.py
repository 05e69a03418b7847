"""Tell songs from other files by their names, and show any name as one line."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

# What is looked for in folders, zips and sets of the Hub; a song that is named is read
# regardless. Each belongs to a container of ``decode.ffmpeg.CONTAINERS``.
AUDIO_SUFFIXES = frozenset(
    ".wav .wave .bwf .rf64 .w64 .aif .aiff .aifc .au .snd .caf .flac .ape .wv .tta"
    " .mp3 .mp2 .mpga .ogg .oga .opus .spx .mpc .aac .ac3 .eac3 .amr .m4a .m4b .m4p"
    " .m4r .mp4 .m4v .mov .3gp .3g2 .mka .mkv .weba .webm .wma .asf .dsf".split()
)
# Folders that file servers, systems and packers keep beside people's own.
SYSTEM_FOLDERS = frozenset(
    "@eadir,#recycle,#snapshot,@recycle,$recycle.bin,lost+found,__macosx,"
    "system volume information".split(",")
)
# "._song.mp3" and ".git" are hidden; "...And Justice for All", ".38 Special" are not.
HIDDEN = re.compile(r"\.(?![.\d])")
UNSHOWN = ("Cc", "Cs", "Zl", "Zp")  # controls, lone surrogates, ends of lines
# By which "a\u202egpj.mp3" would read "a3pm.jpg": they turn the direction of others.
TURNING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
MAX_SUFFIX = 16  # characters; a longer one is no suffix


def is_song(name: str) -> bool:
    """Return whether a file of a tree is one to read, by its name alone."""
    path = PurePosixPath(name)
    return path.suffix.lower() in AUDIO_SUFFIXES and not is_hidden(name)


def is_hidden(name: str) -> bool:
    """Return whether a name, or a folder in it, is hidden or a system's own."""
    return any(
        HIDDEN.match(part) or part.lower() in SYSTEM_FOLDERS
        for part in PurePosixPath(name).parts
    )


def kind(name: str) -> str:
    """Return what a file that is passed over is counted as: its suffix, or "hidden"."""
    if is_hidden(name):
        return "hidden"
    suffix = PurePosixPath(name).suffix.lower()
    return shown(suffix) if 1 < len(suffix) <= MAX_SUFFIX else "other"


def shown(name: str) -> str:
    """Escape a name, so that it is one line of valid UTF-8.

    Line breaks, control characters, lone surrogates and what turns the direction of
    reading become Python's escapes.
    """
    return "".join(
        letter.encode("unicode_escape").decode() if _is_unshown(letter) else letter
        for letter in name
    )


def _is_unshown(letter: str) -> bool:
    return (
        unicodedata.category(letter) in UNSHOWN
        or unicodedata.bidirectional(letter) in TURNING
    )
