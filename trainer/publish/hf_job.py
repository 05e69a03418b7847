"""Submit a run as a Hugging Face Job, on a rented machine.

The job fetches this project, installs it, trains with one process a GPU, and pushes the
finished model, because its disk is deleted at the end. The token for the push is sent as
a secret of the Jobs API, never in the command or the environment, which are readable.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from importlib.metadata import version

from errors import KnownError
from hub import client
from trainer import base_models
from trainer.config import FOLDER, ZIP, RunConfig
from trainer.publish import push

IMAGE = "ghcr.io/astral-sh/uv:python3.12-bookworm"  # with uv and git, without git-lfs
TIMEOUT = "6h"  # the Hub's own, 30 minutes, would end a longer run unsaved
PLAIN_ADDRESS = re.compile(r"https://[\w.-]+(:\d+)?/[\w./~-]+")  # no name, no password
# A clone of a Space without git-lfs would have a pointer in place of the bundled model,
# so that the Hub's own client fetches it, of the version that is pinned here. Values are
# passed as variables and as "$@", so that none is parsed as a command.
SCRIPT = """\
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
accelerate launch -m trainer "$@"
python -m trainer push --to "$GENRESCOPE_PUSH_TO"
""".replace("HUB_VERSION", version("huggingface_hub"))


@dataclass(frozen=True)
class Job:
    """A submitted job, and the page to watch or cancel it."""

    id: str
    url: str


def submit(
    config: RunConfig, flavor: str, *, source: str, to: str, token_of: push.TokenOf
) -> Job:
    """Submit a job, which starts, and costs, as soon as a machine is free.

    Args:
        config: the run's settings; its songs must be public.
        flavor: the machine, such as ``t4-small``; ``hf jobs hardware`` lists prices.
        source: the https address of this project's Git repository or Space.
        to: ``OWNER/NAME``, the private model repository to push to.
        token_of: returns the Hub token of the account that pays.

    Raises:
        KnownError: ``job_needs_public_songs``, ``job_needs_public_base``,
            ``job_bad_source``, ``not_a_choice``,
            ``push_bad_name``, ``push_no_login``, ``push_bad_token``,
            ``job_forbidden``, ``push_offline`` or ``job_lost``.
    """
    push.check(to)
    _check(config, flavor, source)
    token = push.checked_token(token_of)
    command = ["bash", "-c", SCRIPT, "trainer", *flags(config)]
    env = {"GENRESCOPE_SOURCE": source, "GENRESCOPE_PUSH_TO": to}
    if config.base_model not in base_models.CHOICES:  # allowed here, so there too
        env["GENRESCOPE_BASE_MODELS"] = config.base_model

    def submitted(tell: client.OnProgress) -> Job:
        from huggingface_hub import HfApi

        job = HfApi(token=token).run_job(
            image=IMAGE,
            command=command,
            env=env,
            secrets={"HF_TOKEN": token},
            flavor=flavor,
            timeout=TIMEOUT,
        )
        return Job(job.id, job.url)

    return client.patiently(submitted, patience_s=push.PATIENCE_S, known=_known)


def flags(config: RunConfig) -> list[str]:
    """Build the flags of ``python -m trainer`` that repeat a run."""
    given: list[str] = []
    for name, value in dataclasses.asdict(config).items():
        text = ("no", "yes")[value] if isinstance(value, bool) else str(value)
        given += [f"--{name.replace('_', '-')}", text]
    return given


def _check(config: RunConfig, flavor: str, source: str) -> None:
    """Refuse a job that would fail, before it costs anything."""
    from huggingface_hub import JobHardware

    if config.data.startswith((FOLDER, ZIP)):
        raise KnownError("job_needs_public_songs")
    if run_id := base_models.run_id(config.base_model):
        raise KnownError("job_needs_public_base", id=run_id)
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
    known = push.known(error, "")
    if known.code in ("push_offline", "push_bad_token"):
        return known
    return KnownError("job_forbidden" if known.code == "push_forbidden" else "job_lost")
