"""Configs of runs that end within seconds, and their events."""

import dataclasses

from trainer.config import RunConfig
from trainer.run.events import Step
from trainer.training.train import train

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


def never(told):
    return False


def trained(config, folder, cache_dir, until=never, checkpoint=None):
    """Train as a config says; stop once ``until`` the events so far is true.

    Returns:
        The result, and the events.
    """
    told = []
    result = train(
        config,
        folder,
        cache_dir=cache_dir,
        emit=told.append,
        should_stop=lambda: until(told),
        checkpoint=checkpoint,
    )
    return result, told


def losses(told):
    """The loss of each step, by its number."""
    return {step.step: step.loss for step in of(told, Step)}


def of(told, kind):
    return [event for event in told if isinstance(event, kind)]
