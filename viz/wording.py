"""Translate and format the texts of pictures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import i18n
from audio.levels import FLOOR_DB

MINUS = re.compile(r"-(?=\d)")  # becomes a true minus sign


def phrase(name: str, language: str, /, **details: object) -> str:
    """Return a text of the section ``viz``, with a true minus sign below zero."""
    return with_minus(i18n.word(f"viz.{name}", language, **details))


def with_minus(text: str) -> str:
    """Replace the hyphen before a number by a minus sign."""
    return MINUS.sub("−", text)


def joined(sentences: Sequence[str], language: str) -> str:
    """Join sentences; Chinese ones need no space between them."""
    return ("" if language.startswith("zh") else " ").join(sentences)


def described(names: Iterable[str], language: str, /, **details: object) -> str:
    """Join texts of the section ``viz`` that share their details, as ``joined``."""
    sentences = [i18n.word(f"viz.{name}", language, **details) for name in names]
    return joined(sentences, language)


def relative_level(db: float | None) -> str:
    """Write a level relative to a whole; a dash where that is silent."""
    if db is None:
        return "–"
    return with_minus(f"{db:.1f} dB") if db > FLOOR_DB else "−∞ dB"


def cents(cents: float) -> str:
    """Write a deviation from a note: +7, −31, 0."""
    return f"{round(cents):+d}".replace("-", "−").replace("+0", "0")


def plain(name: str, n_characters: int = 28) -> str:
    """Make a name from outside fit for a picture: printable and not too long."""
    name = "".join(c if c.isprintable() else "\ufffd" for c in name)
    return name if len(name) <= n_characters else f"{name[: n_characters - 1]}…"
