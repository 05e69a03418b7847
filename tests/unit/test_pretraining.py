"""Guessing the clusters of hidden frames: songs of two tones, whose answer is known."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from networks import masked_prediction
from support.small_runs import of
from support.tone_songs import unlabelled_folder
from trainer.config import RunConfig
from trainer.run import checkpoints
from trainer.run.events import Evaluated, Guessed, Noted, Stage, Step
from trainer.training.train import train


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    return unlabelled_folder(tmp_path_factory.mktemp("data") / "songs")


def config_for(songs, **changes):
    small = RunConfig(
        objective="masked",
        data=f"folder:{songs}",
        base_model="small",
        split="stratified",
        test_fraction=0.2,
        validation_fraction=0.2,
        window_s=2.0,
        n_steps=4,
        batch_size=4,
        n_accumulated=1,
        learning_rate=2e-3,
        mask_time_fraction=0.5,
        mask_time_length=4,
        n_clusters=2,
        eval_every_n_steps=2,
    )
    return dataclasses.replace(small, **changes)


def go(songs, folder, checkpoint=None, until=lambda told: False, **changes):
    told = []
    result = train(
        config_for(songs, **changes),
        folder,
        cache_dir=songs.parent / "cache",
        emit=told.append,
        should_stop=lambda: until(told),
        checkpoint=checkpoint,
    )
    return result, told


def test_run(songs, tmp_path):
    result, told = go(songs, tmp_path, n_steps=120, eval_every_n_steps=20)
    for e in told:
        if not isinstance(e, Stage):
            print(e)
    print(result)
    print(
        list((tmp_path / "model").iterdir()),
        (tmp_path / "model/config.json").read_text(),
    )
    assert 0
