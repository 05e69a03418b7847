"""Start here: settings, tabs, queue, launch."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from pathlib import Path
from typing import Any

import settings as host

host.prepare_environment()  # Gradio and the Hub's client read it while they are imported
gc.disable()  # what is imported stays: to search it for garbage takes half a second

import gradio as gr  # noqa: E402
import numpy as np  # noqa: E402
from gradio.http_server import LOCALHOST_NAME  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402

from audio.apart import Readers  # noqa: E402
from audio.clip import Clip  # noqa: E402
from audio.decode import Limits  # noqa: E402
from audio.hearing import SAMPLING_RATE  # noqa: E402
from classifier.models import Models  # noqa: E402
from ui import (  # noqa: E402
    about_tab,
    api,
    classify_tab,
    clip_bar,
    data_tab,
    doors,
    figures,
    files,
    language,
    links,
    pictures,
    runs_api,
    screen,
    see_tab,
    teaching,
    theme,
    tools,
    train_tab,
    zero,
)
from ui.access import LOCAL_HOSTS  # noqa: E402
from ui.clips import ClipShelf  # noqa: E402
from ui.desk import Desk  # noqa: E402
from ui.gate import Gate  # noqa: E402
from ui.handlers import guard  # noqa: E402
from ui.language import Language, text, texts  # noqa: E402
from ui.secret import Secret  # noqa: E402
from viz import style  # noqa: E402
from viz.style import Look  # noqa: E402

gc.freeze()  # nor is it searched later, while somebody waits
gc.enable()

CLASSIFY = "classify"  # id of the tab
QUEUE_LOOKED_AT_EVERY_S = 0.005
HOUR_S = 3600
SWITCH_S = 0.001  # between threads: a page does not wait while a picture is drawn
UPLOADS_KEPT_S = 12 * HOUR_S  # a school day

log = logging.getLogger("genrescope")


def create_app(settings: host.Settings, models: Models | None = None) -> gr.Blocks:
    """The whole page and its API for one host; not launched yet."""
    guarded = guard(settings)
    models = models or models_of(settings, zero.device(settings.host))
    shelf = ClipShelf(limits_of(settings))
    doors.keep_ffmpeg_out()
    # It makes Gradio add its sign-in, to which the tab Train links in three languages.
    # Made outside the page, it brings no events of its own.
    login = gr.LoginButton(visible=False) if settings.host.has_login else None
    with doors.Page(title="Genrescope", delete_cache=(HOUR_S, UPLOADS_KEPT_S)) as demo:
        language.build_header()
        if login:
            login.render()
        link = screen.build_link()
        bar = clip_bar.build(settings, guarded, shelf, link)
        desk = Desk(guarded, shelf, bar, link, screen.build(demo))
        with gr.Tabs() as tabs:
            with gr.Tab(text("app.see"), id="see") as see:
                see_tab.build(desk, settings)
            with gr.Tab(text("app.data"), id="data") as data:
                data_tab.build(data, desk, settings)
            with gr.Tab(text("app.train"), id="train") as train:
                training = train_tab.build(train, desk, settings)
            with gr.Tab(text("app.classify"), id=CLASSIFY) as classify:
                picker = classify_tab.build(classify, desk, models)
            with gr.Tab(text("app.about"), id="teach") as about:
                about_tab.build(desk)
        links.opens(guarded, link, tabs)
        links.keep()
        train_tab.watch(training, train, (see, data, classify, about))
        train_tab.hand_over(training, desk, tabs, CLASSIFY, picker)
        lent = models_of(settings) if settings.host.kind == "zero" else models
        api.build(desk, models, lent, settings.host)
        runs_api.build(desk, settings)
    demo.queue(max_size=32, default_concurrency_limit=4)
    # Gradio's own, 1 ms, keeps an idle server busy with a twentieth of a core.
    demo._queue.sleep_when_free = QUEUE_LOOKED_AT_EVERY_S
    return demo


def limits_of(settings: host.Settings) -> Limits:
    """What an upload may be, and who decodes it."""
    n_readers = settings.n_readers
    return Limits(
        settings.max_upload_bytes,
        max_duration_s=settings.max_duration_s,
        readers=Readers(host.child_environment(), n_readers) if n_readers else None,
    )


def models_of(settings: host.Settings, device: str | None = None) -> Models:
    """The models that this host offers, on a device, the fastest by default."""
    return Models(
        bundled_model_dir=settings.bundled_model_dir,
        runs_dir=settings.runs_dir,
        hub_model=settings.hub_model,
        is_offline=settings.is_offline,
        is_hub_open=True,  # to those who may: ``classifying.asking.chosen``
        device=device,
    )


def launch_options(settings: host.Settings) -> dict[str, Any]:
    """What ``launch`` needs besides the page: looks, languages, limits, the gate."""
    is_local = not settings.host.is_space and LOCALHOST_NAME in LOCAL_HOSTS
    return {
        "theme": theme.theme(),
        "css_paths": [theme.STYLE, pictures.STYLE],
        "favicon_path": theme.ICON,
        "i18n": texts(
            hours=(UPLOADS_KEPT_S + HOUR_S) // HOUR_S,
            minutes=round(settings.max_duration_s / 60),
            megabytes=settings.max_upload_bytes // 10**6,
            **teaching.plan_addresses(),
        ),
        "show_error": False,
        "max_file_size": settings.max_upload_bytes,
        "allowed_paths": [str(clip_bar.examples_dir(settings))],
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "state_session_capacity": 200,
        "ssr_mode": False,
        "app_kwargs": {
            "openapi_url": None,
            "middleware": [
                Middleware(Gate, is_local=is_local, is_space=settings.host.is_space),
                Middleware(Secret, secret=settings.secret),
                Middleware(Language),
            ],
        },
    }


def serve(settings: host.Settings) -> None:
    """Serve the page until it is interrupted."""
    sys.setswitchinterval(SWITCH_S)
    models = models_of(settings, zero.device(settings.host))
    demo = create_app(settings, models)
    options = tools.serve(demo, launch_options(settings))
    _, address, _ = demo.launch(**options, prevent_thread_lock=True, quiet=True)
    log.info("open %s in a browser; Ctrl+C stops it", address)
    threading.Thread(target=warm, args=(models,), daemon=True).start()
    sweeping = (settings.uploads_dir,)
    threading.Thread(target=sweep, args=sweeping, name="sweep", daemon=True).start()
    demo.block_thread()


def sweep(folder: Path) -> None:
    """Delete what visitors left, for as long as the server runs."""
    while True:
        files.sweep(folder, UPLOADS_KEPT_S)
        time.sleep(HOUR_S)


def warm(models: Models) -> None:
    """Import and load now what the first visitor's first click would wait for.

    At the usual priority: whoever clicks meanwhile waits for the same imports.
    """
    import av  # noqa: F401
    import soxr  # noqa: F401

    silence = Clip(np.zeros(SAMPLING_RATE, np.float32), SAMPLING_RATE)
    figure, about = figures.mel(silence, Look(theme="page"))
    style.svg(figure, about)
    for ref in models.available():
        if ref.source == "bundled":
            models.load(ref)
    gc.freeze()


def main() -> None:
    """Serve the page of this host."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    log.setLevel(logging.INFO)
    serve(host.from_environment())


if __name__ == "__main__":
    main()
