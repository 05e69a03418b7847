"""Locales in, words out: the one reader of ``locales/``.

It stands below the page, because the two command lines speak through it as well.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from errors import KnownError

FOLDER = Path(__file__).parent / "locales"
DEFAULT_LANGUAGE = "en"
LANGUAGES = ("en", "zh-TW", "zh-CN")
TRADITIONAL = ("zh-tw", "zh-hk", "zh-mo", "zh-hant")


@functools.cache
def table(language: str) -> Mapping[str, str]:
    """The words of one language, keyed ``section.name``."""
    sections = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return {
        f"{section}.{name}": text
        for section, entries in sections.items()
        for name, text in entries.items()
    }


def word(key: str, language: str = DEFAULT_LANGUAGE, /, **details: object) -> str:
    """One text, its ``{names}`` filled from ``details``; several values are listed.

    Raises:
        KeyError: no locale has the key; a test keeps that from shipping.
    """
    said = {
        name: listed(map(str, value), language)
        if isinstance(value, list | tuple)
        else value
        for name, value in details.items()
    }
    return table(language)[key].format(**said)


def sentence(error: KnownError, language: str = DEFAULT_LANGUAGE) -> str:
    """What was wrong and what to do, in one language.

    A form's field is called as the form calls it.
    """
    details = dict(error.details)
    if "field" in details:
        name = str(details["field"])
        details["field"] = table(language).get(f"fields.{name}", name)
    return word(f"errors.{error.code}", language, **details)


def language_of(wanted: str | None) -> str:
    """The language we speak that is nearest to a browser's wish.

    Args:
        wanted: a tag such as ``zh-HK``, or a whole ``Accept-Language`` header; its
            first tag that we know counts.
    """
    for tag in (wanted or "").lower().split(","):
        tag = tag.split(";")[0].strip()
        if tag.startswith(TRADITIONAL):
            return "zh-TW"
        if tag.startswith("zh"):
            return "zh-CN"
        if tag.startswith("en"):
            return "en"
    return DEFAULT_LANGUAGE


def listed(names: Iterable[str], language: str) -> str:
    """Names in a row, as the language separates them."""
    return ("、" if language.startswith("zh") else ", ").join(names)
