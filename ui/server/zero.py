"""ZeroGPU: a Space's GPU that is lent to one call at a time, for seconds.

Outside such a call there is no GPU, though torch is made to report one. So
the page classifies on the processor, as it would without, and the API's call is lent
the GPU. Nothing here counts anywhere else.

Source: the package ``spaces``, which ZeroGPU brings along.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from settings import Host

DURATION_S = 60  # at most, for a song of ten minutes; what is left over is given back


def device(host: Host) -> str | None:
    """Choose the device of the page's models; None for the fastest."""
    return "cpu" if host.kind == "zero" else None


def on_gpu(function: Callable[..., Any], host: Host) -> Callable[..., Any]:
    """Mark a function as one that needs the GPU, where that is lent."""
    if host.kind != "zero":
        return function
    try:
        spaces = importlib.import_module("spaces")
    except ImportError:
        return function
    return spaces.GPU(function, duration=DURATION_S)
