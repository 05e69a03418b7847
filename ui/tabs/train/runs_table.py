"""All runs: as a table, as curves in one picture, and in what their settings differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Literal

import gradio as gr
from markupsafe import Markup

import i18n
from trainer import board
from trainer.config import FOLDER, ZIP, RunConfig
from trainer.run.events import Evaluated, Guessed, RunEvent, Step
from trainer.run.runs import Run
from ui.server.access import Visitor
from ui.server.language import text
from ui.tabs.train import cards
from ui.tabs.train.cache import RunCache
from ui.templates import paragraphs, render
from viz import curves as pictures
from viz.curves import N_WHOLE, Curve
from viz.plot import N_COLUMNS, Plot, Sheet
from viz.wording import joined

# Each column's name and type.
COLUMNS: dict[str, Literal["str", "number"]] = {
    "name": "str",
    "state": "str",
    "recipe": "str",
    "songs": "str",
    "model": "str",
    "test": "number",
    "best": "number",
    "masked": "number",
    "steps": "str",
    "time": "number",
    "started": "str",
    "tags": "str",
    "id": "str",
}
ID = [*COLUMNS].index("id")
COMPARED = "compared"  # whose steps are those of all runs of the comparison
PERCENTS = ("accuracy", "masked_accuracy")  # curves from 0 to 100


def build() -> dict[str, Any]:
    """Lay out all runs, and the comparison of some."""
    gr.Markdown(text("train.all_runs_text"))
    table = gr.Dataframe(
        headers=list(COLUMNS),
        datatype=list(COLUMNS.values()),
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
    return {"table": table, "compared": compared, "compared_ids": gr.State(())}


def table(every: Sequence[Run], cache: RunCache, language: str) -> dict[str, Any]:
    """Lay out the runs as a table's headers and rows, the newest first."""
    headers = [i18n.word(f"train.column_{name}", language) for name in COLUMNS]
    rows = [_of(run, cache) for run in every]
    continued = {row.parent_id for row in rows}
    return {"headers": headers, "data": [_row(r, continued, language) for r in rows]}


def _of(run: Run, cache: RunCache) -> board.Row:
    return board.row(run, cache.story(run), cache.events(run))


def _row(row: board.Row, continued: Container[str], language: str) -> list[Any]:
    state = (
        f"{cards.SIGNS[row.state]} {i18n.word(f'train.short_{row.state}', language)}"
    )
    if row.id in continued:
        state += f" · {i18n.word('train.short_continued', language)}"
    started = datetime.strptime(row.id[:15], "%Y%m%d-%H%M%S")
    return [
        row.name,
        state,
        row.recipe,
        row.songs,
        row.base_model,
        _percent(row.test_accuracy),
        _percent(row.validation_accuracy),
        _percent(row.masked_accuracy),
        f"{row.step:,} / {row.n_steps:,}",
        round(row.took_s / 60, 1),
        f"{started:%Y-%m-%d %H:%M}",
        " ".join(row.tags),
        row.id,
    ]


def as_csv(every: Sequence[Run], cache: RunCache, visitor: Visitor) -> str:
    """Write all runs as CSV; notes are for those who may write some."""
    rows = [(_of(run, cache), run.config()) for run in every]
    return board.as_csv(rows, with_notes=visitor.may_train)


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def choices(every: Sequence[Run], language: str) -> list[tuple[str, str]]:
    """List the runs to choose from, the newest first."""
    return [
        (
            f"{cards.SIGNS[run.state().name]} {cards.name_of(run)} · "
            f"{i18n.word(f'train.short_{run.state().name}', language)} · "
            f"{datetime.strptime(run.id[:15], '%Y%m%d-%H%M%S'):%m-%d %H:%M:%S}",
            run.id,
        )
        for run in every
    ]


def compared(chosen: Sequence[Run], cache: RunCache, language: str) -> tuple[str, str]:
    """Return accuracies and loss of several runs as a sheet, their settings as HTML."""
    if not chosen:
        return "", ""
    names = [_short_name(run) for run in chosen]
    return overlaid(chosen, cache, language), differences(chosen, names, language)


def _short_name(run: Run) -> str:
    return f"{cards.name_of(run)} {run.id[-4:]}"


def overlaid(chosen: Sequence[Run], cache: RunCache, language: str) -> str:
    """Return accuracies and loss of several runs so far, as the page draws them."""
    stories = [(_short_name(run), cache.story(run)) for run in chosen]
    every = {
        "accuracy": _curves(stories, Evaluated, "accuracy", 100),
        "masked_accuracy": _curves(stories, Guessed, "accuracy", 100),
        "loss": _curves(stories, Step, "loss"),
    }
    unused = "accuracy" if not _has_points(every["accuracy"]) else "masked_accuracy"
    if not all(map(_has_points, every.values())):
        del every[
            unused if _has_points(every["masked_accuracy"]) else "masked_accuracy"
        ]
    return _sheet(every, language, COMPARED)


def differences(chosen: Sequence[Run], names: Sequence[str], language: str) -> Markup:
    """Compare settings: a row for each that differs; a sentence where none does."""
    configs = [run.config() for run in chosen]
    settings = [
        (
            item.name,
            [_shown(getattr(config, item.name), language) for config in configs],
        )
        for item in dataclasses.fields(RunConfig)
        if item.name != "n_songs_per_genre" or _have_composed(configs)
    ]
    differing = [(name, values) for name, values in settings if len(set(values)) > 1]
    if not differing:
        return paragraphs([i18n.word("train.no_differences", language)])
    return render("run_differences", language, names=names, differing=differing)


def _have_composed(configs: Sequence[RunConfig]) -> bool:
    """Return whether any run composed songs, so that their number counts."""
    return any(config.data == "composed" for config in configs)


def _shown(value: object, language: str) -> str:
    """Format a setting's value; of a folder or zip its name, not where it is."""
    if isinstance(value, bool):
        return i18n.word(f"train.{'yes' if value else 'no'}", language)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.rsplit("/", 1)[-1] if text.startswith((FOLDER, ZIP)) else text


def curves(
    events: Sequence[RunEvent],
    language: str,
    smoothing: float = 0.0,
    run_id: str = "",
    n_points: int = N_COLUMNS,
) -> str:
    """Describe one run's losses and validation accuracy so far, as the page draws them.

    Returns:
        JSON of ``curve_sheet``; "" before the first step.
    """
    sheet = curve_sheet(events, language, smoothing, run_id, n_points)
    return sheet.as_json() if sheet else ""


def curve_sheet(
    events: Sequence[RunEvent],
    language: str,
    smoothing: float = 0.0,
    run_id: str = "",
    n_points: int = N_WHOLE,
) -> Sheet | None:
    """Describe one run's losses and validation accuracy so far.

    Args:
        events: of the run and those that it continues.
        language: of the words.
        smoothing: of the training loss, as of ``viz.curves.smoothed``; what is measured
            is faint behind it.
        run_id: whose range of steps the plots share.
        n_points: of a curve, at most.

    Returns:
        A sheet; None before the first step.
    """
    steps = [event for event in events if isinstance(event, Step)]
    if not steps:
        return None
    stories, n_steps = [("", events)], steps[-1].n_steps
    plot = partial(
        pictures.plot,
        language=language,
        n_steps=n_steps,
        range_of=run_id,
        n_points=n_points,
    )
    if any(isinstance(event, Guessed) for event in events):
        return _guessed_curves(events, n_steps, language, plot)
    (loss,) = _curves(stories, Step, "loss")
    (validation,) = _curves(stories, Evaluated, "loss")
    accuracy = _curves(stories, Evaluated, "accuracy", 100)
    losses = _losses(loss, validation, language, smoothing)
    plots = plot("loss", losses), plot("accuracy", accuracy, is_percent=True)
    about = pictures.describe(loss, accuracy[0], n_steps, language, validation)
    return Sheet(plots, about)


def _losses(
    loss: Curve, validation: Curve, language: str, smoothing: float
) -> list[Curve]:
    """List the curves of both losses, that of validation dotted."""
    of_training, of_validation = (
        i18n.word(f"viz.{name}", language) for name in ("training", "validation")
    )
    drawn = dataclasses.replace(
        pictures.smoothed(loss, smoothing), name=of_training, colour=0
    )
    dotted = dataclasses.replace(validation, name=of_validation, colour=1, dash=2)
    measured = dataclasses.replace(loss, name="", colour=0, is_faint=True)
    return [
        *([measured] if smoothing else []),
        drawn,
        *([dotted] if validation.steps else []),
    ]


def _guessed_curves(
    events: Sequence[RunEvent],
    n_steps: int,
    language: str,
    plot: Callable[..., Plot],
) -> Sheet:
    """Return loss, and hidden frames guessed beside both guesses without a model."""

    def named(name: str, kind: Any, field: str, factor: float = 1) -> Curve:
        title = i18n.word(f"viz.{name}", language)
        return _curves([(title, events)], kind, field, factor)[0]

    loss = [named("training", Step, "loss"), named("validation", Guessed, "loss")]
    shares = [
        named("this_model", Guessed, "accuracy", 100),
        named("commonest_cluster", Guessed, "commonest", 100),
        named("as_before", Guessed, "as_before", 100),
    ]
    plots = plot("loss", loss), plot("masked_accuracy", shares, is_percent=True)
    about = pictures.describe(loss[0], Curve("", (), ()), n_steps, language)
    last = [event for event in events if isinstance(event, Guessed)][-1]
    measured = {
        "step": last.step,
        "percent": 100 * last.accuracy,
        "commonest": 100 * last.commonest,
        "as_before": 100 * last.as_before,
    }
    sentences = [about, i18n.word("viz.about_masked", language, **measured)]
    return Sheet(plots, joined(sentences, language))


def _has_points(curves: Sequence[Curve]) -> bool:
    return any(curve.steps for curve in curves)


def details(
    events: Sequence[RunEvent],
    language: str,
    run_id: str = "",
    n_points: int = N_COLUMNS,
) -> str:
    """Return one run's learning rate and gradient norm as a sheet."""
    stories = [("", events)]
    every = {
        name: _curves(stories, Step, name)
        for name in ("learning_rate", "gradient_norm")
    }
    if not every["learning_rate"][0].steps:
        return ""
    return _sheet(every, language, run_id, n_points)


def _curves(
    stories: Sequence[tuple[str, Sequence[RunEvent]]],
    kind: type[Step] | type[Evaluated] | type[Guessed],
    field: str,
    factor: float = 1,
) -> list[Curve]:
    """Return one quantity of each run over its steps."""
    found = []
    for name, events in stories:
        points = [event for event in events if isinstance(event, kind)]
        values = [factor * getattr(point, field) for point in points]
        found.append(Curve(name, [point.step for point in points], values))
    return found


def _sheet(
    every: Mapping[str, Sequence[Curve]],
    language: str,
    range_of: str,
    n_points: int = N_COLUMNS,
) -> str:
    """Return a plot a quantity, of the same runs each and over the same steps."""
    steps = [step for each in every.values() for curve in each for step in curve.steps]
    plots = tuple(
        pictures.plot(
            name,
            curves,
            language,
            n_steps=max(steps, default=0),
            is_percent=name in PERCENTS,
            range_of=range_of,
            n_points=n_points,
        )
        for name, curves in every.items()
    )
    about = (pictures.describe_each(*each, language) for each in every.items())
    return Sheet(plots, " · ".join(about)).as_json()
