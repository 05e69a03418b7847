"""The tutorial's own script, the peer of ``bench.training``; changed only where it must.

Today's libraries force this: sounds are decoded by soundfile and resampled by librosa,
as ``datasets`` did before it needed torchcodec; GTZAN comes as Parquet, not as a
script; the model is DistilHuBERT's shape with random weights, so that no network is
needed.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

GENRES = "blues classical country disco hiphop jazz metal pop reggae rock".split()
RATE, SONG_S = 22_050, 30  # as GTZAN's
MODEL_RATE = 16_000
N_STEPS = 2  # of which the first warms up
Mark = tuple[float, float]  # CPU and wall seconds


def now() -> Mark:
    """Read the clocks of this process."""
    return time.process_time(), time.perf_counter()


def last_step(marks: list[Mark]) -> Mark:
    """Compute CPU and wall seconds of the last step."""
    return marks[-1][0] - marks[-2][0], marks[-1][1] - marks[-2][1]


def model_and_extractor(**changes: Any) -> tuple[Any, Any]:
    """Build a model of DistilHuBERT's shape; no network is needed."""
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    torch.manual_seed(0)
    config = transformers.HubertConfig(
        num_hidden_layers=2,
        feat_proj_layer_norm=False,
        id2label=dict(enumerate(GENRES)),
        label2id={genre: number for number, genre in enumerate(GENRES)},
        **changes,
    )
    model = transformers.HubertForSequenceClassification(config)
    return model, transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True)


def encoded(songs: Path, extractor: Any, cache: Path) -> Any:
    """Prepare the tutorial's data set by ``map``: float32 samples and an int32 mask.

    ``songs`` is a Parquet file with the sounds in it, the form in which GTZAN's mirrors
    on the Hub are. ``load_dataset`` writes it once more, as Arrow, into ``cache``.
    """
    import io

    import datasets
    import librosa
    import soundfile

    datasets.disable_progress_bars()
    rows = datasets.load_dataset(
        "parquet", data_files=str(songs), split="train", cache_dir=str(cache)
    )
    parts = rows.train_test_split(seed=42, shuffle=True, test_size=0.2)

    def preprocess(rows: dict[str, Any]) -> Any:
        arrays = []
        for sound in rows["audio"]:
            samples, rate = soundfile.read(io.BytesIO(sound["bytes"]), dtype="float32")
            arrays.append(librosa.resample(samples, orig_sr=rate, target_sr=MODEL_RATE))
        return extractor(
            arrays,
            sampling_rate=MODEL_RATE,
            max_length=MODEL_RATE * SONG_S,
            truncation=True,
            return_attention_mask=True,
        )

    parts = parts.cast_column("audio", datasets.Audio(decode=False))
    return parts.map(
        preprocess, remove_columns="audio", batched=True, batch_size=100
    ).rename_column("genre", "label")


def prepare(songs: Path, cache: Path) -> None:
    """Write every song as float32 and a mask to the disk."""
    import transformers

    extractor = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True)
    encoded(songs, extractor, cache)


def train(songs: Path, home: Path) -> dict[str, float]:
    """Measure a step of the tutorial's Trainer: seconds, and seconds a song."""
    import transformers

    model, extractor = model_and_extractor()
    model.accepts_loss_kwargs = False
    marks: list[Mark] = []

    class Marks(transformers.TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            marks.append(now())

    arguments = transformers.TrainingArguments(
        str(home / "out"),
        max_steps=N_STEPS,
        per_device_train_batch_size=2,
        learning_rate=5e-5,
        warmup_steps=0.1,
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
    )
    transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=encoded(songs, extractor, home / "cache")["train"],
        processing_class=extractor,
        callbacks=[Marks()],
    ).train()
    return {"cpu_s": last_step(marks)[0] / 2, "wall_s": last_step(marks)[1] / 2}
