"""What the model receives: the bridge to Train and Classify."""

from __future__ import annotations

from audio.clip import Clip
from audio.hubert.preprocessing import SAMPLING_RATE, model_input
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import (
    Lesson,
    draws,
    excerpt,
    lesson,
    placed,
    plays,
    position,
)
from viz import closeup
from viz.plot import Sheet


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    sound = player(text("see.heard_by_model"))
    with lesson("hearing", players=[sound]) as picture:
        start_s = position()
    at_loudest = placed(session, start_s, _n_shown)
    plays(session, sound, hear, start_s, after=at_loudest)
    return draws(
        session,
        Lesson("hearing", picture, {"start_s": start_s}, draw),
        after=at_loudest,
    )


def draw(scene: Scene, start_s: float) -> Sheet:
    """Draw some frames of the model's input; the whole clip is resampled but once."""
    prepared = scene.of(model_input)
    about = closeup.describe_model_input(prepared, scene.clip, scene.language)
    plot = closeup.model_frames(prepared, start_s, scene.language)
    made = scene.provenance("hearing", start_s=start_s)
    return scene.sheet((plot,), about, (), made)


def hear(clip: Clip, start_s: float) -> Clip:
    """Return the excerpt at the model's rate, as loud as it was."""
    _, part = excerpt(clip, start_s)
    return part.resampled(SAMPLING_RATE)


def _n_shown(clip: Clip) -> int:
    return round(closeup.FRAMES_S * clip.sampling_rate)
