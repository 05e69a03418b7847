"""What the model hears: the bridge to the next two tabs."""

from __future__ import annotations

import viz.hearing
from audio.clip import Clip
from audio.hearing import SAMPLING_RATE, model_input, unheard_db
from ui import pictures
from ui.desk import Desk
from ui.language import text
from ui.lessons.frame import (
    draws,
    excerpt,
    lesson,
    placed,
    player,
    plays,
    position,
)
from viz.style import Look


def build(desk: Desk) -> None:
    """Lay out the lesson and wire it."""
    sound = player(text("see.heard_by_model"))
    with lesson("hearing", heard=[sound]) as picture:
        start_s = position()
    at_loudest = placed(desk, start_s, _n_shown)
    draws(desk, picture, draw, start_s, after=at_loudest)
    plays(desk, sound, hear, start_s, after=at_loudest)


def draw(clip: Clip, look: Look, start_s: float) -> str:
    """Some frames of the model's input."""
    heard = model_input(clip)
    words = viz.hearing.describe(heard, clip, unheard_db(clip), look.language)
    return pictures.as_html((viz.hearing.figure(heard, start_s, look), words))


def hear(clip: Clip, start_s: float) -> Clip:
    """The excerpt at the model's rate, as loud as it was."""
    _, part = excerpt(clip, start_s)
    return part.resampled(SAMPLING_RATE)


def _n_shown(clip: Clip) -> int:
    return round(viz.hearing.LENGTH_S * clip.sampling_rate)
