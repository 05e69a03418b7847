"""Translate: sentences, genres, lists and durations in each language of ``locales/``.

It is the one reader of that folder. The page, the pictures and both command lines use
it, so it depends on none of them.
"""

from __future__ import annotations

import functools
import json
import string
from collections.abc import Iterable, Mapping
from pathlib import Path

from errors import KnownError

FOLDER = Path(__file__).parent / "locales"
DEFAULT_LANGUAGE = "en"
LANGUAGES = ("en", "zh-TW", "zh-CN")
TRADITIONAL = ("zh-tw", "zh-hk", "zh-mo", "zh-hant")


@functools.cache
def table(language: str) -> Mapping[str, str]:
    """Read the texts of one language, keyed ``section.name``."""
    sections = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return {
        f"{section}.{name}": text
        for section, entries in sections.items()
        for name, text in entries.items()
    }


def word(key: str, language: str = DEFAULT_LANGUAGE, /, **details: object) -> str:
    """Return one text, its ``{names}`` filled from ``details``; lists are joined.

    ``{n:|song|songs}`` is the first of both words where ``n`` is 1.

    Raises:
        KeyError: no locale has the key; a test keeps that from shipping.
    """
    filled = {
        name: listed(map(str, value), language)
        if isinstance(value, list | tuple)
        else value
        for name, value in details.items()
    }
    return Filled().vformat(table(language)[key], (), filled)


class Filled(string.Formatter):
    """A text's values, formatted as ``str.format`` does, and singular or plural."""

    def format_field(self, value: object, form: str) -> str:
        """Format a value; choose the word of ``|singular|plural`` by it."""
        if not form.startswith("|"):
            return format(value, form)
        singular, plural = form[1:].split("|")
        return singular if str(value).lstrip("+-\u2212") == "1" else plural


def sentence(error: KnownError, language: str = DEFAULT_LANGUAGE) -> str:
    """Describe an error in one language: what was wrong, and what to do.

    A form's field gets the label that the form gives it.
    """
    details = dict(error.details)
    if "field" in details:
        name = str(details["field"])
        details["field"] = table(language).get(f"fields.{name}", name)
    return word(f"errors.{error.code}", language, **details)


def language_of(wanted: str | None) -> str:
    """Return the supported language that is nearest to a browser's.

    Args:
        wanted: a tag such as ``zh-HK``, or a whole ``Accept-Language`` header; its
            first tag of a supported language counts.
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
    """Join names into a list, with the separator of the language."""
    return ("、" if language.startswith("zh") else ", ").join(names)


def genre_name(label: str, language: str) -> str:
    """Translate a model's label; one that is not among GTZAN's ten stays as it is."""
    return table(language).get(f"genres.{label}", label)


def short_name(label: str, language: str) -> str:
    """Translate a label for narrow places, without the English name in brackets."""
    name = genre_name(label, language)
    return name if name == label else name.partition("（")[0]


def clock(duration_s: float) -> str:
    """Format a duration, the same in every language: 0.50 s, 5.3 s, 1:02."""
    if duration_s < 1:
        return f"{duration_s:.2f} s"
    if duration_s < 60:
        return f"{duration_s:.1f} s"
    return f"{int(duration_s) // 60}:{int(duration_s) % 60:02}"
