"""Map exceptions and exit statuses of a run to error codes with messages."""

from __future__ import annotations

import logging
import os
import secrets
import signal
from pathlib import Path

import errors
from networks import device
from trainer.run.events import Failed

VMSTAT = Path("/proc/vmstat")
# Messages of safetensors and torch.save in place of OSError(ENOSPC).
FULL_DISK_TEXTS = (
    "No space left on device",
    "os error 28",
    "PytorchStreamWriter failed",
    "unexpected pos",
)

MIN_HELD_BYTES = 2_000_000_000  # of a GPU; the driver itself takes less

logger = logging.getLogger(__name__)


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error, or its cause, means that the disk is full."""
    if isinstance(error, OSError) and error.errno in errors.FULL_DISK:
        return True
    cause = error.__cause__ or error.__context__
    return any(text in str(error) for text in FULL_DISK_TEXTS) or (
        cause is not None and is_disk_full(cause)
    )


def from_known(error: errors.KnownError) -> Failed:
    """Map a known error to a Failed event."""
    if error.code == "out_of_memory":
        return _out_of_memory()
    return Failed(error.code, error.details)


def _out_of_memory() -> Failed:
    """Describe a full memory: where other programs hold much of a GPU's, how much."""
    held_bytes = device.held_by_others_bytes()
    if held_bytes < MIN_HELD_BYTES:
        return Failed("out_of_memory")
    return Failed("gpu_shared", {"gb": held_bytes / 1e9, "gpu": device.best().name})


def from_error(error: Exception) -> Failed:
    """Map an exception to a Failed event, and log it with a reference if unknown."""
    logger.error("the run failed", exc_info=error)
    if device.is_out_of_memory(error):
        return _out_of_memory()
    if is_disk_full(error):
        return Failed("disk_full")
    reference = secrets.token_hex(3)
    logger.error("reference %s", reference)
    return Failed("bug", {"reference": reference})


def from_exit_status(status: int, n_killed: int) -> Failed:
    """Map the exit status of a trainer that wrote no result to a Failed event.

    Args:
        status: as ``os.waitpid`` returns it.
        n_killed: processes that the kernel killed for memory while it ran.
    """
    if not os.WIFSIGNALED(status):
        return Failed("trainer_left", {"exit_code": os.waitstatus_to_exitcode(status)})
    number = os.WTERMSIG(status)
    if number == signal.SIGKILL and n_killed > 0:
        return Failed("killed_for_memory")
    name = signal.Signals(number).name
    is_kill = number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
    return Failed("killed" if is_kill else "crashed", {"signal": name})


def n_killed_for_memory() -> int:
    """Count the processes that this machine's kernel has killed for memory."""
    if not VMSTAT.exists():
        return 0
    pairs = (line.split() for line in VMSTAT.read_text("ascii").splitlines())
    return next((int(count) for name, count in pairs if name == "oom_kill"), 0)
