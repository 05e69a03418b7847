"""Configs of runs that end within seconds, and their events."""

import dataclasses

from trainer.config import RunConfig

GENRES = {"low": 200.0, "high": 3000.0, "middle": 500.0}


def config_for(songs, **changes):
    small = RunConfig(
        data=f"folder:{songs}",
        base_model="small",
        window_s=0.5,
        n_steps=3,
        batch_size=2,
        n_accumulated=4,
        learning_rate=1e-3,
        eval_every_n_steps=3,
    )
    return dataclasses.replace(small, **changes)


def of(told, kind):
    return [event for event in told if isinstance(event, kind)]
