"""Submit a command of this project as a Hugging Face Job, on a rented machine.

The job fetches this project, installs it, and runs the command. What is to stay must be
uploaded by it, because its disk is deleted at the end. The token for that is sent as a
secret of the Jobs API, never in the command or the environment, which are readable.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from errors import KnownError
from hub import account, client

IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"  # with uv and git, without git-lfs
TIMEOUT = "6h"  # the Hub's own, 30 minutes, would end a longer run unsaved
PLAIN_ADDRESS = re.compile(r"https://[\w.-]+(:\d+)?/[\w./~-]+")  # no name, no password
# A clone of a Space without git-lfs would have a pointer in place of the bundled model,
# so that the Hub's own client fetches it, of the version that is pinned here. Values are
# passed as variables and as "$@", so that none is parsed as a command.
INSTALLED = """\
set -eu
case "$GENRESCOPE_SOURCE" in
https://huggingface.co/spaces/*)
  space="${GENRESCOPE_SOURCE#https://huggingface.co/spaces/}"
  uvx --quiet --from huggingface_hub==HUB_VERSION hf download "${space%/}" --repo-type space \\
    --local-dir genrescope ;;
*) git clone --depth 1 -- "$GENRESCOPE_SOURCE" genrescope ;;
esac
cd genrescope
uv venv --quiet
uv pip install --quiet --no-deps --require-hashes \\
  -r requirements/app.txt -r requirements/cuda.txt
. .venv/bin/activate
""".replace("HUB_VERSION", version("huggingface_hub"))


@dataclass(frozen=True)
class Job:
    """A submitted job, and the page to watch or cancel it."""

    id: str
    url: str


def add_flags(parser: argparse.ArgumentParser, source: str, to: str) -> None:
    """Add the flags of a command that may run as a job.

    Args:
        parser: of the command line.
        source: this project's address where none is given.
        to: what is uploaded where, for the help.
    """
    rented = parser.add_argument_group("on a rented machine, as a Hugging Face Job")
    rented.add_argument("--on-hf-job", metavar="FLAVOR", help="such as t4-small")
    rented.add_argument("--to", metavar="OWNER/NAME", default="", help=to)
    rented.add_argument(
        "--source",
        metavar="URL",
        default=source,
        help="public https address of this project's Git repository or Space",
    )


def submit(
    script: str,
    arguments: Sequence[str],
    flavor: str,
    *,
    source: str,
    env: Mapping[str, str],
    token_of: account.TokenOf,
) -> Job:
    """Submit a job, which starts, and costs, as soon as a machine is free.

    Args:
        script: what bash runs once the project is installed, in its folder.
        arguments: of the script, "$@".
        flavor: the machine, such as ``t4-small``; ``hf jobs hardware`` lists prices.
        source: the https address of this project's Git repository or Space.
        env: further variables of the script.
        token_of: returns the Hub token of the account that pays.

    Raises:
        KnownError: ``job_bad_source``, ``not_a_choice``, ``push_no_login``,
            ``push_bad_token``, ``job_forbidden``, ``push_offline`` or ``job_lost``.
    """
    _check(flavor, source)
    token = account.checked_token(token_of)

    def submitted(report: client.OnProgress) -> Job:
        from huggingface_hub import HfApi

        job = HfApi(token=token).run_job(
            image=IMAGE,
            command=["bash", "-c", INSTALLED + script, "genrescope", *arguments],
            env={"GENRESCOPE_SOURCE": source, **env},
            secrets={"HF_TOKEN": token},
            flavor=flavor,
            timeout=TIMEOUT,
        )
        return Job(job.id, job.url)

    return client.patiently(submitted, patience_s=account.PATIENCE_S, known=_known)


def _check(flavor: str, source: str) -> None:
    """Refuse a job that would fail, before it costs anything."""
    from huggingface_hub import JobHardware

    if not PLAIN_ADDRESS.fullmatch(source):
        raise KnownError("job_bad_source")
    flavors = [str(item.value) for item in JobHardware]
    if flavor not in flavors:
        raise KnownError(
            "not_a_choice",
            field="--on-hf-job",
            value=flavor,
            choices=flavors,
        )


def _known(error: BaseException | None) -> KnownError:
    """Map an error of huggingface_hub to a KnownError; None is a timeout."""
    known = account.known(error, "")
    if known.code in ("push_offline", "push_bad_token"):
        return known
    return KnownError("job_forbidden" if known.code == "push_forbidden" else "job_lost")
