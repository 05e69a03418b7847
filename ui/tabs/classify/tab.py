"""The tab Classify: the genre of the chosen sound, or of many songs at once."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from classifier.models import Models
from ui.server.access import Visitor
from ui.session import Session
from ui.tabs.classify import batch, history, song, what_if, where
from ui.tabs.classify.picker import Picker

ID = "classify"  # of the tab
# The address names the tab, as if somebody had opened it by hand.
ADDRESS = f"""() => {{
  const address = new URL(location);
  address.searchParams.set("view", "{ID}");
  history.replaceState(history.state, "", address);
}}"""


def build(tab: gr.Tab, session: Session, models: Models, examples_dir: Path) -> Picker:
    """Lay out the tab, inside ``tab``, and wire it; return the choice of models.

    Args:
        tab: where to.
        session: what the tabs share.
        models: that classify.
        examples_dir: of the built-in sounds.
    """
    picker, songs = Picker(session, models), history.build()
    song.build(tab, session, models, picker, songs)
    what_if.build(session, models, picker)
    where.build(session, models, picker)
    batch.build(session, models, picker)
    history.build_list(tab, session, songs, examples_dir)
    picker.wire(tab, song.LISTED)
    return picker


def take_run(
    picker: Picker, session: Session, tabs: gr.Tabs, button: gr.Button, run: gr.Dropdown
) -> None:
    """Let a button elsewhere open this tab with the chosen run's model."""

    @session.guarded
    def choose(run_id: str | None, visitor: Visitor) -> tuple[gr.Tabs, gr.Dropdown]:
        return gr.Tabs(selected=ID), picker.with_run(run_id or "", visitor)

    opened = button.click(choose, run, [tabs, picker.model], api_visibility="private")
    opened.success(None, None, None, js=ADDRESS, api_visibility="private")
