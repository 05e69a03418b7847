"""Command line of the trainer: start, resume, evaluate and push; see ``--help``."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import i18n
import process
import settings
from errors import KnownError
from hub import account
from networks.cpu.precision import Wanted
from trainer import flags, messages, preflight
from trainer.evaluation import compare, evaluate, layers, model_lookup, report
from trainer.process import jobs, launched
from trainer.publish import hf_job, push
from trainer.run import runs
from trainer.run.events import RunEvent, Stage, Step
from trainer.run.runs import Run
from trainer.training import initial_model

POLL_S = 0.3
EVALUATE = "python -m trainer evaluate"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0 for a run that finished or was stopped."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        host = settings.from_environment()
        if given[:1] == ["push"]:
            return _push(flags.push_parser(host.runs_dir).parse_args(given[1:]))
        if given[:1] == ["evaluate"]:
            parser = flags.evaluate_parser(host.runs_dir, host.cache_dir)
            return _evaluate(parser.parse_args(given[1:]), host.precision)
        if given[:1] == ["layers"]:
            parser = flags.layers_parser(host.runs_dir, host.cache_dir)
            return _measure_layers(parser.parse_args(given[1:]), host.precision)
        parser = flags.parser(host.runs_dir, host.cache_dir, host.source)
        options = parser.parse_args(given)
        if options.on_hf_job:
            return _rent(options, host.base_models)
        if host.is_launched:
            return _train_as_one_of_several(options, host)
        run = _start(options, host.base_models)
    except KnownError as error:
        print(i18n.sentence(error), file=sys.stderr)
        return 2
    print(run.folder)
    n_before = len(jobs.waiting(options.runs_dir)) - 1
    if jobs.current(options.runs_dir) not in (None, run):
        print(i18n.word("notes.waiting", n=n_before + 1))
    return _follow(run)


def _start(options: argparse.Namespace, base_models: Sequence[str]) -> Run:
    """Start the run that the flags describe, or resume one."""
    cache_dir, env = options.cache_dir, settings.child_environment()
    if options.resume:
        parent = runs.find(options.runs_dir, options.resume)
        return jobs.resume(parent, cache_dir=cache_dir, env=env)
    config = flags.config_of(options, base_models)
    seen = preflight.preflight(config, options.runs_dir, cache_dir, env=env)
    print(messages.preflight_line(seen))
    return jobs.start(config, options.runs_dir, cache_dir=cache_dir, env=env)


def _push(options: argparse.Namespace) -> int:
    """Push a run's model to the Hub; return the exit code."""
    run = _run_to_push(options.runs_dir, options.run)
    address = push.push(
        run,
        options.to,
        token_of=account.host_token,
        emit=_Shown(),
        private=not options.public,
    )
    print(address)
    return 0


def _run_to_push(runs_dir: Path, run_id: str) -> Run:
    """Find the run by that id; without one, the newest finished run."""
    if run_id:
        return runs.find(runs_dir, run_id)
    every = runs.every(runs_dir)
    finished = (run for run in every if run.state().name == "finished")
    newest = next(finished, None)
    if newest is None:
        raise KnownError("no_finished_run")
    return newest


def _evaluate(options: argparse.Namespace, precision: Wanted) -> int:
    """Evaluate a model, or compare two, in this precision; return the exit code."""
    names = [options.model, *([options.against] if options.against else [])]
    if options.json:
        settings.ensure_file_writable(options.json)
    _quiet_libraries()
    bundled = initial_model.BUNDLED_DIR
    models = [model_lookup.find(name, options.runs_dir, bundled) for name in names]
    selection = flags.selection_of(options)
    found = compare.compare(
        models,
        selection,
        options.cache_dir,
        emit=_Phases(),
        precision=options.precision or precision,
    )
    if options.baseline and found.meaning in ("run", "chosen"):
        for model, entry in zip(models, found.entries, strict=True):
            if model.run:
                evaluate.save_baseline(entry.scores, model.run.folder)
    if options.json:
        options.json.write_text(found.to_json(), "utf-8")
    print(report.text(found))
    return 0


def _measure_layers(options: argparse.Namespace, precision: Wanted) -> int:
    """Measure what each layer of a model knows; return the exit code."""
    if options.json:
        settings.ensure_file_writable(options.json)
    _quiet_libraries()
    bundled = initial_model.BUNDLED_DIR
    model = model_lookup.find(options.model, options.runs_dir, bundled)
    found = layers.measure(
        model,
        options.cache_dir,
        n_songs_per_genre=options.n_songs_per_genre,
        emit=_Phases(),
        precision=options.precision or precision,
    )
    path = options.json or (model.run and model.run.folder / layers.FILE)
    if path:
        runs.write_whole(path, found.to_json())
    print(report.layers(found))
    return 0


def _quiet_libraries() -> None:
    """Turn off transformers' progress bars and warnings."""
    process.settle()
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def _rent(options: argparse.Namespace, base_models: Sequence[str]) -> int:
    """Submit the same command as a Hugging Face Job."""
    job = hf_job.submit(
        flags.config_of(options, base_models),
        options.on_hf_job,
        source=options.source,
        to=options.to,
        token_of=account.host_token,
    )
    print(i18n.word("notes.job", id=job.id, flavor=options.on_hf_job, to=options.to))
    print(job.url)
    return 0


def _train_as_one_of_several(
    options: argparse.Namespace, host: settings.Settings
) -> int:
    """Train in this process, one of several that a launcher started."""
    if options.resume:
        raise KnownError("no_resume_here", flag="--resume")
    run = launched.run(
        flags.config_of(options, host.base_models),
        options.runs_dir,
        cache_dir=options.cache_dir,
        show=_Shown(),
        local_rank=host.local_rank,
        visible=settings.child_environment().get("CUDA_VISIBLE_DEVICES"),
    )
    return 1 if run.state().name == "failed" else 0


def _follow(run: Run) -> int:
    """Print the run's log until it ends; Ctrl-C asks it to stop and waits."""
    show = _Shown()
    cursor = 0
    is_ended = False
    while not is_ended:
        try:
            is_ended = run.state().is_ended
            new, cursor = run.events(cursor)
            show(*new)
            time.sleep(0 if is_ended else POLL_S)
        except KeyboardInterrupt:
            with contextlib.suppress(KnownError):  # it has just ended by itself
                at_most_s = jobs.stop(run).at_most_s
                print(i18n.word("notes.stopping", n=round(at_most_s)), flush=True)
    state = run.state()
    if state.code == "run_vanished":  # its process could not emit this itself
        print(messages.failure(state.code, state.details, i18n.DEFAULT_LANGUAGE))
    if state.name == "finished" and (scores := evaluate.load_scores(run.folder)):
        config, is_honest = run.config(), scores.is_final
        meaning = report.meaning(
            config.data,
            config.split,
            is_honest=is_honest,
            group_kind=run.group_kind,
        )
        print(report.of_run(scores), *meaning, sep="\n")
        print(i18n.word("notes.more_scores", command=f"{EVALUATE} {run.id}"))
    return 0 if state.name in ("finished", "stopped") else 1


class _Shown:
    """Print events as they come, as the lines of the log."""

    def __init__(self) -> None:
        self.events: list[RunEvent] = []
        self.n_printed = 0

    def __call__(self, *events: RunEvent) -> None:
        self.events += events
        lines = messages.log_lines(self.events, i18n.DEFAULT_LANGUAGE)
        _print(lines[self.n_printed :], self.events)
        self.n_printed = len(lines)


class _Phases:
    """Print each phase where it begins, and the notes, to stderr."""

    def __init__(self) -> None:
        self.phase = ""

    def __call__(self, event: RunEvent) -> None:
        phase = getattr(event, "name", "") if isinstance(event, Stage) else ""
        if phase != self.phase or not phase:
            print(messages.line(event), file=sys.stderr, flush=True)
        self.phase = phase or self.phase


def _print(lines: Sequence[str], events: Sequence[RunEvent]) -> None:
    """Print new lines of the log; after a step, the estimated time left."""
    for line in lines:
        print(line, flush=True)
    if lines and isinstance(events[-1], Step) and events[-1].step < events[-1].n_steps:
        left_s = messages.progress(events).left_s
        print(f"  {messages.time_words(left_s, i18n.DEFAULT_LANGUAGE)}", flush=True)


def _exit(code: int) -> NoReturn:
    """End this process; where a launcher started it, without the exit handlers.

    Threads of a process group now and then abort what ends as usual, though its group
    is left: the launcher would report a run that has finished as failed.
    """
    if settings.from_environment().is_launched:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    try:
        settings.repair_environment()
        _exit(main())
    except KnownError as error:  # of the environment
        print(i18n.sentence(error), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:  # in _follow, it stops the run instead
        sys.exit(128 + signal.SIGINT)
