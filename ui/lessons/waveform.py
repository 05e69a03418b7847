"""The waveform: where a newcomer starts."""

from __future__ import annotations

from audio.clip import Clip
from ui import pictures
from ui.desk import Desk
from ui.handlers import QUIETLY
from ui.language import text
from ui.lessons.frame import draws, lesson
from viz.style import Look


def build(desk: Desk) -> None:
    """Lay out the lesson and wire it."""
    with lesson("waveform", start=text("see.start_with_example")) as picture:
        pass
    picture.click(desk.bar.first_example, None, desk.bar.player, **QUIETLY)
    draws(desk, picture, draw)


def draw(clip: Clip, look: Look) -> str:
    """Amplitude over time."""
    return pictures.as_html(pictures.waveform(clip, look))
