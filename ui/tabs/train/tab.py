"""The Train tab: a form made from RunConfig, a window onto runs, and all of them.

Here is the layout; what happens at each click is in ``handlers.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from settings import Settings
from ui import canvas, notice
from ui.exercises import dock
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.tabs.train import form, runs_table, scores, view
from ui.tabs.train.cache import RunCache
from ui.tabs.train.form import Form
from ui.tabs.train.handlers import Page
from ui.tabs.train.pushes import Pushes
from ui.tabs.train.view import Server, Window

TAKE = """(...values) => {
  document.querySelector('[role=tab][data-tab-id="train"]').click();
  return values;
}"""


@dataclass(frozen=True, eq=False)
class TrainTab:
    """What the rest of the page needs of this tab.

    Attributes:
        timer: polls while it is active.
        classify: the button that hands a run's model to the tab Classify.
        chosen: id of the run that is shown.
        new: the form of a new run.
    """

    timer: gr.Timer
    classify: gr.Button
    chosen: gr.Dropdown
    new: Form


def build(tab: gr.Tab, session: Session, settings: Settings) -> TrainTab:
    """Lay out the tab, inside ``tab``, and wire it."""
    gr.Markdown(text("train.intro"))
    _notice(tab, session, settings)
    with gr.Row(elem_classes=["lesson", "train"]):
        with gr.Column(scale=1, min_width=300, elem_classes="run-form"):
            new = form.build(settings)
        with gr.Column(scale=2, min_width=320, elem_classes="run-shown"):
            parts, sure = view.build_watch()
            with gr.Column(elem_classes="run-story"):
                parts |= view.build_story()
                download = gr.Button(text("train.download"), size="sm")
                content = gr.Textbox(visible="hidden")
                labels = view.build_labels()
                with gr.Accordion(
                    text("train.push_title"), open=False, visible=False
                ) as pushing:
                    repository, private, push, progress = _push_form()
    parts["scores"] = scores.place()
    dock.place("train")
    with gr.Accordion(text("train.all_runs"), open=False, elem_classes="all-runs"):
        parts |= runs_table.build()
        export = gr.Button(text("train.export"), size="sm")
        picture = canvas.place("", name="run-comparison", formats=()).render()
        comparison = [picture, gr.HTML(elem_classes="run-comparison")]
    parts["comparison"] = picture
    parts["labels"] = labels["labels"]
    parts["parts"] = {**labels["parts"], "push": pushing}
    parts["buttons"] |= {**labels["buttons"], "start": new.start, "push": push}
    parts["is_refused"] = new.is_refused
    parts["push"] = progress
    parts["base_model"] = new.by_name["base_model"]
    shown = Window(**parts)
    page = Page(session, shown, Server(settings, RunCache(settings.runs_dir), Pushes()))
    page.wire_new(new, tab)
    page.wire_watching(content, download)
    page.wire_ending()
    page.wire_removing(sure)
    page.wire_pushing(repository, private)
    page.wire_table(comparison, export, content)
    page.wire_labels()
    page.wire_scores()
    return TrainTab(page.timer, shown.buttons["classify"], shown.chosen, new)


def take_songs(
    training: TrainTab, button: gr.Button, chosen: Mapping[str, Component]
) -> None:
    """Let a button elsewhere bring its songs and split here.

    In the browser alone, so that nothing late covers what is chosen next.

    Args:
        training: this tab.
        button: the one elsewhere.
        chosen: what chooses songs and split there, by the names of this tab's form.
    """
    named = training.new.by_name
    taken = [named[name] for name in chosen]
    button.click(None, [*chosen.values()], taken, js=TAKE, api_visibility="private")


def _notice(tab: gr.Tab, session: Session, settings: Settings) -> None:
    """Show what is not possible here, and how to get it."""
    place = gr.HTML(elem_classes="host-notice")

    def say(visitor: Visitor) -> str:
        return notice.notice(visitor, settings)

    session.at_opening(tab, say, [], [place])


def _push_form() -> tuple[gr.Textbox, gr.Checkbox, gr.Button, gr.HTML]:
    gr.Markdown(text("train.push_text"))
    repository = gr.Textbox(
        label=text("train.repository"), info=text("train.repository_info"), max_lines=1
    )
    private = gr.Checkbox(
        True, label=text("train.private"), info=text("train.private_info")
    )
    push = gr.Button(text("train.push"), visible=False, size="sm")
    return repository, private, push, gr.HTML()


def watch(training: TrainTab, tab: gr.Tab, others: Sequence[gr.Tab]) -> None:
    """Poll only while the tab is in sight."""
    quietly: dict[str, Any] = {"queue": False, "api_visibility": "private"}
    here, away = [tab.select], [other.select for other in others]
    for opened, is_watched in ((here, "true"), (away, "false")):
        update = f"() => ({{ __type__: 'update', active: {is_watched} }})"
        gr.on(opened, None, None, training.timer, js=update, **quietly)
