"""All runs: as a table, as curves in one picture, and in what their settings differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import gradio as gr
from markupsafe import Markup

import i18n
import viz.lines
import viz.training
from trainer import telling
from trainer.config import FOLDER, ZIP, RunConfig
from trainer.events import Evaluated, Planned, RunEvent, Step
from trainer.runs import Run
from ui.server.language import text
from ui.tabs.train import cards
from ui.tabs.train.cache import RunCache
from ui.templates import paragraphs, render
from viz import style
from viz.lines import Line
from viz.style import Look

COLUMNS = ("name", "state", "best", "test", "steps", "started", "id")
ID = COLUMNS.index("id")


def build() -> dict[str, Any]:
    """Lay out all runs, and the comparison of some."""
    gr.Markdown(text("train.all_runs_text"))
    table = gr.Dataframe(
        headers=list(COLUMNS),
        datatype=["str", "str", "number", "number", "number", "str", "str"],
        interactive=False,
        elem_classes="run-table",
        show_label=False,
    )
    compared = gr.Dropdown(
        [],
        multiselect=True,
        label=text("train.compare"),
        info=text("train.compare_info"),
    )
    return {"table": table, "compared": compared}


def table(every: Sequence[Run], cache: RunCache, language: str) -> dict[str, Any]:
    """Lay out the runs as a table's headers and rows, the newest first."""
    headers = [i18n.word(f"train.column_{name}", language) for name in COLUMNS]
    return {"headers": headers, "data": [_row(run, cache, language) for run in every]}


def _row(run: Run, cache: RunCache, language: str) -> list[Any]:
    story = cache.story(run)
    best = telling.best(story)
    plans = [event.n_steps for event in story if isinstance(event, Planned)]
    started = datetime.strptime(run.id[:15], "%Y%m%d-%H%M%S")
    return [
        cards.name_of(run),
        i18n.word(f"train.short_{run.state().name}", language),
        _percent(best.accuracy if best else None),
        _percent(telling.test_accuracy(story)),
        plans[-1] if plans else run.config().n_steps,
        f"{started:%Y-%m-%d %H:%M}",
        run.id,
    ]


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def choices(every: Sequence[Run], language: str) -> list[tuple[str, str]]:
    """List the runs to choose from, the newest first."""
    return [
        (
            f"{cards.name_of(run)} · "
            f"{i18n.word(f'train.short_{run.state().name}', language)} · {run.id}",
            run.id,
        )
        for run in every
    ]


def compared(chosen: Sequence[Run], cache: RunCache, look: Look) -> str:
    """Compare validation accuracy, loss and settings of several runs."""
    if not chosen:
        return ""
    stories = [cache.story(run) for run in chosen]
    names = [f"{cards.name_of(run)} {run.id[-4:]}" for run in chosen]
    told = list(zip(names, stories, strict=True))
    accuracy = _lines(told, Evaluated, "accuracy", 100)
    loss = _lines(told, Step, "loss")
    pictures = _picture(accuracy, look.word("accuracy"), look, 100)
    pictures += _picture(loss, look.word("loss"), look)
    differing = differences(chosen, names, look.language)
    return render(
        "run_compared", look.language, pictures=pictures, differences=differing
    )


def differences(chosen: Sequence[Run], names: Sequence[str], language: str) -> Markup:
    """Compare settings: a row for each that differs; a sentence where none does."""
    configs = [run.config() for run in chosen]
    settings = [
        (item.name, [_shown(getattr(config, item.name)) for config in configs])
        for item in dataclasses.fields(RunConfig)
    ]
    differing = [(name, values) for name, values in settings if len(set(values)) > 1]
    if not differing:
        return paragraphs([i18n.word("train.no_differences", language)])
    return render("run_differences", language, names=names, differing=differing)


def _shown(value: object) -> str:
    """Format a setting's value; of a folder or zip its name, not where it is."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.rsplit("/", 1)[-1] if text.startswith((FOLDER, ZIP)) else text


def curves(events: Sequence[RunEvent], look: Look) -> str:
    """Draw one run's loss and validation accuracy, as inline SVG; "" before a step."""
    steps = [event for event in events if isinstance(event, Step)]
    validations = [event for event in events if isinstance(event, Evaluated)]
    if not steps:
        return ""
    shown = viz.training.Curves(
        steps=[step.step for step in steps],
        losses=[step.loss for step in steps],
        evaluated_steps=[each.step for each in validations],
        accuracies=[each.accuracy for each in validations],
        n_steps=steps[-1].n_steps,
    )
    alt = viz.training.describe(shown, look.language)
    return style.svg(viz.training.figure(shown, look), alt=alt)


def details(events: Sequence[RunEvent], look: Look) -> str:
    """Draw one run's learning rate and gradient norm, as inline SVG."""
    told = [("", events)]
    rate = _lines(told, Step, "learning_rate")
    norm = _lines(told, Step, "gradient_norm")
    if not rate[0].steps:
        return ""
    rate_picture = _picture(rate, look.word("learning_rate"), look)
    return rate_picture + _picture(norm, look.word("gradient_norm"), look)


def _lines(
    told: Sequence[tuple[str, Sequence[RunEvent]]],
    kind: type[Step] | type[Evaluated],
    field: str,
    factor: float = 1,
) -> list[Line]:
    """Collect one quantity of each run over its steps."""
    lines = []
    for name, events in told:
        points = [event for event in events if isinstance(event, kind)]
        values = [factor * getattr(point, field) for point in points]
        lines.append(Line(name, [point.step for point in points], values))
    return lines


def _picture(
    lines: Sequence[Line], y_label: str, look: Look, top: float | None = None
) -> str:
    values = (f"{line.name} {line.values[-1]:.3g}" for line in lines if line.values)
    last = i18n.listed(map(str.strip, values), look.language)
    figure = viz.lines.figure(lines, y_label, look, top)
    return style.svg(figure, alt=f"{y_label}: {last}")
