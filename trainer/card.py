"""A finished run in, its model card out: what it is, how good, and what it cannot know.

The words are in ``card.md`` beside this file, a template of the Hub's client; here are
only the numbers, read from the run's folder.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import KnownError
from trainer import catalogue, evaluate, metrics, report, runs
from trainer.config import FOLDER, HUB, ZIP, RunConfig
from trainer.hub_songs import GTZAN
from trainer.runs import Run

TEMPLATE = Path(__file__).with_name("card.md")
MARK = "genrescope"  # the tag that tells our repositories from others
LICENSE = "apache-2.0"  # of the code, and so of what is made of it alone


@dataclass(frozen=True)
class Scores:
    """How well a model names the songs that it was tested with.

    Attributes:
        genres: in the order of the model's outputs.
        counts: (n_genres, n_genres), a row the truth, a column the answer.
        step: the last step of the run.
    """

    genres: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    step: int

    @property
    def n_tested(self) -> int:
        """Songs heard."""
        return sum(map(sum, self.counts))

    @property
    def n_right(self) -> int:
        """Songs named rightly."""
        return sum(row[number] for number, row in enumerate(self.counts))

    @property
    def accuracy(self) -> float:
        """Share of songs named rightly, in [0, 1]."""
        return self.n_right / self.n_tested

    @property
    def interval(self) -> tuple[float, float]:
        """The accuracy's 95 % Wilson interval."""
        low, high = metrics.wilson_interval(self.n_right, self.n_tested)
        return float(low), float(high)

    def recalls(self) -> list[float]:
        """For each genre, the share of its songs that got its name."""
        return [_share(row[i], sum(row)) for i, row in enumerate(self.counts)]

    def precisions(self) -> list[float]:
        """For each genre, the share of the songs so named that are of it."""
        columns = list(zip(*self.counts, strict=True))
        return [_share(column[i], sum(column)) for i, column in enumerate(columns)]

    def f1s(self) -> list[float]:
        """For each genre, the harmonic mean of its precision and recall."""
        pairs = zip(self.precisions(), self.recalls(), strict=True)
        return [_share(2 * p * r, p + r) for p, r in pairs]

    @property
    def macro_f1(self) -> float:
        """The mean of the F1 of the genres that have test songs."""
        tested = zip(self.f1s(), self.counts, strict=True)
        f1s = [f1 for f1, row in tested if sum(row)]
        return sum(f1s) / len(f1s)

    def to_json(self) -> str:
        """The scores as JSON, counts apart."""
        low, high = self.interval
        values = {
            "accuracy": self.accuracy,
            "accuracy_low": low,
            "accuracy_high": high,
            "macro_f1": self.macro_f1,
            "n_right": self.n_right,
            "n_tested": self.n_tested,
            "step": self.step,
            "recall": dict(zip(self.genres, self.recalls(), strict=True)),
            "precision": dict(zip(self.genres, self.precisions(), strict=True)),
            "f1": dict(zip(self.genres, self.f1s(), strict=True)),
        }
        return json.dumps(values, indent=2, ensure_ascii=False)


def scores_of(run: Run) -> Scores:
    """The scores that a finished run left in its folder.

    Raises:
        KnownError: ``push_not_finished`` where they are not there.
    """
    confusion = runs.read_json(run.folder / "confusion.json")
    result = runs.read_json(run.folder / "result.json")
    if not confusion or not result:
        raise KnownError("push_not_finished", id=run.id)
    counts = tuple(tuple(row) for row in confusion["counts"])
    return Scores(tuple(confusion["genres"]), counts, result["step"])


def text(run: Run, repo_id: str) -> str:
    """The model card of a run for the repository that it goes to: Markdown."""
    from huggingface_hub import ModelCard

    config, scores = run.config(), scores_of(run)
    measured = evaluate.kept(run.folder)
    is_final = measured is not None and measured.is_final
    split = runs.read_json(run.folder / "split.json") or {"train": (), "test": ()}
    model_card = ModelCard.from_template(
        _front_matter(config, scores, repo_id),
        template_path=str(TEMPLATE),
        repo_id=repo_id,
        run=config,
        source=_source(config),
        base=_hub_base(config),
        is_mel=_is_mel(config),
        n_learned=len(split["train"]),
        n_chosen_on=len(split.get("validation", ())),
        n_kept_back=len(split["test"]),
        meaning=report.meaning(config.data, config.split, is_honest=is_final),
        gain=report.figures(measured)[-1] if measured else "",
        calibration=report.calibration(measured) if measured else (),
        temperature=measured.temperature if measured else 1.0,
        scores=scores,
        genres=[_cell(genre) for genre in scores.genres],
        recipe=_recipe(config),
    )
    return f"{str(model_card).strip()}\n"


def _front_matter(config: RunConfig, scores: Scores, repo_id: str) -> Any:
    """What the Hub reads of a card."""
    from huggingface_hub import EvalResult, ModelCardData

    source = _source(config)
    public = {"gtzan": GTZAN}.get(source, source if "/" in source else "")
    names = {"composed": "composed songs", "folder": "a folder of songs"}
    result = EvalResult(
        task_type="audio-classification",
        dataset_type=public or source,
        dataset_name="GTZAN" if source == "gtzan" else names.get(source, source),
        metric_type="accuracy",
        metric_value=scores.accuracy,
    )
    return ModelCardData(
        license=_license(config),
        library_name="transformers",
        pipeline_tag="audio-classification",
        base_model=_hub_base(config),
        datasets=[public] if public else None,
        metrics=["accuracy"],
        tags=[*(() if _is_mel(config) else ("hubert",)), "music", "genre", MARK],
        model_name=repo_id.split("/")[1],
        eval_results=[result],
    )


def _source(config: RunConfig) -> str:
    """Where the songs came from: ``gtzan``, ``composed``, ``folder``, or a set's id."""
    if config.data.startswith((FOLDER, ZIP)):
        return "folder"  # never a path
    return config.data.removeprefix(HUB)


def _hub_base(config: RunConfig) -> str | None:
    """The base model's id, where it is one of the Hub's."""
    model = catalogue.hub_model(config.base_model)
    return model.id if model else None


def _license(config: RunConfig) -> str | None:
    """Our own licence, or that of the base model; None where it is not known."""
    model = catalogue.hub_model(config.base_model)
    return (model.license or None) if model else LICENSE


def _is_mel(config: RunConfig) -> bool:
    """Whether the base model hears spectrograms: then it is no HuBERT."""
    model = catalogue.hub_model(config.base_model)
    return model is not None and model.window_s > 0


def _recipe(config: RunConfig) -> dict[str, object]:
    """The settings that made the model, but for the place of the songs."""
    return {**dataclasses.asdict(config), "data": _source(config)}


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _cell(name: str) -> str:
    """A genre's name, often a folder's, as text within a Markdown table."""
    return "".join(f"\\{mark}" if mark in "\\|`*_[]<>#" else mark for mark in name)
