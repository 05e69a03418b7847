"""What the file was: container and codec, then and now, and its channels."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import gradio as gr

from audio import decode
from audio.clip import Clip
from audio.decode import Limits, channels
from audio.decode.channels import Channels
from audio.levels import extent, loudness
from ui.player.clips import ClipShelf
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import Lesson, draws, lesson
from viz import channels as pictures
from viz import waveform
from viz.plot import N_COLUMNS, Plot, Sheet

CHOICES = ("mix", "left", "right", "each")
MOST_PLOTS = 8  # channels of a sound that are shown side by side


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    with lesson("source") as picture:
        choices = [(text(f"see.channel_{name}"), name) for name in CHOICES]
        channel = gr.Radio(choices, value="mix", label=text("see.channel"))
    drawn = partial(draw, session.shelf)
    return draws(
        session,
        Lesson("source", picture, {"channel": channel}, drawn, is_over_time=True),
    )


def draw(shelf: ClipShelf, scene: Scene, channel: str) -> Sheet:
    """Tabulate the file; draw channels, for which it is decoded again.

    The mix alone is lesson 1's picture: it is drawn only where channels were asked for
    and there are no others.
    """
    clip, language = scene.clip, scene.language
    path = shelf.path_of(clip)
    decoded, loud = shelf.take(path), scene.of(loudness)
    found = None
    if channel != "mix" and decoded.facts.n_channels > 1:
        found = scene.of(
            outlined, path=path, shown_s=scene.shown_s, limits=shelf.limits
        )
        plots = _plots(scene, found, channel)
    elif channel == "mix":
        plots = ()
    else:
        plots = (waveform.plot(clip, scene.shown_s, loud, language),)
    extremes = scene.of(extent)
    about = pictures.describe(decoded, loud, extremes, found, language)
    made = scene.provenance("source", channel=channel)
    table = pictures.table(decoded, loud, extremes, language)
    return scene.sheet(plots, about, table, made)


def outlined(
    clip: Clip, path: str, shown_s: tuple[float, float], limits: Limits
) -> Channels:
    """Return the channels of what is seen (s) of the file that a clip came from."""
    start, stop = (round(at_s * clip.sampling_rate) for at_s in shown_s)
    blocks = decode.channel_blocks(Path(path), limits)
    return channels.outlined(blocks, start, min(stop, clip.n_samples), N_COLUMNS)


def _plots(scene: Scene, found: Channels, channel: str) -> tuple[Plot, ...]:
    n_channels = len(found.outlines)
    shown = {"left": [0], "right": [1]}.get(channel, range(n_channels)[:MOST_PLOTS])
    return tuple(
        pictures.outline(
            found.outlines[index],
            scene.shown_s,
            pictures.title(index, n_channels, scene.language),
            scene.language,
        )
        for index in shown
    )
