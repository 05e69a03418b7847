"""What a run is made of once its songs and its model are there."""

from __future__ import annotations

import dataclasses
import gc
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from networks import architecture
from trainer import base, data, front, frozen, sources, windows
from trainer.config import RunConfig
from trainer.data import SongSet
from trainer.events import Emit, Noted, ShouldStop, Stage
from trainer.patience import interruptible, obedient
from trainer.splits import Split


@dataclass(frozen=True, eq=False)
class Parts:
    """Songs, windows and a model.

    ``validation`` chooses the checkpoint and ``test`` is reported; they are the same
    songs unless ``split.is_honest``. What the Trainer hears, ``train`` and ``checked``,
    are windows, or what the frozen part of the model has said of them.
    """

    config: RunConfig
    songs: SongSet
    train: windows.RandomWindows | frozen.Drawn
    checked: windows.AllWindows | frozen.Recorded
    validation: windows.AllWindows
    test: windows.AllWindows
    split: Split
    model: Any
    extractor: Any

    def planned(self, n_processes: int) -> Parts:
        """The same parts, epochs counted in steps: the last of each may hear less."""
        config = self.config
        if not config.n_epochs:
            return self
        n_per_step = config.batch_size * config.n_accumulated * n_processes
        n_steps = config.n_epochs * math.ceil(len(self.train) / n_per_step)
        return dataclasses.replace(
            self, config=dataclasses.replace(config, n_steps=n_steps)
        )

    def take_out(self) -> Callable[[], None]:
        """Leave the frozen part out where it is recorded; gives what puts it back."""
        part = self.config.trained_part
        if part == "all" or not isinstance(self.checked, frozen.Recorded):
            return lambda: None
        return frozen.take_out(self.model, part)


def shortened(
    parts: Parts, run_dir: Path, emit: Emit, should_stop: ShouldStop
) -> Parts:
    """The same parts, the frozen part's answers recorded, where there is one.

    Augmentation changes the sound, so that nothing could be recorded of it.

    Raises:
        StopRequested: between two windows.
    """
    import torch

    config = parts.config
    part = config.trained_part
    if part == "all" or config.augmentation or not frozen.can_record(parts.model, part):
        return parts
    if torch.cuda.is_available():  # where the Trainer will put it anyway
        parts.model.to("cuda")
    to_learn = windows.AllWindows(
        parts.songs,
        parts.split.train,
        parts.extractor,
        config.window_s,
        n_per_window=1 if config.n_windows_per_song else 2,
        n_at_most=config.n_windows_per_song,
    )
    train, checked = (
        frozen.record(
            each,
            parts.model,
            part,
            frozen.place(run_dir, name),
            emit=emit,
            should_stop=should_stop,
        )
        for name, each in (("train", to_learn), ("checked", parts.validation))
    )
    drawn = frozen.Drawn(train, parts.config.seed)
    return dataclasses.replace(parts, train=drawn, checked=checked)


def with_fresh_model(parts: Parts) -> Parts:
    """The same parts as at the start, the old model's memory given back."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    model, _ = base.load_base(parts.config, parts.songs.genres)
    front.quicken(model)
    return dataclasses.replace(parts, model=model)


def gathered(
    config: RunConfig, cache_dir: Path, emit: Emit, should_stop: ShouldStop
) -> Parts:
    """Songs split in two, and the model that will learn their genres."""
    emit(Stage("songs"))
    said = obedient(emit, should_stop)
    source = interruptible(lambda: sources.source_of(config, said), should_stop)
    songs = data.prepare(source, cache_dir, emit=emit, should_stop=should_stop)
    split = data.divided(songs, config)
    emit(Noted("split", {"n_train": len(split.train), "n_test": len(split.test)}))
    emit(Stage("model"))
    model, extractor = interruptible(
        lambda: base.load_base(config, songs.genres), should_stop
    )
    front.quicken(model)
    millions = sum(p.numel() for p in model.parameters()) / 1e6
    emit(Noted("model", {"name": config.base_model, "millions": millions}))
    config = _fitting(config, model, emit)
    validation = windows.AllWindows(songs, split.validation, extractor, config.window_s)
    return Parts(
        config,
        songs,
        windows.RandomWindows(
            songs,
            split.train,
            extractor,
            config.window_s,
            config.seed,
            config.augmentation,
        ),
        validation,
        validation,
        windows.AllWindows(songs, split.test, extractor, config.window_s),
        split,
        model,
        extractor,
    )


def _fitting(config: RunConfig, model: Any, emit: Emit) -> RunConfig:
    """The choices as this model can have them; what differs is said."""
    left_out = base.left_out(config, model.config)
    if left_out:
        emit(Noted("left_out", {"fields": left_out}))
    window_s = architecture.fixed_window_s(model.config.to_dict())
    if window_s is None or math.isclose(window_s, config.window_s):
        return config
    emit(Noted("one_window_length", {"window_s": window_s}))
    return dataclasses.replace(config, window_s=window_s)
