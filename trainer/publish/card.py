"""Write the model card of a finished run: recipe, scores and limitations.

The text is in ``card.md`` beside this file, a template of huggingface_hub; the values
are read from the run's folder.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from errors import KnownError
from hub import client
from networks import masked_prediction
from trainer import base_models
from trainer.config import FOLDER, HUB, ZIP, RunConfig
from trainer.data.hub_songs import GTZAN
from trainer.evaluation import evaluate, report
from trainer.evaluation.scores import Scores, from_confusion
from trainer.run import runs
from trainer.run.runs import Run

TEMPLATE = Path(__file__).with_name("card.md")
MARK = "genrescope"  # the tag of repositories that this app pushed
LICENSE = "apache-2.0"  # of the code, and of models trained from scratch


def scores_of(run: Run) -> Scores:
    """Load the scores of a finished run.

    Raises:
        KnownError: ``push_not_finished`` where there are none.
    """
    scores = evaluate.load_scores(run.folder)
    if scores:
        return scores
    confusion = runs.read_json(run.folder / evaluate.CONFUSION)
    if not confusion:
        raise KnownError("push_not_finished", id=run.id)
    return from_confusion(np.array(confusion["counts"]), confusion["genres"])


def text(run: Run, repo_id: str) -> str:
    """Render the model card of a run for a repository, as Markdown."""
    if not run.config().needs_genres:
        return _of_base_model(run, repo_id)
    from huggingface_hub import ModelCard

    config, scores = _with_first_base(run), scores_of(run)
    result = runs.read_json(run.result_file) or {}
    split = runs.read_json(run.folder / "split.json") or {"train": (), "test": ()}
    model_card = ModelCard.from_template(
        _front_matter(config, scores, repo_id, is_hubert=_is_hubert(run)),
        template_path=str(TEMPLATE),
        repo_id=repo_id,
        run=config,
        source=_source(config),
        base=_hub_base(config),
        is_hubert=_is_hubert(run),
        n_learned=len(split["train"]),
        n_chosen_on=len(split.get("validation", ())),
        n_kept_back=len(split["test"]),
        meaning=report.meaning(
            config.data,
            config.split,
            is_honest=scores.is_final,
            group_kind=run.group_kind,
        ),
        gain=report.figures(scores)[1:],
        calibration=report.calibration(scores),
        clear=report.clear(scores),
        features=client.FEATURES if run.features_file.is_file() else "",
        scores=scores,
        part=_part(scores),
        step=result.get("step", 0),
        device=_device(run),
        genres=[_cell(each.genre) for each in scores.genres],
        recipe=_recipe(run.config()),
    )
    return f"{str(model_card).strip()}\n"


def _of_base_model(run: Run, repo_id: str) -> str:
    """Render the card of a model that guesses hidden frames and names no genres."""
    from huggingface_hub import ModelCard, ModelCardData

    config, is_hubert = _with_first_base(run), _is_hubert(run)
    result = runs.read_json(run.result_file) or {}
    saved = runs.read_json(run.model_dir / "config.json") or {}
    split = runs.read_json(run.folder / "split.json") or {"train": ()}
    model_card = ModelCard.from_template(
        ModelCardData(
            license=_license(config),
            library_name="transformers",
            pipeline_tag="feature-extraction",
            base_model=_hub_base(config),
            tags=[*(["hubert"] if is_hubert else ()), "music", MARK],
            model_name=repo_id.split("/")[1],
        ),
        template_path=str(TEMPLATE.with_name("card_pretrained.md")),
        repo_id=repo_id,
        run=config,
        is_hubert=is_hubert,
        source=_source(config),
        base=_hub_base(config),
        n_learned=len(split["train"]),
        facts=saved.get("genrescope", {}),
        result=result,
        recipe=_recipe(run.config()),
        head_file=masked_prediction.FILE,
        license=_license(config),
    )
    return f"{str(model_card).strip()}\n"


def _with_first_base(run: Run) -> RunConfig:
    """Return the run's config, with the base model that a chain of runs began with."""
    config = run.config()
    first = runs.first_base(config, run.folder.parent)
    return dataclasses.replace(config, base_model=first)


def _front_matter(
    config: RunConfig, scores: Scores, repo_id: str, *, is_hubert: bool
) -> Any:
    """Build the metadata of the card."""
    from huggingface_hub import EvalResult, ModelCardData

    source = _source(config)
    public = {"gtzan": GTZAN}.get(source, source if "/" in source else "")
    names = {"composed": "composed songs", "folder": "a folder of songs"}
    result = EvalResult(
        task_type="audio-classification",
        dataset_type=public or source,
        dataset_split=_part(scores),
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
        tags=[*(("hubert",) if is_hubert else ()), "music", "genre", MARK],
        model_name=repo_id.split("/")[1],
        eval_results=[result],
    )


def _part(scores: Scores) -> str:
    """Return the part of the split that was scored."""
    return "test" if scores.is_final else "validation"


def _source(config: RunConfig) -> str:
    """Return the source of the songs: ``gtzan``, ``composed``, ``folder``, or an id."""
    if config.data.startswith((FOLDER, ZIP)):
        return "folder"  # never a path
    return config.data.removeprefix(HUB)


def _hub_base(config: RunConfig) -> str | None:
    """Return the base model's id on the Hub, if it has one."""
    model = base_models.hub_model(config.base_model)
    return model.id if model else None


def _license(config: RunConfig) -> str | None:
    """Return the base model's licence, or our own; None where unknown."""
    model = base_models.hub_model(config.base_model)
    if model:
        return model.license or None
    return None if base_models.run_id(config.base_model) else LICENSE


def _is_hubert(run: Run) -> bool:
    """Return whether a run's model is a HuBERT, by its config or its base model's name."""
    kind = (runs.read_json(run.model_dir / "config.json") or {}).get("model_type")
    if kind:
        return bool(kind == "hubert")
    model = base_models.hub_model(run.config().base_model)
    return model is None or "hubert" in model.id


def _device(run: Run) -> str:
    """Return where a run trained and in which precision; "" of an older version's run."""
    config = runs.read_json(run.model_dir / "config.json") or {}
    facts = config.get("genrescope") or {}
    if not facts.get("device"):
        return ""
    return f"{facts['device']}, {facts.get('precision', 'fp32')}"


def _recipe(config: RunConfig) -> dict[str, object]:
    """List the run's settings, without the path of the songs."""
    return {**dataclasses.asdict(config), "data": _source(config)}


def _cell(name: str) -> str:
    """Escape a genre's name for a Markdown table."""
    return "".join(f"\\{mark}" if mark in "\\|`*_[]<>#" else mark for mark in name)
