"""Choose a visitor's language, and give the page its texts in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from urllib.parse import parse_qs

import gradio as gr
from gradio.i18n import I18nData
from starlette.requests import cookie_parser

import i18n
from trainer import messages
from trainer.config import RunConfig

LANGUAGE_COOKIE = "genrescope_language"
# Sections that components use; every page carries them in each language.
OF_GRADIO = "common"  # what it announces to screen readers, for which it has no words
SPOKEN = (
    *"about app classify clip data examples fields live map see teach train".split(),
    *"what_if where".split(),
    OF_GRADIO,
)
# Of the questions: ``ui/exercises/dock.py`` brings them in the visitor's language.
UNSPOKEN = ("_question", "_hint", "_aha")
FILLED = ("about.text", "teach.plan", "teach.plan_long", "teach.plan_more")
NAMES = {"en": "English", "zh-TW": "繁體中文", "zh-CN": "简体中文"}
HEADER = """<header><h1>Genrescope</h1><p>{{{value}}}</p>
<nav aria-label="{{{label}}}">LINKS</nav></header>"""
LINKS = """for (const link of element.querySelectorAll("[hreflang]")) {
  // The sound, the tab and the settings in the address stay, as they are by then.
  const lead = () => {
    const query = new URLSearchParams(location.search);
    query.set("lang", link.hreflang);
    link.search = query;
  };
  lead();
  for (const event of ["pointerover", "focus", "click"]) link.addEventListener(event, lead);
  if (link.hreflang === navigator.language) link.setAttribute("aria-current", "true");
}"""


def language_for(query: str, headers: Mapping[str, str]) -> str:
    """Choose a language: the page's address decides, else the cookie, else the browser.

    Args:
        query: of the page's address; ``lang=zh-TW`` is a choice.
        headers: of the request, keys in lower case.
    """
    cookie = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
    for choice in (*parse_qs(query).get("lang", []), cookie):
        if choice in i18n.LANGUAGES:
            return choice
    return i18n.language_of(headers.get("accept-language"))


def text(key: str) -> I18nData:
    """Name a component's text, which the browser translates; ``key`` is ``section.name``.

    The section is one of ``SPOKEN``.
    """
    return I18nData(key)


def texts(**facts: object) -> gr.I18n:
    """Return all texts of components in every language, for ``launch``.

    Args:
        **facts: this host's facts and links for the texts in ``FILLED``.
    """
    tables = {language: _spoken(language) for language in i18n.LANGUAGES}
    for language, table in tables.items():
        for key in FILLED:
            table[key] = i18n.word(key, language, **facts)
        for item in dataclasses.fields(RunConfig):
            table[f"fields.{item.name}_info"] = messages.field_help(item, language)
    return gr.I18n(**tables)


def _spoken(language: str) -> dict[str, str]:
    return {
        key: word
        for key, word in i18n.table(language).items()
        if key.split(".")[0] in SPOKEN
        and not (key.startswith("teach.") and key.endswith(UNSPOKEN))
    }


def build_header() -> None:
    """Lay out the page's first row: what it is, and the switch of languages.

    The switch is plain links: each loads the page anew in its language, which
    ``middleware.Language`` remembers.
    """
    links = "".join(
        f'<a href="?lang={language}" hreflang="{language}" lang="{language}">{name}</a>'
        for language, name in NAMES.items()
    )
    gr.HTML(
        text("app.tagline"),
        label=text("app.language"),
        html_template=HEADER.replace("LINKS", links),
        js_on_load=LINKS,
        elem_id="header",
    )
