"""Report a run to TensorBoard or trackio, where they are installed.

Off by default, and neither is among this project's requirements. TensorBoard's files
are in the run's ``checkpoints/runs``; trackio keeps its own on this machine, and is
never given a Space to publish on.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from errors import KnownError


def check(name: str) -> None:
    """Refuse a dashboard that is not installed.

    Raises:
        KnownError: ``no_dashboard``, naming what to install.
    """
    if name != "none" and importlib.util.find_spec(name) is None:
        raise KnownError("no_dashboard", field="report_to", value=name)


def arguments(name: str, run_name: str) -> dict[str, Any]:
    """Return the fields of transformers' TrainingArguments for a dashboard."""
    return {
        "report_to": name,
        "run_name": run_name,
        "project": "genrescope",
        "trackio_space_id": None,
        "trackio_static_space_id": False,
    }
