"""What a page that watches a run costs the server, and 50 of them its steps.

``python -m bench.polling`` prints the rows of RESULTS.md.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
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
N_STEPS = 600
N_BLOCK = 40  # steps in a row with pages, or without
VIEWER = Viewer(Look(theme="page"), Visitor("en", may_train=True))


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as folder:
        print("polls, ms:", polls(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        print(f"a run's steps and {N_PAGES} pages:", steps(folder))


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


def steps(folder: str) -> dict[str, float]:
    """What 50 pages cost the steps of a run, in blocks of steps with and without them.

    Other work on the machine moves the steps more than the pages do, hence the many
    blocks, and the processor's time that the pages took.
    """
    runs_dir = Path(folder) / "runs"
    shown, server = _window(runs_dir)
    env = {**child_environment(), "OMP_NUM_THREADS": "1"}
    given = {**configs.PRESETS["smoke"], "base_model": "small", "n_steps": N_STEPS}
    config = configs.RunConfig(preset="smoke", **{**given, "eval_every_n_steps": 1000})
    run = jobs.start(config, runs_dir, cache_dir=Path(folder) / "cache", env=env)
    seen, watched_s, used_s = [Seen()] * N_PAGES, 0.0, 0.0
    while not run.state().is_ended:
        began, used = time.monotonic(), time.thread_time()
        if _n_steps(run) // N_BLOCK % 2:
            _look(shown, server, run, seen)
            used_s += time.thread_time() - used
            watched_s += 1
        time.sleep(max(1 - (time.monotonic() - began), 0))
    told = [event for event in run.events()[0] if isinstance(event, Step)]
    gaps_s: tuple[list[float], list[float]] = ([], [])
    for before, step in itertools.pairwise(told):
        # Of each block, the steps that were not there when it was noticed.
        if before.step > N_BLOCK and before.step % N_BLOCK > N_BLOCK // 4:
            gaps_s[before.step // N_BLOCK % 2].append(step.at - before.at)
    alone_s, watched_step_s = map(statistics.median, gaps_s)
    return {
        "s a step alone": alone_s,
        "watched": watched_step_s,
        "of one core for the pages": used_s / watched_s,
    }


def _look(shown: Window, server: Server, run: Run, seen: list[Seen]) -> None:
    """Fifty pages poll once."""
    for page in range(N_PAGES):
        told = window.changes(shown, run.id, seen[page], server, VIEWER)
        if isinstance(told[shown.seen], Seen):
            seen[page] = told[shown.seen]


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
