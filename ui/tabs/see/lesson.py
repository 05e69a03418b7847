"""What every lesson is made of: a text, controls, a picture, sounds; and their events.

A lesson draws at each new sound and at each turn of one of its knobs; where its
pictures run over the sound's time, ``selection`` lets it draw each new visible part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component
from gradio.events import Dependency
from gradio.i18n import I18nData

from audio.clip import Clip
from ui import canvas
from ui.exercises import dock
from ui.handlers import QUIETLY
from ui.player import sound_files
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Newest, Session, View
from viz.plot import Sheet

Choices = list[tuple[str | I18nData, str | int | float]]  # what a knob offers

SLIDER_STEP_S = 0.01
EXCERPT_S = 10.0  # long enough to hear, short enough to wait for


@dataclass(frozen=True)
class Lesson:
    """What draws one place, once more for a file or a link.

    Attributes:
        name: "waveform", "dft", ...; of its texts and its downloads.
        picture: where the page shows it.
        knobs: the controls that redraw it, and only it, by their names in addresses.
        draw: a ``Sheet`` of a ``Scene`` and the knobs' values, in their order, and of
            nothing else.
        is_over_time: its plots run over the sound, so that it follows the zoom.
    """

    name: str
    picture: gr.HTML
    knobs: Mapping[str, Component]
    draw: Callable[..., Sheet]
    is_over_time: bool = False


@contextmanager
def lesson(
    name: str,
    *,
    empty: str = "empty",
    start: str = "",
    players: Sequence[gr.Audio] = (),
    more: Sequence[gr.HTML] = (),
    is_later: bool = False,
) -> Iterator[gr.HTML]:
    """Lay out one lesson; controls made inside appear below its text.

    Args:
        name: of its texts in the section ``see``.
        empty: of the text shown until there is a picture.
        start: of a button there, which fires the picture's ``start``.
        players: players below the picture, not rendered yet.
        more: pictures below it, not rendered yet.
        is_later: drawn once it is near the screen; see ``when_near``.
    """
    picture = canvas.place(empty, start, canvas.LATER if is_later else canvas.AT_ONCE)
    with gr.Row(elem_classes="lesson", elem_id=f"lesson-{name}"):
        with gr.Column(scale=1, min_width=260):
            gr.Markdown(text(f"see.{name}_title"), elem_classes="lesson-title")
            gr.Markdown(text(f"see.{name}_text"))
            yield picture
        with gr.Column(scale=2, min_width=320):
            dock.place(name)
            for each in (picture, *more):
                each.render()
            if players:
                with gr.Row(elem_classes="heard"):
                    for player in players:
                        player.render()


def position() -> gr.Slider:
    """Make a knob for where in the sound; ``placed`` gives it the sound's length."""
    return gr.Slider(0, 1, 0, step=SLIDER_STEP_S, label=text("see.start_s"))


def placed(
    session: Session, start_s: gr.Slider, n_samples_of: Callable[..., int], *knobs: Any
) -> Dependency:
    """Set a position to the loudest passage of each new sound.

    Args:
        session: what the tabs share.
        start_s: the position.
        n_samples_of: the passage's length, of the clip and the knobs' values.
        knobs: on which the length depends.
    """

    @session.guarded
    def place(path: str | None, *values: Any) -> Any:
        if path is None:
            return gr.skip()
        clip = session.clip(path)
        n_samples = n_samples_of(clip, *values)
        at_s = loudest_s(clip, n_samples)
        return gr.Slider(maximum=last_s(clip, n_samples), value=round(at_s, 3))

    return session.bar.path.change(
        place, [session.bar.path, *knobs], start_s, **QUIETLY
    )


def last_s(clip: Clip, n_samples: int) -> float:
    """Return where a passage of ``n_samples`` begins that ends with the clip (s)."""
    last = clip.duration_s - n_samples / clip.sampling_rate
    return round(max(last, SLIDER_STEP_S), 3)


def loudest_s(clip: Clip, n_samples: int) -> float:
    """Return where a passage of ``n_samples`` with the loudest sample begins (s)."""
    middle = int(np.abs(clip.samples).argmax()) if clip.n_samples else 0
    start = min(middle - n_samples // 2, clip.n_samples - n_samples)
    return max(start, 0) / clip.sampling_rate


def excerpt(clip: Clip, at_s: float) -> tuple[float, Clip]:
    """Cut at most ten seconds around ``at_s``; return their start (s) and the clip."""
    last_s = max(clip.duration_s - EXCERPT_S, 0.0)
    start = round(min(max(at_s - EXCERPT_S / 2, 0.0), last_s) * clip.sampling_rate)
    stop = start + round(EXCERPT_S * clip.sampling_rate)
    part = Clip(clip.samples[start:stop], clip.sampling_rate, clip.name)
    return start / clip.sampling_rate, part


def redrawing(session: Session, lesson: Lesson) -> dict[str, Any]:
    """Return what an event needs to draw a lesson anew."""

    @session.guarded
    def redraw(
        path: str | None, view: View, newest: Newest, *values: Any, visitor: Visitor
    ) -> Any:
        if path is None:
            return gr.skip()
        is_newest = newest.ask(lesson.picture)
        scene = session.scene(path, view, visitor.language)
        sheet = lesson.draw(scene, *values).as_json()
        return sheet if is_newest(lesson.picture) else gr.skip()

    inputs = [session.bar.path, session.view, session.newest, *lesson.knobs.values()]
    return {"fn": redraw, "inputs": inputs, "outputs": lesson.picture, **QUIETLY}


def when_near(
    session: Session, picture: gr.HTML, after: Dependency | None = None
) -> Callable[..., Dependency]:
    """Make a picture wait, after each new sound, until it is near the screen.

    So a page that is opened costs no more for lessons that nobody has scrolled to.

    Args:
        session: what the tabs share.
        picture: a place with ``canvas.LATER``.
        after: what sets the knobs for a new sound, if something does.

    Returns:
        The event of its being near, for ``draws`` and ``plays``.
    """
    at_new_sound = after.then if after else session.bar.path.change
    at_new_sound(None, None, picture, js=canvas.WAIT, **QUIETLY)
    near: Callable[..., Dependency] = picture.near
    return near


def draws(
    session: Session,
    lesson: Lesson,
    after: Dependency | None = None,
    when: Callable[..., Dependency] | None = None,
) -> Lesson:
    """Draw at each new sound and at each turn of a knob.

    Args:
        session: what the tabs share.
        lesson: what to draw.
        after: what sets the knobs for a new sound, if something does.
        when: the event to draw at, in place of a new sound; see ``when_near``.

    Returns:
        The lesson.
    """
    redraw = redrawing(session, lesson)
    at_new_sound = when or (after.then if after else session.bar.path.change)
    at_new_sound(**redraw)
    turned = [knob.input for knob in lesson.knobs.values() if hasattr(knob, "input")]
    if turned:
        gr.on(turned, **redraw)
    return lesson


def plays(
    session: Session,
    player: gr.Audio,
    make: Callable[..., Clip],
    *knobs: Any,
    after: Dependency | None = None,
    when: Callable[..., Dependency] | None = None,
) -> None:
    """Make a sound anew where ``draws`` draws anew; of a slider once it is let go.

    A player that is hidden is shown with its first sound.

    Args:
        session: what the tabs share.
        player: where to.
        make: the sound, of the clip and the knobs' values.
        knobs: the controls that change it.
        after: what sets the knobs for a new sound, if something does.
        when: the event to make it at, in place of a new sound; see ``when_near``.
    """
    is_hidden = not player.visible

    @session.guarded
    def remake(path: str | None, newest: Newest, *values: Any) -> Any:
        if path is None:
            return gr.skip()
        is_newest = newest.ask(player)
        clip = make(session.clip(path), *values)
        file = sound_files.file_of(clip, player.GRADIO_CACHE)
        if not is_newest(player):
            return gr.skip()
        return gr.Audio(file, visible=True) if is_hidden else file

    inputs = [session.bar.path, session.newest, *knobs]
    at_new_sound = when or (after.then if after else session.bar.path.change)
    at_new_sound(remake, inputs, player, **QUIETLY)
    turned = [getattr(knob, "release", knob.input) for knob in knobs]
    gr.on(turned, remake, inputs, player, **QUIETLY)
