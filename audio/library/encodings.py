"""Decode text whose encoding nobody noted: names in zips, tables of spreadsheets.

Packers and spreadsheets of Windows write the encoding of its language: GBK in China,
Big5 in Taiwan, Shift-JIS in Japan, EUC-KR in Korea, Windows-1252 in Western Europe; DOS
and what follows it, code page 437. Bytes that are valid in several of them are read as
the one in which the most of them are frequent signs.
"""

from __future__ import annotations

import codecs
import locale
import re
from collections.abc import Callable

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OF_LANGUAGE = {"zh-cn": "gbk", "zh-sg": "gbk", "zh": "big5hkscs", "ja": "cp932"}
OF_LANGUAGE |= {"ko": "euc_kr"}
CLEAR_LEAD = 0.15  # of a score; within it the language decides
LATIN = "".join(chr(each) for each in range(0xC0, 0x180) if chr(each).isalpha())
HIGH = re.compile(rb"[\x80-\xff]+")
MAX_SAMPLE = 20_000  # bytes that are looked at


def decoded(data: bytes, language: str = "", last: str = "cp1252") -> str:
    """Decode bytes by their byte order mark, as UTF-8, or by the likeliest encoding.

    Args:
        data: any bytes; what is not valid becomes U+FFFD.
        language: of the person, such as "zh-TW", where several fit; by default this
            machine's.
        last: the encoding where none is likely.
    """
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if b"\0" in data[:200]:  # UTF-16 without its mark: every second byte of Latin is 0
        is_little = data[1:200:2].count(0) >= data[0:200:2].count(0)
        return data.decode("utf-16-le" if is_little else "utf-16-be", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(likeliest(data, language, last), "replace")


def likeliest(data: bytes, language: str = "", last: str = "cp1252") -> str:
    """Return the name of the encoding in which most signs are frequent ones."""
    runs = b" ".join(re.findall(rb"[^\s/]*[\x80-\xff][^\s/]*", data[:MAX_SAMPLE]))
    if latin := _latin(runs):
        return latin
    scores = {name: _score(runs, name, rule) for name, rule in FREQUENT.items()}
    best = max(scores.values())
    if best < 0.5:
        return last
    near = [name for name, score in scores.items() if score > best - CLEAR_LEAD]
    wanted = _of(language)
    return wanted if wanted in near else max(scores, key=lambda name: scores[name])


def _latin(runs: bytes) -> str:
    """Return a Western encoding where every sign of it is a letter between others."""
    if max(map(len, HIGH.findall(runs)), default=0) > 2:
        return ""
    for name in ("cp437", "cp1252"):
        signs = [each for each in runs.decode(name, "replace") if not each.isascii()]
        if signs and all(each in LATIN for each in signs):
            return name
    return ""


def _score(runs: bytes, name: str, is_frequent: Callable[[bytes], bool]) -> float:
    """Return the fraction of signs that are frequent in an encoding; 0 if invalid."""
    try:
        text = runs.decode(name)
    except UnicodeDecodeError:
        return 0.0
    signs = [each.encode(name) for each in text if not each.isascii()]
    return sum(map(is_frequent, signs)) / max(len(signs), 1)


def _of(language: str) -> str:
    """Return the encoding of Windows for a language; "" for others."""
    tag = (language or locale.getlocale()[0] or "").lower().replace("_", "-")
    parts = tag.split("-")
    return OF_LANGUAGE.get("-".join(parts[:2]), OF_LANGUAGE.get(parts[0], ""))


# The first level of each national standard holds the frequent signs.
FREQUENT: dict[str, Callable[[bytes], bool]] = {
    "gbk": lambda b: len(b) == 2 and 0xB0 <= b[0] <= 0xD7 and b[1] >= 0xA1,
    "big5hkscs": lambda b: len(b) == 2 and 0xA4 <= b[0] <= 0xC6,
    "cp932": lambda b: len(b) == 2 and b[0] in range(0x82, 0x98),
    "euc_kr": lambda b: len(b) == 2 and 0xB0 <= b[0] <= 0xC8,
}
