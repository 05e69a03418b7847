"""Cache the outputs of a model's frozen layers, so that epochs train only the rest.

HuBERT's and wav2vec2's convolutions are 70 % of their work. Where they are frozen,
their output for a window is the same in every epoch: it is computed once. Where only
the head is trained, one mean vector a layer is all that is cached of a window (of AST:
the one vector that is its head's input), and a step takes milliseconds. The front ends of
Whisper and AST are cheap, and run anew each time. The computation stays the model's
own: the same module runs, with the frozen layers bypassed.
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

import process
from audio.hubert.preprocessing import SAMPLING_RATE
from networks import architecture, forward
from networks.cpu.precision import autocast
from trainer.data.dataset import SongSet
from trainer.data.windows import AllWindows, WindowReader, n_workers
from trainer.run.events import Emit, ShouldStop, Stage, StopRequested

if TYPE_CHECKING:
    import torch

Part = Literal["encoder", "head"]  # what is trained: the rest is frozen
DTYPES = {"encoder": np.float16, "head": np.float32}  # a song's frames are many
FOLDER = "recorded"  # in a run's folder, while it trains


def cache_path(run_dir: Path, name: str) -> Path:
    """Return the file of a run's cache, whose folder is created."""
    folder = run_dir / FOLDER
    folder.mkdir(exist_ok=True)
    return folder / name


def delete_cache(run_dir: Path) -> None:
    """Delete a run's cached features: they are large, and quick to compute."""
    shutil.rmtree(run_dir / FOLDER, ignore_errors=True)


def can_cache(model: Any, part: str) -> bool:
    """Return whether the frozen layers cost enough to be worth a cache."""
    return part == "head" or (part == "encoder" and architecture.takes_samples(model))


@dataclass(frozen=True, eq=False)
class CachedFeatures:
    """A map-style data set: each window as the frozen layers' output.

    Attributes:
        windows: what the features were computed from.
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

    @property
    def lengths(self) -> list[int]:
        """(n_windows,) samples of each window."""
        return self.windows.lengths

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, place: int) -> dict[str, Any]:
        position, _ = self.windows.places[place]
        label = self.windows.songs.labels[self.indices[position]]
        name = self.windows.extractor.model_input_names[0]
        return {name: np.asarray(self.values[place], np.float32), "labels": int(label)}


def drawn(
    windows: AllWindows | CachedFeatures, seed: int, epoch: int
) -> NDArray[np.int64]:
    """Draw one window of each song: (n_songs,) places in ``windows``.

    The choice depends on seed, epoch and song alone, as ``RandomWindows``' does.
    """
    n_each = np.bincount(windows.owners)
    firsts = np.cumsum(n_each) - n_each
    rngs = (np.random.default_rng((seed, epoch, int(song))) for song in windows.indices)
    numbers = [rng.integers(n) for rng, n in zip(rngs, n_each, strict=True)]
    return firsts + np.array(numbers, np.int64)


@dataclass
class RandomCachedWindows:
    """A map-style data set: one random cached window of each song an epoch.

    Attributes:
        cached: all windows, or those that are drawn.
        seed: of the draws.
        draws: (n_epochs, n_songs) places in ``cached``, where only those are cached that
            some epoch draws; a later epoch begins again.
        epoch: which is being learned from.
    """

    cached: CachedFeatures
    seed: int
    draws: NDArray[np.int64] | None = None
    epoch: int = 0

    def __post_init__(self) -> None:
        self.set_epoch(self.epoch)

    @property
    def indices(self) -> NDArray[np.int64]:
        """(n_songs,) the songs."""
        return self.cached.indices

    def set_epoch(self, epoch: int) -> None:
        """Draw new windows; the Trainer calls this at the start of each epoch."""
        self.epoch = epoch
        if self.draws is None:
            self.places = drawn(self.cached, self.seed, epoch)
        else:
            self.places = self.draws[epoch % len(self.draws)]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> dict[str, Any]:
        return self.cached[int(self.places[position])]


def cache_features(
    windows: AllWindows,
    model: Any,
    part: Part,
    path: Path,
    *,
    emit: Emit,
    should_stop: ShouldStop,
    precision: str = "fp32",
) -> CachedFeatures:
    """Run every window through the frozen layers once.

    Args:
        windows: all that training or evaluation will need.
        model: on the device where it runs.
        part: what is trained; the layers below it are frozen.
        path: of the file that keeps the features; it may be large (a song of 30 s in
            half-overlapping windows: 3 MB of float16 for HuBERT's convolutions).
        emit: called with the progress.
        should_stop: called between batches.
        precision: of products on a CPU.

    Raises:
        StopRequested: between two batches.
    """
    import torch

    device = next(model.parameters()).device
    n_ahead = n_workers(model, is_gpu=device.type == "cuda")
    reader = WindowReader(windows, range(len(windows)), n_ahead)

    def compute(batch: range) -> NDArray[Any]:
        if should_stop():
            raise StopRequested
        emit(Stage("record", batch.start, len(windows)))
        given = torch.from_numpy(reader.values(batch)).to(device)
        with autocast(precision, device.type):
            found = _frozen_output(model, part, given)
        output: NDArray[Any] = found.float().cpu().numpy()
        return output

    values: NDArray[Any] | None = None
    size = forward.batch_size(model, max(windows.lengths) / SAMPLING_RATE)
    with torch.inference_mode(), _evaluating(model):
        for batch, output in forward.in_batches(windows.lengths, size, compute):
            if values is None:
                shape = (len(windows), *output.shape[1:])
                values = np.memmap(path, DTYPES[part], "w+", shape=shape)
            values[batch.start : batch.stop] = output
    assert values is not None, "a data set of windows has one at least"
    return CachedFeatures(windows, values)


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Switch to evaluation mode (no dropout), and back."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def _frozen_output(model: Any, part: Part, values: torch.Tensor) -> torch.Tensor:
    """Compute the output of the frozen layers for a batch.

    Returns:
        (n, channels, frames) of the convolutions, or (n, layers, channels) of all below
        the head. The latter are means over time, which may come first: all that follows
        in such a head is linear until its own mean. AST has one layer, its head's input.
    """
    import torch

    if part == "encoder":
        (convolutions,) = architecture.front_end(model)
        return torch.as_tensor(convolutions(values))
    out = architecture.body(model)(values, output_hidden_states=True)
    if not architecture.averages_over_time(model):
        return torch.as_tensor(out.pooler_output)[:, None]
    layers = list(out.hidden_states)
    # A weighted sum takes the last layer as it is; a head of one layer, normalised.
    if not getattr(model.config, "use_weighted_layer_sum", False):
        layers[-1] = out.last_hidden_state
    return torch.stack([layer.mean(dim=1) for layer in layers], dim=1)


def layer_means(model: Any, values: NDArray[Any]) -> NDArray[np.float32]:
    """Compute what the head reads of windows whose convolutions' output is cached.

    Args:
        model: on its device, no layer bypassed.
        values: (n, channels, frames), as cached for the part ``encoder``.

    Returns:
        (n, n_layers, n_features) means over time, as cached for the part ``head``.
    """
    import torch

    device = next(model.parameters()).device
    given = torch.from_numpy(np.asarray(values, np.float32)).to(device)
    restore = bypass(model, "encoder")
    try:
        with torch.inference_mode(), _evaluating(model):
            means = _frozen_output(model, "head", given)
    finally:
        restore()
    found: NDArray[np.float32] = means.float().cpu().numpy()
    return found


def bypass(model: Any, part: Part) -> Callable[[], None]:
    """Replace the frozen layers by a module that passes on their cached output.

    Returns:
        A function that restores them.
    """
    owner, name = (
        (architecture.body(model), "feature_extractor")
        if part == "encoder"
        else (model, architecture.body_name(model))
    )
    frozen = getattr(owner, name)
    setattr(owner, name, _pass_through(model, part))
    return lambda: setattr(owner, name, frozen)


def _pass_through(model: Any, part: Part) -> torch.nn.Module:
    """Make a module whose output is its input, in the form that the model expects."""
    process.settle()
    import torch
    from transformers.modeling_outputs import (
        BaseModelOutput,
        BaseModelOutputWithPooling,
    )

    if part == "encoder":
        return torch.nn.Identity()
    if not architecture.averages_over_time(model):

        class Pooled(torch.nn.Module):
            """Give the cached first frame as the pooled output."""

            def forward(
                self, values: torch.Tensor, **_: Any
            ) -> BaseModelOutputWithPooling:
                return BaseModelOutputWithPooling(pooler_output=values[:, 0])

        return Pooled()

    class LayerMeans(torch.nn.Module):
        """Give each layer's cached mean as hidden states of one frame."""

        def forward(self, values: torch.Tensor, **_: Any) -> BaseModelOutput:
            layers = values[:, :, None, :].unbind(dim=1)
            return BaseModelOutput(
                last_hidden_state=layers[-1], hidden_states=tuple(layers)
            )

    return LayerMeans()
