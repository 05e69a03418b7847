"""Load the base model of a run, with a new classification head for its genres."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import process
from errors import KnownError
from hub import client
from networks import architecture
from trainer import base_models
from trainer.config import RunConfig

BUNDLED_DIR = Path(__file__).parents[2] / "assets" / "models" / "bundled"
SHAPE = (
    "conv_dim conv_kernel conv_stride conv_bias feat_extract_norm hidden_size"
    " intermediate_size num_hidden_layers num_conv_pos_embeddings"
    " num_conv_pos_embedding_groups classifier_proj_size"
).split()
MASKED_FRACTION = 0.8  # of pretraining where the config has none: HuBERT's own


def load_base(
    config: RunConfig, genres: Sequence[str], former: Sequence[Path] = ()
) -> tuple[Any, Any]:
    """Load the model and its feature extractor, ready to be trained on ``genres``.

    Args:
        config: the run's settings.
        genres: its labels.
        former: folders with weights: the model of the run that this one starts from;
            of a resumed run, those of it. The first complete one is loaded for an
            earlier run, and for a bundled model that has another architecture now.

    Returns:
        A transformers audio classifier in float32 whose classifier layer is new, with
        the parts frozen as in the config; and its feature extractor.

    Raises:
        KnownError: ``no_demo_model``, ``weights_are_pointer``, ``base_model_changed``,
            ``run_without_model``, or what the download from the Hub raises.
    """
    from networks import small_hubert

    if config.base_model == base_models.SMALL:
        changes = {name: value for name, (_, value) in _config_entries(config).items()}
        model = small_hubert.small_hubert(genres, config.seed, **changes)
        # Its first convolution starts as the filters that training would arrive at.
        first = model.hubert.feature_extractor.conv_layers[0]
        first.conv.requires_grad_(False)
        extractor = small_hubert.feature_extractor()
    else:
        model, extractor = _pretrained(base_folder(config, former), genres, config)
    architecture.freeze(model, config.trained_part)
    _shorten_masks(model, config, extractor.sampling_rate)
    return model, extractor


def left_out(config: RunConfig, model_config: Any) -> list[str]:
    """List the fields of a RunConfig that have no effect on a model."""
    entries = _config_entries(config).items()
    fields = [field for name, (field, _) in entries if not _has(model_config, name)]
    return list(dict.fromkeys(field for field in fields if field))


def _config_entries(config: RunConfig) -> dict[str, tuple[str, Any]]:
    """Map entries of a model's config to the RunConfig field they follow, and a value.

    "" in place of a field: an entry that some classes need beside another one.
    """
    entries: dict[str, tuple[str, Any]] = {}
    if config.weighted_layers:
        entries["use_weighted_layer_sum"] = ("weighted_layers", True)
        # A layer that is skipped is missing from the sum: transformers fails.
        entries |= {"layerdrop": ("", 0.0), "encoder_layerdrop": ("", 0.0)}
    if config.fast_attention:
        entries["attention_dropout"] = ("fast_attention", 0.0)
    least = {} if config.needs_genres else {"mask_time_fraction": MASKED_FRACTION}
    for field in ("mask_time_fraction", "mask_feature_fraction"):
        if share := getattr(config, field) or least.get(field):
            entries[field.replace("_fraction", "_prob")] = (field, share)
            entries["apply_spec_augment"] = ("", True)
    return entries


def _has(model_config: Any, name: str) -> bool:
    """Return whether a class of models uses an entry of its config."""
    if name.startswith("mask_"):  # Whisper's classifier has them and does nothing
        return hasattr(model_config, "conv_dim")
    return hasattr(model_config, name)


def base_folder(config: RunConfig, former: Sequence[Path] = ()) -> Path:
    """Return the checkpoint folder of a base model, downloaded if it is the Hub's.

    Args and errors: as of ``load_base``.
    """
    model = base_models.hub_model(config.base_model)
    if model:
        return client.fetch(model.id, revision=model.revision)
    if run_id := base_models.run_id(config.base_model):
        return _of_run(run_id, former)
    weights = BUNDLED_DIR / client.WEIGHTS
    if not weights.exists():
        raise KnownError("no_demo_model")
    if client.is_pointer(weights):
        raise KnownError(
            "weights_are_pointer", title=config.base_model, file=weights.name
        )
    if not former or all(_shape(folder) == _shape(BUNDLED_DIR) for folder in former):
        return BUNDLED_DIR
    for folder in former:
        if _is_complete(folder):
            return folder
    raise KnownError("base_model_changed")


def _of_run(run_id: str, former: Sequence[Path]) -> Path:
    """Return the model of an earlier run, or what a resumed run has kept of it."""
    whole = (each for each in former if client.is_whole(each))
    found = next(whole, next(filter(_is_complete, former), None))
    if found is None:
        raise KnownError("run_without_model", id=run_id)
    return found


def _shape(folder: Path) -> dict[str, Any]:
    """Return the entries of a checkpoint's config that decide its weights' shapes."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    return {name: config.get(name) for name in SHAPE}


def _is_complete(folder: Path) -> bool:
    """Return whether the weights include those of the front end and of the encoder.

    A checkpoint lacks the frozen layers whose outputs were cached.
    """
    process.settle()
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "np") as file:
        names = " ".join(file.keys())
    return "feature_extractor." in names and "encoder.layers." in names


def _pretrained(
    folder: Path, genres: Sequence[str], config: RunConfig
) -> tuple[Any, Any]:
    """Load a checkpoint's weights under a new head."""
    process.settle()
    import torch
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = AutoModelForAudioClassification.from_pretrained(
            folder,
            config=_model_config(folder, genres, config),
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            ignore_mismatched_sizes=True,  # a fine-tuned model has other labels
        )
        # All genres are as likely at the start: the first loss is ln(their number),
        # however large the last layer's input is.
        layer = architecture.last_layer(model)
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    has_own = (folder / "preprocessor_config.json").exists()  # a checkpoint has none
    return model, AutoFeatureExtractor.from_pretrained(
        folder if has_own else BUNDLED_DIR, local_files_only=True
    )


def _model_config(folder: Path, genres: Sequence[str], config: RunConfig) -> Any:
    """Read the checkpoint's own config, with the run's genres and entries."""
    process.settle()
    from transformers import AutoConfig

    names = dict(enumerate(genres))
    made = AutoConfig.from_pretrained(
        folder,
        id2label=names,
        label2id={name: number for number, name in names.items()},
        local_files_only=True,
    )
    made.problem_type = "single_label_classification"  # whatever it was before
    for name, (_, value) in _config_entries(config).items():
        if _has(made, name):
            setattr(made, name, value)
    return made


def _shorten_masks(model: Any, config: RunConfig, sampling_rate: int) -> None:
    """Limit SpecAugment's masks to less than a window; longer ones are an error."""
    if not architecture.takes_samples(model):
        return
    n_samples = round(config.window_s * sampling_rate)
    n_frames = int(model._get_feat_extract_output_lengths(n_samples))
    longest = max(n_frames // 2, 1)
    model.config.mask_time_length = min(config.mask_time_length, longest)
    widest = max(model.config.hidden_size // 8, 1)
    model.config.mask_feature_length = min(model.config.mask_feature_length, widest)
