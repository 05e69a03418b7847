"""What happens at each event of the tab Train.

Every handler that changes anything on this machine asks first whether this visitor may
(``actions``); then the page shows what is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from trainer import runs, telling
from ui import sounds
from ui.access import Visitor
from ui.desk import Desk
from ui.handlers import QUIETLY
from ui.lessons.selection import PLAY_OTHER
from ui.training import actions, board, form, marks, reader, window
from ui.training.form import Form
from ui.training.window import Changes, Seen, Server, Viewer, Window

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
SAVE = """(content) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], {type: "text/plain"}));
  link.download = "run.log";
  link.click();
}"""


class Page:
    """The tab's handlers, and the timer that polls while the tab is in sight."""

    def __init__(self, desk: Desk, shown: Window, server: Server) -> None:
        self.shown = shown
        self.server = server
        self.desk = desk
        self.guarded = desk.guarded
        self.timer = gr.Timer(reader.POLL_S, active=False)
        self.asked = [shown.chosen, shown.seen]
        self.asked += [shown.level, shown.search]

        @desk.guarded
        def poll(
            before: Seen,
            level: str,
            search: str,
            every_s: float,
            page: gr.Request,
            visitor: Visitor,
        ) -> Changes:
            # Not the list's value: a poll may leave the page just before the answer to
            # a click arrives there, and would turn back to the run before.
            viewer = Viewer(visitor, level, search)
            told = window.changes(shown, before.run_id, before, server, viewer)
            wanted_s = server.reader.poll_every_s(page.session_hash or "")
            if wanted_s != every_s:
                told[self.timer] = gr.Timer(wanted_s)
            return told

        self.poll = poll

    def wire_watching(self, content: gr.Textbox, download: gr.Button) -> None:
        """Poll, choose a run, filter its log, take the log away."""
        shown, server = self.shown, self.server
        asked = [shown.seen, shown.level, shown.search, self.timer]
        outputs = [*shown.outputs, self.timer]
        self.timer.tick(self.poll, asked, outputs, queue=False, **PRIVATE)
        for event in (shown.chosen.input, shown.level.input, shown.search.input):
            self.on(event, lambda run_id, visitor: run_id, **QUIETLY)

        @self.guarded
        def whole_log(run_id: str | None, visitor: Visitor) -> str:
            run = runs.find(server.settings.runs_dir, run_id or "")
            events = server.reader.events(run)
            return "\n".join(telling.log_lines(events, visitor.language)) + "\n"

        fetched = download.click(whole_log, shown.chosen, content, **PRIVATE)
        fetched.success(None, content, None, js=SAVE, api_visibility="private")

    def wire_new(self, new: Form, ahead: gr.HTML, tab: gr.Tab) -> None:
        """Fill the form, say what a run would need, start it."""
        settings = self.server.settings

        @self.guarded
        def fill(name: str) -> list[Any]:
            return form.recipe(name)

        @self.guarded
        def look_ahead(*values: Any, visitor: Visitor) -> str:
            return form.look_ahead(form.given(*values), settings, visitor.language)

        def begin(run_id: str, *values: Any, visitor: Visitor) -> str:
            return actions.start(form.given(*values), settings, visitor).id

        new.songs.wire(self.desk)
        new.preset.input(fill, new.preset, list(new.fields), **PRIVATE)
        changed = [component.change for component in new.inputs]
        gr.on([tab.select, *changed], look_ahead, new.inputs, ahead, **QUIETLY)
        self.on(self.shown.buttons["start"].click, begin, new.inputs)

    def wire_ending(self, sure: gr.Group, yes: gr.Button, no: gr.Button) -> None:
        """Stop, cancel, resume; delete after a second question."""
        settings, buttons = self.server.settings, self.shown.buttons
        doomed = gr.State("")

        def stop(run_id: str, visitor: Visitor) -> str:
            return actions.stop(run_id, settings, visitor).id

        def cancel(run_id: str, visitor: Visitor) -> str:
            return actions.cancel(run_id, settings, visitor).id

        def resume(run_id: str, visitor: Visitor) -> str:
            return actions.resume(run_id, settings, visitor).id

        def delete(run_id: str, doomed: str, visitor: Visitor) -> None:
            actions.delete(doomed, settings, visitor)

        @self.guarded
        def question(run_id: str | None, visitor: Visitor) -> tuple[Any, str]:
            actions.ask(visitor)
            return gr.Group(visible=True), run_id or ""

        @self.guarded
        def close() -> Any:
            return gr.Group(visible=False)

        for name, act in (("stop", stop), ("cancel", cancel), ("resume", resume)):
            self.on(buttons[name].click, act)
        asked = [self.shown.chosen]
        buttons["delete"].click(question, asked, [sure, doomed], **PRIVATE)
        self.on(yes.click, delete, [doomed])
        gr.on([yes.click, no.click], close, None, sure, **PRIVATE)
        self.shown.chosen.change(close, None, sure, **QUIETLY)

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

    def wire_board(self, comparison: list[gr.HTML], title: gr.Textbox) -> None:
        """Choose a run from the table, compare several, rename one."""
        shown, server = self.shown, self.server
        settings = server.settings

        def rename(run_id: str, title: str, visitor: Visitor) -> str:
            return actions.rename(run_id, title, settings, visitor).id

        @self.guarded
        def pick(
            event: gr.SelectData, level: str, search: str, visitor: Visitor
        ) -> Changes:
            run_id = str(event.row_value[board.ID])
            viewer = Viewer(visitor, level, search)
            return window.changes(shown, run_id, Seen(), server, viewer)

        @self.guarded
        def compare(ids: list[str] | None, visitor: Visitor) -> tuple[str, str]:
            chosen = [runs.find(settings.runs_dir, run_id) for run_id in ids or ()]
            return board.compared(chosen, server.reader, visitor.language)

        asked = [shown.level, shown.search]
        shown.table.select(pick, asked, shown.outputs, **PRIVATE)
        self.on(shown.buttons["rename"].click, rename, [title])
        shown.compared.change(compare, shown.compared, comparison, **QUIETLY)

    def wire_scores(self) -> None:
        """Hear a song that the model named wrongly."""
        settings, scores = self.server.settings, self.shown.scores
        heard = gr.Audio(type="filepath", format=None, visible=False)

        @self.guarded
        def give(seen: Seen, asked: gr.EventData, visitor: Visitor) -> str:
            run = runs.find(settings.runs_dir, seen.run_id)
            song = marks.song(run, int(asked.number), settings.cache_dir, visitor)
            return sounds.file_of(song, heard.GRADIO_CACHE)

        played = scores.play(give, self.shown.seen, heard, **QUIETLY)
        played.success(None, heard, None, js=PLAY_OTHER, **QUIETLY)

    def on(
        self,
        event: Any,
        act: Callable[..., str | None],
        inputs: Sequence[Any] = (),
        **options: Any,
    ) -> None:
        """At an event: act on the shown run, then show the one whose id that gives."""
        shown, server = self.shown, self.server
        n_asked = len(self.asked)

        @self.guarded
        def handler(*values: Any, visitor: Visitor) -> Changes:
            run_id, before, level, search = values[:n_asked]
            run_id = act(run_id or "", *values[n_asked:], visitor=visitor)
            viewer = Viewer(visitor, level, search)
            # The run that is named is shown, even if a clock calls another one newer.
            anew = Seen() if run_id else Seen(n_runs=before.n_runs)
            return window.changes(shown, run_id, anew, server, viewer)

        handler.__name__ = act.__name__
        event(handler, [*self.asked, *inputs], shown.outputs, **(options or PRIVATE))
