"""What a page that watches a run costs the server, and 50 of them its steps.

``python -m bench.polling`` prints the rows of RESULTS.md.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
import threading
import time
from pathlib import Path

import gradio as gr

from settings import Settings, child_environment
from trainer import config as configs
from trainer import events, jobs, locks, runs
from trainer.events import Step
from trainer.runs import Run
from ui.access import Visitor
from ui.training import board, marks, window
from ui.training.pushes import Pushes
from ui.training.reader import Reader
from ui.training.window import Seen, Server, Viewer, Window
from viz.style import Look

N_RUNS = 50
N_EVENTS = 5000
N_PAGES = 50
N_STEPS = 90
VIEWER = Viewer(Look(theme="page"), Visitor("en", may_train=True))


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        print("polls, ms:", polls(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        print(f"a step alone, with {N_PAGES} pages, alone again, s:", steps(folder))


def polls(runs_dir: Path) -> dict[str, float]:
    """Median milliseconds of a poll beside 50 ended runs, 5000 steps into one."""
    shown, server = _window(runs_dir)
    for _ in range(N_RUNS):
        run = runs.create(runs_dir, configs.preset("smoke"))
        runs.write_whole(run.folder / "result.json", '{"state": "finished"}')
    live = runs.create(runs_dir, configs.preset("smoke"))
    with locks.held(live.lock_file):
        runs.write_whole(live.started_file, "{}")
        _tell(live, N_EVENTS)
        seen = window.changes(shown, live.id, Seen(), server, VIEWER)[shown.seen]
        idle_ms, news_ms = [], []
        for number in range(200):
            idle_ms.append(_poll_ms(shown, server, live.id, seen))
            if number % 10 == 0:
                _tell(live, 1)
                news_ms.append(_poll_ms(shown, server, live.id, seen))
                now = window.changes(shown, live.id, seen, server, VIEWER)
                seen = now[shown.seen]
    return {
        "nothing new": statistics.median(idle_ms),
        "news": statistics.median(news_ms),
    }


def steps(folder: str) -> list[float]:
    """Seconds a step: the median without pages, with them, and without once more."""
    runs_dir = Path(folder) / "runs"
    shown, server = _window(runs_dir)
    env = {**child_environment(), "OMP_NUM_THREADS": "1"}
    given = {**configs.PRESETS["smoke"], "base_model": "small", "n_steps": N_STEPS}
    config = configs.RunConfig(preset="smoke", **{**given, "eval_every_n_steps": 1000})
    run = jobs.start(config, runs_dir, cache_dir=Path(folder) / "cache", env=env)
    thirds = [N_STEPS // 3, 2 * N_STEPS // 3]
    while _n_steps(run) < thirds[0]:
        time.sleep(0.1)
    is_over = threading.Event()
    pages = threading.Thread(target=_watch, args=(shown, server, run, is_over))
    pages.start()
    while _n_steps(run) < thirds[1]:
        time.sleep(0.1)
    is_over.set()
    pages.join()
    while not run.state().is_ended:
        time.sleep(0.2)
    at = [event.at for event in run.events()[0] if isinstance(event, Step)]
    gaps_s = [b - a for a, b in itertools.pairwise(at)]
    parts = (gaps_s[3 : thirds[0]], gaps_s[thirds[0] : thirds[1]], gaps_s[thirds[1] :])
    return [statistics.median(part) for part in parts]


def _watch(shown: Window, server: Server, run: Run, is_over: threading.Event) -> None:
    """Fifty pages, each of which polls once a second."""
    seen = [Seen()] * N_PAGES
    while not is_over.is_set():
        began = time.monotonic()
        for page in range(N_PAGES):
            told = window.changes(shown, run.id, seen[page], server, VIEWER)
            if isinstance(told[shown.seen], Seen):
                seen[page] = told[shown.seen]
        is_over.wait(max(1 - (time.monotonic() - began), 0))


def _window(runs_dir: Path) -> tuple[Window, Server]:
    with gr.Blocks():
        parts = window.build_watch() | window.build_story() | board.build()
        parts["scores"] = marks.place()
        for name in ("start", "rename", "push"):
            parts["buttons"][name] = gr.Button()
        shown = Window(**parts, push=gr.HTML())
    settings = Settings(runs_dir=runs_dir)
    return shown, Server(settings, Reader(runs_dir), Pushes())


def _tell(run: Run, n_steps: int) -> None:
    line = events.to_line(Step(1, 2 * N_EVENTS, 2.0, 1e-3, 1.0, 8.0)) + "\n"
    with run.events_file.open("a") as file:
        file.write(line * n_steps)


def _poll_ms(shown: Window, server: Server, run_id: str, seen: Seen) -> float:
    began = time.perf_counter()
    window.changes(shown, run_id, seen, server, VIEWER)
    return 1000 * (time.perf_counter() - began)


def _n_steps(run: Run) -> int:
    return sum(isinstance(event, Step) for event in run.events()[0])


if __name__ == "__main__":
    main()
