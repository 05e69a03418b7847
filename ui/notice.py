"""What this host cannot do for this visitor, why, and the way to get it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

import i18n
from settings import Host, Settings
from ui import secret
from ui.access import Visitor

SIGN_IN, SIGN_OUT = "login/huggingface", "logout"  # Gradio's own addresses


def notice(visitor: Visitor, settings: Settings) -> str:
    """All of it as HTML; "" where nothing is missing."""
    host, language = settings.host, visitor.language
    said = [*_limits(host, language)]
    if not visitor.may_train:
        said = [*_strangers(visitor, settings), *said]
    if said and host.space_id:
        said.append(_link(_duplicate(host), "host.duplicate", language))
    if visitor.is_signed_in:
        said.append(_link(SIGN_OUT, "host.sign_out", language))
    return _paragraphs(said)


def ways(visitor: Visitor, host: Host) -> str:
    """Links to where a stranger to this Space may do more, as HTML; "" elsewhere."""
    links = []
    if host.has_login and not visitor.is_signed_in:
        links.append(_link(SIGN_IN, "host.sign_in", visitor.language))
    if host.space_id:
        links.append(_link(_duplicate(host), "host.duplicate", visitor.language))
    return _paragraphs(links)


def _limits(host: Host, language: str) -> Iterator[str]:
    """What the host lacks, whoever asks."""
    if host.kind == "cpu":
        yield _said("host.cpu", language)
    if host.kind == "zero":
        yield _said("host.zero", language)
    if not host.is_lasting:
        yield _said("host.gone", language)


def _strangers(visitor: Visitor, settings: Settings) -> Iterator[str]:
    """What a visitor may not do, and how they could."""
    host, language = settings.host, visitor.language
    if not host.is_space:
        yield _said("host.secret" if settings.secret else "host.elsewhere", language)
        if settings.secret:
            yield _form(language)
    elif not host.has_login:
        yield _said("host.no_login", language)
    elif visitor.is_signed_in:
        yield _said("host.not_a_member", language, owner=host.owner)
    else:
        yield _said("host.members", language, owner=host.owner)
        yield _link(SIGN_IN, "host.sign_in", language)


def _form(language: str) -> str:
    label = _said("host.secret_label", language)
    return (
        f'<form method="post" action="{secret.PATH.lstrip("/")}" class="secret">'
        f'<label>{label} <input type="password" name="{secret.FIELD}" required'
        f' autocomplete="current-password"></label>'
        f" <button>{_said('host.secret_button', language)}</button></form>"
    )


def _duplicate(host: Host) -> str:
    return f"https://huggingface.co/spaces/{host.space_id}?duplicate=true"


def _link(address: str, key: str, language: str) -> str:
    """In a window of its own: within another site's frame a login has no cookies."""
    return (
        f'<a href="{html.escape(address)}" target="_blank" rel="noopener">'
        f"{_said(key, language)}</a>"
    )


def _paragraphs(said: Iterable[str]) -> str:
    return "".join(f"<p>{each}</p>" for each in said)


def _said(key: str, language: str, **details: object) -> str:
    return html.escape(i18n.word(key, language, **details), quote=False)
