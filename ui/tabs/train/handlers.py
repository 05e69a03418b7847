"""What happens at each event of the tab Train.

Every handler that changes anything on this machine asks first whether this visitor may
(``actions``); then the page shows what is on disk.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component
from gradio.events import Dependency

from errors import KnownError
from trainer import messages
from trainer.run import runs
from ui import canvas
from ui.export import downloads
from ui.handlers import QUIETLY
from ui.player import sound_files
from ui.server import files
from ui.server.access import Visitor
from ui.session import Session
from ui.tabs.train import actions, cards, form, runs_table, scores, view
from ui.tabs.train.cache import POLL_S
from ui.tabs.train.form import INSTEAD, SHOW_COMMAND, Form
from ui.tabs.train.view import Changes, Seen, Server, Sure, Viewer, Window
from viz import curves, paper, png

PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# As a file of this name.
SAVE = """(content) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], {type: "text/plain"}));
  link.download = %s;
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
            shown.smoothing,
            shown.is_refused,
            shown.compared_ids,
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
        looks = (shown.chosen, shown.level, shown.search, shown.smoothing)
        for event in (look.input for look in looks):
            self._on(event, choose, **QUIETLY)
        fetched = download.click(whole_log, shown.chosen, content, **PRIVATE)
        save = SAVE % '"run.log"'
        fetched.success(None, content, None, js=save, api_visibility="private")
        self._wire_saving()

    def _wire_saving(self) -> None:
        """Give the shown run's curves as a picture or as numbers, as they are drawn."""
        shown, server = self.shown, self.server
        file, query = gr.File(visible=False), gr.Textbox(visible=False)

        @self.guarded
        def save(
            event: gr.EventData, seen: Seen, smoothing: float, visitor: Visitor
        ) -> str:
            run = runs.find(server.settings.runs_dir, seen.run_id)
            is_png, language = event.format == "png", visitor.language
            language = png.language_for(language) if is_png else language
            share = view.smoothing_of(smoothing)
            sheet = runs_table.curve_sheet(server.cache.story(run), language, share)
            if sheet is None:
                raise KnownError("nothing_drawn")
            if event.start is not None:  # a part of the steps, as it is shown
                start, stop = float(event.start), float(event.stop)
                parts = tuple(curves.part(each, start, stop) for each in sheet.plots)
                sheet = replace(sheet, plots=parts)
            look = paper.look_of(event.scales, None, None)
            data = downloads.content(sheet, event.format, look, language)
            name = f"{run.id}-curves.{event.format}"
            return files.kept(data, name, file.GRADIO_CACHE)

        saved = shown.curves.save(save, [shown.seen, shown.smoothing], file, **QUIETLY)
        saved.success(None, [file, query], None, js=canvas.TAKE, **QUIETLY)

    def wire_new(self, new: Form, tab: gr.Tab) -> None:
        """Fill the form, estimate what a run would need, start it."""
        settings, inputs = self.server.settings, set(new.by_name.values())
        named = new.by_name

        @self.guarded
        def look_ahead(given: Given, visitor: Visitor) -> dict[Block, Any]:
            found = form.look_ahead(new.given(given), settings, visitor.language)
            n_waiting = len(self.server.cache.overview().waiting)
            may = actions.allowed(None, visitor, n_waiting).start
            buttons: dict[Block, Any] = {
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
        new.keep(self.session.link)
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

    def wire_ending(self) -> None:
        """Stop and resume."""
        settings, buttons = self.server.settings, self.shown.buttons
        chosen = self.shown.chosen

        def stop(given: Given, visitor: Visitor) -> str:
            return actions.stop(given[chosen] or "", settings, visitor).id

        def resume(given: Given, visitor: Visitor) -> str:
            return actions.resume(given[chosen] or "", settings, visitor).id

        self._on(buttons["stop"].click, stop)
        resumed = self._on(buttons["resume"].click, resume)
        resumed.success(None, js=TO_RUN, api_visibility="private")

    def wire_removing(self, sure: Sure) -> None:
        """Discard a run that has not ended, delete one that has: asked twice."""
        settings, chosen = self.server.settings, self.shown.chosen
        doomed = gr.State("")

        def cancel(given: Given, visitor: Visitor) -> str:
            return actions.cancel(given[doomed], settings, visitor).id

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

        shown = [sure.place, sure.question, doomed, *sure.yes.values()]
        for name, ask in (("delete", question), ("cancel", doubt)):
            button = self.shown.buttons[name]
            asking = button.click(ask, [chosen], shown, **PRIVATE)
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

    def wire_table(
        self, comparison: list[gr.HTML], export: gr.Button, content: gr.Textbox
    ) -> None:
        """Choose a run from the table, compare several, take all of them away."""
        shown, server = self.shown, self.server
        settings = server.settings

        @self.guarded
        def pick(event: gr.SelectData, given: Given, visitor: Visitor) -> Changes:
            run_id = str(event.row_value[runs_table.ID])
            viewer = self._viewer(given, visitor)
            return view.changes(shown, run_id, Seen(), server, viewer)

        @self.guarded
        def compare(
            ids: list[str] | None, visitor: Visitor
        ) -> tuple[str, str, tuple[str, ...]]:
            chosen = [runs.find(settings.runs_dir, run_id) for run_id in ids or ()]
            drawn = runs_table.compared(chosen, server.cache, visitor.language)
            return *drawn, tuple(run.id for run in chosen)

        @self.guarded
        def table(visitor: Visitor) -> str:
            every = server.cache.overview(is_newest=True).every
            return runs_table.as_csv(every, server.cache, visitor)

        shown.table.select(pick, self.page, shown.outputs, **PRIVATE)
        drawn = [*comparison, shown.compared_ids]
        shown.compared.change(compare, shown.compared, drawn, **QUIETLY)
        fetched = export.click(table, None, content, **PRIVATE)
        save = SAVE % '"runs.csv"'
        fetched.success(None, content, None, js=save, api_visibility="private")

    def wire_labels(self) -> None:
        """Name the shown run, and write notes and tags."""
        shown, settings = self.shown, self.server.settings
        chosen, (title, tags, notes) = shown.chosen, shown.labels

        def rename(given: Given, visitor: Visitor) -> str:
            run_id = given[chosen] or ""
            actions.rename(run_id, str(given[title]), settings, visitor)
            wanted = str(given[notes]), str(given[tags])
            return actions.label(run_id, *wanted, settings, visitor).id

        self._on(shown.buttons["rename"].click, rename, shown.labels)

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
            before = given[shown.seen]
            # The run that is named is shown, even if a clock calls another one newer.
            n_runs = 0 if run_id else before.n_runs
            anew = Seen(n_runs=n_runs, versions=shown.typed(before))
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
            view.smoothing_of(given[shown.smoothing]),
            is_refused=given[shown.is_refused],
            compared=given[shown.compared_ids],
        )
