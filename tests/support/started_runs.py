"""Runs in processes of their own, waited for."""

import time

import settings
from support.small_runs import config_for
from support.songs import song_folder
from trainer.process import jobs

PATIENCE_S = 120
ENVIRONMENT = settings.child_environment()


def wait_until(claim, what):
    """Wait for a condition; the time is only where a broken build gives up."""
    end = time.monotonic() + PATIENCE_S
    while not claim():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.05)


def start(tmp_path, **changes):
    folder = tmp_path / "songs"
    songs = folder if folder.exists() else song_folder(folder, 4)
    return jobs.start(
        config_for(songs, **changes),
        tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        env=ENVIRONMENT,
    )
