"""Runs in processes of their own, waited for."""

import settings
from support.small_runs import config_for
from support.songs import song_folder
from trainer.process import jobs

ENVIRONMENT = settings.child_environment()


def start(tmp_path, **changes):
    folder = tmp_path / "songs"
    songs = folder if folder.exists() else song_folder(folder, 4)
    return jobs.start(
        config_for(songs, **changes),
        tmp_path / "runs",
        cache_dir=tmp_path / "cache",
        env=ENVIRONMENT,
    )
