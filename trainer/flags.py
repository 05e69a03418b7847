"""Define the command line's flags: a RunConfig's fields, and where things are.

The help texts are those of the page's form, so that each is written once.
"""

from __future__ import annotations

import argparse
import dataclasses
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import i18n
from hub import job
from networks.cpu import precision
from trainer import base_models, messages
from trainer import config as configs
from trainer.config import FOLDER, SCHEMES, ZIP, RunConfig
from trainer.evaluation.compare import SongSelection

ABOUT = """Fine-tune a model to classify music by genre.

Choose a preset (default: tutorial) and change any of its values by a flag. The run has a
folder and a process of its own, as when it is started from the page: it is listed there,
waits in the queue while another run is training, and continues when this terminal closes.
Ctrl-C stops it: it finishes its step, saves, and ends.
"""
USAGE = """python -m trainer [--preset NAME] [--FLAG VALUE ...]
       python -m trainer push [RUN] --to OWNER/NAME
       python -m trainer evaluate MODEL"""
METAVARS = {"int": "N", "float": "X", "bool": "yes|no"}
EXAMPLES = """examples:
  python -m trainer --preset smoke                      a minute on a CPU, no network
  python -m trainer --preset smoke --data folder:songs  your songs, a subfolder a genre
  python -m trainer --preset tutorial                   DistilHuBERT on GTZAN, for a GPU
  python -m trainer --preset fast                       the best accuracy for the time
  python -m trainer --preset head                       no GPU, no network: seconds
  python -m trainer --preset pretrain --data folder:songs  without genres, as HuBERT
  python -m trainer --resume 20260131-120000-1a2b       continue a run that ended

several GPUs or machines (each step has n times as many windows):
  accelerate launch -m trainer --preset tutorial
a rented machine (hf jobs hardware lists the flavors and what they cost):
  python -m trainer --preset tutorial --on-hf-job t4-small --to OWNER/NAME
evaluate any model, on songs that it was not trained on:
  python -m trainer evaluate bundled --data composed
what each layer of a run's model knows of the genre:
  python -m trainer layers 20260131-120000-1a2b
push a finished run's model to the Hub:
  python -m trainer push 20260131-120000-1a2b --to OWNER/NAME

what a run saves in its folder:
  model/         the trained model; transformers loads it, the Classify tab lists it
  checkpoints/   the newest and the best, to resume from
  events.jsonl   every step and validation, a line each
  trainer.log    the raw output
  result.json    the final state

exit code: 0 finished or stopped, 1 failed or cancelled, 2 refused
"""
PUSH = """Push a finished run's model to the Hugging Face Hub, with its model card.

Log in first with hf auth login, or set the variable HF_TOKEN. An interrupted push can
be repeated.
"""
EVALUATE = """Evaluate a model on songs whose genre is known.

MODEL is bundled, a run's id, the folder of a checkpoint, or OWNER/NAME on the Hub. For a
run, its test songs are used unless others are given. Composed songs are composed from
seeds that no run trains on.
"""
EVALUATE_EXAMPLES = """examples:
  python -m trainer evaluate bundled --data composed
  python -m trainer evaluate 20260131-120000-1a2b --against bundled
  python -m trainer evaluate OWNER/NAME --data gtzan --split listed
  python -m trainer evaluate 20260131-120000-1a2b --baseline
  python -m trainer evaluate my_model --data folder:songs --json scores.json

exit code: 0 evaluated, 2 refused
"""
LAYERS = """Measure how much of the genre a linear reading of each layer knows.

A logistic regression learns the genre from each layer's frames, averaged over a song. A
run's learns from its training songs and is tested on its test songs; the bundled model's
from half of newly composed songs, and is tested on the other half. The lesson “What each
layer knows” shows it.
"""
LAYERS_EXAMPLES = """examples:
  python -m trainer layers 20260131-120000-1a2b
  python -m trainer layers bundled --json assets/models/bundled/layers.json

exit code: 0 measured, 2 refused
"""
GROUPS = {
    "the songs": ("data", "n_songs_per_genre", "test_fraction"),
    "the model": (
        "base_model",
        "trained_part",
        "window_s",
        "weighted_layers",
        "fast_attention",
        "precision",
    ),
}
OTHERS = "the recipe"


def parser(runs_dir: Path, cache_dir: Path, source: str) -> argparse.ArgumentParser:
    """Build the parser of a run's flags, with this host's folders as defaults.

    Args:
        runs_dir: where the run's folder is created.
        cache_dir: where decoded songs are cached.
        source: the https address that a rented machine clones this project from.
    """
    made = _bare("python -m trainer", ABOUT, EXAMPLES, USAGE)
    groups = {name: made.add_argument_group(name) for name in (*GROUPS, OTHERS)}
    for item in dataclasses.fields(RunConfig):
        _group(item.name, made, groups).add_argument(
            "--" + item.name.replace("_", "-"),
            type=_reader(str(item.type)),
            metavar=METAVARS.get(str(item.type), "NAME"),
            help=_help(item).replace("%", "%%"),
        )
    made.add_argument(
        "--resume",
        metavar="RUN",
        help="resume the run with this id from its newest complete checkpoint, with the"
        " same songs, order and schedule; no other flag is needed",
    )
    _add_places(made, runs_dir, cache_dir)
    job.add_flags(made, source, "where the model is pushed to")
    return made


def push_parser(runs_dir: Path) -> argparse.ArgumentParser:
    """Build the parser of ``python -m trainer push``."""
    made = _bare("python -m trainer push", PUSH, None)
    made.add_argument(
        "run",
        nargs="?",
        default="",
        help="id of the run [default: the newest finished one]",
    )
    made.add_argument(
        "--to", required=True, metavar="OWNER/NAME", help="the repository"
    )
    made.add_argument(
        "--public",
        action="store_true",
        help="make the repository public [default: private]",
    )
    made.add_argument("--runs-dir", type=Path, default=runs_dir, metavar="FOLDER")
    return made


def evaluate_parser(runs_dir: Path, cache_dir: Path) -> argparse.ArgumentParser:
    """Build the parser of ``python -m trainer evaluate``."""
    made = _bare("python -m trainer evaluate", EVALUATE, EVALUATE_EXAMPLES)
    made.add_argument("model", metavar="MODEL", help="the model to evaluate")
    made.add_argument(
        "--against", metavar="MODEL", help="a second model to compare on the same songs"
    )
    made.add_argument(
        "--json", type=Path, metavar="FILE", help="also write all scores to this file"
    )
    made.add_argument("--precision", choices=precision.WANTED, help=precision.HELP)
    songs = made.add_argument_group("the songs")
    songs.add_argument(
        "--data", default=SongSelection.data, help=i18n.word("fields.data_info")
    )
    made.add_argument(
        "--baseline",
        action="store_true",
        help="also train a simple model (MFCC statistics and an SVM) on the training"
        " part of the same songs, and score it beside; saved with a run's scores",
    )
    made.add_argument(
        "--what-if",
        action="store_true",
        help="also change each song in one thing at a time (band, pitch, tempo, noise"
        " and so on) and count how many answers change; takes fourteen times as long",
    )
    which = songs.add_mutually_exclusive_group()
    which.add_argument(
        "--split",
        choices=SCHEMES,
        default=SongSelection.split,
        help="use the test part of this split [all songs of --data]",
    )
    which.add_argument(
        "--all",
        dest="is_all",
        action="store_true",
        help="use all songs, including those that the model's run was trained on",
    )
    for name, kind in (
        ("test_fraction", float),
        ("seed", int),
        ("n_songs_per_genre", int),
    ):
        songs.add_argument(
            "--" + name.replace("_", "-"),
            type=kind,
            default=getattr(SongSelection, name),
            metavar=METAVARS[kind.__name__],
            help=i18n.word(f"fields.{name}_info").replace("%", "%%") + " [%(default)s]",
        )
    _add_places(made, runs_dir, cache_dir)
    return made


def layers_parser(runs_dir: Path, cache_dir: Path) -> argparse.ArgumentParser:
    """Build the parser of ``python -m trainer layers``."""
    made = _bare("python -m trainer layers", LAYERS, LAYERS_EXAMPLES)
    made.add_argument("model", metavar="MODEL", help="bundled, or a run's id")
    made.add_argument(
        "--n-songs-per-genre",
        type=int,
        default=40,
        metavar="N",
        help="composed songs of each style, for the bundled model [%(default)s]",
    )
    made.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help="where to write [layers.json in the run's folder]",
    )
    made.add_argument("--precision", choices=precision.WANTED, help=precision.HELP)
    _add_places(made, runs_dir, cache_dir)
    return made


def selection_of(options: argparse.Namespace) -> SongSelection:
    """Read the selection of songs from the flags of ``evaluate``."""
    names = [item.name for item in dataclasses.fields(SongSelection)]
    return SongSelection(**{name: getattr(options, name) for name in names})


def config_of(options: argparse.Namespace, also: Sequence[str] = ()) -> RunConfig:
    """Build the config: the preset, changed by the flags that were given.

    Args:
        options: the flags.
        also: further base models that this host allows.

    Raises:
        KnownError: what RunConfig refuses.
    """
    base = configs.preset(options.preset or RunConfig.preset)
    given = {
        item.name: getattr(options, item.name)
        for item in dataclasses.fields(RunConfig)
        if getattr(options, item.name) is not None
    }
    for kind in (FOLDER, ZIP):
        if str(given.get("data", "")).startswith(kind):
            # The child's working directory is the project's folder.
            place = Path(given["data"].removeprefix(kind)).absolute()
            given["data"] = f"{kind}{place}"
    config = configs.changed(base, given)
    base_models.admit(config.base_model, also)
    return config


def _bare(
    program: str, about: str, epilog: str | None, usage: str | None = None
) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=program,
        usage=usage,
        description=about,
        epilog=epilog,
        formatter_class=_Help,
        allow_abbrev=False,
    )


class _Help(argparse.RawDescriptionHelpFormatter):
    """A help formatter that does not break model names at their hyphens."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


def _add_places(made: argparse.ArgumentParser, runs_dir: Path, cache_dir: Path) -> None:
    place = made.add_argument_group("where things are")
    place.add_argument(
        "--runs-dir",
        type=Path,
        default=runs_dir,
        metavar="FOLDER",
        help="where the run's folder is created [%(default)s]",
    )
    place.add_argument(
        "--cache-dir",
        type=Path,
        default=cache_dir,
        metavar="FOLDER",
        help="where decoded songs are cached; safe to delete [%(default)s]",
    )


def _group(
    name: str,
    made: argparse.ArgumentParser,
    groups: Mapping[str, argparse._ArgumentGroup],
) -> argparse._ActionsContainer:
    """Return the help group of a field; the preset comes before all groups."""
    if name == "preset":
        return made
    return groups[next((g for g, names in GROUPS.items() if name in names), OTHERS)]


def _reader(type_name: str) -> Callable[[str], Any]:
    """Return the function that parses a flag's value."""
    readers: dict[str, Callable[[str], Any]]
    readers = {"int": int, "float": float, "bool": yes_or_no}
    return readers.get(type_name, str)


def yes_or_no(text: str) -> bool:
    """Parse yes or no.

    Raises:
        ValueError: for anything else; argparse's message then includes this name.
    """
    if text.lower() not in ("yes", "no"):
        raise ValueError(text)
    return text.lower() == "yes"


def _help(item: dataclasses.Field[object]) -> str:
    """Format the help of a field: the page's text and all choices."""
    named = item.metadata.get("choices") or item.metadata.get("named", ())
    if item.name == "preset":
        named = configs.PRESETS
    choices = f" One of: {', '.join(named)}." if named else ""
    return messages.field_help(item) + choices
