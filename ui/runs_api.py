"""The named endpoints of runs, for programs: list, start, stop."""

from __future__ import annotations

from typing import Any

import gradio as gr

import words
from settings import Settings
from trainer import runs
from trainer.events import Evaluated
from trainer.runs import Run
from ui.access import Visitor
from ui.desk import Desk
from ui.training import actions, form


def build(desk: Desk, settings: Settings) -> None:
    """Add the endpoints."""
    endpoints = Endpoints(settings)
    with gr.Column(visible=False):
        preset = gr.Textbox(form.FIRST_PRESET, label=words.word("api.preset"))
        songs = gr.Textbox("composed", label=words.word("api.data"))
        n_steps = gr.Number(60, precision=0, label=words.word("api.n_steps"))
        run_id = gr.Textbox(label=words.word("api.run_id"))
        answer = gr.JSON(label=words.word("api.answer"))
        answers = gr.JSON(label=words.word("api.runs"))
    guarded = desk.guarded
    given = [preset, songs, n_steps]
    gr.on([], guarded(endpoints.runs), None, answers, api_name="runs")
    gr.on([], guarded(endpoints.start_run), given, answer, api_name="start_run")
    gr.on([], guarded(endpoints.stop_run), run_id, answer, api_name="stop_run")


class Endpoints:
    """The endpoints' functions; names and docstrings are the API's documentation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def runs(self) -> list[dict[str, Any]]:
        """List the runs of this host, the newest first, with their state and score."""
        return [described(run) for run in runs.every(self._settings.runs_dir)]

    def start_run(
        self, preset: str, data: str, n_steps: int, visitor: Visitor
    ) -> dict[str, Any]:
        """Start a fine-tuning run; only at this machine, one at a time."""
        given = {"preset": preset, "data": data, "n_steps": n_steps}
        return described(actions.start(given, self._settings, visitor))

    def stop_run(self, run_id: str, visitor: Visitor) -> dict[str, Any]:
        """Stop a run: it finishes its step, saves, and ends."""
        return described(actions.stop(run_id, self._settings, visitor))


def described(run: Run) -> dict[str, Any]:
    """A run as JSON: id, preset, data's kind, state, code of a failure, accuracy."""
    state = run.state()
    config = run.config()
    tests = [event for event in run.events()[0] if isinstance(event, Evaluated)]
    return {
        "id": run.id,
        "preset": config.preset,
        "data": config.data.split(":")[0],
        "state": state.name,
        "code": state.code,
        "accuracy": max((test.accuracy for test in tests), default=None),
    }
