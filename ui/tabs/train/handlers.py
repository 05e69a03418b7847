"""What happens at each event of the tab Train.

Every handler that changes anything on this machine asks first whether this visitor may
(``actions``); then the page shows what is on disk.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from gradio.events import Dependency

from trainer import messages
from trainer.run import runs
from ui import canvas
from ui.handlers import QUIETLY
from ui.player import sound_files
from ui.server.access import Visitor
from ui.session import Session
from ui.tabs.train import actions, cards, form, runs_table, scores, view
from ui.tabs.train.cache import POLL_S
from ui.tabs.train.form import INSTEAD, SHOW_COMMAND, Form
from ui.tabs.train.view import Changes, Seen, Server, Sure, Viewer, Window

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
SAVE = """(content) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], {type: "text/plain"}));
  link.download = "run.log";
  link.click();
}"""

# The run that has just begun is in sight, and has the focus.
TO_RUN = """() => {
  const run = document.querySelector(".run-shown");
  run.tabIndex = -1;
  run.focus({ preventScroll: true });
  run.scrollIntoView({ block: "start" });
}"""

TO_QUESTION = """() => requestAnimationFrame(() =>
  document.querySelector(".run-sure button:last-child")?.focus())"""

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
        self.page: set[Block] = {
            shown.seen,
            shown.level,
            shown.search,
            shown.is_refused,
        }

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

    def wire_new(self, new: Form, tab: gr.Tab) -> None:
        """Fill the form, estimate what a run would need, start it."""
        settings, inputs = self.server.settings, set(new.by_name.values())
        named = new.by_name

        @self.guarded
        def look_ahead(given: Given, visitor: Visitor) -> dict[Block, Any]:
            found = form.look_ahead(new.given(given), settings, visitor.language)
            n_waiting = len(self.server.cache.overview().waiting)
            may = actions.allowed(None, visitor, n_waiting).start
            buttons = {
                button: gr.Button(visible=code in found.refused)
                for code, button in new.instead.items()
            }
            command = found.command if visitor.may_train else ""
            return {
                new.ahead: found.html,
                new.is_refused: bool(found.refused),
                new.start: gr.Button(interactive=may and not found.refused),
                new.show: gr.Button(visible=bool(command)),
                new.command: cards.code(command),
                **buttons,
            }

        def begin(given: Given, visitor: Visitor) -> str:
            return actions.start(new.given(given), settings, visitor).id

        new.songs.wire(self.session, tab, self.server.settings)
        # In the browser alone, at once: no answer can be late.
        quick: dict[str, Any] = {"fn": None, "api_visibility": "private"}
        of_recipe = [new.preset, named["data"], named["n_songs_per_genre"]]
        new.preset.input(None, of_recipe, [*new.fields], js=form.fill(), **PRIVATE)
        for code, (name, value) in INSTEAD.items():
            chosen = f"() => {json.dumps(value)}"
            new.instead[code].click(**quick, outputs=named[name], js=chosen)
        new.show.click(**quick, js=SHOW_COMMAND)
        changed = [component.change for component in named.values()]
        beside = [new.ahead, new.is_refused, new.start, new.show, new.command]
        beside += new.instead.values()
        gr.on([tab.select, *changed], look_ahead, inputs, beside, **QUIETLY)
        begun = self._on(new.start.click, begin, inputs)
        begun.success(**quick, js=TO_RUN)

    def wire_ending(self, sure: Sure) -> None:
        """Stop and resume; discard and delete after a second question."""
        settings, buttons = self.server.settings, self.shown.buttons
        chosen, doomed = self.shown.chosen, gr.State("")

        def stop(given: Given, visitor: Visitor) -> str:
            return actions.stop(given[chosen] or "", settings, visitor).id

        def cancel(given: Given, visitor: Visitor) -> str:
            return actions.cancel(given[doomed], settings, visitor).id

        def resume(given: Given, visitor: Visitor) -> str:
            return actions.resume(given[chosen] or "", settings, visitor).id

        def delete(given: Given, visitor: Visitor) -> None:
            actions.delete(given[doomed], settings, visitor)

        def asked(act: str, run_id: str | None, visitor: Visitor) -> list[Any]:
            actions.ask(visitor)
            run = runs.find(settings.runs_dir, run_id or "")
            question = cards.question(act, run, visitor.language)
            of_act = [gr.Button(visible=act == each) for each in sure.yes]
            return [gr.Column(visible=True), question, run.id, *of_act]

        @self.guarded
        def question(run_id: str | None, visitor: Visitor) -> list[Any]:
            return asked("delete", run_id, visitor)

        @self.guarded
        def doubt(run_id: str | None, visitor: Visitor) -> list[Any]:
            return asked("cancel", run_id, visitor)

        @self.guarded
        def close() -> Any:
            return gr.Column(visible=False)

        self._on(buttons["stop"].click, stop)
        resumed = self._on(buttons["resume"].click, resume)
        resumed.success(None, js=TO_RUN, api_visibility="private")
        shown = [sure.place, sure.question, doomed, *sure.yes.values()]
        for name, ask in (("delete", question), ("cancel", doubt)):
            asking = buttons[name].click(ask, [chosen], shown, **PRIVATE)
            asking.success(None, js=TO_QUESTION, api_visibility="private")
        self._on(sure.yes["cancel"].click, cancel, [doomed])
        self._on(sure.yes["delete"].click, delete, [doomed])
        closing = [*(yes.click for yes in sure.yes.values()), sure.no.click]
        gr.on(closing, close, None, sure.place, **PRIVATE)
        chosen.change(close, None, sure.place, **QUIETLY)

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
    ) -> Dependency:
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
        found: Dependency = event(
            handler, sources, shown.outputs, **(options or PRIVATE)
        )
        return found

    def _viewer(self, given: Given, visitor: Visitor) -> Viewer:
        """Describe the page that an event comes from."""
        shown = self.shown
        return Viewer(
            visitor,
            given[shown.level],
            given[shown.search],
            is_refused=given[shown.is_refused],
        )
