"""The page's window onto runs: its components, and what they show at each poll.

The page only reads the run's folder and makes its flag files. What is on disk is shown
anew at every poll, so that a reload, a second tab and a restarted server see the same
run, and so that buttons never depend on what was clicked before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import gradio as gr
from gradio.blocks import Block

from settings import Settings
from trainer.run.runs import Labels, Run
from ui import canvas
from ui.server.access import Visitor
from ui.server.language import text
from ui.tabs.train import actions, cards, form, pushes, runs_table, scores
from ui.tabs.train.actions import Allowed
from ui.tabs.train.cache import RunCache, RunsOverview
from ui.tabs.train.pushes import Push, Pushes
from viz.curves import N_WHOLE
from viz.plot import N_COLUMNS

Changes = dict[Block, Any]
Part = tuple[Hashable, Callable[[], Any]]  # its version, and what makes its value
Parts = dict[Block, Part]
SMOOTHING, MOST_SMOOTHING = 0.6, 0.9
BUTTONS = ("classify", "stop", "resume", "cancel", "delete")


@dataclass(frozen=True)
class Seen:
    """What a page shows, so that a poll sends only what has changed.

    Attributes:
        run_id: of the shown run; "" for none.
        n_runs: in the list.
        versions: of the components, by their ids.
    """

    run_id: str = ""
    n_runs: int = 0
    versions: Mapping[int, Hashable] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Window:
    """The components, by what they show.

    Attributes:
        seen: state, a ``Seen``.
        chosen: id of the run that is shown.
        at_work: the active run and the queue.
        standing: the shown run's state.
        curves: its loss and validation accuracy.
        details: its learning rate and gradient norm.
        log: its log.
        scores: how good its model is.
        level: which of its lines.
        search: what they contain.
        smoothing: of the training loss.
        is_refused: state, whether what the form has cannot start here.
        buttons: by ``BUTTONS`` and ``push``, ``rename``, ``start``.
        push: how far its push is.
        table: all runs.
        compared: ids of runs to compare.
        compared_ids: state, the same ids as far as their curves are drawn.
        comparison: their curves.
        base_model: of the form of a new run; it lists runs too.
        labels: the shown run's name, tags and notes, to be written.
        parts: what only those see who may use the button of that name in it.
    """

    seen: gr.State
    chosen: gr.Dropdown
    at_work: gr.HTML
    standing: gr.HTML
    curves: gr.HTML
    details: gr.HTML
    log: gr.HTML
    scores: gr.HTML
    level: gr.Dropdown
    search: gr.Textbox
    smoothing: gr.Slider
    is_refused: gr.State
    buttons: dict[str, gr.Button]
    push: gr.HTML
    table: gr.Dataframe
    compared: gr.Dropdown
    compared_ids: gr.State
    comparison: gr.HTML
    base_model: gr.Dropdown
    labels: list[gr.Textbox]
    parts: dict[str, gr.Accordion]

    @property
    def outputs(self) -> list[Block]:
        """List everything that a poll may change."""
        shown: list[Block] = [
            self.seen,
            self.chosen,
            self.at_work,
            self.standing,
            self.curves,
        ]
        shown += [self.details, self.log, self.scores, self.push, self.table]
        shown += [self.compared, self.comparison, self.base_model]
        shown += [*self.labels, *self.parts.values()]
        return [*shown, *self.buttons.values()]

    def typed(self, before: Seen) -> dict[int, Hashable]:
        """Return the versions of what people write: only another run's replaces it."""
        return {
            field._id: before.versions[field._id]
            for field in self.labels
            if field._id in before.versions
        }


@dataclass(frozen=True)
class Server:
    """What this server's pages share.

    Attributes:
        settings: of the host.
        cache: runs, as read and rendered so far.
        pushes: to the Hub, as started here.
    """

    settings: Settings
    cache: RunCache
    pushes: Pushes


@dataclass(frozen=True)
class Viewer:
    """One page that asks what to show.

    Attributes:
        visitor: whose it is.
        level: which lines of the log.
        search: what they contain.
        smoothing: of the training loss, from 0 to ``MOST_SMOOTHING``.
        is_refused: what its form has cannot start here.
        compared: ids of the runs whose curves are drawn together.
    """

    visitor: Visitor
    level: str = "all"
    search: str = ""
    smoothing: float = 0.0
    is_refused: bool = False
    compared: tuple[str, ...] = ()


def changes(
    window: Window, run_id: str | None, before: Seen, server: Server, viewer: Viewer
) -> Changes:
    """List what a page has to change to show what is on disk."""
    try:
        return _changes(window, run_id, before, server, viewer)
    except FileNotFoundError:  # a run was deleted meanwhile; the next poll knows it
        return {window.seen: gr.skip()}


def _changes(
    window: Window, run_id: str | None, before: Seen, server: Server, viewer: Viewer
) -> Changes:
    """Return the components whose version is another than the page has seen."""
    overview = server.cache.overview(is_newest=not before.run_id)
    run = wanted(run_id, before, overview)
    name = run.id if run else ""
    parts = {
        **_texts(window, run, overview, server.cache, viewer),
        **_pictures(window, run, server.cache, viewer),
        **_comparison(window, overview, server.cache, viewer),
        **_lists(window, name, overview, server.cache, viewer, before),
        **_buttons(window, run, overview, viewer),
        **_labels(window, run, viewer),
        window.push: _push(server.pushes.of(name), viewer.visitor.language),
        window.base_model: (
            overview.mark,
            lambda: gr.Dropdown(form.base_choices(overview.every, server.settings)),
        ),
    }
    news = {
        component: make()
        for component, (version, make) in parts.items()
        if component._id not in before.versions
        or before.versions[component._id] != version
    }
    if not news:
        return {window.seen: gr.skip()}
    versions = {component._id: version for component, (version, _) in parts.items()}
    return {window.seen: Seen(name, len(overview.every), versions), **news}


def smoothing_of(value: object) -> float:
    """Read what the slider sends: one of its steps, whatever a program sends instead."""
    share = float(value) if isinstance(value, int | float) else SMOOTHING
    return round(min(max(0.0, share), MOST_SMOOTHING), 1)


def wanted(run_id: str | None, before: Seen, overview: RunsOverview) -> Run | None:
    """Choose the run to show: the chosen one; at first, and after a start, the newest."""
    every = overview.every
    chosen = next((run for run in every if run.id == run_id), None)
    if chosen is None or (before.n_runs and len(every) > before.n_runs):
        return every[0] if every else None
    return chosen


def _texts(
    window: Window,
    run: Run | None,
    overview: RunsOverview,
    cache: RunCache,
    viewer: Viewer,
) -> Parts:
    """Render the running run, the shown one, and its log."""
    visitor, busy = viewer.visitor, overview.at_work
    events = cache.events(run) if run else ()
    working = cache.events(busy) if busy else ()
    name, mark = run.id if run else "", overview.mark
    filtered = (viewer.level, viewer.search, visitor.language)

    def standing() -> str:
        story = cache.story(run) if run else ()
        place = overview.place(run)
        return cards.standing(run, events, visitor, place, story, overview.every)

    def log() -> str:
        return cards.log_html(events, visitor.language, viewer.level, viewer.search)

    return {
        window.at_work: _rendered(
            cache,
            ("at work", visitor),
            (mark, busy and busy.id, len(working)),
            lambda: cards.at_work(busy, working, overview.waiting, visitor),
        ),
        window.standing: _rendered(
            cache,
            ("standing", name, visitor),
            (mark, len(events)),
            standing,
        ),
        window.log: _rendered(cache, ("log", name, filtered), len(events), log),
    }


def _pictures(
    window: Window, run: Run | None, cache: RunCache, viewer: Viewer
) -> Parts:
    """Render the curves, the details, and the scores.

    The curves of a run that has ended are sent once, so they have all their points.
    """
    language = viewer.visitor.language
    name = run.id if run else ""
    scored = scores.rendered(run, cache, viewer.visitor)

    def drawn(kind: str, draw: Callable[..., str], *settings: float) -> Part:
        if run is None:
            return None, lambda: ""
        is_ended = run.state().is_ended
        n_points = N_WHOLE if is_ended else N_COLUMNS
        return _rendered(
            cache,
            (kind, run.id, language, n_points, *settings),
            len(cache.events(run)),
            lambda: draw(cache.story(run), language, *settings, n_points=n_points),
            may_lag=not is_ended,
        )

    return {
        window.curves: drawn(
            "curves", partial(runs_table.curves, run_id=name), viewer.smoothing
        ),
        window.details: drawn("details", partial(runs_table.details, run_id=name)),
        window.scores: (scored.version, lambda: scored.html),
    }


def _comparison(
    window: Window, overview: RunsOverview, cache: RunCache, viewer: Viewer
) -> Parts:
    """Draw the curves of the compared runs as far as they are."""
    by_id = {run.id: run for run in overview.every}
    chosen = [by_id[run_id] for run_id in viewer.compared if run_id in by_id]
    if not chosen:
        return {}
    language = viewer.visitor.language
    drawn = _rendered(
        cache,
        ("compared", *(run.id for run in chosen), language),
        sum(len(cache.events(run)) for run in chosen),
        lambda: runs_table.overlaid(chosen, cache, language),
        may_lag=not all(run.state().is_ended for run in chosen),
    )
    return {window.comparison: drawn}


def _rendered(
    cache: RunCache,
    key: Hashable,
    version: Hashable,
    render: Callable[[], str],
    *,
    may_lag: bool = False,
) -> Part:
    """Render a part once for all pages; its version is that of what was rendered."""
    found = cache.rendered(key, version, render, may_lag=may_lag)
    return (key, found.version), lambda: found.html


def _push(push: Push | None, language: str) -> Part:
    return (push, language), lambda: pushes.as_html(push, language)


def _buttons(
    window: Window, run: Run | None, overview: RunsOverview, viewer: Viewer
) -> Parts:
    """Show the buttons that this visitor may use now, the next step as the first one.

    Start stays in sight: what it starts may become possible at any time.
    """
    allowed = actions.allowed(run, viewer.visitor, len(overview.waiting))
    next_step = _next_step(allowed)

    def part(name: str) -> Part:
        works = bool(getattr(allowed, name))
        if name == "start":
            works = works and not viewer.is_refused
            return works, lambda: gr.Button(interactive=works)
        look: Literal["primary", "secondary"] = (
            "primary" if name == next_step else "secondary"
        )
        return (works, look), lambda: gr.Button(visible=works, variant=look)

    folded: Parts = {
        place: (bool(getattr(allowed, name)), _visible(bool(getattr(allowed, name))))
        for name, place in window.parts.items()
    }
    shown: Parts = {button: part(name) for name, button in window.buttons.items()}
    return {**shown, **folded}


def _visible(is_visible: bool) -> Callable[[], gr.Accordion]:
    return lambda: gr.Accordion(visible=is_visible)


def _labels(window: Window, run: Run | None, viewer: Viewer) -> Parts:
    """Fill in what can be written about a run, once for each run that is shown."""
    name, labels = (run.title, run.labels) if run else ("", Labels())
    notes = labels.notes if viewer.visitor.may_train else ""
    values = (name, " ".join(labels.tags), notes)

    def part(value: str) -> Part:
        return run.id if run else "", lambda: gr.Textbox(value)

    return {
        field: part(value) for field, value in zip(window.labels, values, strict=True)
    }


def _next_step(allowed: Allowed) -> str:
    """Name the button that a run is for at last: of its resumption, or of its model."""
    return next((n for n in ("resume", "classify") if getattr(allowed, n)), "")


def _lists(
    window: Window,
    name: str,
    overview: RunsOverview,
    cache: RunCache,
    viewer: Viewer,
    before: Seen,
) -> Parts:
    """List the runs in the table and in both dropdowns; the shown run is chosen in one."""
    language = viewer.visitor.language
    version = overview.mark, language
    # A run that was chosen there may be gone.
    emptied: dict[str, Any] = (
        {"value": []} if len(overview.every) < before.n_runs else {}
    )

    def choices() -> list[tuple[str, str]]:
        return runs_table.choices(overview.every, language)

    def table() -> gr.Dataframe:
        return gr.Dataframe(runs_table.table(overview.every, cache, language))

    return {
        window.chosen: (
            (version, name),
            lambda: gr.Dropdown(choices(), value=name or None),
        ),
        window.table: (version, table),
        window.compared: (
            version,
            lambda: gr.Dropdown(choices(), multiselect=True, **emptied),
        ),
    }


@dataclass(frozen=True, eq=False)
class Sure:
    """The question before something is gone for good.

    Attributes:
        place: all of it; not in sight until a button asks.
        question: says what would be deleted.
        yes: does it, by the button that asks: cancel and delete.
        no: closes it.
    """

    place: gr.Column
    question: gr.HTML
    yes: Mapping[str, gr.Button]
    no: gr.Button


def build_question() -> Sure:
    """Lay out the question."""
    with gr.Column(visible=False, elem_classes="run-sure") as place:
        question = gr.HTML()
        with gr.Row():
            yes = {
                name: gr.Button(text(f"train.{name}_yes"), variant="stop", size="sm")
                for name in ("cancel", "delete")
            }
            no = gr.Button(text("train.keep"), size="sm")
    return Sure(place, question, yes, no)


def build_watch() -> tuple[dict[str, Any], Sure]:
    """Lay out what shows one run: its parts, by their names in ``Window``, and a question."""
    parts: dict[str, Any] = {"seen": gr.State(Seen())}
    parts["chosen"] = gr.Dropdown(
        [], label=text("train.run"), elem_classes="run-chosen"
    )
    parts["buttons"] = {}
    with gr.Row(elem_classes="run-buttons"):
        for name in BUTTONS:
            parts["buttons"][name] = gr.Button(
                text(f"train.{name}"), visible=False, size="sm", min_width=90
            )
    sure = build_question()
    parts["at_work"] = gr.HTML(elem_classes="run-now")
    parts["standing"] = gr.HTML(elem_classes="run-status")
    return parts, sure


def build_story() -> dict[str, Any]:
    """Lay out a run's curves and its log."""
    kinds = ("png", "svg", "csv")
    curves = canvas.place("curves_empty", name="run-curves", formats=kinds)
    details = canvas.place("", name="run-curves", formats=())
    parts: dict[str, Any] = {"curves": curves.render()}
    parts["smoothing"] = gr.Slider(
        0, MOST_SMOOTHING, SMOOTHING, step=0.1, label=text("train.smoothing")
    )
    with gr.Accordion(text("train.details"), open=False):
        parts["details"] = details.render()
    with gr.Row():
        levels = [(text(f"train.level_{name}"), name) for name in cards.LEVELS]
        parts["level"] = gr.Dropdown(levels, value="all", label=text("train.level"))
        parts["search"] = gr.Textbox(label=text("train.search"), max_lines=1)
    parts["log"] = gr.HTML()
    return parts


def build_labels() -> dict[str, Any]:
    """Lay out a run's name, tags and notes; the parts by their names in ``Window``."""
    with gr.Accordion(text("train.labels"), open=False, visible=False) as place:
        with gr.Row():
            title = gr.Textbox(label=text("train.new_name"), max_lines=1)
            tags = gr.Textbox(label=text("train.tags"), max_lines=1)
        notes = gr.Textbox(label=text("train.notes"), lines=2, max_lines=8)
        save = gr.Button(text("train.rename"), visible=False, size="sm")
    return {
        "labels": [title, tags, notes],
        "parts": {"rename": place},
        "buttons": {"rename": save},
    }
