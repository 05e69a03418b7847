"""Windows with hidden frames in, the clusters of those frames guessed: HuBERT's task.

A HuBERT needs no labels to learn. k-means sorts the frames of its songs into clusters;
spans of frames are replaced by one learned vector; a linear layer on the model's outputs
names the cluster of each hidden frame, and their cross entropy is the loss. In the first
iteration the clusters are those of MFCCs with both derivatives; in the second, those of
what the model's own middle layer has become, with a new linear layer.

Source: W.-N. Hsu et al., "HuBERT" (2021), sections II and IV.

A pretrained model is a checkpoint folder of the body alone, from which any run can start,
and beside its weights ``masked_prediction.safetensors``: the linear layer, the centres of
the clusters from dark to bright, and, of a second iteration, the layers below the middle
one as they were when the clusters were made.
"""

from __future__ import annotations

import copy
import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import process
from audio.clip import Clip
from audio.hubert import masking
from audio.hubert.preprocessing import SAMPLING_RATE, FrameGrid
from errors import KnownError
from networks import architecture, forward
from networks.cpu import training
from networks.cpu.frontend import optimize_for_cpu

if TYPE_CHECKING:
    from torch import Tensor

FILE = "masked_prediction.safetensors"
N_MFCCS = 3 * masking.N_MFCC
MAX_GUESSED_S = 60.0  # of a sound at once
FAR = 1e6  # in place of centres that k-means did not need: no frame is near
LOWER = "lower."  # of the names of the layers below the middle one, in the file

Labels = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Guesses:
    """Clusters of a sound's frames, and what a model guesses for the hidden ones.

    Attributes:
        grid: the model's frames.
        first: frame of the sound that these begin with.
        clusters: the true ones, of n_frames.
        guessed: int64 (n_frames,); they count where a frame is hidden.
        is_hidden: (n_frames,)
    """

    grid: FrameGrid
    first: int
    clusters: masking.Clusters
    guessed: Labels
    is_hidden: NDArray[np.bool_]

    @property
    def accuracy(self) -> float:
        """Share of the hidden frames whose cluster is guessed; NaN without any."""
        right = self.guessed[self.is_hidden] == self.clusters.labels[self.is_hidden]
        return float(right.mean()) if len(right) else math.nan


@dataclass(frozen=True, eq=False)
class PretrainedModel:
    """A pretrained model with its linear layer, ready to guess; threads may share it.

    Attributes:
        predictor: as of ``predictor``, in evaluation mode.
        feature_extractor: turns samples into its input.
        window_s: length of the windows that it was trained on (s).
        iteration: 1 or 2: the clusters are of MFCCs, or of its own middle layer.
    """

    predictor: Any
    feature_extractor: Any
    window_s: float
    iteration: int

    @property
    def grid(self) -> FrameGrid:
        """The model's frames."""
        return frame_grid(self.predictor.config)

    @property
    def n_clusters(self) -> int:
        """How many clusters there are to choose from."""
        return int(self.predictor.head.out_features)

    @property
    def span(self) -> int:
        """Frames of a hidden span in training."""
        return int(self.predictor.config.mask_time_length)

    @property
    def n_bytes(self) -> int:
        """Memory that its weights take."""
        return sum(weights.nbytes for weights in self.predictor.parameters())


def frame_grid(config: Any) -> FrameGrid:
    """Compute the frames of a HuBERT or wav2vec2 from its convolutions."""
    hop, reach = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        reach += (kernel - 1) * hop
        hop *= stride
    return FrameGrid(hop, reach)


def mfccs(window: NDArray[np.float32], config: Any) -> NDArray[np.float32]:
    """Compute what the first iteration's clusters are made of: (n_frames, 39).

    Liftered already, and only there: centres that a model keeps hold for these numbers.
    """
    return masking.features(Clip(window, SAMPLING_RATE), frame_grid(config))


def spans(
    shape: tuple[int, int], config: Any, seed: int | None = None
) -> NDArray[np.bool_]:
    """Draw which frames are hidden, as transformers does: (n_windows, n_frames).

    Args:
        shape: (n_windows, n_frames)
        config: with ``mask_time_prob``, ``mask_time_length``, ``mask_time_min_masks``.
        seed: of a drawing that is always the same; None draws from numpy's global state,
            which a checkpoint holds.
    """
    process.settle()
    from transformers.models.hubert.modeling_hubert import _compute_mask_indices

    state = np.random.get_state()
    if seed is not None:
        np.random.seed(seed)
    try:
        drawn: NDArray[np.bool_] = _compute_mask_indices(
            shape,
            config.mask_time_prob,
            config.mask_time_length,
            min_masks=config.mask_time_min_masks,
        )
    finally:
        if seed is not None:
            np.random.set_state(state)
    return drawn


def predictor(
    body: Any,
    n_clusters: int,
    *,
    seed: int,
    has_second: bool = True,
    label_smoothing: float = 0.0,
    visible_weight: float = 0.0,
) -> Any:
    """Make the module that guesses: a body, a linear layer, the clusters' centres.

    Args:
        body: a HuBERT or wav2vec2 with ``masked_spec_embed``.
        n_clusters: outputs of the linear layer.
        seed: of its random weights.
        has_second: whether a second iteration will follow.
        label_smoothing: share of the target that is spread over all clusters.
        visible_weight: of the loss on visible frames, in training.

    Returns:
        A torch module. Its forward pass takes windows, their MFCCs, and which frames are
        hidden (drawn where None); it returns the loss and, (n_windows, n_frames) each,
        ``guesses``, ``targets`` and ``is_hidden``.
    """
    made = _class()(body, n_clusters, has_second)
    made.loss.label_smoothing = label_smoothing
    made.visible_weight = visible_weight
    made.draw_head(seed)
    return made


@functools.cache
def _class() -> Any:
    """Make the module's class, once torch is loaded."""
    process.settle()
    import torch

    class MaskedPredictor(_MaskedPredictor, torch.nn.Module):
        """The predictor, as the type that the Trainer accepts."""

    return MaskedPredictor


class _MaskedPredictor:
    """The methods of ``predictor``'s torch module."""

    base_model_prefix = "body"  # by which ``architecture`` finds the pretrained part
    iteration: Any
    mfcc_centres: Any
    own_centres: Any
    training: bool

    def __init__(self, body: Any, n_clusters: int, has_second: bool) -> None:
        import torch

        super().__init__()
        self.body = body
        self.config = body.config
        self.config.apply_spec_augment = True  # or transformers hides nothing
        width = self.config.hidden_size
        self.head = torch.nn.Linear(width, n_clusters)
        self.lower = _lower_half(body) if has_second else None
        self.loss = torch.nn.CrossEntropyLoss()
        self.visible_weight = 0.0
        buffers = {"iteration": torch.ones((), dtype=torch.long)}
        for name, n in (("mfcc_centres", N_MFCCS), ("own_centres", width)):
            buffers[name] = torch.full((n_clusters, n), FAR)
        for name, buffer in buffers.items():
            self.register_buffer(name, buffer)  # type: ignore[attr-defined]

    def draw_head(self, seed: int) -> None:
        """Draw the linear layer anew, as transformers draws one."""
        import torch

        drawn = torch.empty(self.head.weight.shape)
        random = torch.Generator().manual_seed(seed)
        drawn.normal_(0, self.config.initializer_range, generator=random)
        with torch.no_grad():
            self.head.weight.copy_(drawn)
            self.head.bias.zero_()

    def train(self, mode: bool = True) -> Any:
        """Switch dropout on or off; never in what the clusters are made of."""
        super().train(mode)  # type: ignore[misc]
        if self.lower is not None:
            self.lower.eval()
        return self

    def own_features(self, values: Tensor) -> Tensor:
        """Compute the middle layer's outputs: float32 (n_windows, n_frames, n)."""
        import torch

        assert self.lower is not None
        return torch.as_tensor(self.lower(values).last_hidden_state.float())

    def targets(self, values: Tensor, mfccs: Tensor) -> Tensor:
        """Compute the cluster of each frame: (n_windows, n_frames)."""
        import torch

        with torch.no_grad():
            if int(self.iteration) == 1:
                found, centres = mfccs.float(), self.mfcc_centres
            else:
                found, centres = self.own_features(values), self.own_centres
            return torch.cdist(found, centres).argmin(dim=-1)

    def forward(
        self, input_values: Tensor, mfccs: Tensor, is_hidden: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Hide frames and guess their clusters; see ``predictor``."""
        import torch

        targets = self.targets(input_values, mfccs)
        if is_hidden is None:
            n_windows, n_frames = targets.shape
            is_hidden = torch.from_numpy(spans((n_windows, n_frames), self.config))
        is_hidden = is_hidden.to(targets.device)
        outputs = self.body(input_values, mask_time_indices=is_hidden)
        logits = self.head(outputs.last_hidden_state)
        loss = self.loss(logits[is_hidden].float(), targets[is_hidden])
        if self.training and self.visible_weight:
            is_seen = ~is_hidden
            seen = self.loss(logits[is_seen].float(), targets[is_seen])
            loss = (loss + self.visible_weight * seen) / (1 + self.visible_weight)
        return {
            "loss": loss,
            "guesses": logits.argmax(dim=-1),
            "targets": targets,
            "is_hidden": is_hidden,
        }

    def keep_lower_half(self) -> None:
        """Copy the layers up to the middle one as they are now."""
        assert self.lower is not None
        now = self.body.state_dict()
        self.lower.load_state_dict({n: now[n] for n in self.lower.state_dict()})


def _lower_half(body: Any) -> Any:
    """Copy a body up to its middle layer; the copy does not learn."""
    import torch

    config = copy.deepcopy(body.config)
    config.num_hidden_layers = max(config.num_hidden_layers // 2, 1)
    with torch.random.fork_rng(devices=[]):
        # Not by deepcopy, whose parametrized convolution would share its class.
        half = type(body)(config)
    now = body.state_dict()
    half.load_state_dict({name: now[name] for name in half.state_dict()})
    training.optimize_for_cpu(half)
    return half.requires_grad_(False).eval()


def save(predictor: Any, folder: Path) -> None:
    """Write the body as transformers does, and ``masked_prediction.safetensors``."""
    from safetensors.torch import save_file

    is_first = int(predictor.iteration) == 1
    centres = predictor.mfcc_centres if is_first else predictor.own_centres
    tensors = {"iteration": predictor.iteration, "centres": centres}
    tensors |= {f"head.{name}": t for name, t in predictor.head.state_dict().items()}
    if not is_first:
        lower = predictor.lower.state_dict()
        tensors |= {f"{LOWER}{name}": tensor for name, tensor in lower.items()}
    # Runs that start from here hide frames only where their own settings say so; with
    # a share above 0 the vector of hidden frames stays among the weights.
    predictor.config.apply_spec_augment = False
    predictor.body.save_pretrained(folder)
    half = folder / f"{FILE}.part"
    save_file(
        {name: t.detach().cpu().contiguous() for name, t in tensors.items()}, half
    )
    half.replace(folder / FILE)


def is_pretrained(folder: Path) -> bool:
    """Return whether a checkpoint folder has what guesses hidden frames."""
    return (folder / FILE).is_file()


def load(folder: Path, title: str) -> PretrainedModel:
    """Load what ``save`` wrote, on the CPU.

    Raises:
        KnownError: ``model_broken``.
    """
    from safetensors import SafetensorError

    try:
        return _load(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KnownError("model_broken", title=title) from error
    except (RuntimeError, SafetensorError) as error:  # of shapes that do not fit
        raise KnownError("model_broken", title=title) from error


def _load(folder: Path) -> PretrainedModel:
    """Load what ``save`` wrote; a broken file raises any of the libraries' errors."""
    process.settle()
    import torch
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoFeatureExtractor, AutoModel

    safe = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder, **safe)
    body = AutoModel.from_pretrained(
        folder, config=config, dtype=torch.float32, use_safetensors=True, **safe
    )
    tensors = {name: t.float() for name, t in load_file(folder / FILE).items()}
    iteration, centres = int(tensors["iteration"]), tensors["centres"]
    made = predictor(body, len(centres), seed=0, has_second=iteration > 1)
    made.head.load_state_dict({n: tensors[f"head.{n}"] for n in ("weight", "bias")})
    made.iteration.fill_(iteration)
    (made.mfcc_centres if iteration == 1 else made.own_centres).copy_(centres)
    if made.lower is not None:
        names = made.lower.state_dict()
        made.lower.load_state_dict({n: tensors[f"{LOWER}{n}"] for n in names})
        optimize_for_cpu(made.lower)
    optimize_for_cpu(made.body)
    facts = getattr(config, "genrescope", None) or {}
    return PretrainedModel(
        made.eval(),
        AutoFeatureExtractor.from_pretrained(folder, **safe),
        architecture.positive(facts.get("window_s")) or 1.0,
        iteration,
    )


def guesses(
    clip: Clip, *, model: PretrainedModel, draw: int = 0, middle_s: float = 0.0
) -> Guesses:
    """Hide frames of a sound and let a model guess their clusters.

    The sound goes in in windows of the length that the model was trained on, one after
    the other, so that every frame is computed once; of a long sound those of a minute.

    Args:
        clip: at any rate.
        model: which one.
        draw: another one hides other frames.
        middle_s: about the middle of the minute (s).
    """
    sound, grid = clip.resampled(SAMPLING_RATE), model.grid
    n_each = max(grid.n_frames(round(model.window_s * SAMPLING_RATE)), 1)
    n_all = grid.n_frames(sound.n_samples)
    middle = middle_s * SAMPLING_RATE / grid.hop_length
    n_most = round(MAX_GUESSED_S * SAMPLING_RATE / grid.hop_length)
    first = int(max(min(middle - n_most / 2, n_all - n_most), 0)) // n_each * n_each
    n = min(n_all - first, n_most) if sound.samples.any() else 0
    is_hidden = masking.hidden(n_all, draw, span=model.span)[first : first + n]
    targets, guessed = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for start in range(0, n, n_each):
        part = slice(start, min(start + n_each, n))
        at = (first + start) * grid.hop_length
        samples = sound.part(at, at + grid.n_samples(part.stop - start))
        targets[part], guessed[part] = _guess(model, samples, is_hidden[part])
    known = masking.Clusters(targets.astype(np.int32), model.n_clusters)
    return Guesses(grid, first, known, guessed, is_hidden)


def _guess(
    model: PretrainedModel, samples: NDArray[np.float32], is_hidden: NDArray[np.bool_]
) -> tuple[Labels, Labels]:
    """Compute the clusters of one window's frames, and the model's guesses."""
    import torch

    values = forward.features(model.feature_extractor, samples, SAMPLING_RATE)
    given = mfccs(values, model.predictor.config)
    with torch.inference_mode():
        found = model.predictor(
            torch.from_numpy(values)[None],
            torch.from_numpy(given)[None],
            torch.from_numpy(is_hidden)[None],
        )
    return found["targets"][0].numpy(), found["guesses"][0].numpy()
