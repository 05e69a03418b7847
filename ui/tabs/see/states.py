"""A model's states of a sound: of which model and windows, computed in the queue, kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audio.clip import Clip
from audio.hubert.layers import Block, States
from audio.hubert.preprocessing import SAMPLING_RATE, FrontEnd
from classifier.models import Models
from hub.client import WEIGHTS
from networks import front_end, inside
from networks.checkpoint import LoadedModel, ModelRef, read_json
from networks.windows import Windows
from ui.model_choice import title
from ui.scene import Scene
from ui.tabs.see.hubert_input import at_hand
from ui.waiting import ENDLESS, PATIENCE_S, status
from viz.inside import Shown

LIGHT_BYTES = 30_000_000  # of weights; more are computed for whoever asks

Compute = Callable[[Clip, int], States]


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, and the windows of a sound whose layers are looked at.

    Attributes:
        ref: of the model.
        folder: its checkpoint.
        front: how it cuts windows into frames; None where that is unknown.
        windows: of the sound.
        starts: where the windows of the block begin (samples).
    """

    ref: ModelRef
    folder: Path
    front: FrontEnd | None
    windows: Windows
    starts: tuple[int, ...]

    @property
    def key(self) -> str:
        """What its states depend on, besides the sound and the window."""
        return f"{self.ref.key}@{self.ref.revision}"

    @property
    def is_light(self) -> bool:
        """Whether it is so small that nobody has to ask."""
        return (self.folder / WEIGHTS).stat().st_size <= LIGHT_BYTES

    def is_known(self, scene: Scene) -> bool:
        """Return whether all of its windows are computed already."""
        return self.front is None or all(
            scene.knows(states, start=start, model=self.key) for start in self.starts
        )


def subject_of(models: Models, scene: Scene, classifier: str | None) -> Subject:
    """Find the model chosen in Classify, and the windows that are looked at.

    Raises:
        KnownError: ``no_model``.
    """
    ref, folder = at_hand(models, classifier)
    rate = read_json(folder / "preprocessor_config.json").get("sampling_rate")
    front = front_end.of_model(ref, folder) if rate in (None, SAMPLING_RATE) else None
    windows = inside.windows_of(scene.clip, ref)
    starts = inside.block_starts(windows, sum(scene.shown_s) / 2)
    return Subject(ref, folder, front, windows, tuple(starts))


def counts(folder: Path) -> dict[str, int]:
    """Read how many layers and heads a checkpoint's model has."""
    config = read_json(folder / "config.json")
    found = {
        name: int(config.get(f"encoder_{ours}") or config.get(theirs) or 1)
        for name, ours, theirs in (
            ("layer", "layers", "num_hidden_layers"),
            ("head", "attention_heads", "num_attention_heads"),
        )
    }
    return {name: max(n, 1) for name, n in found.items()}


def states(_: Clip, *, start: int, model: str, compute: Compute) -> States:
    """Compute one window's states; kept by where it begins, and by the model."""
    return compute(_, start)


def computing(models: Models, scene: Scene, subject: Subject) -> Iterator[str]:
    """Compute the windows of a block in the queue, and yield how far that is."""
    language = scene.language
    with models.queue.line.ticket() as ticket:
        for place in ticket.positions(PATIENCE_S):
            yield status("in_line", language, bar=ENDLESS, place=place)
        name = title(subject.ref, language)
        yield status("loading", language, bar=ENDLESS, title=name)
        loaded = models.load(subject.ref)
        total = len(subject.starts)
        for done, start in enumerate(subject.starts):
            bar = (done, total) if total > 1 else ENDLESS
            counts = {"done": done + 1, "total": total}
            yield status("layers_computed", language, bar=bar, **counts)
            _states_of(models, scene, subject, loaded, start)


def _states_of(
    models: Models, scene: Scene, subject: Subject, loaded: LoadedModel, start: int
) -> States:
    """Compute one window's states, or take them from memory."""

    def compute(_: Clip, start: int) -> States:
        window = subject.windows.window(start)
        return models.queue.run(lambda: inside.states(loaded, window))

    return scene.of(states, start=start, model=subject.key, compute=compute)


@dataclass(frozen=True, eq=False)
class Look:
    """A block of frames of a model, and what is seen of it.

    Attributes:
        subject: the model and its windows.
        model: the same, loaded.
        block: its frames.
        shown: as pictures need it.
    """

    subject: Subject
    model: LoadedModel
    block: Block
    shown: Shown


def look(models: Models, scene: Scene, classifier: str | None) -> Look | Subject:
    """Compute what pictures of a model's layers show.

    Returns:
        The subject alone where all is silent, or where nobody knows how the model cuts
        sound into frames.
    """
    subject = subject_of(models, scene, classifier)
    if subject.front is None:
        return subject
    loaded = models.load(subject.ref)
    computed = [
        _states_of(models, scene, subject, loaded, start) for start in subject.starts
    ]
    n_samples = subject.windows.n_samples
    block = inside.block(computed, subject.starts, n_samples, loaded, subject.front)
    if block is None:
        return subject
    has_patches = subject.front.reads == "ast"
    name = title(subject.ref, scene.language)
    shown_s = _shown_s(scene, block)
    is_repeated = subject.windows.is_short and not loaded.ref.takes_any_length
    shown = Shown(block, shown_s, scene.language, name, has_patches, is_repeated)
    return Look(subject, loaded, block, shown)


def _shown_s(scene: Scene, block: Block) -> tuple[float, float]:
    """Return what is seen of a block (s): of a long sound not all."""
    half_s = block.hop_s / 2
    first_s, last_s = (
        float(block.times_s[0]) - half_s,
        float(block.times_s[-1]) + half_s,
    )
    start_s, stop_s = scene.shown_s
    if scene.clip.duration_s > inside.MAX_BLOCK_S:
        start_s, stop_s = max(start_s, first_s), min(stop_s, last_s)
    return (start_s, stop_s) if stop_s > start_s else (first_s, last_s)
