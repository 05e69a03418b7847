"""What a run is made of once its songs and its model are there."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    part = parts.config.trained_part
    is_same = part != "all" and not parts.config.augmentation
    if part == "all" or not (is_same and frozen.can_record(parts.model)):
        return parts
    to_learn = windows.AllWindows(
        parts.songs,
        parts.split.train,
        parts.extractor,
        parts.config.window_s,
        n_per_window=2,
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
