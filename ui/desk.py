"""What the tabs share: one sound, one way to answer, one screen."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from audio.clip import Clip
from ui.clip_bar import ClipBar
from ui.clips import ClipShelf
from ui.handlers import Guarded


@dataclass(frozen=True)
class Desk:
    """Handed to each tab that works with the chosen sound.

    Attributes:
        guarded: wraps every handler.
        shelf: the sounds in memory.
        bar: where the sound is chosen.
        width_px: hidden number, the width of this visitor's pictures (px).
    """

    guarded: Guarded
    shelf: ClipShelf
    bar: ClipBar
    width_px: gr.Number

    def clip(self, path: str | None) -> Clip:
        """The chosen sound.

        Raises:
            KnownError: the codes of ``ClipShelf.take``.
        """
        return self.shelf.take(path).clip
