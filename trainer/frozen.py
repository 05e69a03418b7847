"""What the part of a model that does not learn says, computed once.

HuBERT's and wav2vec2's convolutions are 70 % of their work. Where they do not learn,
what they say of a window is the same in every epoch: it is recorded once, and the run
trains what is left. Where only the head learns, all that is recorded of a window is one
mean vector a layer (of AST: the one vector that its head hears), and a step takes
milliseconds. The front ends of Whisper and AST are cheap, and run anew each time. The
mathematics stay the model's own: the same module runs, with the frozen part exchanged
for one that hands on what was recorded.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

import libraries
from networks import architecture
from trainer.data import SongSet
from trainer.events import Emit, ShouldStop, Stage, StopRequested
from trainer.windows import AllWindows, collate

if TYPE_CHECKING:
    import torch

Part = Literal["encoder", "head"]  # what learns: the rest is frozen
DTYPES = {"encoder": np.float16, "head": np.float32}  # a song's frames are many
N_PER_BATCH = 8  # on a GPU; a CPU is faster with one at a time
FOLDER = "recorded"  # in a run's folder, while it trains


def place(run_dir: Path, name: str) -> Path:
    """Where a run's recording stands."""
    folder = run_dir / FOLDER
    folder.mkdir(exist_ok=True)
    return folder / name


def forget(run_dir: Path) -> None:
    """Delete a run's recordings: they are large, and made again in a minute."""
    shutil.rmtree(run_dir / FOLDER, ignore_errors=True)


def can_record(model: Any, part: str) -> bool:
    """Whether it is worth while to hear every window once: there is a costly part."""
    return part == "head" or (part == "encoder" and architecture.takes_samples(model))


@dataclass(frozen=True, eq=False)
class Recorded:
    """A map-style data set: each window as the frozen part's output.

    Attributes:
        windows: where each one is from.
        values: (n_windows, ...) in their order, memory-mapped.
    """

    windows: AllWindows
    values: NDArray[Any]

    @property
    def songs(self) -> SongSet:
        """All songs, of which ``indices`` are some."""
        return self.windows.songs

    @property
    def indices(self) -> NDArray[np.int64]:
        """(n_songs,) the songs."""
        return self.windows.indices

    @property
    def owners(self) -> NDArray[np.int64]:
        """(n_windows,) position in ``indices`` of each window's song."""
        return self.windows.owners

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, place: int) -> dict[str, Any]:
        position, _ = self.windows.places[place]
        label = self.windows.songs.labels[self.indices[position]]
        name = self.windows.extractor.model_input_names[0]
        return {name: np.asarray(self.values[place], np.float32), "labels": int(label)}


@dataclass
class Drawn:
    """A map-style data set: one random recorded window of each song an epoch.

    The draw depends on seed, epoch and song alone, as ``RandomWindows``' does.
    """

    recorded: Recorded
    seed: int
    epoch: int = 0

    def __post_init__(self) -> None:
        owners = self.recorded.owners
        n_songs = len(self.recorded.indices)
        self.places = [
            np.flatnonzero(owners == position) for position in range(n_songs)
        ]

    @property
    def indices(self) -> NDArray[np.int64]:
        """(n_songs,) the songs."""
        return self.recorded.indices

    def set_epoch(self, epoch: int) -> None:
        """Draw anew; the Trainer calls this at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> dict[str, Any]:
        song = int(self.indices[position])
        rng = np.random.default_rng((self.seed, self.epoch, song))
        return self.recorded[int(rng.choice(self.places[position]))]


def record(
    windows: AllWindows,
    model: Any,
    part: Part,
    path: Path,
    *,
    emit: Emit,
    should_stop: ShouldStop,
) -> Recorded:
    """Let the frozen part hear every window once.

    Args:
        windows: to be heard.
        model: on the device where it shall work.
        part: what will learn; the rest is what speaks here.
        path: of the file that keeps the answers; it may be large (a song of 30 s in
            half-overlapping windows: 3 MB of float16 for HuBERT's convolutions).
        emit: hears the progress.
        should_stop: asked between batches.

    Raises:
        StopRequested: between two batches.
    """
    import torch

    device = next(model.parameters()).device
    n_each = 1 if device.type == "cpu" else N_PER_BATCH
    values: NDArray[Any] | None = None
    with torch.inference_mode(), _resting(model):
        for start in range(0, len(windows), n_each):
            if should_stop():
                raise StopRequested
            emit(Stage("record", start, len(windows)))
            items = range(start, min(start + n_each, len(windows)))
            batch = collate([windows[i] for i in items])
            del batch["labels"]
            (heard,) = (value.to(device) for value in batch.values())
            said = _said(model, part, heard).cpu().numpy()
            if values is None:
                shape = (len(windows), *said.shape[1:])
                values = np.memmap(path, DTYPES[part], "w+", shape=shape)
            values[items.start : items.stop] = said
    assert values is not None, "a split has songs, and a song has a window"
    return Recorded(windows, values)


@contextmanager
def _resting(model: Any) -> Iterator[None]:
    """Without dropout, and back."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def _said(model: Any, part: Part, values: torch.Tensor) -> torch.Tensor:
    """(n, channels, frames) of the convolutions, or (n, layers, channels) of the rest.

    These are means over time, which may come first: all that follows in such a head is
    linear until its own mean. AST's is one layer, the vector that its head hears.
    """
    import torch

    if part == "encoder":
        (convolutions,) = architecture.front_end(model)
        return torch.as_tensor(convolutions(values))
    out = architecture.body(model)(values, output_hidden_states=True)
    if not architecture.averages_over_time(model):
        return torch.as_tensor(out.pooler_output)[:, None]
    layers = [*out.hidden_states[:-1], out.last_hidden_state]
    return torch.stack([layer.mean(dim=1) for layer in layers], dim=1)


def take_out(model: Any, part: Part) -> Callable[[], None]:
    """Exchange the frozen part for one that hands on its recorded output.

    Returns:
        What puts the frozen part back.
    """
    owner, name = (
        (architecture.body(model), "feature_extractor")
        if part == "encoder"
        else (model, architecture.body_name(model))
    )
    frozen = getattr(owner, name)
    setattr(owner, name, _stand_in(model, part))
    return lambda: setattr(owner, name, frozen)


def _stand_in(model: Any, part: Part) -> torch.nn.Module:
    """A module whose output is its input, in the form that the model expects."""
    libraries.settle()
    import torch
    from transformers.modeling_outputs import (
        BaseModelOutput,
        BaseModelOutputWithPooling,
    )

    if part == "encoder":
        return torch.nn.Identity()
    if not architecture.averages_over_time(model):

        class Pooled(torch.nn.Module):
            def forward(
                self, values: torch.Tensor, **_: Any
            ) -> BaseModelOutputWithPooling:
                return BaseModelOutputWithPooling(pooler_output=values[:, 0])

        return Pooled()

    class Said(torch.nn.Module):
        def forward(self, values: torch.Tensor, **_: Any) -> BaseModelOutput:
            layers = values[:, :, None, :].unbind(dim=1)
            return BaseModelOutput(
                last_hidden_state=layers[-1], hidden_states=tuple(layers)
            )

    return Said()
