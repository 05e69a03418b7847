"""Define the command line's flags."""

from __future__ import annotations

import argparse
from pathlib import Path

from classifier.models import AUTO
from hub import job
from i18n import word
from networks.cpu import precision

DESCRIPTION = """\
Name the genre of songs: one line a song, the likeliest genres first.

examples:
  python -m classifier song.mp3
  python -m classifier ~/Music --csv genres.csv
  python -m classifier songs.zip --json > genres.jsonl
  python -m classifier ~/Music --quick --embeddings songs.npz
  python -m classifier song.mp3 --model run:20261122-193005-ab12
  python -m classifier song.mp3 --model hub:OWNER/NAME
  python -m classifier --model list
  accelerate launch -m classifier ~/Music --csv genres.csv
  python -m classifier OWNER/SONGS --on-hf-job t4-small --to OWNER/GENRES
"""
EPILOG = """\
A song that cannot be read is named on standard error, and the others are classified.
With --csv, songs that the table holds already are left out, unless the file, the
model or the effort is another one; songs that failed are tried again: start again
after an interruption or a repair. The exit code is 0 when every song got its genre,
and 1 when one did not, or a folder could not be opened. Started by accelerate launch
on several GPUs or machines, each process classifies its share, and the first one joins
their tables; start again to classify the share of one that was killed. With
--on-hf-job the songs are a data set of the Hub with sound files in it, and the table
is uploaded to a private one; the machine is billed from its start to its end.
"""


def parser(source: str = "") -> argparse.ArgumentParser:
    """Define the command line of ``python -m classifier``.

    Args:
        source: the address that a rented machine fetches this project from by default.
    """
    flags = argparse.ArgumentParser(
        prog="python -m classifier",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    flags.add_argument(
        "songs",
        nargs="*",
        type=Path,
        metavar="SONG",
        help="an audio file, or a folder or zip: then every audio file inside",
    )
    flags.add_argument(
        "--model",
        default=AUTO,
        metavar="KEY",
        help="the model to use (default: %(default)s, the Hub's fine-tuned one, "
        "fetched once, or without a network the bundled one): one of the 'list', or "
        "any audio classifier of the Hugging Face Hub",
    )
    flags.add_argument(
        "--runs-dir",
        type=Path,
        metavar="DIR",
        help="where the models of your own runs are (default: the app's)",
    )
    flags.add_argument(
        "--quick",
        dest="effort",
        action="store_const",
        const="quick",
        default="whole",
        help="classify at most six windows of each song",
    )
    _add_outputs(flags)
    flags.add_argument(
        "--precision",
        choices=precision.WANTED,
        help=precision.HELP,
    )
    flags.add_argument(
        "--workers",
        type=_at_least_one,
        metavar="N",
        help="songs classified at the same time (default: as many as cores)",
    )
    job.add_flags(flags, source, "where the table is uploaded to")
    return flags


def _add_outputs(flags: argparse.ArgumentParser) -> None:
    """Add the flags of what is written of each song, besides a line for people."""
    flags.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write a table, a row a song, or append to it",
    )
    flags.add_argument(
        "--embeddings",
        type=Path,
        metavar="FILE",
        help="write each song's embedding, a vector of what the model computes of it: "
        "an NPZ, or a CSV by its suffix",
    )
    flags.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line, with every genre and every window",
    )


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(word("classifier.workers"))
    return int(text)
