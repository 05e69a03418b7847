"""Submit a run as a Hugging Face Job, on a rented machine.

The job trains with one process a GPU, and pushes the finished model (see ``hub.job``).
"""

from __future__ import annotations

import dataclasses

from errors import KnownError
from hub import account, job
from hub.job import Job
from trainer import base_models
from trainer.config import FOLDER, ZIP, RunConfig

TRAIN = """\
accelerate launch -m trainer "$@"
python -m trainer push --to "$GENRESCOPE_PUSH_TO"
"""
SCRIPT = job.INSTALLED + TRAIN


def submit(
    config: RunConfig, flavor: str, *, source: str, to: str, token_of: account.TokenOf
) -> Job:
    """Submit a run, which starts, and costs, as soon as a machine is free.

    Args:
        config: the run's settings; its songs must be public.
        flavor: the machine, as of ``hub.job.submit``.
        source: the https address of this project's Git repository or Space.
        to: ``OWNER/NAME``, the private model repository to push to.
        token_of: returns the Hub token of the account that pays.

    Raises:
        KnownError: ``job_needs_public_songs``, ``job_needs_public_base``,
            ``push_bad_name``, or a code of ``hub.job.submit``.
    """
    account.check(to)
    if config.data.startswith((FOLDER, ZIP)):
        raise KnownError("job_needs_public_songs")
    if run_id := base_models.run_id(config.base_model):
        raise KnownError("job_needs_public_base", id=run_id)
    env = {"GENRESCOPE_PUSH_TO": to}
    if config.base_model not in base_models.CHOICES:  # allowed here, so there too
        env["GENRESCOPE_BASE_MODELS"] = config.base_model
    return job.submit(
        TRAIN, flags(config), flavor, source=source, env=env, token_of=token_of
    )


def flags(config: RunConfig) -> list[str]:
    """Build the flags of ``python -m trainer`` that repeat a run."""
    given: list[str] = []
    for name, value in dataclasses.asdict(config).items():
        text = ("no", "yes")[value] if isinstance(value, bool) else str(value)
        given += [f"--{name.replace('_', '-')}", text]
    return given
