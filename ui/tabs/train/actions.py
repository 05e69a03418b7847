"""What a person may do with a run, asked of the visitor each time: denied by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from errors import KnownError
from hub import account
from hub.account import TokenOf
from settings import Settings, child_environment
from trainer import preflight
from trainer.process import jobs
from trainer.run import checkpoints, runs
from trainer.run.runs import Run
from ui import song_choice
from ui.server.access import Visitor


@dataclass(frozen=True)
class Allowed:
    """Which buttons work: a function of the visitor and of a run's state alone."""

    start: bool = False
    stop: bool = False
    cancel: bool = False
    resume: bool = False
    classify: bool = False
    push: bool = False
    rename: bool = False
    delete: bool = False


def allowed(run: Run | None, visitor: Visitor, n_waiting: int = 0) -> Allowed:
    """Decide what this visitor may do now, with so many runs in the queue."""
    may = visitor.may_train
    has_room = may and n_waiting < jobs.N_WAITING
    if run is None:
        return Allowed(start=has_room)
    state, checkpoint = run.state(), checkpoints.newest(run.folder)
    config = run.config()
    has_more = checkpoints.has_more(checkpoint, config.n_steps)
    has_model = state.name in ("finished", "stopped") and run.model_dir.is_dir()
    return Allowed(
        start=has_room,
        stop=may and state.name in ("waiting", "running"),
        cancel=may and not state.is_ended,
        resume=has_room and state.is_ended and has_more,
        classify=has_model and config.needs_genres,
        push=may and state.name == "finished" and has_model,
        rename=may,
        delete=may and state.is_ended,
    )


def start(given: Mapping[str, Any], settings: Settings, visitor: Visitor) -> Run:
    """Start a run with a visitor's choices, by field; the rest is the preset's.

    Raises:
        KnownError: ``may_not_train``, ``needs_permanent_gpu``, ``queue_full``, what the
            choices are refused for, or what ``preflight.out_of_reach`` finds.
    """
    ask(visitor)
    _ask(settings)
    config, env = song_choice.config_of(given, settings), child_environment()
    for error in preflight.out_of_reach(config, env):
        raise error
    return jobs.start(
        song_choice.kept(config, settings),
        settings.runs_dir,
        cache_dir=settings.cache_dir,
        env=env,
    )


def stop(run_id: str, settings: Settings, visitor: Visitor) -> Run:
    """Ask a run to stop.

    Raises:
        KnownError: ``may_not_train``, ``unknown_run`` or ``run_is_over``.
    """
    ask(visitor)
    run = runs.find(settings.runs_dir, run_id)
    jobs.stop(run)
    return run


def cancel(run_id: str, settings: Settings, visitor: Visitor) -> Run:
    """Cancel a run: what it made is removed.

    Raises:
        KnownError: as ``stop``.
    """
    ask(visitor)
    run = runs.find(settings.runs_dir, run_id)
    jobs.cancel(run)
    return run


def resume(run_id: str, settings: Settings, visitor: Visitor) -> Run:
    """Start a new run that continues this one.

    Raises:
        KnownError: ``may_not_train``, ``needs_permanent_gpu``, ``unknown_run``,
            ``queue_full``, ``run_is_at_work`` or ``nothing_to_resume``.
    """
    ask(visitor)
    _ask(settings)
    parent = runs.find(settings.runs_dir, run_id)
    return jobs.resume(parent, cache_dir=settings.cache_dir, env=child_environment())


def rename(run_id: str, title: str, settings: Settings, visitor: Visitor) -> Run:
    """Give a run a name.

    Raises:
        KnownError: ``may_not_train`` or ``unknown_run``.
    """
    ask(visitor)
    run = runs.find(settings.runs_dir, run_id)
    runs.rename(run, title)
    return run


def label(
    run_id: str, notes: str, tags: str, settings: Settings, visitor: Visitor
) -> Run:
    """Give a run notes and tags.

    Raises:
        KnownError: as ``rename``.
    """
    ask(visitor)
    run = runs.find(settings.runs_dir, run_id)
    runs.label(run, notes, tags)
    return run


def delete(run_id: str, settings: Settings, visitor: Visitor) -> None:
    """Remove a run and all that it made.

    Raises:
        KnownError: ``may_not_train``, ``unknown_run`` or ``run_is_at_work``.
    """
    ask(visitor)
    runs.delete(settings.runs_dir, run_id)


def ask(visitor: Visitor) -> None:
    """Refuse visitors who may not train here.

    Raises:
        KnownError: ``may_not_train``.
    """
    if not visitor.may_train:
        raise KnownError("may_not_train")


def _ask(settings: Settings) -> None:
    """Refuse where no run can come to its end: ZeroGPU lends a GPU for seconds.

    Raises:
        KnownError: ``needs_permanent_gpu``.
    """
    if settings.host.kind == "zero":
        raise KnownError("needs_permanent_gpu")


def token_of(settings: Settings, login: str | None) -> TokenOf:
    """Choose the token to push with: on a Space the visitor's, elsewhere this machine's.

    A login elsewhere is one that Gradio only plays, so it counts for nothing.
    """
    return (lambda: login) if settings.host.is_space else account.host_token
