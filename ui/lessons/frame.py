"""What every lesson is made of: a text, controls, a picture, sounds; and their events.

A lesson draws at each new sound and at each turn of one of its knobs, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr
import numpy as np
from gradio.events import Dependency
from gradio.i18n import I18nData

from audio.clip import Clip
from ui import pictures, sounds
from ui.access import Visitor
from ui.desk import Desk
from ui.handlers import QUIETLY
from ui.language import text
from ui.screen import look_of

SLIDER_STEP_S = 0.01
EXCERPT_S = 10.0  # long enough to hear, short enough to wait for


@contextmanager
def lesson(
    name: str,
    *,
    empty: I18nData | None = None,
    start: I18nData | None = None,
    heard: Sequence[gr.Audio] = (),
) -> Iterator[gr.HTML]:
    """One lesson's place; controls made inside stand below its text.

    Args:
        name: of its texts in the section ``see``.
        empty: what stands where the picture will be.
        start: on a button there, which fires the picture's ``click``.
        heard: players below the picture, not rendered yet.
    """
    picture = pictures.place(empty or text("see.empty"), start)
    with gr.Row(elem_classes="lesson"):
        with gr.Column(scale=1, min_width=260):
            gr.Markdown(text(f"see.{name}_title"), elem_classes="lesson-title")
            gr.Markdown(text(f"see.{name}_text"))
            yield picture
        with gr.Column(scale=2, min_width=320):
            picture.render()
            if heard:
                with gr.Row(elem_classes="heard"):
                    for player in heard:
                        player.render()


def player(label: I18nData) -> gr.Audio:
    """Where a lesson's sound will be; not rendered yet."""
    return gr.Audio(
        type="filepath",
        format=None,  # as it is: neither converted nor made louder
        label=label,
        interactive=False,
        buttons=["download"],
        elem_classes="sound",
        min_width=200,
        render=False,
    )


def position() -> gr.Slider:
    """A knob for where in the sound; ``placed`` gives it the sound's length."""
    return gr.Slider(0, 1, 0, step=SLIDER_STEP_S, label=text("see.start_s"))


def placed(
    desk: Desk, start_s: gr.Slider, n_samples_of: Callable[..., int], *knobs: Any
) -> Dependency:
    """Set a position to the loudest passage of each new sound.

    Args:
        desk: what the tabs share.
        start_s: the position.
        n_samples_of: the passage's length, of the clip and the knobs' values.
        knobs: on which the length depends.
    """

    @desk.guarded
    def place(path: str | None, *values: Any) -> Any:
        if path is None:
            return gr.skip()
        clip = desk.clip(path)
        n_samples = n_samples_of(clip, *values)
        last_s = max(clip.duration_s - n_samples / clip.sampling_rate, SLIDER_STEP_S)
        at_s = loudest_s(clip, n_samples)
        return gr.Slider(maximum=round(last_s, 3), value=round(at_s, 3))

    return desk.bar.path.change(place, [desk.bar.path, *knobs], start_s, **QUIETLY)


def loudest_s(clip: Clip, n_samples: int) -> float:
    """Where a passage of ``n_samples`` begins that has the loudest sample inside (s)."""
    middle = int(np.abs(clip.samples).argmax()) if clip.n_samples else 0
    start = min(middle - n_samples // 2, clip.n_samples - n_samples)
    return max(start, 0) / clip.sampling_rate


def excerpt(clip: Clip, at_s: float) -> tuple[float, Clip]:
    """At most ten seconds with ``at_s`` inside: where they start (s), and they."""
    last_s = max(clip.duration_s - EXCERPT_S, 0.0)
    start = round(min(max(at_s - EXCERPT_S / 2, 0.0), last_s) * clip.sampling_rate)
    stop = start + round(EXCERPT_S * clip.sampling_rate)
    part = Clip(clip.samples[start:stop], clip.sampling_rate, clip.name)
    return start / clip.sampling_rate, part


def draws(
    desk: Desk,
    picture: gr.HTML,
    draw: Callable[..., str],
    *knobs: Any,
    after: Dependency | None = None,
) -> None:
    """Draw at each new sound and at each turn of a knob.

    Args:
        desk: what the tabs share.
        picture: where to.
        draw: HTML of the clip, the look and the knobs' values.
        knobs: the controls that redraw this picture, and only this one.
        after: what sets the knobs for a new sound, if something does.
    """

    @desk.guarded
    def redraw(
        path: str | None, width_px: float, *values: Any, visitor: Visitor
    ) -> Any:
        if path is None:
            return gr.skip()
        return draw(desk.clip(path), look_of(width_px, visitor), *values)

    inputs = [desk.bar.path, desk.width_px, *knobs]
    at_new_sound = after.then if after else desk.bar.path.change
    at_new_sound(redraw, inputs, picture, **QUIETLY)
    if knobs:
        gr.on([knob.input for knob in knobs], redraw, inputs, picture, **QUIETLY)


def plays(
    desk: Desk,
    player: gr.Audio,
    make: Callable[..., Clip],
    *knobs: Any,
    after: Dependency,
) -> None:
    """Make a sound anew where ``draws`` draws anew; of a slider once it is let go.

    Args:
        desk: what the tabs share.
        player: where to.
        make: the sound, of the clip and the knobs' values.
        knobs: the controls that change it.
        after: what sets the knobs for a new sound.
    """

    @desk.guarded
    def remake(path: str | None, *values: Any) -> Any:
        if path is None:
            return gr.skip()
        return sounds.file_of(make(desk.clip(path), *values), player.GRADIO_CACHE)

    inputs = [desk.bar.path, *knobs]
    after.then(remake, inputs, player, **QUIETLY)
    turned = [getattr(knob, "release", knob.input) for knob in knobs]
    gr.on(turned, remake, inputs, player, **QUIETLY)
