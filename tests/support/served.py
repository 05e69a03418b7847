"""The whole app, offline, served by a thread of the tests."""

import asyncio
import threading
import time
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


@contextmanager
def watched_loop():
    """List what a server's event loop did, each with its CPU seconds of the loop's thread.

    CPU time does not depend on how busy the machine is with other things.
    """
    done = []
    run = asyncio.events.Handle._run

    def timed(handle):
        start_s = time.thread_time()
        what = repr(handle)
        run(handle)
        done.append((time.thread_time() - start_s, what))

    here = threading.get_ident()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            asyncio.events.Handle,
            "_run",
            lambda handle: (
                run(handle) if threading.get_ident() == here else timed(handle)
            ),
        )
        yield done
