"""Fixtures of ``bench.gpu``: sizes, songs, models, watched runs.

The model has DistilHuBERT's shape and random weights; songs are composed here, so that
no network is needed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import statistics
import threading
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
RATE = 22_050  # Hz, as GTZAN's
NO_DROPOUT = dict.fromkeys(
    "hidden_dropout attention_dropout activation_dropout feat_proj_dropout"
    " final_dropout layerdrop mask_time_prob".split(),
    0.0,
)
TINY_SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (32,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "classifier_proj_size": 16,
}


@dataclass(frozen=True)
class Size:
    """Sizes of what is measured.

    Attributes:
        n_songs: of the tutorial's run.
        n_composed: so many differ; the others are these, begun elsewhere.
        song_s: their length, and the tutorial's window (s).
        n_steps: of the tutorial's run.
        n_warm: steps before the profiler begins.
        n_profiled: steps under it.
        n_compared: steps in each number format.
        compared_s: windows in them (s).
        classified_s: a song to classify (s).
        n_classified: of these.
        windows_s: of the models that classify (s).
        n_product: rows and columns of the matrices of the measured product.
        shape: of the model's config, where it is not DistilHuBERT's.
    """

    n_songs: int = 999
    n_composed: int = 200
    song_s: float = 30.0
    n_steps: int = 100
    n_warm: int = 12
    n_profiled: int = 4
    n_compared: int = 100
    compared_s: float = 10.0
    classified_s: int = 240
    n_classified: int = 64
    windows_s: tuple[float, ...] = (5.0, 30.0)
    n_product: int = 8192
    shape: dict[str, Any] = dataclasses.field(default_factory=dict)


SIZES = {
    "full": Size(),
    "quick": Size(n_composed=100, n_compared=30, n_classified=24),
    "tiny": Size(
        n_songs=40,
        n_composed=20,
        song_s=1.0,
        n_steps=4,
        n_warm=2,
        n_profiled=1,
        n_compared=3,
        compared_s=1.0,
        classified_s=4,
        n_classified=3,
        windows_s=(1.0,),
        n_product=64,
        shape=TINY_SHAPE,
    ),
}
Found = dict[str, Any]


# Songs and models


def write_all_songs(home: Path, size: Size) -> None:
    """Write the songs to learn from, and those to classify, on all cores."""
    with ProcessPoolExecutor() as pool:
        jobs = [
            pool.submit(write_mp3s, home / "mp3", size),
            *(
                pool.submit(write_song, home / "songs", number, size)
                for number in range(min(size.n_composed, size.n_songs))
            ),
        ]
    for job in jobs:
        job.result()  # raises what went wrong


def write_song(folder: Path, number: int, size: Size) -> None:
    """Compose one song, and write it as often as needed: wav, a subfolder a genre."""
    from audio.synth import composer

    genre = composer.STYLES[number % len(composer.STYLES)]
    clip = composer.compose(genre, number, duration_s=size.song_s, sampling_rate=RATE)
    samples = np.rint(clip.samples * 32_767).astype("<i2")
    (folder / genre).mkdir(parents=True, exist_ok=True)
    for copy in range(number, size.n_songs, size.n_composed):
        with wave.open(str(folder / genre / f"{copy:05d}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(np.roll(samples, copy * 1000).tobytes())


def write_mp3s(folder: Path, size: Size) -> None:
    """Write the songs to classify: one, linked to by many names."""
    from bench.classify import save_song

    folder.mkdir()
    save_song(folder / "0.mp3", size.classified_s / 60)
    for number in range(1, size.n_classified):
        (folder / f"{number}.mp3").hardlink_to(folder / "0.mp3")


def save_model(folder: Path, size: Size, window_s: float, **changes: Any) -> Path:
    """Save a checkpoint of DistilHuBERT's shape with random weights, as the Hub's."""
    from bench.tutorial import model_and_extractor

    facts = {"genrescope": {"window_s": window_s}}
    for part in model_and_extractor(**{**size.shape, **facts, **changes}):
        part.save_pretrained(folder)
    return folder


# Training, watched


class Watch:
    """Keep the events of a run with their times; call ``at_step`` after each step."""

    def __init__(self, at_step: Callable[[int], None] = lambda step: None) -> None:
        self.events: list[Any] = []
        self.at_step = at_step
        self.has_model = False

    def __call__(self, event: Any) -> None:
        """Receive one event, in the thread that trains."""
        self.events.append(event)
        if type(event).__name__ == "Step":
            self.at_step(event.step)

    def of(self, kind: str) -> list[Any]:
        """Return the events of one kind."""
        return [event for event in self.events if type(event).__name__ == kind]

    def codes(self) -> list[str]:
        """Return the codes of the notes."""
        return [event.code for event in self.of("Noted")]

    def stages_s(self, ended_at: float) -> dict[str, float]:
        """Return the seconds of each stage, in their order."""
        stages = self.of("Stage")
        ends = [*(stage.at for stage in stages[1:]), ended_at]
        found: dict[str, float] = {}
        for stage, end in zip(stages, ends, strict=True):
            found[stage.name] = found.get(stage.name, 0.0) + end - stage.at
        return found

    def step_s(self) -> float:
        """Return the median of the seconds from one step to the next."""
        at = [step.at for step in self.of("Step")]
        return statistics.median(np.diff(at)) if len(at) > 1 else float("nan")


def configured(songs: Path, **changes: Any) -> Any:
    """Return the tutorial's RunConfig on songs of ours."""
    from trainer import config

    given = {"data": f"folder:{songs}", "split": "stratified", **changes}
    return dataclasses.replace(config.preset("tutorial"), **given)


def trained(config: Any, model: Path, home: Path, watch: Watch) -> Any:
    """Train as the product does, from a local checkpoint; return the run's result."""
    from trainer.training import initial_model, train

    # No network; this process ends soon.
    initial_model.base_folder = lambda config, former=(): model
    with TemporaryDirectory(dir=home) as run_dir:
        try:
            return train.train(
                config,
                Path(run_dir),
                cache_dir=home / "cache",
                emit=watch,
                should_stop=lambda: False,
            )
        finally:
            weights = Path(run_dir, "model", "model.safetensors")
            watch.has_model = weights.exists()


@contextlib.contextmanager
def loaders(n_loaders: int) -> Iterator[None]:
    """Let so many processes prepare the windows, in place of the one that trains."""
    from trainer.training import train

    usual = train.training_arguments

    def changed(*given: Any) -> Any:
        arguments = usual(*given)
        arguments.dataloader_num_workers = n_loaders
        return arguments

    train.training_arguments = changed
    try:
        yield
    finally:
        train.training_arguments = usual


def stopped_at(n_steps: int) -> Callable[[int], None]:
    """Return a callback that ends a run after so many steps, without a checkpoint."""
    from trainer.run.events import StopNow

    def stop(step: int) -> None:
        if step == n_steps:
            raise StopNow

    return stop


@contextlib.contextmanager
def device_watched(every_s: float = 2.0) -> Iterator[list[Any]]:
    """Ask for the live figures of the device, as the page gets them, meanwhile."""
    from networks.device import best
    from trainer.process import device

    noted = best().facts()
    figures: list[Any] = []
    is_over = threading.Event()

    def ask() -> None:
        figures.append(device.figures(noted, os.getpid()))
        while not is_over.wait(every_s):
            figures.append(device.figures(noted, os.getpid()))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    yield figures
    is_over.set()
    thread.join()


def some_songs(home: Path, n_songs: int) -> Path:
    """Return a folder with some of the songs, the same number of each genre."""
    some = home / f"songs-{n_songs}"
    for genre in sorted((home / "songs").iterdir()):
        (some / genre.name).mkdir(parents=True, exist_ok=True)
        for path in sorted(genre.iterdir())[: n_songs // 10]:
            if not (some / genre.name / path.name).exists():
                (some / genre.name / path.name).hardlink_to(path)
    return some


def loaded(model: Path, device: str | None = None) -> Any:
    """Return a model ready to classify."""
    from classifier.models import Models

    models = Models(
        bundled_model_dir=model,
        runs_dir=model,
        hub_model="",
        is_offline=True,
        device=device,
    )
    return models.load(models.ref("bundled"))


class PeakMemory:
    """The most memory of a CUDA device that was taken since this was made."""

    def __init__(self) -> None:
        import torch

        self.has_cuda = torch.cuda.is_available()
        if self.has_cuda:
            torch.cuda.reset_peak_memory_stats()

    def since(self) -> float:
        """Return the gigabytes; NaN without a device."""
        import torch

        peak = torch.cuda.max_memory_reserved if self.has_cuda else lambda: float("nan")
        return peak() / 1e9


def released() -> None:
    """Give back what no tensor holds."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
