"""Values in, HTML out: every text is escaped, by Jinja2, unless it is HTML of ours.

A template speaks the visitor's language by ``t("section.key", name=value)``. What it
gives is ``Markup``: it may be put into another template, or be added to other HTML.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import words


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
    found.globals["paragraphs"] = paragraphs
    return found


def render(name: str, language: str, /, **values: Any) -> Markup:
    """Fill a template in one language, without white space around it.

    Args:
        name: of a file of this folder, without ``.html``.
        language: of ``t``, the words in it.
        **values: what it shows.
    """
    template = environment().get_template(f"{name}.html")
    html = template.render(t=speaking(language), **values)
    return Markup(html.strip())  # noqa: S704  Jinja2 has escaped what is not ours


def speaking(language: str) -> Callable[..., str]:
    """Bind ``words.word`` to a language: ``t(key, **values)``."""

    def t(key: str, /, **values: Any) -> str:
        return words.word(key, language, **values)

    return t


def paragraphs(texts: Iterable[str]) -> Markup:
    """Put each text into a paragraph of its own; leave out the empty ones.

    Templates call it too.
    """
    return Markup("").join(Markup("<p>{}</p>").format(each) for each in texts if each)
