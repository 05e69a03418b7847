"""Handlers, wrapped and called as Gradio does."""

import gradio as gr
from gradio.helpers import special_args
from starlette.requests import Request

from settings import Settings
from ui.handlers import guard
from ui.server.shares import WRITER

guarded = guard(Settings())


def asked_by(language="en", writer=None):
    headers = [(b"accept-language", language.encode())]
    scope = {"type": "http", "headers": headers, "client": None, WRITER: writer}
    return gr.Request(Request(scope))


def run(handler, *values, language="en", writer=None):
    """Call a handler as Gradio does: it adds what the signature asks for."""
    inputs, *_ = special_args(handler, list(values), asked_by(language, writer))
    return handler(*inputs)
