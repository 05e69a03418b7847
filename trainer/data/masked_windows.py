"""Data sets of windows whose hidden frames are to be guessed: no labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from networks import masked_prediction
from trainer.data.windows import AllWindows, RandomWindows

# Of a song that validates or tests: long songs count no more than short ones.
N_WINDOWS_PER_SONG = 8


@dataclass(eq=False)
class MaskedWindows:
    """A map-style data set: windows with their MFCCs, and which frames are hidden.

    Attributes:
        windows: random ones to train on, or all.
        config: of the model: its convolutions and its masks.
        is_hidden: (n_windows, n_frames), the same at each validation; None in training,
            where the model draws them anew.
    """

    windows: RandomWindows | AllWindows
    config: Any
    is_hidden: NDArray[np.bool_] | None = None

    @classmethod
    def fixed(cls, windows: AllWindows, config: Any, seed: int) -> MaskedWindows:
        """Hide the same frames each time."""
        grid = masked_prediction.frame_grid(config)
        shape = len(windows), grid.n_frames(windows.lengths[0])
        return cls(windows, config, masked_prediction.spans(shape, config, seed))

    def set_epoch(self, epoch: int) -> None:
        """Draw new windows; the Trainer calls this at the start of each epoch."""
        if isinstance(self.windows, RandomWindows):
            self.windows.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, place: int) -> dict[str, NDArray[Any]]:
        values = self.windows[place]["input_values"]
        item = {
            "input_values": values,
            "mfccs": masked_prediction.mfccs(values, self.config),
        }
        if self.is_hidden is not None:
            item["is_hidden"] = self.is_hidden[place]
        return item


def collate(items: Sequence[dict[str, NDArray[Any]]]) -> dict[str, Any]:
    """Stack a batch of ``MaskedWindows`` by name."""
    import torch

    names = items[0]
    return {
        name: torch.from_numpy(np.stack([item[name] for item in items]))
        for name in names
    }
