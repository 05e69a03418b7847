"""The Train tab: a form made from RunConfig, and a window onto the run at work.

The page only reads the run's folder and makes its flag files; every poll shows what is
on disk, so that a reload, a second tab and a restarted server see the same run.
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

import viz.training
import words
from errors import KnownError
from settings import Settings, child_environment
from trainer import config as configs
from trainer import jobs, runs, telling
from trainer.config import FOLDER, RunConfig
from trainer.events import Evaluated, RunEvent, Step
from trainer.runs import Run, RunState
from ui import forms
from ui.access import Visitor
from ui.desk import Desk
from ui.language import text
from ui.screen import look_of
from viz import style
from viz.style import Look

POLL_S = 1.0
RATIO = 0.36  # height to width of the curves
FIRST_PRESET = "smoke"  # what a newcomer can finish
OPEN_FIELDS = ("data", "base_model", "n_steps")
FOLDED_FIELDS = tuple(
    item.name
    for item in dataclasses.fields(RunConfig)
    if item.name not in (*OPEN_FIELDS, "preset")
)
FIELDS = (*OPEN_FIELDS, *FOLDED_FIELDS)
N_LOG_LINES = 300  # the newest; the whole log is in the run's folder


@dataclass(frozen=True)
class Seen:
    """What a page shows, so that a poll can tell whether anything is new."""

    run_id: str = ""
    state: str = ""
    cursor: int = 0
    n_runs: int = 0
    language: str = ""


def build(desk: Desk, settings: Settings) -> None:
    """Lay out the tab and wire it."""
    gr.Markdown(text("train.intro"))
    with gr.Row(elem_classes=["lesson", "train"]):
        with gr.Column(scale=1, min_width=300):
            preset, form = _form(settings)
            with gr.Row():
                start_button = gr.Button(text("train.start"), variant="primary")
                stop_button = gr.Button(text("train.stop"), interactive=False)
        with gr.Column(scale=2, min_width=320):
            chosen = gr.Dropdown(
                [], label=text("train.run"), info=text("train.run_info")
            )
            status = gr.HTML(elem_classes="run-status")
            curves = gr.HTML(elem_classes="run-curves")
            log = gr.HTML()
    seen = gr.State(Seen())
    view = [seen, chosen, status, curves, log, start_button, stop_button]

    @desk.guarded
    def fill(name: str) -> list[Any]:
        return forms.values_of(configs.preset(name), FIELDS)

    @desk.guarded
    def begin(width_px: float, name: str, *values: Any, visitor: Visitor) -> list[Any]:
        given = {"preset": name, **dict(zip(FIELDS, values, strict=True))}
        run = start(given, settings, visitor)
        return _view(run, Seen(), settings, look_of(width_px, visitor, RATIO), visitor)

    @desk.guarded
    def end(width_px: float, run_id: str | None, visitor: Visitor) -> list[Any]:
        run = stop(run_id or "", settings, visitor)
        return _view(run, Seen(), settings, look_of(width_px, visitor, RATIO), visitor)

    @desk.guarded
    def poll(
        width_px: float, run_id: str | None, before: Seen, visitor: Visitor
    ) -> list[Any]:
        run = _wanted(run_id, before, settings)
        return _view(run, before, settings, look_of(width_px, visitor, RATIO), visitor)

    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    preset.input(fill, preset, list(form.values()), **private)
    width_px = desk.width_px
    start_button.click(begin, [width_px, preset, *form.values()], view, **private)
    stop_button.click(end, [width_px, chosen], view, **private)
    gr.Timer(POLL_S).tick(poll, [width_px, chosen, seen], view, queue=False, **private)


def start(given: Mapping[str, Any], settings: Settings, visitor: Visitor) -> Run:
    """Start a run with a visitor's choices, by field; the rest is the preset's.

    Raises:
        KnownError: ``may_not_train``, ``busy``, or what the choices are refused for.
    """
    _ask(visitor)
    config = config_of(given, settings)
    return jobs.start(
        config,
        settings.runs_dir,
        cache_dir=settings.cache_dir,
        env=child_environment(),
    )


def stop(run_id: str, settings: Settings, visitor: Visitor) -> Run:
    """Ask a run to stop.

    Raises:
        KnownError: ``may_not_train``, ``unknown_run`` or ``run_is_over``.
    """
    _ask(visitor)
    run = runs.find(settings.runs_dir, run_id)
    jobs.stop(run)
    return run


def _ask(visitor: Visitor) -> None:
    if not visitor.may_train:
        raise KnownError("may_not_train")


def _form(settings: Settings) -> tuple[Any, dict[str, Any]]:
    """The preset and the component of every other field."""
    config = configs.preset(FIRST_PRESET)
    items = {item.name: item for item in dataclasses.fields(RunConfig)}
    preset = forms.component(items["preset"], FIRST_PRESET, list(configs.PRESETS))

    def made(name: str) -> gr.components.Component:
        choices = data_choices(settings) if name == "data" else ()
        return forms.component(items[name], getattr(config, name), choices)

    form = {name: made(name) for name in OPEN_FIELDS}
    with gr.Accordion(text("train.more"), open=False):
        form |= {name: made(name) for name in FOLDED_FIELDS}
    return preset, form


def data_choices(settings: Settings) -> list[tuple[Any, str]]:
    """The songs that this host can train on: names that we know, never a path."""
    choices = [(text("train.composed"), "composed"), (text("train.gtzan"), "gtzan")]
    folders = settings.songs_dir.glob("[!.]*/") if settings.songs_dir.is_dir() else ()
    return choices + [(f"songs/{p.name}", f"{FOLDER}{p.name}") for p in sorted(folders)]


def config_of(given: Mapping[str, Any], settings: Settings) -> RunConfig:
    """A visitor's choices as a RunConfig.

    Raises:
        KnownError: ``unknown_data`` for a folder that is not one of this host's; what
            RunConfig refuses.
    """
    data = given.get("data", "")
    if str(data).startswith(FOLDER):
        if data not in [value for _, value in data_choices(settings)]:
            raise KnownError("unknown_data", value=data)
        folder = settings.songs_dir / data.removeprefix(FOLDER)
        given = {**given, "data": f"{FOLDER}{folder}"}
    recipe = configs.preset(given.get("preset", FIRST_PRESET))
    return dataclasses.replace(recipe, **given)


def _wanted(run_id: str | None, before: Seen, settings: Settings) -> Run | None:
    """The run to show: the chosen one; at first, and when a new one starts, the newest."""
    every = runs.every(settings.runs_dir)
    chosen = next((run for run in every if run.id == run_id), None)
    if chosen is None or len(every) > before.n_runs:
        return every[0] if every else None
    return chosen


def _view(
    run: Run | None, before: Seen, settings: Settings, look: Look, visitor: Visitor
) -> list[Any]:
    """What the page shows of a run; nothing where nothing is new."""
    every = runs.every(settings.runs_dir)
    state = run.state() if run else RunState("")
    size = run.events_file.stat().st_size if run and run.events_file.exists() else 0
    now = Seen(run.id if run else "", state.name, size, len(every), visitor.language)
    if now == before:
        return [gr.skip()] * 7
    events = run.events()[0] if run else []
    is_idle = all(each.state().is_ended for each in every[:1])
    can_stop = bool(run) and not state.is_ended and state.name != "stopping"
    return [
        now,
        gr.Dropdown(_choices(every, visitor.language), value=run.id if run else None),
        status_html(state, events, visitor),
        curves_svg(events, look),
        log_html(events, visitor.language),
        gr.Button(interactive=visitor.may_train and is_idle),
        gr.Button(interactive=visitor.may_train and can_stop),
    ]


def _choices(every: Sequence[Run], language: str) -> list[tuple[str, str]]:
    """The runs, newest first, each with its recipe, its songs and its state."""
    return [(_title(run, language), run.id) for run in every]


def _title(run: Run, language: str) -> str:
    config = run.config()
    data = Path(config.data).name if config.data.startswith(FOLDER) else config.data
    state = words.word(f"states.{run.state().name}", language)
    return f"{config.preset} · {data} · {state} · {run.id}"


def status_html(state: RunState, events: Sequence[RunEvent], visitor: Visitor) -> str:
    """The run's state, its phase and its bar, as HTML."""
    language = visitor.language
    notice = "" if visitor.may_train else words.word("train.why_not", language)
    if not state.name:
        return _paragraphs(words.word("train.no_runs", language), notice)
    sentence = words.word(f"states.{state.name}", language)
    if state.name == "failed":
        cause = telling.failure(state.code, state.details, language)
        return _paragraphs(f"{sentence}: {cause}", notice)
    if state.name == "finished":
        made = words.word("train.made", language)
        return _paragraphs(telling.line(events[-1], language), made, notice)
    if state.is_ended:
        return _paragraphs(sentence, notice)
    return _paragraphs(sentence, notice) + _bar(events, language)


def _bar(events: Sequence[RunEvent], language: str) -> str:
    """The phase at work: its name, a bar, how much is done, how long it takes."""
    progress = telling.progress(events)
    if not progress.stage:
        return ""
    name = html.escape(words.word(f"stages.{progress.stage}", language))
    counts = f"{progress.done} / {progress.total}" if progress.total else ""
    left = telling.time_words(progress.left_s, language)
    value = f'value="{progress.fraction:.3f}"' if progress.total else ""
    return (
        f'<label class="run-bar"><span>{name}</span> <span>{counts}</span>'
        f"<progress max=1 {value}></progress></label>"
        f"<p>{html.escape(left)}</p>"
    )


def _paragraphs(*texts: str) -> str:
    return "".join(f"<p>{html.escape(each)}</p>" for each in texts if each)


def log_html(events: Sequence[RunEvent], language: str) -> str:
    """The log's newest lines; the CSS keeps the end in sight while it grows."""
    lines = telling.log_lines(events, language)[-N_LOG_LINES:]
    if not lines:
        return f"<p>{html.escape(words.word('train.no_log', language))}</p>"
    rows = "\n".join(html.escape(line) for line in lines)
    return f'<div class="log" tabindex="0" role="log"><pre>{rows}</pre></div>'


def curves_svg(events: Sequence[RunEvent], look: Look) -> str:
    """Loss and accuracy so far, as inline SVG; empty before the first step."""
    steps = [event for event in events if isinstance(event, Step)]
    tests = [event for event in events if isinstance(event, Evaluated)]
    if not steps:
        return ""
    curves = viz.training.Curves(
        steps=[step.step for step in steps],
        losses=[step.loss for step in steps],
        evaluated_steps=[test.step for test in tests],
        accuracies=[test.accuracy for test in tests],
        n_steps=steps[-1].n_steps,
    )
    alt = viz.training.describe(curves, look.language)
    return style.svg(viz.training.figure(curves, look), alt=alt)
