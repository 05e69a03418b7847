"""Side doors of Gradio, closed: what it would fetch, run or keep for anyone who asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.blocks import BlocksConfig
from gradio_client.utils import is_http_url_like

import i18n
from errors import KnownError

CLOSED = re.compile(
    r"(?:^|/gradio_api)/(?:"
    r"file[=/]\s*https?:"  # fetches any public address: a proxy for strangers
    r"|proxy="
    r"|process_recording"  # gives a stranger's film to a program named ffmpeg
    r"|deep_link"  # writes a visitor's page to disk, where nothing deletes it
    r"|vibe-"  # rewrites the app
    r"|run-history"
    r")",
    re.IGNORECASE,
)


class _Parts(BlocksConfig):
    """The page's parts, of which a session gets no settings to keep."""

    @staticmethod
    def config_for_block(
        _id: int, rendered_ids: list[int], *others: Any
    ) -> dict[str, Any]:
        """As Gradio makes them for a page, which names what it shows."""
        if not rendered_ids:
            return {}
        return BlocksConfig.config_for_block(_id, rendered_ids, *others)

    def __copy__(self) -> _Parts:
        copied = super().__copy__()
        copied.__class__ = _Parts
        return copied


class Page(gr.Blocks):
    """Blocks that take uploads, and fetch nothing.

    Gradio downloads a file whose ``path`` is an address, for every input of every
    event, whichever way that is called. And for each visitor and each call of the API
    it copies the settings of every part of the page, a megabyte in 30 ms, which only a
    deep link reads: those are closed.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.default_config.__class__ = _Parts

    async def preprocess_data(
        self,
        block_fn: Any,
        inputs: list[Any],
        state: Any,
        explicit_call: bool = False,
    ) -> list[Any]:
        """As Gradio does it, unless an input names an address."""
        if any(is_http_url_like(path) for path in _paths(inputs)):
            sentence = i18n.sentence(KnownError("not_an_upload"))
            raise gr.Error(sentence, print_exception=False)
        return await super().preprocess_data(block_fn, inputs, state, explicit_call)


def is_closed(path: str) -> bool:
    """Whether a request's path leads to a side door."""
    return CLOSED.search(path) is not None


def keep_ffmpeg_out() -> None:
    """Never let Gradio hand a song to a program that it finds on this machine.

    Where ``ffmpeg`` is installed, as on a Space, Gradio probes and converts with it
    what a player is given. It would follow the playlists and addresses inside, for
    which ``audio.ffmpeg`` has a list.
    """
    processing_utils.ffmpeg_installed = _never


def _never() -> bool:
    return False


def _paths(value: Any) -> Iterator[object]:
    """Every ``path`` in what a visitor sent, at any depth."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each.get("path")
            waiting.extend(each.values())
        elif isinstance(each, list | tuple):
            waiting.extend(each)
