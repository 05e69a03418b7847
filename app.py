"""Start here: settings, tabs, queue, launch."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import i18n
import process
import settings as host
from errors import KnownError

try:  # Gradio and the Hub's client read it while they are imported
    host.prepare_environment()
except KnownError as error:
    sys.exit(i18n.sentence(error))
with process.importing():
    import gradio as gr
    import numpy as np
    from gradio.http_server import LOCALHOST_NAME
    from gradio.utils import get_upload_folder
    from starlette.middleware import Middleware

    from audio.clip import Clip
    from audio.decode import OWN, Limits
    from audio.decode.pool import Bounds, DecoderPool
    from audio.hubert.preprocessing import SAMPLING_RATE
    from audio.transforms import MEL_BANDS
    from classifier.models import Models
    from trainer.run.kept import KeptRuns
    from ui import canvas, page_state, sheets, theme
    from ui.api import reasons, runs, songs
    from ui.exercises import dock
    from ui.front import front, recorded
    from ui.handlers import guard
    from ui.player import clip_bar, examples, recordings
    from ui.player.clips import ClipShelf
    from ui.scene import Scene, Transforms
    from ui.server import bounds, files, gradio_patches, secret, zero
    from ui.server.access import LOCAL_HOSTS
    from ui.server.bounds import RequestBounds
    from ui.server.fair_queue import MOST_SESSIONS
    from ui.server.language import build_header, text, texts
    from ui.server.middleware import Gate, Language
    from ui.server.prepared import Prepared
    from ui.server.secret import Secret
    from ui.server.shares import Shares, charge
    from ui.session import Session
    from ui.tabs.classify import tab as classify_tab
    from ui.tabs.data import tab as data_tab
    from ui.tabs.live import tab as live_tab
    from ui.tabs.map import tab as map_tab
    from ui.tabs.see import tab as see_tab
    from ui.tabs.see import tries
    from ui.tabs.teach import tab as teach_tab
    from ui.tabs.train import tab as train_tab
    from viz import paper

HOUR_S = 3600
OWN_BOUNDS = Bounds(cpu_s=300, wall_s=900.0, memory_bytes=6_000_000_000)  # an hour
KEEP_EVERY_S = 20.0  # a restart may come at any time
UPLOADS_KEPT_S = 12 * HOUR_S  # a school day
UPLOADS_FRACTION = 0.2  # of the disk; beyond it the least recently used go
MAX_UPLOADS_BYTES = 20_000_000_000
SWEEP_S = 20

ABOUT = """Serve the page. Settings are environment variables, which README.md lists:
GRADIO_SERVER_PORT=7861 for another port, GRADIO_SERVER_NAME=0.0.0.0 for other computers,
GENRESCOPE_HOME=FOLDER for where runs and songs are kept."""

log = logging.getLogger("genrescope")


def create_app(
    settings: host.Settings,
    models: Models | None = None,
    shelf: ClipShelf | None = None,
) -> gr.Blocks:
    """Build the whole page and its API for one host; do not launch it yet."""
    guarded = guard(settings)
    models = models or models_of(settings, zero.device(settings.host))
    models.queue.charge = charge
    shelf = shelf or shelf_of(settings)
    gradio_patches.keep_ffmpeg_out()
    gradio_patches.keep_pyplot_out()
    gradio_patches.start_however_slowly()
    gradio_patches.spare_the_browser()
    # It makes Gradio add its sign-in, to which the tab Train links in three languages.
    # Made outside the page, it brings no events of its own.
    login = gr.LoginButton(visible=False) if settings.host.has_login else None
    delete_cache = (HOUR_S, UPLOADS_KEPT_S)
    with gradio_patches.Page(title="Genrescope", delete_cache=delete_cache) as demo:
        build_header()
        if login:
            login.render()
        link = page_state.build_link()
        bar = clip_bar.build(settings, guarded, shelf, link)
        session = Session(guarded, shelf, bar, link)
        dock.build_examiner(guarded)
        with gr.Tabs() as tabs:
            with gr.Tab(text("app.see"), id="see") as see:
                front.build(session, settings)
                see_tab.build(session, settings, models)
            with gr.Tab(text("app.live"), id=live_tab.ID) as live:
                live_tab.build(session, models)
            with gr.Tab(text("app.data"), id="data") as data:
                songs_tab = data_tab.build(data, session, settings)
            with gr.Tab(text("app.train"), id="train") as train:
                training = train_tab.build(train, session, settings)
            with gr.Tab(text("app.classify"), id=classify_tab.ID) as classify:
                sounds = clip_bar.examples_dir(settings)
                picker = classify_tab.build(classify, session, models, sounds)
            with gr.Tab(text("app.map"), id=map_tab.ID) as song_map:
                map_tab.build(song_map, session, settings, models)
            with gr.Tab(text("app.about"), id="teach") as about:
                teach_tab.build()
        page_state.open_named_tab(guarded, link, tabs)
        page_state.keep_tab()
        train_tab.take_songs(training, songs_tab.hand_over, songs_tab.named)
        train_tab.watch(training, train, (see, live, data, classify, song_map, about))
        classify_tab.take_run(picker, session, tabs, training.classify, training.chosen)
        songs.build(session, models, settings.host)
        reasons.build(session, models)
        runs.build(session, settings)
        session.wire_new_sound()
        session.wire_openings()
    demo.queue(default_concurrency_limit=4, api_open=False)
    gradio_patches.share_queue(demo, Shares(is_space=settings.host.is_space))
    gradio_patches.poll_queue_less_often(demo)
    gradio_patches.keep_hidden_progress_out(demo)
    return demo


def shelf_of(settings: host.Settings) -> ClipShelf:
    """Make the place of the sounds in memory."""
    return ClipShelf(limits_of(settings), own=own_limits_of(settings))


def limits_of(settings: host.Settings) -> Limits:
    """Limit what an upload may be, and choose the processes that decode it."""
    n_readers = settings.n_readers
    return Limits(
        largest_upload_bytes(settings),
        max_duration_s=settings.max_duration_s,
        decoder=_readers(settings, Bounds()) if n_readers else None,
    )


def own_limits_of(settings: host.Settings) -> Limits:
    """Limit what an upload of the person at the machine may be: by its length alone."""
    if settings.host.is_space:
        return limits_of(settings)
    n_readers = settings.n_readers
    pool = _readers(settings, OWN_BOUNDS) if n_readers else None
    return dataclasses.replace(OWN, decoder=pool)


def _readers(settings: host.Settings, limits: Bounds) -> DecoderPool:
    """Start the processes that decode; they read nothing but sounds of the page."""
    folders = {Path(get_upload_folder()), clip_bar.examples_dir(settings)}
    environment = host.child_environment()
    return DecoderPool(environment, settings.n_readers, limits, sorted(folders))


def largest_upload_bytes(settings: host.Settings) -> int:
    """Return how large a file may be that somebody may upload (bytes)."""
    is_own = not settings.host.is_space
    return settings.max_own_upload_bytes if is_own else settings.max_upload_bytes


def models_of(settings: host.Settings, device: str | None = None) -> Models:
    """Find the models that this host offers, on a device, the fastest by default."""
    return Models(
        bundled_model_dir=settings.bundled_model_dir,
        runs_dir=settings.runs_dir,
        hub_model=settings.hub_model,
        is_offline=settings.is_offline,
        is_hub_open=True,  # to those who may: ``model_choice.chosen``
        device=device,
        precision=settings.precision,
    )


def launch_options(settings: host.Settings, demo: gr.Blocks) -> dict[str, Any]:
    """Collect what ``launch`` needs besides the page: looks, texts, limits, middleware."""
    gradio_patches.bound_uploads()
    # A foreign page gains nothing by a name for us where its visitor needs a secret.
    has_secret = bool(settings.secret) and not settings.is_key_of_start
    is_local = not settings.host.is_space and LOCALHOST_NAME in LOCAL_HOSTS
    is_local = is_local and not has_secret
    return {
        "theme": theme.theme(),
        "css_paths": [
            theme.TOKENS,  # before those that use them
            theme.STYLE,
            theme.TABLES,
            canvas.STYLE,
            clip_bar.STYLE,
            front.STYLE,
            see_tab.STYLE,
            dock.STYLE,
            live_tab.STYLE,
            map_tab.STYLE,
        ],
        "favicon_path": theme.ICON,
        "i18n": tries.link(
            texts(
                hours=(UPLOADS_KEPT_S + HOUR_S) // HOUR_S,
                minutes=round(settings.max_duration_s / 60),
                megabytes=largest_upload_bytes(settings) // 10**6,
                **teach_tab.plan_addresses(),
            )
        ),
        "show_error": False,
        "max_file_size": largest_upload_bytes(settings),
        "allowed_paths": [str(clip_bar.examples_dir(settings))],
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "state_session_capacity": 2 * MOST_SESSIONS,  # the queue forgets before
        "ssr_mode": False,
        "app_kwargs": {
            "openapi_url": None,
            "middleware": [
                Middleware(Gate, is_local=is_local, is_space=settings.host.is_space),
                Middleware(
                    RequestBounds,
                    queue=gradio_patches.queue_of(demo),
                    uploads_dir=settings.uploads_dir,
                ),
                Middleware(Prepared, made_of=lambda: made_of(demo, settings)),
                Middleware(
                    Secret,
                    secret=settings.secret,
                    is_key_of_start=settings.is_key_of_start,
                ),
                Middleware(Language, sounds=clip_bar.examples_dir(settings)),
            ],
        },
    }


def made_of(demo: gr.Blocks, settings: host.Settings) -> tuple[object, ...]:
    """Return what a page is made of, besides its language; it changes with recordings."""
    return demo.config, recorded.shown(clip_bar.examples_dir(settings))


def serve(settings: host.Settings) -> None:
    """Serve the page until it is interrupted.

    Raises:
        KnownError: ``home_not_writable`` or ``port_taken``.
    """
    settings = host.with_start_key(settings)
    host.ensure_writable(settings.runs_dir, settings.uploads_dir)
    process.switch_threads_often()
    process.hide_memory()
    models = models_of(settings, zero.device(settings.host))
    shelf = shelf_of(settings)
    demo = create_app(settings, models, shelf)
    options = gradio_patches.type_mcp_answers(demo, launch_options(settings, demo))
    address = launched(demo, options)
    key = f"?{secret.KEY}={settings.secret}" if settings.is_key_of_start else ""
    log.info("open %s%s in a browser; Ctrl+C stops it", address, key)
    folder = clip_bar.examples_dir(settings)
    made = (models, shelf, folder)
    threading.Thread(target=warm, args=made, daemon=True).start()
    uploads = (settings.uploads_dir,)
    threading.Thread(target=sweep, args=uploads, name="sweep", daemon=True).start()
    if settings.kept_runs_dir:
        kept = KeptRuns(settings.runs_dir, settings.kept_runs_dir)
        threading.Thread(target=keep, args=(kept,), name="keep", daemon=True).start()
    models.prepare()
    fetch_recordings(demo, settings)
    try:
        demo.block_thread()
    finally:
        models.arrival.cancel()


def fetch_recordings(demo: gr.Blocks, settings: host.Settings) -> None:
    """Fetch real sounds in the background, where this host may and wants them.

    Those that are here already are offered from the start; the first view's numbers
    may be missing.
    """
    folder = clip_bar.examples_dir(settings)
    threading.Thread(target=recorded.prepare, args=(folder,), daemon=True).start()

    def offer() -> None:
        """Offer the recordings that have come, with the first view's numbers."""
        clip_bar.offer_recordings(demo, settings)
        recorded.prepare(folder)

    if settings.recordings and not settings.is_offline:
        recordings.start(settings.recordings, folder, offer)


def launched(demo: gr.Blocks, options: dict[str, Any]) -> str:
    """Begin to serve, and return the page's address.

    Raises:
        KnownError: ``port_taken``.
    """
    # Gradio itself would go on to another port than the one that a relay expects.
    port = host.server_port()
    options = {**options, "server_port": int(port)} if port else options
    try:
        _, address, _ = demo.launch(**options, prevent_thread_lock=True, quiet=True)
    except OSError as error:
        if not port:
            raise
        raise KnownError("port_taken", port=port) from error
    bounds.bound_heads(demo.server)
    return str(address)


def sweep(folder: Path) -> None:
    """Delete what visitors left, for as long as the server runs."""
    max_bytes = shutil.disk_usage(folder.parent).total * UPLOADS_FRACTION
    while True:
        files.sweep(folder, UPLOADS_KEPT_S, min(max_bytes, MAX_UPLOADS_BYTES))
        time.sleep(SWEEP_S)


def keep(kept: KeptRuns) -> None:
    """Copy ended runs to storage that lasts, for as long as the server runs."""
    kept.restore()
    while True:
        kept.update()
        time.sleep(KEEP_EVERY_S)


def warm(models: Models, shelf: ClipShelf, folder: Path) -> None:
    """Import, load and compute now what the first visitor's first click would wait for.

    At the usual priority: a visitor who clicks meanwhile waits for the same imports.
    """
    import av  # noqa: F401
    import soxr  # noqa: F401
    from scipy import signal  # noqa: F401 (composes songs)

    clip_bar.prepare(shelf, folder)
    silence = Clip(np.zeros(SAMPLING_RATE, np.float32), SAMPLING_RATE)
    paper.png(sheets.mel(Scene(silence, Transforms()), MEL_BANDS))
    for ref in models.available():
        if ref.source == "bundled":
            models.load(ref)
    examples.prepare(folder)
    process.freeze()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the page of this host; there are no flags, so that none is ignored."""
    argparse.ArgumentParser("python app.py", description=ABOUT).parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    log.setLevel(logging.INFO)
    try:
        serve(host.from_environment())
    except KnownError as error:
        sys.exit(i18n.sentence(error))


if __name__ == "__main__":
    main()
