"""Back to sound: with phase exactly, without it by a search that takes its time."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.i18n import I18nData

import viz.rebuilding
from audio.back import Rebuilt, RoundTrip, from_mel, griffin_lim, inverse_stft
from audio.clip import Clip
from audio.phases import Search
from ui import pictures, sounds
from ui.access import Visitor
from ui.desk import Desk
from ui.handlers import QUIETLY
from ui.language import text
from ui.lessons.frame import lesson, placed, player, position
from ui.screen import look_of

LENGTHS_S = (2, 5, 10)
SOURCES = ("stft", "mel")
ITERATIONS = (0, 1, 8, 32, 100)
QUEUE: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "rebuild"}


def build(desk: Desk) -> None:
    """Lay out the lesson and wire it."""
    heard = [player(text(f"see.heard_{name}")) for name in ("before", "exact", "found")]
    with lesson("back", empty=text("see.back_empty"), heard=heard) as picture:
        start_s = position()
        lengths = [(f"{n} s", n) for n in LENGTHS_S]
        length_s = gr.Dropdown(lengths, value=5, label=text("see.length_s"))
        sources = [(text(f"see.from_{name}"), name) for name in SOURCES]
        source = gr.Radio(sources, value="stft", label=text("see.source"))
        counts = [(str(n), n) for n in ITERATIONS]
        n_iterations = gr.Radio(counts, value=32, label=text("see.iterations"))
        button = gr.Button(
            text("see.rebuild"), variant="primary", elem_classes="rebuild"
        )

    @desk.guarded
    def rebuild(
        path: str | None,
        width_px: float,
        start_s: float,
        length_s: float,
        source: str,
        n_iterations: int,
        visitor: Visitor,
    ) -> list[str]:
        before = desk.clip(path).slice(start_s, start_s + length_s)
        exact, found = there_and_back(before, source, n_iterations)
        look = look_of(width_px, visitor)
        words = viz.rebuilding.describe(exact, found, look.language)
        drawn = pictures.as_html((viz.rebuilding.figure(found, look), words))
        clips = zip((before, exact.clip, found.clip), heard, strict=True)
        return [drawn, *(sounds.file_of(c, each.GRADIO_CACHE) for c, each in clips)]

    @desk.guarded
    def forget() -> list[I18nData | None]:
        return [text("see.back_empty"), *(None for _ in heard)]

    desk.bar.path.change(forget, None, [picture, *heard], **QUIETLY)
    placed(desk, start_s, lambda clip, s: round(s * clip.sampling_rate), length_s)
    button.click(
        rebuild,
        [desk.bar.path, desk.width_px, start_s, length_s, source, n_iterations],
        [picture, *heard],
        show_progress_on=picture,
        api_visibility="private",
        **QUEUE,
    )


def there_and_back(
    clip: Clip, source: str, n_iterations: int
) -> tuple[RoundTrip, Rebuilt]:
    """A clip through its picture and back: phase kept, and phase thrown away."""
    search = Search(n_iterations=n_iterations)
    if source == "mel":
        return inverse_stft(clip), from_mel(clip, search=search)
    return inverse_stft(clip), griffin_lim(clip, search)
