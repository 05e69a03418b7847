"""The whole app, offline, served by a thread of the tests."""

from contextlib import contextmanager

import pytest

import app
from settings import Settings


def settings_in(home, model_dir, **others):
    """The settings of an app that writes only below a folder."""
    return Settings(
        runs_dir=home / "runs",
        cache_dir=home / "cache",
        songs_dir=home / "songs",
        bundled_model_dir=model_dir,
        hub_model="",  # what people have in their cache is not for tests
        is_offline=True,
        **others,
    )


@contextmanager
def served(settings, gradio_dir, prepare=lambda demo, options: options):
    """Serve the app until the block ends; ``prepare`` may change its launch options."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(gradio_dir))
        demo = app.create_app(settings)
        options = prepare(demo, app.launch_options(settings, demo))
        demo.launch(**options, prevent_thread_lock=True, quiet=True)
        yield demo
        demo.close()
