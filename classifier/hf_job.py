"""Submit the classification of songs on the Hub as a Hugging Face Job.

The songs are a data set, a repository of sound files. The rented machine
downloads it, classifies with one process a GPU, and uploads the table to a private data
set repository (see ``hub.job``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from errors import KnownError
from hub import account, job
from hub.job import Job

TABLE = "genres.csv"
# The table of songs that could be read is uploaded although others could not; the exit
# code is the classifier's.
CLASSIFY = f"""\
hf download "$GENRESCOPE_SONGS" --repo-type dataset --local-dir songs
outcome=0
accelerate launch -m classifier songs --csv {TABLE} "$@" || outcome=$?
hf upload "$GENRESCOPE_PUSH_TO" {TABLE} --repo-type dataset --private
exit "$outcome"
"""


def submit(
    songs: Sequence[Path],
    flags: Sequence[str],
    flavor: str,
    *,
    model: str,
    source: str,
    to: str,
    token_of: account.TokenOf,
) -> Job:
    """Submit a classification, which starts, and costs, as soon as a machine is free.

    Args:
        songs: one data set of the Hub, ``OWNER/NAME``, which the login can read.
        flags: further ones of ``python -m classifier``.
        flavor: the machine, as of ``hub.job.submit``.
        model: its key.
        source: the https address of this project's Git repository or Space.
        to: ``OWNER/NAME``, the private data set repository of the table.
        token_of: returns the Hub token of the account that pays.

    Raises:
        KnownError: ``job_needs_songs_of_the_hub``, ``job_needs_model_of_the_hub``,
            ``push_bad_name``, or a code of ``hub.job.submit``.
    """
    if len(songs) != 1 or songs[0].exists():
        raise KnownError("job_needs_songs_of_the_hub")
    if model.startswith("run:"):
        raise KnownError("job_needs_model_of_the_hub", id=model.removeprefix("run:"))
    name = songs[0].as_posix()
    for each in (name, to):
        account.check(each)
    flags = ["--model", model, *flags]
    env = {"GENRESCOPE_SONGS": name, "GENRESCOPE_PUSH_TO": to}
    return job.submit(
        CLASSIFY, flags, flavor, source=source, env=env, token_of=token_of
    )
