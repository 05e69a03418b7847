"""The state of every random generator that training draws from.

A run that stops in the middle of a step has drawn for passes that never counted, and a
test in between draws too. Both are undone with the state at the end of the last step,
so that a resumed run's losses are those of the run that went through.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np


def state() -> dict[str, Any]:
    """The generators of Python, numpy, torch and, where there is one, the GPU.

    In the form of the Trainer's own ``rng_state.pth``.
    """
    import torch

    states = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "cpu": torch.random.get_rng_state(),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.random.get_rng_state()
    return states


def restore(states: dict[str, Any]) -> None:
    """Go back to a state."""
    import torch

    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.random.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.random.set_rng_state(states["cuda"])


def save(states: dict[str, Any], checkpoint: Path) -> None:
    """Put a state in the place of the one that the Trainer saved itself."""
    import torch

    path = checkpoint / "rng_state.pth"
    if path.exists():  # several processes have a file each, which stays as it is
        torch.save(states, path)
