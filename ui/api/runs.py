"""The named endpoints of runs, for programs: list, start, stop."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import gradio as gr

from settings import Settings
from trainer.run import runs
from ui.api import answers
from ui.api.answers import RunAnswer, label
from ui.server.access import Visitor
from ui.session import Session
from ui.song_choice import FIRST_PRESET
from ui.tabs.train import actions


def build(session: Session, settings: Settings) -> None:
    """Add the endpoints."""
    endpoints = Endpoints(settings)
    with gr.Column(visible=False):
        preset = gr.Textbox(FIRST_PRESET, label=label("preset"))
        songs = gr.Textbox("composed", label=label("data"))
        n_steps = gr.Number(60, precision=0, label=label("n_steps"))
        run_id = gr.Textbox(label=label("run_id"))
        answer = answers.place(RunAnswer, "run")
        listed = answers.place(list[RunAnswer], "runs")
    guarded = session.guarded
    given = [preset, songs, n_steps]
    gr.on([], guarded(endpoints.runs), None, listed, api_name="runs")
    gr.on([], guarded(endpoints.start_run), given, answer, api_name="start_run")
    gr.on([], guarded(endpoints.stop_run), run_id, answer, api_name="stop_run")


class Endpoints:
    """The endpoints' functions; names and docstrings are the API's documentation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def runs(self) -> list[dict[str, Any]]:
        """List the runs of this host, the newest first, with their state and score."""
        return [
            asdict(answers.of_run(run)) for run in runs.every(self._settings.runs_dir)
        ]

    def start_run(
        self, preset: str, data: str, n_steps: int, visitor: Visitor
    ) -> dict[str, Any]:
        """Start a fine-tuning run; only at this machine, one at a time."""
        given = {"preset": preset, "data": data, "n_steps": n_steps}
        return asdict(answers.of_run(actions.start(given, self._settings, visitor)))

    def stop_run(self, run_id: str, visitor: Visitor) -> dict[str, Any]:
        """Stop a run: it finishes its step, saves, and ends."""
        return asdict(answers.of_run(actions.stop(run_id, self._settings, visitor)))
