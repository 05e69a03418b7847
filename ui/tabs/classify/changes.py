"""Change the song by sliders, hear it, and see the answer move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from markupsafe import Markup

import i18n
from audio import decode, effects
from audio.clip import Clip
from audio.decode import channels
from audio.effects import PARTS, RANGES, Change, excerpt_of
from classifier.models import Models
from classifier.predict import Prediction
from classifier.what_if import moved, predicted
from errors import KnownError
from ui import waiting
from ui.handlers import QUIETLY
from ui.model_choice import chosen_pair, full_title
from ui.player import sound_files
from ui.player.audio import player
from ui.player.clips import ClipShelf
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Newest, Session
from ui.tabs.classify import view
from ui.tabs.classify.answer import N_SHOWN
from ui.tabs.classify.picker import Picker
from ui.templates import render
from ui.waiting import Update
from viz import palette

MIX = "mix"  # of all channels
MOST_CHANNELS = 8
# Of sliders: range and step. What the models hear ends at 8 kHz.
SLIDERS: dict[str, tuple[float, float, float]] = {
    "low_pass_hz": (100, 8000, 50),
    "high_pass_hz": (20, 4000, 20),
    "n_semitones": (-12, 12, 1),
    "tempo": (0.5, 2.0, 0.05),
    "gain_db": (-50, 0, 1),
    "rt60_s": (0.0, 5.0, 0.1),
    "snr_db": (-10, 60, 1),
}
# One visitor at a time, a few seconds each.
QUEUE: dict[str, Any] = {"concurrency_id": "change", "concurrency_limit": 1}


@dataclass(frozen=True)
class Before:
    """The answers to the excerpt as it is, which every change is compared with.

    Attributes:
        path: of the sound.
        keys: of the models.
        predictions: theirs.
    """

    path: str
    keys: tuple[str, ...]
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Place:
    """Where a changed answer is shown."""

    status: gr.HTML
    ranking: gr.HTML
    sound: gr.Audio
    before: gr.State

    @property
    def all(self) -> list[Any]:
        """List every place, as an event's outputs."""
        return [self.status, self.ranking, self.sound, self.before]


def build(session: Session, models: Models, picker: Picker) -> None:
    """Lay out the sliders and their answer, and wire them."""
    with gr.Row(elem_classes=["lesson", "changes"]):
        with gr.Column(scale=1, min_width=260):
            knobs, channel = _knobs()
            with gr.Row():
                reset = gr.Button(text("what_if.reset"), min_width=100)
                cancel = waiting.cancel_button()
        with gr.Column(scale=2, min_width=300):
            sound = player(text("what_if.changed"), visible=view.HIDDEN)
            status = gr.HTML(elem_classes=["classify-status"])
            sound.render()
            turn = text("what_if.turn")
            ranking = gr.HTML(turn, elem_classes=["what-if", "changed"])
            place = Place(status, ranking, sound, gr.State(None))
    _wire(session, models, picker, place, knobs, channel, reset, cancel)


def _knobs() -> tuple[dict[str, Any], gr.Dropdown]:
    """Make the controls: a field of ``Change`` each, and the channel."""
    knobs: dict[str, Any] = {
        name: gr.Slider(
            low,
            high,
            value=min(max(RANGES[name][2], low), high),
            step=step,
            label=text(f"what_if.{name}"),
        )
        for name, (low, high, step) in SLIDERS.items()
    }
    parts = [(text(f"what_if.part_{name}"), name) for name in PARTS]
    knobs["part"] = gr.Radio(parts, value="all", label=text("what_if.part"))
    for name in ("is_reversed", "is_shuffled"):
        knobs[name] = gr.Checkbox(label=text(f"what_if.{name}"))
    mix = [(text("what_if.mix"), MIX)]
    channel = gr.Dropdown(mix, value=MIX, label=text("what_if.channel"), visible=False)
    return {each.name: knobs[each.name] for each in fields(Change)}, channel


def _wire(
    session: Session,
    models: Models,
    picker: Picker,
    place: Place,
    knobs: dict[str, Any],
    channel: gr.Dropdown,
    reset: gr.Button,
    cancel: gr.Button,
) -> None:
    every = list(knobs.values())
    path, newest = session.bar.path, session.newest
    supersede = session.guarded(_superseding(place.ranking))
    ask = session.guarded(waiting.tidied(place.status, _asking(session, models, place)))
    given = [path, picker.model, picker.other, newest, place.before, channel, *every]
    asked: dict[str, Any] = {
        "show_progress": "hidden",
        "api_visibility": "private",
        "trigger_mode": "multiple",  # the newest one ends those before it
        **QUEUE,
    }
    turned = [getattr(each, "release", each.input) for each in (*every, channel)]
    often = QUIETLY | {"trigger_mode": "multiple"}
    gr.on(turned, supersede, newest, None, **often).then(ask, given, place.all, **asked)
    neutral = [each.value for each in every]
    back = reset.click(session.guarded(lambda: neutral), None, every, **QUIETLY)
    back.then(supersede, newest, None, **often).then(ask, given, place.all, **asked)
    stop = session.guarded(_stopping(place))
    cancel.click(stop, [place.status, newest], place.status, **QUIETLY)
    session.at_new_sound(_forgetting(place), [newest], place.all)
    session.at_new_sound(_offering(session), [path], [channel])


def _superseding(ranking: gr.HTML) -> Any:
    """Make the handler that ends the answer under way, before the next is asked for."""

    def supersede(newest: Newest) -> None:
        newest.ask(ranking)

    return supersede


def _stopping(place: Place) -> Any:
    def stop(shown: str | None, newest: Newest, visitor: Visitor) -> str:
        newest.ask(place.ranking)
        return waiting.cancelled(shown, visitor)

    return stop


def _forgetting(place: Place) -> Any:
    def forget(newest: Newest, visitor: Visitor) -> list[Any]:
        newest.ask(place.ranking)
        turn = i18n.word("what_if.turn", visitor.language)
        return ["", turn, gr.Audio(None, visible=view.HIDDEN), None]

    return forget


def _offering(session: Session) -> Any:
    """Make the handler that offers the channels of a file that has several."""

    def offer(path: str | None, visitor: Visitor) -> gr.Dropdown:
        n_channels = session.shelf.take(path).facts.n_channels if path else 1
        language = visitor.language
        choices = [(i18n.word("what_if.mix", language), MIX)]
        choices += [
            (_channel_name(number, n_channels, language), str(number))
            for number in range(min(n_channels, MOST_CHANNELS))
        ]
        return gr.Dropdown(choices, value=MIX, visible=n_channels > 1)

    return offer


def _channel_name(number: int, n_channels: int, language: str) -> str:
    if n_channels == 2:
        return i18n.word(f"what_if.{('left', 'right')[number]}", language)
    return i18n.word("what_if.channel_n", language, n=number + 1)


def _asking(session: Session, models: Models, place: Place) -> Any:
    """Make the handler that shows the sound, then the answer to it, in its turn."""

    def ask(
        path: str | None,
        key: str | None,
        other: str | None,
        newest: Newest,
        before: Before | None,
        channel: str,
        *values: Any,
        visitor: Visitor,
    ) -> Iterator[Update]:
        is_newest = newest.ask(place.ranking)
        change = change_of(values)
        excerpt = excerpt_of(session.clip(path))

        def answer(*, visitor: Visitor) -> Iterator[Update]:
            language = visitor.language
            yield {
                place.status: waiting.status("changing", language, bar=waiting.ENDLESS)
            }
            refs = chosen_pair(models, (key, other), visitor)
            loaded = yield from waiting.all_loaded(place.status, models, refs, language)
            if not is_newest(place.ranking):
                return
            sound = changed_sound(str(path), excerpt, channel, change, session.shelf)
            file = sound_files.file_of(sound, place.sound.GRADIO_CACHE)
            yield {place.sound: gr.Audio(file, visible=True)}

            def should_stop() -> bool:
                return not is_newest(place.ranking)

            first = _before(str(path), excerpt, loaded, before, models, should_stop)
            after = [
                predicted(sound, each, models.queue, should_stop=should_stop)
                for each in loaded
            ]
            if is_newest(place.ranking):
                shown = as_html(first.predictions, after, language)
                yield {place.status: "", place.ranking: shown, place.before: first}

        try:
            line = models.queue.line
            yield from waiting.in_line(line, place.status, answer)(visitor=visitor)
        except KnownError as error:
            # Another one has been asked for, and is on its way.
            if error.code != "prediction_stopped":
                raise

    return ask


def _before(
    path: str,
    excerpt: Clip,
    loaded: Sequence[Any],
    known: Before | None,
    models: Models,
    should_stop: Callable[[], bool],
) -> Before:
    """Return the answers to the excerpt as it is, those of before where they are known."""
    keys = tuple(each.ref.key for each in loaded)
    if known and (known.path, known.keys) == (path, keys):
        return known
    found = [
        predicted(excerpt, each, models.queue, should_stop=should_stop)
        for each in loaded
    ]
    audible = tuple(each for each in found if each is not None)
    if len(audible) < len(found):
        raise KnownError("silent", name=excerpt.name)
    return Before(path, keys, audible)


def change_of(values: Sequence[Any]) -> Change:
    """Read the controls: at its end a slider of a filter's edge removes nothing.

    Raises:
        KnownError: what ``Change`` refuses, or ``wrong_value``.
    """
    named = dict(zip((each.name for each in fields(Change)), values, strict=True))
    for name in SLIDERS:
        if isinstance(named[name], bool) or not isinstance(named[name], int | float):
            raise KnownError("wrong_value", value=str(named[name])[:100])
    if named["low_pass_hz"] >= SLIDERS["low_pass_hz"][1]:
        named["low_pass_hz"] = RANGES["low_pass_hz"][2]
    return Change(**named)


def changed_sound(
    path: str, excerpt: Clip, channel: str, change: Change, shelf: ClipShelf
) -> Clip:
    """Return the excerpt, or one channel of it, changed."""
    if channel != MIX:
        excerpt = _one_channel(path, excerpt, channel, shelf)
    return effects.changed(excerpt, change)


def _one_channel(path: str, excerpt: Clip, channel: str, shelf: ClipShelf) -> Clip:
    """Read one channel of a file where its excerpt is.

    Raises:
        KnownError: ``not_a_choice``, or a code of ``decode.channel_blocks``.
    """
    decoded = shelf.take(path)
    numbers = [str(number) for number in range(decoded.facts.n_channels)]
    if channel not in numbers:
        choices = (MIX, *numbers)
        raise KnownError(
            "not_a_choice", field="channel", value=channel, choices=choices
        )
    whole = decoded.clip
    start = max(0, (whole.n_samples - excerpt.n_samples) // 2)
    blocks = decode.channel_blocks(Path(path), shelf.limits)
    pieces = [
        piece[:, int(channel)]
        for piece in channels.passage(blocks, start, start + excerpt.n_samples)
    ]
    samples = np.clip(np.concatenate(pieces), -1, 1)  # as players do
    return Clip(samples, excerpt.sampling_rate, excerpt.name)


def as_html(
    before: Sequence[Prediction], after: Sequence[Prediction | None], language: str
) -> Markup:
    """Show each model's ranking of the changed song, with the difference to before."""
    columns = []
    for one, other in zip(before, after, strict=True):
        was = dict(one.genres)
        genres = other.genres if other else ()
        rows = [
            (label, share, 100 * (share - was[label]), palette.genre_colour(label))
            for label, share in genres[:N_SHOWN]
        ]
        title = full_title(one.model, language)
        columns.append(
            {
                "model": title,
                "rows": rows,
                "moved": moved(one, other),
                "is": bool(other),
            }
        )
    return render("what_if_now", language, columns=columns)
