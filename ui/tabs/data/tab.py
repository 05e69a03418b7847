"""The tab Data: choose songs, look at what is in them, listen to any of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import gradio as gr
from gradio.events import Dependency
from markupsafe import Markup

import i18n
from errors import KnownError
from settings import Host, Settings
from trainer import messages
from trainer.config import SCHEMES, RunConfig
from trainer.run.events import Stage
from ui import forms, notice, song_choice
from ui.exercises import dock
from ui.handlers import QUIETLY
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.song_choice import FIRST_PRESET, SongChoice, config_of
from ui.tabs.data import inspection
from ui.tabs.data.inspection import InspectedSongs
from ui.tabs.data.survey import survey_html
from ui.templates import paragraphs, render

N_COMPOSED = 5  # a genre: a fifth is one song; a newcomer waits some seconds
FIRST_SPLIT = "stratified"  # of few songs, so that every genre is tested
SPLIT_FIELDS = ("split", "test_fraction", "validation_fraction", "seed")
NAMES = ("data", "n_songs_per_genre", *song_choice.EXTRAS, *SPLIT_FIELDS)
ITEMS = {item.name: item for item in dataclasses.fields(RunConfig)}


@dataclasses.dataclass(frozen=True)
class Form:
    """The components of what a visitor chooses.

    Attributes:
        songs: which ones.
        split: the fields ``SPLIT_FIELDS``.
    """

    songs: SongChoice
    split: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Page:
    """Where a visitor looks.

    Attributes:
        button: looks.
        cancel: stops that.
        status: how far it is.
        survey: what was found.
        hand_over: takes songs and split to the tab Train; in sight once there are some.
        inspected: state, a ``InspectedSongs``; None before the first.
    """

    button: gr.Button
    cancel: gr.Button
    status: gr.HTML
    survey: gr.HTML
    hand_over: gr.Button
    inspected: gr.State

    @property
    def at_work(self) -> list[Any]:
        """List what shows whether songs are being inspected."""
        return [self.status, self.button, self.cancel]


@dataclasses.dataclass(frozen=True)
class DataTab:
    """What the rest of the page needs of this tab.

    Attributes:
        named: the components that choose songs and split, by RunConfig's names and
            those of ``song_choice.EXTRAS``.
        hand_over: takes them to the tab Train.
    """

    named: dict[str, Any]
    hand_over: gr.Button


def build(tab: gr.Tab, session: Session, settings: Settings) -> DataTab:
    """Lay out the tab and wire it."""
    with gr.Row(elem_classes=["lesson", "data"]):
        with gr.Column(scale=1, min_width=300):
            gr.Markdown(text("data.intro"))
            form = _form(settings)
            with gr.Row():
                button = gr.Button(text("data.look"), variant="primary", scale=2)
                cancel = gr.Button(
                    text("data.cancel"), visible=False, scale=1, min_width=80
                )
        with gr.Column(scale=2, min_width=320):
            dock.place("data")
            status = gr.HTML(text("data.ready"), elem_classes="look-status")
            survey = gr.HTML(elem_classes="survey")
    place = inspection.build()
    hand_over = gr.Button(
        text("data.hand_over"), variant="primary", visible=False, min_width=240
    )
    page = Page(button, cancel, status, survey, hand_over, gr.State(None))
    work = _wire(tab, session, settings, form, page)
    inspection.wire(session, place, page.inspected, work)
    _wire_split(session, form, page, place)
    named = dict(zip(NAMES, [*form.songs.fields, *form.split], strict=True))
    return DataTab(named, hand_over)


def _form(settings: Settings) -> Form:
    """Lay out the fields; those of a source appear with it."""
    songs = song_choice.build(settings, "composed", N_COMPOSED)
    schemes = [(text(f"data.split_{name}"), name) for name in SCHEMES]
    split = (
        forms.component(ITEMS["split"], FIRST_SPLIT, schemes),
        _share("test_fraction", RunConfig.test_fraction),
        _share("validation_fraction", RunConfig.validation_fraction),
        forms.component(ITEMS["seed"], RunConfig.seed),
    )
    return Form(songs, split)


def _share(name: str, value: float) -> gr.Slider:
    """Create a slider for a share of the songs."""
    limits = ITEMS[name].metadata
    label, info = text(f"fields.{name}"), text(f"fields.{name}_info")
    return gr.Slider(
        limits["minimum"], limits["maximum"], value, step=0.05, label=label, info=info
    )


def _wire(
    tab: gr.Tab, session: Session, settings: Settings, form: Form, page: Page
) -> Dependency:
    """Wire the buttons: look and cancel."""

    @session.guarded
    def look(*values: Any, visitor: Visitor) -> Iterator[list[Any]]:
        for each in inspect_form(values, settings, visitor):
            if isinstance(each, InspectedSongs):
                survey = survey_html(each, visitor.language)
                kept = _kept(each, visitor.language)
                ready = gr.Button(visible=True)
                yield [each, survey, ready, kept, *_buttons(is_busy=False)]
            else:
                bar = progress_html(each, visitor.language)
                yield [gr.skip(), gr.skip(), gr.skip(), bar, *_buttons(is_busy=True)]

    def greeting(visitor: Visitor) -> list[Any]:
        return greet(visitor, settings.host)

    greeted = [page.status, page.button]
    session.at_opening(tab, greeting, [], greeted)
    form.songs.wire(session, tab, settings)
    work = page.button.click(
        look,
        [*form.songs.fields, *form.split],
        [page.inspected, page.survey, page.hand_over, *page.at_work],
        show_progress="hidden",
        api_visibility="private",
    )
    # Gradio calls that a failure as well: so it is shown once, when the work has ended.
    work.failure(session.guarded(stop), None, page.at_work, **QUIETLY)
    page.cancel.click(None, cancels=[work], api_visibility="private")
    return work


def _wire_split(
    session: Session, form: Form, page: Page, place: inspection.Place
) -> None:
    """Split the inspected songs anew, as the form asks."""

    @session.guarded
    def split(
        inspected: InspectedSongs | None,
        index: int | None,
        *split_settings: Any,
        visitor: Visitor,
    ) -> list[Any]:
        if inspected is None or index is None:
            return [gr.skip()] * 3
        other = inspected.divided(
            **dict(zip(SPLIT_FIELDS, split_settings, strict=True))
        )
        facts = inspection.facts_html(other, index, visitor.language)
        return [other, survey_html(other, visitor.language), facts]

    scheme, *shares, seed = form.split
    gr.on(
        [scheme.input, *(each.change for each in shares), seed.submit, seed.blur],
        split,
        [page.inspected, place.song, *form.split],
        [page.inspected, page.survey, place.facts],
        **QUIETLY,
    )


def greet(visitor: Visitor, host: Host) -> list[Any]:
    """Enable the button for those who may inspect songs; explain to others why not."""
    if visitor.may_train:
        return [gr.skip(), gr.skip()]
    sentence = paragraphs([i18n.word("errors.may_not_look", visitor.language)])
    return [sentence + notice.ways(visitor, host), gr.Button(interactive=False)]


def stop(visitor: Visitor) -> list[Any]:
    """Show that it has stopped: somebody cancelled, or an error was shown."""
    sentence = paragraphs([i18n.word("data.stopped", visitor.language)])
    return [sentence, *_buttons(is_busy=False)]


def inspect_form(
    values: tuple[Any, ...], settings: Settings, visitor: Visitor
) -> Iterator[Stage | InspectedSongs]:
    """Inspect the songs of a form.

    Args:
        values: of the form's fields, the source's first.
        settings: of this host.
        visitor: who asks.

    Yields:
        What ``inspection.inspect`` does.

    Raises:
        KnownError: ``may_not_look``, what the form is refused for, what ``inspect`` raises.
    """
    if not visitor.may_train:
        raise KnownError("may_not_look")
    yield from inspection.inspect(_config(values, settings), settings.cache_dir)


def _config(values: tuple[Any, ...], settings: Settings) -> RunConfig:
    """Read the form, which has the songs and the split of a RunConfig."""
    given = dict(zip(NAMES, values, strict=True))
    return config_of({"preset": FIRST_PRESET, **given}, settings)


def progress_html(stage: Stage, language: str) -> Markup:
    """Show the current phase, and how far it is."""
    counts = messages.amounts(stage.name, stage.done, stage.total, language)
    return render("progress", language, stage=stage, counts=counts)


def _kept(inspected: InspectedSongs, language: str) -> Markup:
    """Describe how many songs there are, and where they come from if that is not plain."""
    kept = i18n.word("data.kept", language, n=len(inspected.songs.songs))
    return paragraphs(
        [kept, *(messages.line(note, language) for note in inspected.notes)]
    )


def _buttons(*, is_busy: bool) -> list[gr.Button]:
    """Enable Look, or show Cancel."""
    return [gr.Button(interactive=not is_busy), gr.Button(visible=is_busy)]
