"""Values in, HTML out: every text is escaped, by Jinja2, unless it is HTML of ours.

Templates speak the visitor's language: ``t("section.key", name=value)`` is a text,
``genre(label)`` a genre's name. What is rendered is ``Markup``: it can be put into
another template, and what is added to it is escaped.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import i18n


@functools.cache
def environment() -> Environment:
    """Find the templates of this folder, each compiled once, at its first use."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {"paragraphs": paragraphs, "clock": i18n.clock}
    return found


def render(name: str, language: str, /, **values: Any) -> Markup:
    """Fill a template in one language, without white space around it.

    Args:
        name: of a file of this folder, without ``.html``.
        language: of the words in it.
        **values: what it shows.
    """
    template = environment().get_template(f"{name}.html")
    html = template.render(**_speaking(language), **values)
    return Markup(html.strip())  # noqa: S704  Jinja2 has escaped what is not ours


def _speaking(language: str) -> dict[str, Callable[..., str]]:
    """Bind the words of a language, by their names in templates."""

    def t(key: str, /, **values: Any) -> str:
        return i18n.word(key, language, **values)

    return {
        "t": t,
        "genre": lambda label: i18n.genre_name(label, language),
        "short_genre": lambda label: i18n.short_name(label, language),
    }


def paragraphs(texts: Iterable[str]) -> Markup:
    """Put each text into a paragraph of its own; leave out the empty ones.

    Templates call it too.
    """
    return Markup("").join(Markup("<p>{}</p>").format(each) for each in texts if each)
