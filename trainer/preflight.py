"""Estimate time, memory and disk of a run before it starts; refuse one that cannot fit.

Fast: it lists folders, reads a few headers, and imports nothing heavy. The costs were
measured per second of audio.
"""

from __future__ import annotations

import collections
import dataclasses
import errno
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audio import decode
from audio.hubert.preprocessing import SAMPLING_RATE
from audio.library.walk import walk
from audio.synth import composer
from errors import KnownError
from hub import client
from networks.device import Device
from networks.forward import BATCH_S
from trainer import base_models
from trainer.config import FOLDER, HUB, ZIP, RunConfig
from trainer.data import song_files
from trainer.data.sources import check_zip, folder_songs
from trainer.process import device
from trainer.run import runs

COMPOSED_S = 10.0  # length of a composed song
GTZAN_S = 30.0
GTZAN_GENRES = "blues classical country disco hiphop jazz metal pop reggae rock".split()
GTZAN_BYTES = 1_226_192_050  # the download
N_PROBED = 12  # songs of a folder whose headers are read
BYTES_PER_S = 2 * SAMPLING_RATE  # of a decoded song in the cache
STATE_BYTES = 3 * 4  # of a weight in a checkpoint: itself, and Adam's two averages
N_CHECKPOINTS = 3  # the newest, the best, and the one that is being written
READING_S = 0.006  # to compose or to decode a second of audio
IMPORTS_S = 10.0  # torch and transformers
BF16_SHARE = 0.57  # of float32's time, on a processor with AVX-512 BF16
# Of a core's work, what each further one adds: parts of a step run in one thread. Two
# cores take 0.21 s of wall for 0.36 s of a processor.
FURTHER_CORE = 0.7
PROCESS_BYTES = 450 * 10**6  # and their memory


@dataclass(frozen=True)
class Cost:
    """What a base model costs: measured for DistilHuBERT, the bundled and the small HuBERT.

    Attributes:
        n_parameters: number of weights.
        cpu_s: CPU seconds of one thread for a second of audio, forward and backward, by
            the trained part; the output of the rest is cached before.
        test_cpu_s: the same, forward only.
        gpu_s: seconds of a current GPU for a second of audio, forward and backward.
        step_bytes: memory for a second of audio in a batch, by the trained part.
    """

    n_parameters: int
    cpu_s: dict[str, float]
    test_cpu_s: float
    gpu_s: float
    step_bytes: dict[str, float]

    def scaled(self, n_parameters: int, ratio: float) -> Cost:
        """Scale to a model with ``ratio`` times the multiplications a second."""
        return Cost(
            n_parameters,
            {part: ratio * cost_s for part, cost_s in self.cpu_s.items()},
            ratio * self.test_cpu_s,
            ratio * self.gpu_s,
            {part: ratio * n_bytes for part, n_bytes in self.step_bytes.items()},
        )


SMALL = Cost(
    n_parameters=550_000,
    cpu_s={"all": 0.011, "encoder": 0.005, "head": 0.0001},
    test_cpu_s=0.003,
    gpu_s=0.0002,
    step_bytes={"all": 2.1e6, "encoder": 1.2e6, "head": 1e4},
)
BUNDLED = Cost(
    n_parameters=910_000,
    cpu_s={"all": 0.0036, "encoder": 0.0008, "head": 0.0001},
    test_cpu_s=0.002,
    gpu_s=0.0002,
    step_bytes={"all": 1.9e6, "encoder": 3e5, "head": 1e4},
)
DISTIL = Cost(
    n_parameters=23_700_000,
    cpu_s={"all": 0.30, "encoder": 0.062, "head": 0.0005},
    test_cpu_s=0.065,
    gpu_s=0.002,
    step_bytes={"all": 72e6, "encoder": 24e6, "head": 1e5},
)
# The same by torch alone, as what the engine of ``networks/cpu`` does not know is computed.
PLAIN = dataclasses.replace(
    DISTIL, cpu_s={"all": 0.55, "encoder": 0.27, "head": 0.0005}, test_cpu_s=0.15
)
# DistilHuBERT and the small one were measured; the others follow from their
# multiplications: twelve layers after the same convolutions (HuBERT, wav2vec2), 1212
# patches for 10 s (AST), 1500 states for 30 s (Whisper).
BASE = DISTIL.scaled(94_600_000, 2.0)
COSTS = {
    base_models.BUNDLED: BUNDLED,
    base_models.SMALL: SMALL,
    base_models.DISTILHUBERT: DISTIL,
    "MIT/ast-finetuned-audioset-10-10-0.4593": PLAIN.scaled(86_200_000, 3.8),
    "openai/whisper-tiny": PLAIN.scaled(8_300_000, 0.2),
    "openai/whisper-small": PLAIN.scaled(88_200_000, 1.7),
}
FORWARD_SHARE = 1 / 3  # of a step's memory: a pass that keeps nothing for a way back
FRONT_END_SHARE = 0.7  # of a forward pass, in HuBERT and wav2vec2
FRONT_END_BYTES = 2 * 512 * 50  # cached of a second: float16, channels, frames


@dataclass(frozen=True)
class Preflight:
    """Estimated needs of a run.

    Attributes:
        device: name of the GPU, or of the processor.
        is_gpu: whether it is a GPU.
        genres: (genre, number of songs), sorted; empty where they are unknown
            before the download.
        n_steps: optimizer steps.
        time_s: estimated, from reading the songs to the saved model.
        memory_bytes: estimated, on the device.
        disk_needed_bytes: estimated, decoded songs and checkpoints.
        disk_free_bytes: free on that disk now.
    """

    device: str
    is_gpu: bool
    genres: tuple[tuple[str, int], ...]
    n_steps: int
    time_s: float
    memory_bytes: int
    disk_needed_bytes: int
    disk_free_bytes: int

    @property
    def n_songs(self) -> int:
        """Number of songs of all genres."""
        return sum(n_songs for _, n_songs in self.genres)


def preflight(
    config: RunConfig, runs_dir: Path, cache_dir: Path, *, env: Mapping[str, str]
) -> Preflight:
    """Estimate what a run needs.

    Args:
        config: the run's settings.
        runs_dir: where its folder will be created.
        cache_dir: where decoded songs are cached.
        env: the trainer's environment, which decides what devices it sees.

    Raises:
        KnownError: ``no_folder``, what ``check_zip`` raises, ``disk_too_small``,
            ``runs_not_writable``, ``home_not_writable``, ``unknown_run`` or ``run_without_model`` of a base model,
            ``no_hidden_frames``, or what ``out_of_reach`` finds.
    """
    for error in out_of_reach(config, env):
        raise error
    runs.check_base(config, runs_dir)
    config = dataclasses.replace(config, base_model=runs.first_base(config, runs_dir))
    genres = _genres(config)
    n_songs = sum(n for _, n in genres)
    config = _resolved(config, n_songs)
    sound_s = n_songs * _song_s(config)
    found = device.best(env)
    cost = COSTS.get(config.base_model, BASE)
    cached_s = _cached_s(config, n_songs, sound_s)
    kept_s = cached_s if config.trained_part == "encoder" else 0.0
    disk_bytes, free_bytes = _disk(config, cost, sound_s, kept_s, runs_dir, cache_dir)
    return Preflight(
        device=found.name,
        is_gpu=found.is_gpu,
        genres=genres,
        n_steps=config.n_steps,
        time_s=_time_s(config, cost, n_songs, sound_s, found),
        memory_bytes=_memory_bytes(config, cost, is_gpu=found.is_gpu),
        disk_needed_bytes=disk_bytes,
        disk_free_bytes=free_bytes,
    )


def out_of_reach(config: RunConfig, env: Mapping[str, str]) -> list[KnownError]:
    """List what a run would have to fetch while this host is set to stay offline.

    Songs of the Hub count even if they were fetched before: which revision is the newest
    is asked for each run.

    Returns:
        ``model_not_here`` and ``songs_not_here``, or one of them, or nothing.
    """
    if env.get("HF_HUB_OFFLINE", "").strip().upper() not in ("1", "ON", "YES", "TRUE"):
        return []
    found = []
    model = base_models.hub_model(config.base_model)
    if model and not client.cached(model.id, model.revision):
        found.append(KnownError("model_not_here", name=model.id))
    if config.data == "gtzan" or config.data.startswith(HUB):
        found.append(KnownError("songs_not_here", name=config.data.removeprefix(HUB)))
    return found


def _resolved(config: RunConfig, n_songs: int) -> RunConfig:
    """Convert epochs to steps, and use the model's fixed window length, if any."""
    changes: dict[str, Any] = {}
    model = base_models.hub_model(config.base_model)
    if model and model.window_s:
        if not config.needs_genres:
            raise KnownError("no_hidden_frames", name=config.base_model)
        changes["window_s"] = model.window_s
    if config.n_epochs and n_songs:
        n_per_step = config.batch_size * config.n_accumulated
        n_train = math.ceil(n_songs * _train_fraction(config))
        changes["n_steps"] = config.n_epochs * math.ceil(n_train / n_per_step)
    return dataclasses.replace(config, **changes)


def _train_fraction(config: RunConfig) -> float:
    return 1 - config.test_fraction - config.validation_fraction


def _cached_s(config: RunConfig, n_songs: int, sound_s: float) -> float:
    """Estimate the seconds of audio whose features are cached; 0 where none are."""
    model = base_models.hub_model(config.base_model)
    takes_mels = model is not None and model.window_s > 0
    is_cheap = config.trained_part == "encoder" and takes_mels
    if not config.needs_genres:
        return 0.0
    if config.trained_part == "all" or config.augmentation or is_cheap:
        return 0.0
    n_train = n_songs * _train_fraction(config)
    overlapping_s = 2 * sound_s * _train_fraction(config)
    overlapping_s *= _drawn_fraction(config, n_train, overlapping_s)
    some_s = n_train * config.n_windows_per_song * config.window_s
    return min(some_s or overlapping_s, overlapping_s) + _validation_s(config, sound_s)


def _drawn_fraction(config: RunConfig, n_train: float, overlapping_s: float) -> float:
    """Estimate which share of the training songs' windows some epoch will draw."""
    if config.trained_part == "head" or not n_train:
        return 1.0
    n_each = max(overlapping_s / config.window_s / n_train, 1.0)
    n_epochs = config.n_steps * config.batch_size * config.n_accumulated / n_train
    return 1 - (1 - 1 / n_each) ** n_epochs


def _validation_s(config: RunConfig, sound_s: float) -> float:
    """Estimate the seconds of audio of the validation songs."""
    return sound_s * (config.validation_fraction or config.test_fraction)


def _genres(config: RunConfig) -> tuple[tuple[str, int], ...]:
    """Count songs by genre; of a folder its files, some of which may be unreadable.

    Where genres are not used, all songs have one without a name.
    """
    if not config.needs_genres:
        n_songs = _n_unlabelled(config)
        return (("", n_songs),) if n_songs else ()
    if config.data == "composed":
        names = sorted(composer.STYLES)
        return tuple((name, config.n_songs_per_genre) for name in names)
    if config.data == "gtzan":
        return tuple((name, 100) for name in GTZAN_GENRES)
    if config.data.startswith(ZIP):
        check_zip(Path(config.data.removeprefix(ZIP)))
    if not config.data.startswith(FOLDER):
        return ()
    songs = folder_songs(Path(config.data.removeprefix(FOLDER))).songs
    return tuple(sorted(collections.Counter(song.genre for song in songs).items()))


def _n_unlabelled(config: RunConfig) -> int:
    """Count all songs; 0 where they are unknown before the download."""
    if not config.data.startswith(FOLDER):
        labelled = dataclasses.replace(config, objective="genres")
        return sum(n for _, n in _genres(labelled))
    folder = Path(config.data.removeprefix(FOLDER))
    if not folder.is_dir():
        raise KnownError("no_folder", folder=folder)
    return len(walk(folder).files)


def _song_s(config: RunConfig) -> float:
    """Estimate the mean length of a song (s); of a folder, from a few songs."""
    if config.data == "composed":
        return COMPOSED_S
    if not config.data.startswith(FOLDER):
        return GTZAN_S
    folder = Path(config.data.removeprefix(FOLDER))
    songs = [path for _, path in walk(folder).files]
    lengths = _lengths_s(songs[:: max(len(songs) // N_PROBED, 1)])
    return sum(lengths) / len(lengths) if lengths else GTZAN_S


def _lengths_s(songs: Sequence[Path]) -> list[float]:
    """Read lengths from headers, leaving out songs without one."""
    lengths = []
    for path in songs:
        try:
            length_s = decode.probe(path, song_files.LIMITS).duration_s
            lengths.append(length_s and min(length_s, song_files.MIDDLE_S))
        except KnownError:
            continue
    return [length for length in lengths if length]


def _time_s(
    config: RunConfig, cost: Cost, n_songs: int, sound_s: float, found: Device
) -> float:
    """Estimate the time to read the songs, train, validate and test (s)."""
    is_gpu = found.is_gpu
    wanted = config.precision if config.precision != "auto" else found.precision
    share = BF16_SHARE if wanted == found.precision == "bf16" else 1.0
    share /= 1 + FURTHER_CORE * (max(os.cpu_count() or 1, 1) - 1)
    train_cost = cost.gpu_s if is_gpu else cost.cpu_s[config.trained_part] * share
    test_cost = cost.gpu_s / 3 if is_gpu else cost.test_cpu_s * share
    n_per_step = config.batch_size * config.n_accumulated
    trained_s = config.n_steps * n_per_step * config.window_s
    if not config.needs_genres:
        # The second iteration's targets are a forward pass of the lower half.
        later = (
            1 - config.second_iteration_fraction if config.second_iteration_step else 0
        )
        train_cost += later * test_cost
    n_train = max(n_songs * _train_fraction(config), 1)
    every = config.eval_every_n_steps or math.ceil(n_train / n_per_step)
    evaluated_s = math.ceil(config.n_steps / every) * _validation_s(config, sound_s)
    cached_s = _cached_s(config, n_songs, sound_s)
    if cached_s and config.trained_part == "head":
        evaluated_s = cached_s  # after that, validation is nearly free
    elif cached_s:
        cached_s *= FRONT_END_SHARE
        evaluated_s = cached_s + (1 - FRONT_END_SHARE) * evaluated_s
    if config.validation_fraction:
        evaluated_s += sound_s * (config.test_fraction + config.validation_fraction)
    computed_s = trained_s * train_cost + evaluated_s * test_cost
    return IMPORTS_S + sound_s * READING_S + computed_s


def _memory_bytes(config: RunConfig, cost: Cost, *, is_gpu: bool) -> int:
    """Estimate process, weights, gradients, Adam's averages and one batch (bytes).

    The batch is of the training, or of the test where that is larger.
    """
    batch_s = config.batch_size * config.window_s
    batch_bytes = batch_s * cost.step_bytes[config.trained_part]
    tested_s = max(BATCH_S, config.window_s) if is_gpu else config.window_s
    tested_bytes = FORWARD_SHARE * tested_s * cost.step_bytes["all"]
    larger_bytes = max(batch_bytes, tested_bytes)
    return round(PROCESS_BYTES + 16 * cost.n_parameters + larger_bytes)


def _disk(
    config: RunConfig,
    cost: Cost,
    sound_s: float,
    cached_s: float,
    runs_dir: Path,
    cache_dir: Path,
) -> tuple[int, int]:
    """Estimate what the run needs on its fuller disk; return it and what is free.

    Raises:
        KnownError: ``disk_too_small``, ``runs_not_writable`` or ``home_not_writable``,
            with the folder.
    """
    weights = cost.n_parameters
    run_bytes = weights * (N_CHECKPOINTS * STATE_BYTES + 4)
    run_bytes += round(cached_s * FRONT_END_BYTES) if weights > 10**6 else 0
    songs_bytes = round(sound_s * BYTES_PER_S)
    songs_bytes += GTZAN_BYTES if config.data == "gtzan" else 0
    places = {runs_dir: run_bytes, cache_dir: songs_bytes}
    disks = {place: _existing(place).stat().st_dev for place in places}
    found = []
    for place in places:
        _check_writable(place, is_of_runs=place == runs_dir)
        needed = sum(places[other] for other in places if disks[other] == disks[place])
        found.append((needed, shutil.disk_usage(_existing(place)).free, place))
    needed, free, place = min(found, key=lambda each: each[1] - each[0])
    if needed > free:
        gb = {"needed_gb": needed / 1e9, "free_gb": free / 1e9}
        raise KnownError("disk_too_small", folder=place, **gb)
    return needed, free


def _check_writable(folder: Path, *, is_of_runs: bool) -> None:
    """Refuse a folder that nothing can be written to, which is not a full disk.

    Raises:
        KnownError: ``runs_not_writable``, or else ``home_not_writable``.
    """
    place = _existing(folder)
    # Of what is no disk, such as /proc, root may write by its permissions.
    if not os.access(place, os.W_OK | os.X_OK) or not any(shutil.disk_usage(place)):
        code = "runs_not_writable" if is_of_runs else "home_not_writable"
        raise KnownError(code, folder=folder, reason=os.strerror(errno.EACCES))


def _existing(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())
