"""Wrap every handler: what goes wrong becomes a sentence in the visitor's language.

A KnownError becomes its sentence. Anything else is a bug: its traceback goes to the log
under a short id, and the visitor sees one sentence with that id. No other place in
``ui/`` catches broadly.
"""

from __future__ import annotations

import functools
import html
import inspect
import logging
import secrets
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import gradio as gr

import i18n
from errors import FULL_DISK, KnownError
from settings import Settings
from ui.server.access import visitor_of
from ui.server.hub_roles import Members
from ui.server.shares import WRITER, writer

Handler = Callable[..., Any]
Kind = tuple[type, ...]
Guarded = Callable[[Handler], Handler]

# A parameter of another type is its handler's own to check.
PLAIN: dict[Any, Kind] = {
    str: (str,),
    int: (int,),
    float: (int, float),
    bool: (bool,),
}
MOST_SHOWN = 100  # characters of a refused value
SENTENCE_S = 12  # long enough to read twice
UNTIL_CLOSED = None

# The page's own events: not in the API, and nothing flashes. Where one comes while the
# same is running (a knob that turns), the last counts.
QUIETLY: dict[str, Any] = {
    "trigger_mode": "always_last",
    "show_progress": "hidden",
    "api_visibility": "private",
}

log = logging.getLogger(__name__)


def guard(settings: Settings) -> Guarded:
    """Make the wrapper for this host.

    The wrapped handler may ask for ``visitor: Visitor``, its last parameter, and may be
    a generator. Gradio passes the request to the wrapper, because its signature names
    it.
    """
    members = Members(settings.host.owner)

    def guarded(handler: Handler) -> Handler:
        wants_visitor = "visitor" in inspect.signature(handler).parameters

        kinds = _plain_kinds(handler)

        def called(request: gr.Request, values: tuple[Any, ...]) -> tuple[str, Any]:
            visitor = visitor_of(request, settings, members)
            writer.set(_scope(request).get(WRITER))
            extra = {"visitor": visitor} if wants_visitor else {}

            def call() -> Any:
                check_kinds(values, kinds)
                return handler(*values, **extra)

            return visitor.language, call

        @functools.wraps(handler)
        def once(request: gr.Request, *values: Any) -> Any:
            language, call = called(request, values)
            with _caught(handler, language):
                return call()

        # Gradio closes a generator when its page is closed, or the visitor cancels.
        @functools.wraps(handler)
        def again_and_again(request: gr.Request, *values: Any) -> Iterator[Any]:
            language, call = called(request, values)
            with _caught(handler, language), closing(call()) as steps:
                for value in steps:
                    yield value
                    # Gradio calls each step in a context of its own.
                    writer.set(_scope(request).get(WRITER))

        is_generator = inspect.isgeneratorfunction(handler)
        wrapper = again_and_again if is_generator else once
        return _as_gradio_reads_it(wrapper, handler)

    return guarded


def check_kinds(values: Sequence[object], kinds: Sequence[Kind]) -> None:
    """Refuse values that are not of the kind that a handler's parameters name.

    The page sends what its controls hold; a program may send anything.

    Raises:
        KnownError: ``wrong_value``.
    """
    for value, kind in zip(values, kinds, strict=False):
        is_truth = isinstance(value, bool) and bool not in kind
        if kind and (is_truth or not isinstance(value, kind)):
            raise KnownError("wrong_value", value=str(value)[:MOST_SHOWN])


def _plain_kinds(handler: Handler) -> list[Kind]:
    """List what each parameter may be; nothing for those that may be more than plain."""
    hints = typing.get_type_hints(handler)
    return [
        PLAIN.get(hints.get(name), ()) for name in inspect.signature(handler).parameters
    ]


def _scope(request: gr.Request) -> dict[str, Any]:
    return getattr(request.request, "scope", {})


def _as_gradio_reads_it(wrapper: Handler, handler: Handler) -> Handler:
    """Give the wrapper the handler's signature, the visitor exchanged for the request.

    Types are resolved now: Gradio drops all of a function's hints, the request's too,
    where one of them cannot be resolved.
    """
    hints = typing.get_type_hints(handler)
    signature = inspect.signature(handler)
    values = [
        parameter.replace(annotation=hints.get(name, parameter.empty))
        for name, parameter in signature.parameters.items()
        if name != "visitor"
    ]
    request = inspect.Parameter(
        "request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request
    )
    hints.pop("visitor", None)
    wrapper.__signature__ = signature.replace(parameters=[request, *values])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {"request": gr.Request, **hints}
    return wrapper


@contextmanager
def _caught(handler: Handler, language: str) -> Iterator[None]:
    """Turn whatever goes wrong into a message: this is the one broad ``except``."""
    try:
        with _translated(language):
            yield
    except gr.Error:
        raise
    except Exception as error:
        raise _reported(handler, language) from error


@contextmanager
def _translated(language: str) -> Iterator[None]:
    """Turn a KnownError into the message that Gradio shows."""
    try:
        with _full_disk_known():
            yield
    except KnownError as error:
        raise gr.Error(
            html.escape(i18n.sentence(error, language), quote=False),
            duration=SENTENCE_S,
            print_exception=False,
        ) from error


@contextmanager
def _full_disk_known() -> Iterator[None]:
    """Turn a write for which there is no room into a KnownError."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
        raise KnownError("no_room") from error


def _reported(handler: Handler, language: str) -> gr.Error:
    bug_id = secrets.token_hex(3)
    log.exception("bug %s in %s.%s", bug_id, handler.__module__, handler.__qualname__)
    return gr.Error(
        i18n.word("errors.bug", language, reference=bug_id),
        duration=UNTIL_CLOSED,
        print_exception=False,
    )
