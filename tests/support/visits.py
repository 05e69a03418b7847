"""Requests as Gradio hands them to a handler."""

import time

import gradio as gr
from starlette.requests import Request

TOKEN = "hf_oauth_planted"
HERE = {"host": "127.0.0.1:7860", "origin": "http://127.0.0.1:7860"}


def request(headers=HERE, client="127.0.0.1", login=None):
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    address = None if client is None else (client, 50_000)
    session = {"oauth_info": login} if login else {}
    scope = {"type": "http", "headers": raw, "client": address, "session": session}
    return gr.Request(Request(scope))


def login(lasts_s=3600):
    """What Gradio keeps of who has signed in."""
    return {"access_token": TOKEN, "expires_at": time.time() + lasts_s}
