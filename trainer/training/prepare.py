"""Prepare a run: read and split its songs, cut windows, load its model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from errors import KnownError
from networks import architecture, masked_prediction
from networks import device as devices
from networks.cpu.training import optimize_for_cpu
from trainer.config import RunConfig
from trainer.data import dataset, sources, windows
from trainer.data.dataset import SongSet
from trainer.data.masked_windows import N_WINDOWS_PER_SONG, MaskedWindows
from trainer.data.splits import Split
from trainer.run.events import Emit, Noted, ShouldStop, Stage
from trainer.training import feature_cache, initial_model
from trainer.training.cancellable import emit_or_stop, interruptible
from trainer.training.recipe import device_of

# Windows, as many as ``own_features`` learns from what is unlike a run's songs.
MIN_RECORDED = 500


@dataclass(frozen=True, eq=False)
class Parts:
    """Songs, data sets of windows, and a model.

    ``validation`` chooses the checkpoint and ``test`` is reported; they are the same
    songs unless ``split.is_honest``. The Trainer's data sets, ``train_set`` and
    ``eval_set``, are windows, or cached features of the model's frozen layers.
    ``former``: as of ``initial_model.load_base``. ``centres``: (n_clusters, 39) of the
    first clusters, where hidden frames are guessed.
    """

    config: RunConfig
    songs: SongSet
    train_set: windows.RandomWindows | feature_cache.RandomCachedWindows | MaskedWindows
    eval_set: windows.AllWindows | feature_cache.CachedFeatures | MaskedWindows
    validation: windows.AllWindows
    test: windows.AllWindows
    split: Split
    model: Any
    extractor: Any
    former: Sequence[Path] = ()
    centres: NDArray[np.float32] | None = None

    def with_predictor(self) -> Parts:
        """Wrap a model that was just loaded to guess hidden frames, where it shall."""
        if self.centres is None:
            return self
        import torch

        config, body = self.config, architecture.body(self.model)
        made = masked_prediction.predictor(
            body,
            len(self.centres),
            seed=config.seed,
            has_second=config.second_iteration_step > 0,
            label_smoothing=config.label_smoothing,
            visible_weight=config.visible_weight,
        )
        made.mfcc_centres.copy_(torch.from_numpy(self.centres))
        return dataclasses.replace(self, model=made)

    def with_steps(self, n_processes: int) -> Parts:
        """Convert epochs to steps; the last step of each may have fewer windows."""
        config = self.config
        if not config.n_epochs:
            return self
        n_per_step = config.batch_size * config.n_accumulated * n_processes
        n_steps = config.n_epochs * math.ceil(len(self.train_set) / n_per_step)
        return dataclasses.replace(
            self, config=dataclasses.replace(config, n_steps=n_steps)
        )

    def bypass_frozen(self) -> Callable[[], None]:
        """Bypass the frozen layers where they are cached; return what restores them."""
        part = self.config.trained_part
        if part == "all" or not isinstance(self.eval_set, feature_cache.CachedFeatures):
            return lambda: None
        return feature_cache.bypass(self.model, part)


def with_cached_features(
    parts: Parts, run_dir: Path, emit: Emit, should_stop: ShouldStop
) -> Parts:
    """Replace the data sets by cached features where the frozen layers allow it.

    Augmentation changes the windows in each epoch, so that nothing can be cached.

    Raises:
        StopRequested: between two windows.
    """
    config = parts.config
    part = config.trained_part
    if part == "all" or config.augmentation:
        return parts
    if not feature_cache.can_cache(parts.model, part):
        return parts
    device = device_of(config)
    parts.model.to(device.kind)  # where the Trainer will put it anyway
    to_train_on = windows.AllWindows(
        parts.songs,
        parts.split.train,
        parts.extractor,
        config.window_s,
        n_per_window=1 if config.n_windows_per_song else 2,
        n_at_most=config.n_windows_per_song,
    )
    to_train_on, draws = _only_drawn(to_train_on, config)
    train, validation = (
        feature_cache.cache_features(
            each,
            parts.model,
            part,
            feature_cache.cache_path(run_dir, name),
            emit=emit,
            should_stop=should_stop,
            precision=device.precision,
        )
        for name, each in (("train", to_train_on), ("validation", parts.validation))
    )
    random = feature_cache.RandomCachedWindows(train, config.seed, draws)
    return dataclasses.replace(parts, train_set=random, eval_set=validation)


def _only_drawn(
    everything: windows.AllWindows, config: RunConfig
) -> tuple[windows.AllWindows, NDArray[np.int64] | None]:
    """Leave out the windows that no epoch will draw.

    Few windows, and those of a head, which is fitted on all of them, are kept.

    Returns:
        The windows, and ``RandomCachedWindows.draws`` of them.
    """
    if config.trained_part == "head":
        return everything, None
    n_per_step = config.batch_size * config.n_accumulated
    n_epochs = math.ceil(
        config.n_steps / math.ceil(len(everything.indices) / n_per_step)
    )
    draws = [
        feature_cache.drawn(everything, config.seed, epoch) for epoch in range(n_epochs)
    ]
    places, numbers = np.unique(np.stack(draws), return_inverse=True)
    if len(places) < MIN_RECORDED:
        return everything, None
    return everything.only(places), numbers.reshape(n_epochs, -1)


def with_fresh_model(parts: Parts) -> Parts:
    """Load the base model again, after freeing the memory of the old one."""
    parts.model.zero_grad(set_to_none=True)
    parts.model.to("meta")  # callers still hold it
    devices.free_memory()
    model, _ = initial_model.load_base(parts.config, parts.songs.genres, parts.former)
    optimize_for_cpu(model)
    return dataclasses.replace(parts, model=model).with_predictor()


def prepare(
    config: RunConfig,
    cache_dir: Path,
    emit: Emit,
    should_stop: ShouldStop,
    former: Sequence[Path] = (),
) -> Parts:
    """Read and split the songs, and load the model to train on them.

    Raises:
        KnownError: ``no_hidden_frames`` where masked prediction cannot train the model,
            or what songs, split and model raise.
        StopRequested: while it reads or downloads.
    """
    emit(Stage("songs"))
    emit_download = emit_or_stop(emit, should_stop)
    source = interruptible(
        lambda: sources.source_of(config, emit_download), should_stop
    )
    songs = dataset.prepare(
        source,
        cache_dir,
        emit=emit,
        should_stop=should_stop,
        needs_genres=config.needs_genres,
    )
    split = dataset.split_songs(songs, config)
    emit(_split_note(split))
    model, extractor = _loaded(config, songs.genres, former, emit, should_stop)
    config = _fitting(config, model, emit)
    n_at_most = 0 if config.needs_genres else N_WINDOWS_PER_SONG
    validation, test = (
        windows.AllWindows(
            songs, indices, extractor, config.window_s, n_at_most=n_at_most
        )
        for indices in (split.validation, split.test)
    )
    silent = np.union1d(validation.silent, test.silent)
    windows.note_silent(songs, silent, emit)
    train_set = windows.RandomWindows(
        songs,
        split.train,
        extractor,
        config.window_s,
        config.seed,
        config.augmentation,
    )
    return Parts(
        config=config,
        songs=songs,
        train_set=train_set,
        eval_set=validation,
        validation=validation,
        test=test,
        split=split,
        model=model,
        extractor=extractor,
        former=former,
    )


def _loaded(
    config: RunConfig,
    genres: Sequence[str],
    former: Sequence[Path],
    emit: Emit,
    should_stop: ShouldStop,
) -> tuple[Any, Any]:
    """Load the model to train and its feature extractor; note how large it is.

    Raises:
        KnownError: ``no_hidden_frames``, or what the model raises.
        StopRequested: while it downloads.
    """
    emit(Stage("model"))
    model, extractor = interruptible(
        lambda: initial_model.load_base(config, genres, former), should_stop
    )
    if not config.needs_genres and not architecture.takes_samples(model):
        raise KnownError("no_hidden_frames", name=config.base_model)
    optimize_for_cpu(model)
    millions = sum(p.numel() for p in model.parameters()) / 1e6
    note = "model" if config.needs_genres else "model_to_pretrain"
    emit(Noted(note, {"name": config.base_model, "millions": millions}))
    return model, extractor


def _split_note(split: Split) -> Noted:
    """Note how many songs each part has."""
    n_songs = {"n_train": len(split.train), "n_test": len(split.test)}
    if not split.is_honest:
        return Noted("split_two", n_songs)
    return Noted("split_three", n_songs | {"n_validation": len(split.validation)})


def _fitting(config: RunConfig, model: Any, emit: Emit) -> RunConfig:
    """Adapt the config to what this model supports; note what differs."""
    left_out = initial_model.left_out(config, model.config)
    if left_out:
        emit(Noted("left_out", {"fields": left_out}))
    window_s = architecture.fixed_window_s(model.config.to_dict())
    if window_s is None or math.isclose(window_s, config.window_s):
        return config
    emit(Noted("one_window_length", {"window_s": window_s}))
    return dataclasses.replace(config, window_s=window_s)
