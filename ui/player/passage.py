"""Play a passage of the chosen sound in the browser, or make it the chosen sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from ui import canvas
from ui.handlers import QUIETLY, Handler
from ui.player import sound_files
from ui.session import Session


@dataclass(frozen=True)
class Passage:
    """Hidden components that bring a passage to the browser.

    Attributes:
        session: what the tabs share.
        file: of the passage.
        start_s: of the passage in the chosen sound.
    """

    session: Session
    file: gr.Audio = field(
        default_factory=lambda: gr.Audio(type="filepath", format=None, visible=False)
    )
    start_s: gr.Number = field(default_factory=lambda: gr.Number(0, visible=False))

    def wire(self, picture: gr.HTML) -> None:
        """Let a picture's selection be played, or become the chosen sound."""
        bar = self.session.bar
        self.play(picture.hear, self._part, bar.path)
        picture.use(bar.use_part, bar.path, bar.player, **QUIETLY)

    def play(self, event: Callable[..., Any], cut: Handler, given: Any) -> None:
        """Play at an event what a handler cuts: it returns what ``cut`` does."""
        outputs = [self.file, self.start_s]
        made = event(self.session.guarded(cut), given, outputs, **QUIETLY)
        made.then(None, outputs, None, js=canvas.PLAY, **QUIETLY)

    def cut(self, path: str | None, start_s: float, stop_s: float) -> tuple[str, float]:
        """Write a part of the sound to a file; return the file and its start (s)."""
        part = self.session.clip(path).slice(start_s, stop_s)
        return sound_files.file_of(part, self.file.GRADIO_CACHE), start_s

    def _part(self, path: str | None, event: gr.EventData) -> tuple[str, float]:
        return self.cut(path, max(float(event.start_s), 0.0), float(event.stop_s))
