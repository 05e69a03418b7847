"""Uploads that the disk has no room for: a sentence, where Gradio says nothing."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.status import HTTP_507_INSUFFICIENT_STORAGE
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import i18n
from errors import FULL_DISK, KnownError
from ui.access import language_for


async def answered(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Pass a request on; where it fails for want of room, answer with a sentence."""
    is_answered = False

    async def watched(message: Message) -> None:
        nonlocal is_answered
        is_answered = True
        await send(message)

    try:
        await app(scope, receive, watched)
    except OSError as error:
        if is_answered or error.errno not in FULL_DISK:
            raise
        language = language_for("", Headers(scope=scope))
        sentence = i18n.sentence(KnownError("no_room"), language)
        refusal = PlainTextResponse(sentence, HTTP_507_INSUFFICIENT_STORAGE)
        await refusal(scope, receive, send)
