"""The page's window onto runs: its components, and what they show at each poll.

The page only reads the run's folder and makes its flag files. What is on disk is shown
anew at every poll, so that a reload, a second tab and a restarted server see the same
run, and so that buttons never depend on what was clicked before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.components import Component

from settings import Settings
from trainer.runs import Run
from ui import canvas
from ui.access import Visitor
from ui.language import text
from ui.training import actions, board, cards, marks, pushes
from ui.training.actions import Allowed
from ui.training.pushes import Push, Pushes
from ui.training.reader import Hall, Reader

Changes = dict[Component, Any]
BUTTONS = ("stop", "cancel", "resume", "classify", "delete")


@dataclass(frozen=True)
class Seen:
    """What a page shows, so that a poll can tell whether anything is new.

    Of pictures and scores the hashes; at first they are of nothing that could be shown.
    """

    run_id: str = ""
    size_bytes: int = 0
    at_work: tuple[str, int] = ("", 0)
    mark: int = 0
    n_runs: int = 0
    push: Push | None = None
    allowed: Allowed | None = None
    language: str = ""
    pictures: int | None = None
    scores: int | None = None


@dataclass(frozen=True, eq=False)
class Window:
    """The components, by what they show.

    Attributes:
        seen: state, a ``Seen``.
        chosen: id of the run that is shown.
        at_work: the run at work and the queue.
        standing: where the shown run stands.
        curves: its loss and accuracy.
        details: its learning rate and gradient norm.
        log: its log.
        scores: how good its model is.
        level, search: which of its lines.
        buttons: by ``BUTTONS`` and ``push``, ``rename``, ``start``.
        push: how far its push is.
        table: all runs.
        compared: ids of runs to compare.
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
    buttons: dict[str, gr.Button]
    push: gr.HTML
    table: gr.Dataframe
    compared: gr.Dropdown

    @property
    def outputs(self) -> list[Component]:
        """Everything that a poll may change."""
        shown = [self.seen, self.chosen, self.at_work, self.standing, self.curves]
        shown += [self.details, self.log, self.scores, self.push, self.table]
        shown += [self.compared]
        return [*shown, *self.buttons.values()]


@dataclass(frozen=True)
class Server:
    """What this server's pages share.

    Attributes:
        settings: of the host.
        reader: runs, as read so far.
        pushes: to the Hub, as started here.
    """

    settings: Settings
    reader: Reader
    pushes: Pushes


@dataclass(frozen=True)
class Viewer:
    """One page that asks what to show.

    Attributes:
        visitor: whose it is.
        level, search: which lines of the log.
    """

    visitor: Visitor
    level: str = "all"
    search: str = ""


def changes(
    window: Window, run_id: str | None, before: Seen, server: Server, viewer: Viewer
) -> Changes:
    """What a page has to change to show what is on disk; nothing where nothing is new."""
    try:
        return _changes(window, run_id, before, server, viewer)
    except FileNotFoundError:  # a run was deleted meanwhile; the next poll knows it
        return {window.seen: gr.skip()}


def _changes(
    window: Window, run_id: str | None, before: Seen, server: Server, viewer: Viewer
) -> Changes:
    hall = server.reader.glance(is_newest=not before.run_id)
    run = wanted(run_id, before, hall)
    now = _seen(run, hall, server, viewer.visitor, before)
    if now == before:
        return {window.seen: gr.skip()}
    told = _texts(window, run, hall, server.reader, viewer)
    if now.allowed != before.allowed:
        told |= {
            button: gr.Button(interactive=getattr(now.allowed, name))
            for name, button in window.buttons.items()
        }
    told[window.push] = pushes.as_html(now.push, viewer.visitor.language)
    pictures = _pictures(run, server.reader, viewer.visitor.language)
    if hash(pictures) != before.pictures:  # else they keep their place
        told[window.curves], told[window.details] = pictures
    scores = marks.drawn(run, server.reader, viewer.visitor)
    if hash(scores) != before.scores:
        told[window.scores] = scores
    told[window.seen] = replace(now, pictures=hash(pictures), scores=hash(scores))
    parts = ("mark", "run_id", "language")
    if any(getattr(now, part) != getattr(before, part) for part in parts):
        told |= _lists(window, run, hall, server.reader, viewer.visitor.language)
        if now.n_runs < before.n_runs:  # one that was chosen there may be gone
            told[window.compared] = gr.Dropdown(
                told[window.compared].choices, value=[], multiselect=True
            )
    return told


def wanted(run_id: str | None, before: Seen, hall: Hall) -> Run | None:
    """The run to show: the chosen one; at first, and when a new one starts, the newest."""
    every = hall.every
    chosen = next((run for run in every if run.id == run_id), None)
    if chosen is None or (before.n_runs and len(every) > before.n_runs):
        return every[0] if every else None
    return chosen


def _seen(
    run: Run | None, hall: Hall, server: Server, visitor: Visitor, before: Seen
) -> Seen:
    busy, reader = hall.at_work, server.reader
    return Seen(
        run_id=run.id if run else "",
        size_bytes=reader.size_bytes(run) if run else 0,
        at_work=(busy.id, reader.size_bytes(busy)) if busy else ("", 0),
        allowed=actions.allowed(run, visitor, len(hall.waiting)),
        mark=hall.mark,
        n_runs=len(hall.every),
        push=server.pushes.of(run.id) if run else None,
        language=visitor.language,
        pictures=before.pictures,
        scores=before.scores,
    )


def _texts(
    window: Window, run: Run | None, hall: Hall, reader: Reader, viewer: Viewer
) -> Changes:
    """What is said of the run at work and of the shown one, said once for all pages."""
    visitor, busy = viewer.visitor, hall.at_work
    events = reader.events(run) if run else ()
    working = reader.events(busy) if busy else ()
    name = run.id if run else ""
    shown = (viewer.level, viewer.search, visitor.language)

    def kept(kind: str, key: Any, of: Any, say: Callable[[], str]) -> str:
        return reader.drawn((kind, name, key), of, say, is_final=True)

    return {
        window.at_work: kept(
            "at work",
            visitor,
            (hall.mark, len(working)),
            lambda: cards.at_work(busy, working, hall.waiting, visitor),
        ),
        window.standing: kept(
            "standing",
            visitor,
            (hall.mark, len(events)),
            lambda: cards.standing(run, events, visitor, hall.place(run)),
        ),
        window.log: kept(
            "log",
            shown,
            len(events),
            lambda: cards.log_html(
                events, visitor.language, viewer.level, viewer.search
            ),
        ),
    }


def _pictures(run: Run | None, reader: Reader, language: str) -> tuple[str, str]:
    """The curves, and the details, made once for all pages in one language."""
    if run is None:
        return "", ""
    story = reader.story(run)
    is_final = run.state().is_ended

    def drawn(kind: str, draw: Callable[..., str]) -> str:
        return reader.drawn(
            (kind, run.id, language),
            len(story),
            lambda: draw(story, language),
            is_final=is_final,
        )

    return drawn("curves", board.curves), drawn("details", board.details)


def _lists(
    window: Window, run: Run | None, hall: Hall, reader: Reader, language: str
) -> Changes:
    """The table and the two lists of runs."""
    choices = board.choices(hall.every, language)
    return {
        window.chosen: gr.Dropdown(choices, value=run.id if run else None),
        window.table: gr.Dataframe(board.table(hall.every, reader, language)),
        window.compared: gr.Dropdown(choices, multiselect=True),
    }


def build_watch() -> dict[str, Any]:
    """Lay out what shows one run; the parts by their names in ``Window``."""
    parts: dict[str, Any] = {"seen": gr.State(Seen())}
    parts["at_work"] = gr.HTML(elem_classes="run-now")
    parts["chosen"] = gr.Dropdown([], label=text("train.run"))
    parts["standing"] = gr.HTML(elem_classes="run-status")
    parts["buttons"] = {}
    with gr.Row(elem_classes="run-buttons"):
        for name in BUTTONS:
            parts["buttons"][name] = gr.Button(
                text(f"train.{name}"), interactive=False, size="sm", min_width=90
            )
    return parts


def build_story() -> dict[str, Any]:
    """Lay out a run's curves and its log."""
    curves, details = (canvas.place("", name="run-curves", formats=()) for _ in "12")
    parts: dict[str, Any] = {"curves": curves.render()}
    with gr.Accordion(text("train.details"), open=False):
        parts["details"] = details.render()
    with gr.Row():
        levels = [(text(f"train.level_{name}"), name) for name in cards.LEVELS]
        parts["level"] = gr.Dropdown(levels, value="all", label=text("train.level"))
        parts["search"] = gr.Textbox(label=text("train.search"), max_lines=1)
    parts["log"] = gr.HTML()
    return parts
