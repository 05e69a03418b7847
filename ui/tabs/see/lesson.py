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
from gradio.components import Component
from gradio.events import Dependency
from gradio.i18n import I18nData

from audio.clip import Clip
from ui import canvas
from ui.exercises import dock
from ui.handlers import QUIETLY, Handler
from ui.player import sound_files
from ui.player.first_picture import (
    LEAST_STEP_S,
    FirstPicture,
    Position,
    set_to,
)
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Newest, Session, View
from viz.plot import Sheet

Choices = list[tuple[str | I18nData, str | int | float]]  # what a knob offers

SLIDER_STEP_S = LEAST_STEP_S
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
    switch: gr.HTML | None = None,
    waits: bool = True,
) -> Iterator[gr.HTML]:
    """Lay out one lesson; controls made inside appear below its text.

    Args:
        name: of its texts in the section ``see``.
        empty: of the text shown until there is a picture.
        start: of a button there, which fires the picture's ``start``.
        players: players below the picture, not rendered yet.
        more: pictures below it, not rendered yet.
        switch: between the players' sounds, not rendered yet; see ``canvas.switch``.
        waits: as ``canvas.place`` has it.
    """
    picture = canvas.place(empty, start, waits=waits)
    with gr.Row(elem_classes="lesson", elem_id=f"lesson-{name}"):
        with gr.Column(scale=1, min_width=260):
            gr.Markdown(text(f"see.{name}_title"), elem_classes="lesson-title")
            gr.Markdown(text(f"see.{name}_text"))
            yield picture
        with gr.Column(scale=2, min_width=320):
            dock.place(name)
            for each in (picture, *more):
                each.render()
            if switch:
                switch.render()
            if players:
                with gr.Row(elem_classes="heard"):
                    for player in players:
                        player.render()


def position() -> gr.Slider:
    """Make a knob for where in the sound; ``placed`` gives it the sound's length."""
    return gr.Slider(0, 1, 0, step=SLIDER_STEP_S, label=text("see.start_s"))


def placed(
    session: Session,
    start_s: gr.Slider,
    n_samples_of: Callable[..., int],
    *knobs: Any,
    when: Callable[..., Dependency],
    where: Callable[[Clip, int], float] | None = None,
) -> Dependency:
    """Set a position to the loudest passage of each new sound, or to another one.

    Where the sound is hardly longer than the passage, there is nothing to choose.

    Args:
        session: what the tabs share.
        start_s: the position.
        n_samples_of: the passage's length, of the clip and the knobs' values.
        knobs: on which the length depends.
        when: the event to set it at: the picture's ``near``.
        where: finds the passage of ``n_samples`` (s); ``loudest_s`` by default.
    """
    find = finding(session, n_samples_of, where)
    session.positions[start_s._id] = Position(start_s, knobs, find)
    place = session.guarded(placing(find))
    return when(place, [session.bar.path, *knobs], start_s, **QUIETLY)


def finding(
    session: Session,
    n_samples_of: Callable[..., int],
    where: Callable[[Clip, int], float] | None = None,
) -> Callable[..., tuple[float, float]]:
    """Make what finds a position and its end (s), of a path and the knobs' values.

    The arguments are as for ``placed``.
    """
    find_s = where or loudest_s

    def find(path: str, *values: Any) -> tuple[float, float]:
        clip = session.clip(path)
        n_samples = n_samples_of(clip, *values)
        return find_s(clip, n_samples), last_s(clip, n_samples)

    return find


def placing(find: Callable[..., tuple[float, float]]) -> Handler:
    """Make the handler of ``placed``, of the sound's path and the knobs' values."""

    def place(path: str | None, *values: Any) -> Any:
        return gr.skip() if path is None else set_to(*find(path, *values))

    return place


def last_s(clip: Clip, n_samples: int) -> float:
    """Return where a passage of ``n_samples`` begins that ends with the clip (s)."""
    last = clip.duration_s - n_samples / clip.sampling_rate
    return round(max(last, SLIDER_STEP_S), 3)


def loudest_s(clip: Clip, n_samples: int) -> float:
    """Return where a passage of ``n_samples`` with the loudest sample begins (s)."""
    middle = _loudest(clip) if clip.n_samples else 0
    start = min(middle - n_samples // 2, clip.n_samples - n_samples)
    return max(start, 0) / clip.sampling_rate


def _loudest(clip: Clip) -> int:
    """Return the first sample of the largest magnitude, without a copy of the song."""
    high, low = int(clip.samples.argmax()), int(clip.samples.argmin())
    levels = {each: abs(float(clip.samples[each])) for each in (high, low)}
    return min(levels, key=lambda each: (-levels[each], each))


def middle_s(clip: Clip, n_samples: int) -> float:
    """Return where the middle ``n_samples`` of a clip begin (s)."""
    return max(clip.n_samples - n_samples, 0) / 2 / clip.sampling_rate


def excerpt(clip: Clip, at_s: float) -> tuple[float, Clip]:
    """Cut at most ten seconds around ``at_s``; return their start (s) and the clip."""
    last_s = max(clip.duration_s - EXCERPT_S, 0.0)
    start = round(min(max(at_s - EXCERPT_S / 2, 0.0), last_s) * clip.sampling_rate)
    stop = start + round(EXCERPT_S * clip.sampling_rate)
    part = Clip(clip.samples[start:stop], clip.sampling_rate, clip.name)
    return start / clip.sampling_rate, part


def excerpt_start_s(clip: Clip, at_s: float, *_: Any) -> float:
    """Return where ``excerpt`` begins (s)."""
    return excerpt(clip, at_s)[0]


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
        is_due = is_newest(lesson.picture) and newest.is_of(path)
        return sheet if is_due else gr.skip()

    inputs = [session.bar.path, session.view, session.newest, *lesson.knobs.values()]
    return {"fn": redraw, "inputs": inputs, "outputs": lesson.picture, **QUIETLY}


def comes_with_sound(session: Session, lesson: Lesson) -> Lesson:
    """Let a lesson's picture come with each new sound, where it is in view.

    It is drawn in a fraction of the time that two more answers take, and in no lane of
    the queue. The pictures of all other lessons wait until they are near the screen.
    """

    def draw(path: str, language: str, *values: Any) -> str:
        scene = session.scene(path, None, language)
        return lesson.draw(scene, *values).as_json()

    knobs = [*lesson.knobs.values()]
    set_by_sound = (session.positions.get(knob._id) for knob in knobs)
    position = next((each for each in set_by_sound if each), None)
    session.pictures.append(
        FirstPicture(lesson.name, lesson.picture, knobs, draw, position)
    )
    return lesson


def draws(
    session: Session, lesson: Lesson, after: Dependency | None = None, **lane: Any
) -> Lesson:
    """Draw once the picture is near, when it is asked for again, at each turn of a knob.

    Args:
        session: what the tabs share.
        lesson: what to draw.
        after: what sets the knobs for a new sound, if something does, once it is near.
        **lane: of Gradio's queue, for what takes seconds.

    Returns:
        The lesson.
    """
    redraw = redrawing(session, lesson) | lane
    at_new_sound = after.then if after else lesson.picture.near
    at_new_sound(**redraw)
    lesson.picture.again(**redraw)
    turned = [knob.input for knob in lesson.knobs.values() if hasattr(knob, "input")]
    if turned:
        gr.on(turned, **redraw)
    return lesson


def plays(
    session: Session,
    picture: gr.HTML,
    player: gr.Audio,
    make: Callable[..., Clip],
    *knobs: Any,
    after: Dependency | None = None,
    switch: gr.HTML | None = None,
    since_s: Callable[..., float] | None = None,
) -> None:
    """Make a sound anew where ``draws`` draws anew; of a slider once it is let go.

    A player that is hidden is shown with its first sound.

    Args:
        session: what the tabs share.
        picture: the lesson's.
        player: where to.
        make: the sound, of the clip and the knobs' values.
        knobs: the controls that change it.
        after: what sets the knobs for a new sound, if something does, once it is near.
        switch: between the chosen sound and this one.
        since_s: where this one begins in it (s), of what ``make`` is given.
    """
    is_hidden = not player.visible

    @session.guarded
    def remake(path: str | None, newest: Newest, *values: Any) -> Any:
        if path is None:
            return gr.skip()
        is_newest = newest.ask(player)
        chosen = session.clip(path)
        clip = make(chosen, *values)
        file = sound_files.file_of(clip, player.GRADIO_CACHE)
        if not is_newest(player):
            return gr.skip()
        given = gr.Audio(file, visible=True) if is_hidden else file
        if switch is None or since_s is None:
            return given
        return given, f"{since_s(chosen, *values):.6f}"

    inputs = [session.bar.path, session.newest, *knobs]
    outputs = player if switch is None else [player, switch]
    at_new_sound = after.then if after else picture.near
    at_new_sound(remake, inputs, outputs, **QUIETLY)
    picture.turned(remake, inputs, outputs, **QUIETLY)
    turned = [getattr(knob, "release", knob.input) for knob in knobs]
    gr.on(turned, remake, inputs, outputs, **QUIETLY)


@dataclass(frozen=True, eq=False)
class PlayerSound:
    """A sound for one of a lesson's players.

    Attributes:
        clip: to play.
        label: of the player, in the visitor's language.
    """

    clip: Clip
    label: str


def plays_each(
    session: Session,
    picture: gr.HTML,
    players: Sequence[gr.Audio],
    make: Callable[..., Sequence[PlayerSound]],
    *knobs: Any,
    after: Dependency,
    **lane: Any,
) -> None:
    """Make the sounds of several players anew, as ``plays`` does that of one.

    Args:
        session: what the tabs share.
        picture: the lesson's.
        players: where to; those without a sound are hidden.
        make: the sounds, of the clip, the visitor's language and the knobs' values.
        knobs: the controls that change them.
        after: what sets the knobs for a new sound, once it is near.
        **lane: of Gradio's queue, for what takes seconds.
    """
    first = players[0]

    @session.guarded
    def remake(
        path: str | None, newest: Newest, *values: Any, visitor: Visitor
    ) -> list[Any]:
        if path is None:
            return [gr.skip() for _ in players]
        is_newest = newest.ask(first)
        heard = make(session.clip(path), visitor.language, *values)
        files = [sound_files.file_of(each.clip, first.GRADIO_CACHE) for each in heard]
        if not is_newest(first):
            return [gr.skip() for _ in players]
        shown = [
            gr.Audio(file, visible=True, label=each.label)
            for file, each in zip(files, heard, strict=True)
        ]
        return shown + [gr.Audio(None, visible=False)] * (len(players) - len(shown))

    event = {
        "fn": remake,
        "inputs": [session.bar.path, session.newest, *knobs],
        "outputs": [*players],
        **QUIETLY,
        **lane,
    }
    after.then(**event)
    picture.turned(**event)
    turned = [getattr(knob, "release", knob.input) for knob in knobs]
    gr.on(turned, **event)
