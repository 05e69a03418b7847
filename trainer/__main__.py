"""Fine-tune from a shell: the page's RunConfig as flags, the page's events as text.

The run is a folder and a child process exactly as the page's: the page shows it too,
and Ctrl-C stops it the way the page's button does.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import settings
import words
from errors import KnownError
from trainer import config as configs
from trainer import jobs, telling
from trainer.config import FOLDER, RunConfig
from trainer.events import RunEvent, Step
from trainer.runs import Run

POLL_S = 0.3
METAVARS = {"int": "N", "float": "X", "bool": "yes|no"}
EXAMPLES = """examples:
  python -m trainer --preset smoke
  python -m trainer --data folder:my_songs --preset smoke
  python -m trainer --preset tutorial --data gtzan --n-steps 200
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the flags say; the exit code is 0 for a finished or stopped run."""
    host = settings.from_environment()
    options = _parser(host).parse_args(arguments)
    try:
        run = jobs.start(
            _config(options),
            options.runs_dir,
            cache_dir=options.cache_dir,
            env=settings.child_environment(),
        )
    except KnownError as error:
        print(words.sentence(error), file=sys.stderr)
        return 2
    print(run.folder)
    return _follow(run)


def _parser(host: settings.Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for item in dataclasses.fields(RunConfig):
        parser.add_argument(
            "--" + item.name.replace("_", "-"),
            type=_reader(str(item.type)),
            metavar=METAVARS.get(str(item.type), "NAME"),
            help=_help(item).replace("%", "%%"),
        )
    parser.add_argument("--runs-dir", type=Path, default=host.runs_dir)
    parser.add_argument("--cache-dir", type=Path, default=host.cache_dir)
    return parser


def _reader(type_name: str) -> Callable[[str], Any]:
    """How to read a flag's value."""
    if type_name == "bool":
        return lambda text: text.lower() in ("1", "true", "yes", "on")
    return {"int": int, "float": float}.get(type_name, str)


def _help(item: dataclasses.Field[object]) -> str:
    """What a field does, its range, and the tutorial's value."""
    text = words.word(f"fields.{item.name}_info")
    if item.name == "preset":
        text += f" ({', '.join(configs.PRESETS)})"
    elif "choices" in item.metadata:
        text += f" ({', '.join(item.metadata['choices'])})"
    elif "minimum" in item.metadata:
        text += f" ({item.metadata['minimum']:g} to {item.metadata['maximum']:g})"
    return f"{text} [tutorial: {item.default}]"


def _config(options: argparse.Namespace) -> RunConfig:
    """The preset, changed by the flags that were given."""
    base = configs.preset(options.preset or RunConfig.preset)
    given = {
        item.name: getattr(options, item.name)
        for item in dataclasses.fields(RunConfig)
        if getattr(options, item.name) is not None
    }
    if str(given.get("data", "")).startswith(FOLDER):
        # The child works in the project's folder, a person anywhere.
        folder = Path(given["data"].removeprefix(FOLDER)).absolute()
        given["data"] = f"{FOLDER}{folder}"
    return dataclasses.replace(base, **given)


def _follow(run: Run) -> int:
    """Print the run's log until it ends; Ctrl-C asks it to stop and waits."""
    events: list[RunEvent] = []
    cursor = n_printed = 0
    is_ended = False
    while not is_ended:
        try:
            is_ended = run.state().is_ended
            new, cursor = run.events(cursor)
            events += new
            lines = telling.log_lines(events, words.DEFAULT_LANGUAGE)
            _print(lines[n_printed:], events)
            n_printed = len(lines)
            time.sleep(0 if is_ended else POLL_S)
        except KeyboardInterrupt:
            run.stop_file.touch()
    state = run.state()
    if state.code == "run_vanished":  # it could not say so itself
        print(telling.failure(state.code, state.details, words.DEFAULT_LANGUAGE))
    return 1 if state.name == "failed" else 0


def _print(lines: Sequence[str], events: Sequence[RunEvent]) -> None:
    """The new lines of the log; after a step, how long the rest will take."""
    for line in lines:
        print(line, flush=True)
    if lines and isinstance(events[-1], Step) and events[-1].step < events[-1].n_steps:
        left_s = telling.progress(events).left_s
        print(f"  {telling.time_words(left_s, words.DEFAULT_LANGUAGE)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
