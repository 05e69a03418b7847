"""Cost of pages that watch a run: for the server, and 50 of them for its steps.

``python -m bench.polling`` prints the rows of RESULTS.md.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import httpx

from bench import load
from settings import Settings
from trainer import config as configs
from trainer.run import events, locks, runs
from trainer.run.events import Step
from trainer.run.runs import Run
from ui.server.access import Visitor
from ui.tabs.train import runs_table, scores, view
from ui.tabs.train.cache import POLL_S, READ_EVERY_S, RunCache
from ui.tabs.train.pushes import Pushes
from ui.tabs.train.view import Seen, Server, Viewer, Window

N_RUNS = 50
N_EVENTS = 5000
N_PAGES = 50
N_TURNS = 3
TURN_S = 30.0
WARM_S = 20.0  # a server imports and loads what visitors will need
VIEWER = Viewer(Visitor("en", may_train=True))


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        print("polls, ms:", polls(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        print(f"a run and {N_PAGES} pages:", steps(Path(folder)))


def polls(runs_dir: Path) -> dict[str, float]:
    """Measure a poll's median time (ms) with 50 ended runs and one of 5000 steps."""
    shown, server = _window(runs_dir)
    for _ in range(N_RUNS):
        run = runs.create(runs_dir, configs.preset("smoke"))
        runs.write_whole(run.result_file, '{"state": "finished"}')
    live = runs.create(runs_dir, configs.preset("smoke"))
    with locks.held(live.lock_file):
        runs.write_whole(live.started_file, "{}")
        _add_steps(live, N_EVENTS)
        seen = view.changes(shown, live.id, Seen(), server, VIEWER)[shown.seen]
        idle_ms, news_ms = [], []
        for number in range(100):
            idle_ms.append(_poll_ms(shown, server, live.id, seen))
            if number % 10 == 0:
                _add_steps(live, 1)
                time.sleep(READ_EVERY_S)
                news_ms.append(_poll_ms(shown, server, live.id, seen))
                now = view.changes(shown, live.id, seen, server, VIEWER)
                seen = now[shown.seen]
    return {
        "nothing new": statistics.median(idle_ms),
        "news": statistics.median(news_ms),
    }


def steps(home: Path) -> dict[str, float]:
    """Measure the cost of 50 pages for a run, over HTTP, alternately with and without.

    Other work on the machine moves the steps more than the pages do, hence the turns,
    and the processor's time that the server took: where no core is free, it is what
    the run lacks.
    """
    with load.served(home) as server, load.training(home) as run:
        time.sleep(WARM_S)
        marks: dict[bool, list[tuple[float, float, float]]] = {True: [], False: []}
        sessions = [f"page{number}" for number in range(N_PAGES)]
        for number in range(2 * N_TURNS):
            is_watched = number % 2 == 1
            used_s, began = server.cpu_s(), time.time()
            if is_watched:
                asyncio.run(_watch(server.url, sessions))
            else:
                time.sleep(TURN_S)
            ended = time.time()
            share = (server.cpu_s() - used_s) / (ended - began)
            marks[is_watched].append((began, ended, share))
        done = load.steps_of(run)
    gaps = [(a.at, b.at - a.at) for a, b in itertools.pairwise(done)]
    means: dict[str, float] = {}
    for name, turns in (("watched", marks[True]), ("alone", marks[False])):
        held = [gap for at, gap in gaps if any(b <= at < e for b, e, _ in turns)]
        means[f"s a step, {name}"] = statistics.median(held)
        means[f"of a core, {name}"] = statistics.median(share for *_, share in turns)
    return means


async def _watch(url: str, sessions: Sequence[str]) -> None:
    """Run fifty pages for a while, each polling at the page's own interval."""
    until = time.monotonic() + TURN_S
    limits = httpx.Limits(keepalive_expiry=3)  # before the server closes them
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
        config = (await client.get("/config")).json()
        timer, tick = _tick(config)
        pages = (
            _page(client, tick, session, tick["outputs"].index(timer), until)
            for session in sessions
        )
        await asyncio.gather(*pages)


def _tick(config: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Find the timer's id and the polling event in the page's own description."""
    kinds = {part["id"]: part["type"] for part in config["components"]}
    timer = next(number for number, kind in kinds.items() if kind == "timer")
    events = config["dependencies"]
    return timer, next(each for each in events if [timer, "tick"] in each["targets"])


async def _page(
    client: httpx.AsyncClient,
    tick: dict[str, Any],
    session: str,
    timer: int,
    until: float,
) -> None:
    """Simulate one page: request, wait, and again."""
    every_s = POLL_S
    await asyncio.sleep(random.random() * every_s)
    while time.monotonic() < until:
        given = [None, "all", "", every_s]
        asked = {"data": given, "fn_index": tick["id"], "session_hash": session}
        answer = await client.post("/gradio_api/run/predict", json=asked)
        answer.raise_for_status()
        wanted = answer.json()["data"][timer]
        if isinstance(wanted, dict):  # else it stays as it is
            every_s = wanted.get("value", every_s)
        await asyncio.sleep(every_s)


def _window(runs_dir: Path) -> tuple[Window, Server]:
    with gr.Blocks():
        parts = view.build_watch() | view.build_story() | runs_table.build()
        parts["scores"] = scores.place()
        for name in ("start", "rename", "push"):
            parts["buttons"][name] = gr.Button()
        shown = Window(**parts, push=gr.HTML())
    settings = Settings(runs_dir=runs_dir)
    return shown, Server(settings, RunCache(runs_dir), Pushes())


def _add_steps(run: Run, n_steps: int) -> None:
    line = events.to_line(Step(1, 2 * N_EVENTS, 2.0, 1e-3, 1.0, 8.0)) + "\n"
    with run.events_file.open("a") as file:
        file.write(line * n_steps)


def _poll_ms(shown: Window, server: Server, run_id: str, seen: Seen) -> float:
    began = time.perf_counter()
    view.changes(shown, run_id, seen, server, VIEWER)
    return 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
