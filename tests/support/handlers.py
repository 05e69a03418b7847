"""Handlers, wrapped and called as Gradio does."""

import gradio as gr
from gradio.helpers import special_args
from starlette.requests import Request

from settings import Settings
from ui.handlers import guard

guarded = guard(Settings())


def asked_by(language="en"):
    headers = [(b"accept-language", language.encode())]
    return gr.Request(Request({"type": "http", "headers": headers, "client": None}))


def run(handler, *values, language="en"):
    """Call a handler as Gradio does: it adds what the signature asks for."""
    inputs, *_ = special_args(handler, list(values), asked_by(language))
    return handler(*inputs)
