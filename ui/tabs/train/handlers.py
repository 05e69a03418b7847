"""What happens at each event of the tab Train.

Every handler that changes anything on this machine asks first whether this visitor may
(``actions``); then the page shows what is on disk.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from trainer import messages
from trainer.run import runs
from ui import canvas
from ui.handlers import QUIETLY
from ui.player import sound_files
from ui.server.access import Visitor
from ui.session import Session
from ui.tabs.train import actions, form, runs_table, scores, view
from ui.tabs.train.cache import POLL_S
from ui.tabs.train.form import Form
from ui.tabs.train.view import Changes, Seen, Server, Viewer, Window

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
SAVE = """(content) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], {type: "text/plain"}));
  link.download = "run.log";
  link.click();
}"""

Given = Mapping[Component, Any]  # an event's values; Gradio's form for a set of inputs
Act = Callable[[Given, Visitor], str | None]  # gives the id of the run to show


class Page:
    """The tab's handlers, and the timer that polls while the tab is in sight."""

    def __init__(self, session: Session, shown: Window, server: Server) -> None:
        self.shown = shown
        self.server = server
        self.session = session
        self.guarded = session.guarded
        self.timer = gr.Timer(POLL_S, active=False)
        # What every event reports of its page.
        self.page: set[Block] = {shown.seen, shown.level, shown.search}

    def wire_watching(self, content: gr.Textbox, download: gr.Button) -> None:
        """Poll, choose a run, filter its log, take the log away."""
        shown, server = self.shown, self.server

        @self.guarded
        def poll(given: Given, page: gr.Request, visitor: Visitor) -> Changes:
            # Not the list's value: a poll may leave the page just before the answer to
            # a click arrives there, and would turn back to the run before.
            before = given[shown.seen]
            viewer = self._viewer(given, visitor)
            changes = view.changes(shown, before.run_id, before, server, viewer)
            wanted_s = server.cache.poll_every_s(page.session_hash or "")
            if wanted_s != given[self.timer]:
                changes[self.timer] = gr.Timer(wanted_s)
            return changes

        def choose(given: Given, visitor: Visitor) -> str | None:
            return given[shown.chosen]

        @self.guarded
        def whole_log(run_id: str | None, visitor: Visitor) -> str:
            run = runs.find(server.settings.runs_dir, run_id or "")
            events = server.cache.events(run)
            return "\n".join(messages.log_lines(events, visitor.language)) + "\n"

        outputs = [*shown.outputs, self.timer]
        inputs: set[Block] = {*self.page, self.timer}
        self.timer.tick(poll, inputs, outputs, queue=False, **PRIVATE)
        for event in (shown.chosen.input, shown.level.input, shown.search.input):
            self._on(event, choose, **QUIETLY)
        fetched = download.click(whole_log, shown.chosen, content, **PRIVATE)
        fetched.success(None, content, None, js=SAVE, api_visibility="private")

    def wire_new(self, new: Form, ahead: gr.HTML, tab: gr.Tab) -> None:
        """Fill the form, estimate what a run would need, start it."""
        settings, inputs = self.server.settings, set(new.by_name.values())

        @self.guarded
        def fill(name: str) -> list[Any]:
            return form.recipe(name)

        @self.guarded
        def look_ahead(given: Given, visitor: Visitor) -> str:
            return form.look_ahead(new.given(given), settings, visitor.language)

        def begin(given: Given, visitor: Visitor) -> str:
            return actions.start(new.given(given), settings, visitor).id

        new.songs.wire(self.session, tab, self.server.settings)
        new.preset.input(fill, new.preset, list(new.fields), **PRIVATE)
        changed = [component.change for component in new.by_name.values()]
        gr.on([tab.select, *changed], look_ahead, inputs, ahead, **QUIETLY)
        self._on(self.shown.buttons["start"].click, begin, inputs)

    def wire_ending(self, sure: gr.Group, yes: gr.Button, no: gr.Button) -> None:
        """Stop, cancel, resume; delete after a second question."""
        settings, buttons = self.server.settings, self.shown.buttons
        chosen, doomed = self.shown.chosen, gr.State("")

        def stop(given: Given, visitor: Visitor) -> str:
            return actions.stop(given[chosen] or "", settings, visitor).id

        def cancel(given: Given, visitor: Visitor) -> str:
            return actions.cancel(given[chosen] or "", settings, visitor).id

        def resume(given: Given, visitor: Visitor) -> str:
            return actions.resume(given[chosen] or "", settings, visitor).id

        def delete(given: Given, visitor: Visitor) -> None:
            actions.delete(given[doomed], settings, visitor)

        @self.guarded
        def question(run_id: str | None, visitor: Visitor) -> tuple[Any, str]:
            actions.ask(visitor)
            return gr.Group(visible=True), run_id or ""

        @self.guarded
        def close() -> Any:
            return gr.Group(visible=False)

        for name, act in (("stop", stop), ("cancel", cancel), ("resume", resume)):
            self._on(buttons[name].click, act)
        buttons["delete"].click(question, [chosen], [sure, doomed], **PRIVATE)
        self._on(yes.click, delete, [doomed])
        gr.on([yes.click, no.click], close, None, sure, **PRIVATE)
        chosen.change(close, None, sure, **QUIETLY)

    def wire_pushing(self, repository: gr.Textbox, private: gr.Checkbox) -> None:
        """Push the shown run; the token is the visitor's own, or this machine's."""
        server, shown = self.server, self.shown

        @self.guarded
        def begin(
            run_id: str | None,
            repo_id: str,
            private: bool,
            login: gr.OAuthToken | None,
            visitor: Visitor,
        ) -> None:
            actions.ask(visitor)
            run = runs.find(server.settings.runs_dir, run_id or "")
            token_of = actions.token_of(server.settings, login.token if login else None)
            server.pushes.start(run, repo_id or "", token_of, private=private)

        given = [shown.chosen, repository, private]
        shown.buttons["push"].click(begin, given, None, **PRIVATE)

    def wire_table(self, comparison: list[gr.HTML], title: gr.Textbox) -> None:
        """Choose a run from the table, compare several, rename one."""
        shown, server = self.shown, self.server
        settings = server.settings

        def rename(given: Given, visitor: Visitor) -> str:
            run_id = given[shown.chosen] or ""
            return actions.rename(run_id, given[title], settings, visitor).id

        @self.guarded
        def pick(event: gr.SelectData, given: Given, visitor: Visitor) -> Changes:
            run_id = str(event.row_value[runs_table.ID])
            viewer = self._viewer(given, visitor)
            return view.changes(shown, run_id, Seen(), server, viewer)

        @self.guarded
        def compare(ids: list[str] | None, visitor: Visitor) -> tuple[str, str]:
            chosen = [runs.find(settings.runs_dir, run_id) for run_id in ids or ()]
            return runs_table.compared(chosen, server.cache, visitor.language)

        shown.table.select(pick, self.page, shown.outputs, **PRIVATE)
        self._on(shown.buttons["rename"].click, rename, [title])
        shown.compared.change(compare, shown.compared, comparison, **QUIETLY)

    def wire_scores(self) -> None:
        """Play a song that the model classified wrongly."""
        settings, place = self.server.settings, self.shown.scores
        song_file = gr.Audio(type="filepath", format=None, visible=False)

        @self.guarded
        def give(seen: Seen, event: gr.EventData, visitor: Visitor) -> str:
            run = runs.find(settings.runs_dir, seen.run_id)
            sound = scores.song(run, int(event.number), settings.cache_dir, visitor)
            return sound_files.file_of(sound, song_file.GRADIO_CACHE)

        played = place.play(give, self.shown.seen, song_file, **QUIETLY)
        played.success(None, song_file, None, js=canvas.PLAY_OTHER, **QUIETLY)

    def _on(
        self,
        event: Any,
        act: Act,
        inputs: Collection[Component] = (),
        **options: Any,
    ) -> None:
        """At an event: act, then show the run whose id that gives."""
        shown, server = self.shown, self.server

        @self.guarded
        @functools.wraps(act)
        def handler(given: Given, visitor: Visitor) -> Changes:
            run_id = act(given, visitor)
            viewer = self._viewer(given, visitor)
            # The run that is named is shown, even if a clock calls another one newer.
            anew = Seen() if run_id else Seen(n_runs=given[shown.seen].n_runs)
            return view.changes(shown, run_id, anew, server, viewer)

        sources = {*self.page, shown.chosen, *inputs}
        event(handler, sources, shown.outputs, **(options or PRIVATE))

    def _viewer(self, given: Given, visitor: Visitor) -> Viewer:
        """Describe the page that an event comes from."""
        return Viewer(visitor, given[self.shown.level], given[self.shown.search])
