"""Load test: fifty visitors upload, look and classify while a run trains.

``python -m bench.load`` starts a server of its own on loopback, with a training run,
and prints what RESULTS.md holds; ``--seconds 300`` are the five minutes there.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import json
import os
import random
import socket
import statistics
import sys
import tempfile
import time
import wave
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from audio.synth.composer import STYLES, compose
from settings import child_environment
from trainer import config as configs
from trainer.process import jobs
from trainer.run.events import Step
from trainer.run.runs import Run

# A song of 30 s is uploaded anew for each question: in between it is seen or played.
THINKS_S = (10.0, 50.0)
PLOTS = ("waveform", "stft", "mel")
QUIET_S = 20.0  # the run alone, before and after
START_S, ANSWER_S = 120.0, 120.0
SONG_S = 30.0


@dataclass
class Results:
    """Results of the visits.

    Attributes:
        waits_s: of each kind of question, how long each answer took.
        n_busy: questions that were refused because the queue was full.
        errors: everything else that went wrong.
        peak_mb: the most memory that the server's processes took, the run's not.
        cpu_s: processor time that these took.
    """

    waits_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    n_busy: int = 0
    errors: list[str] = field(default_factory=list)
    peak_mb: float = 0.0
    cpu_s: float = 0.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Print latencies, memory and the run's loss of speed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder)) as server,
        training(Path(folder)) as run,
    ):
        _measure(options.visitors, options.seconds, server, run)


def _measure(n_visitors: int, duration_s: float, server: Server, run: Run) -> None:
    """Measure three phases: the run alone, with visitors, alone again."""
    first_mb = server.megabytes()
    marks = [time.time()]
    time.sleep(QUIET_S)
    marks.append(time.time())
    began_s = server.cpu_s()
    results = asyncio.run(_visits(n_visitors, duration_s, server))
    results.cpu_s = server.cpu_s() - began_s
    marks.append(time.time())
    time.sleep(QUIET_S)
    marks.append(time.time())
    _print_answers(n_visitors, duration_s, results)
    print(f"server: {first_mb:.0f} MB at first, {results.peak_mb:.0f} MB at most")
    n_answers = sum(map(len, results.waits_s.values()))
    print(f"server: {1000 * results.cpu_s / n_answers:.0f} ms of processor an answer")
    print("a step alone, with visitors, alone again, s:", *_steps_s(run, marks))


def report(
    server: Server, n_visitors: int, duration_s: float, headers: Mapping[str, str]
) -> None:
    """Let visitors ask a server that runs already; print their answers."""
    results = asyncio.run(_visits(n_visitors, duration_s, server, headers))
    _print_answers(n_visitors, duration_s, results)


def _print_answers(n_visitors: int, duration_s: float, results: Results) -> None:
    print(f"{n_visitors} visitors, {duration_s:g} s")
    for kind, waits_s in sorted(results.waits_s.items()):
        p50, p95, p100 = np.percentile(waits_s, (50, 95, 100))
        print(f"{kind}: {len(waits_s)} answers, {p50:.2f} {p95:.2f} {p100:.2f} s")
    print(f"busy: {results.n_busy}; errors: {len(results.errors)}", *results.errors[:5])


async def _visits(
    n_visitors: int,
    duration_s: float,
    server: Server,
    headers: Mapping[str, str] | None = None,
) -> Results:
    """Simulate all visitors at once until the time is over.

    Args:
        n_visitors: how many.
        duration_s: of the visits.
        server: that they ask.
        headers: of all requests; a relay's name one address for all of them.
    """
    results = Results()
    until = time.monotonic() + duration_s
    songs = [_wav(seed) for seed in range(len(STYLES))]

    async def watch() -> None:
        while time.monotonic() < until:
            results.peak_mb = max(results.peak_mb, server.megabytes())
            await asyncio.sleep(0.5)

    visits = (
        _visit(
            random.Random(n), server.url, songs[n % len(songs)], until, results, headers
        )
        for n in range(n_visitors)
    )
    await asyncio.gather(watch(), *visits)
    return results


async def _visit(
    chance: random.Random,
    url: str,
    song: bytes,
    until: float,
    results: Results,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Simulate one visitor: a song, its pictures, its genre, and again."""
    client = httpx.AsyncClient(base_url=url, timeout=ANSWER_S, headers=headers)
    async with client as page:
        await asyncio.sleep(chance.uniform(0, THINKS_S[1]))
        while time.monotonic() < until:
            kind = chance.choice((*PLOTS, "classify"))
            began = time.monotonic()
            try:
                answer = await _asked(page, kind, song)
            except (httpx.HTTPError, json.JSONDecodeError) as error:
                answer = repr(error)
            if not answer:
                results.waits_s[kind].append(time.monotonic() - began)
            elif "full" in answer.lower():
                results.n_busy += 1
            else:
                results.errors.append(f"{kind}: {answer[:200]}")
            await asyncio.sleep(chance.uniform(*THINKS_S))


async def _asked(page: httpx.AsyncClient, kind: str, song: bytes) -> str:
    """Upload a song and ask one question about it; "" when it was answered."""
    files = {"files": ("song.wav", song, "audio/wav")}
    uploaded = await page.post("/gradio_api/upload", files=files)
    if uploaded.is_error:
        return uploaded.text
    file = {"path": uploaded.json()[0], "meta": {"_type": "gradio.FileData"}}
    call = f"/gradio_api/call/{kind}"
    asked = await page.post(call, json={"data": [file, *_defaults(kind)]})
    if asked.is_error:
        return asked.text
    last = ""
    async with page.stream("GET", f"{call}/{asked.json()['event_id']}") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: complete"):
                return ""
            last = line or last
    return last


def _defaults(kind: str) -> list[object]:
    """Return a question's arguments besides the song."""
    return {
        "stft": [2048, 512, "hann"],
        "mel": [128, 8000, 0, "slaney"],
        "classify": ["bundled", "whole"],
    }.get(kind, [])


def _wav(number: int) -> bytes:
    """Encode a composed song as the bytes of a file."""
    clip = compose(STYLES[number], 7, duration_s=SONG_S, sampling_rate=22_050)
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(clip.sampling_rate)
        file.writeframes((clip.samples * 32767).astype(np.int16).tobytes())
    return written.getvalue()


@dataclass(frozen=True)
class Server:
    """The app as a child process."""

    url: str
    process: psutil.Popen

    def megabytes(self) -> float:
        """Measure memory of the server and its workers; the run is this process's."""
        return sum(info.rss for info in self._of_family("memory_info")) / 1e6

    def cpu_s(self) -> float:
        """Measure CPU time of the server and its workers so far."""
        return sum(sum(times[:2]) for times in self._of_family("cpu_times"))

    def _of_family(self, what: str) -> Iterator[Any]:
        for member in (self.process, *self.process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # a reader that has just ended
                yield getattr(member, what)()


@contextmanager
def served(home: Path) -> Iterator[Server]:
    """Start the app on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = {name: os.environ[name] for name in os.environ if name != "GRADIO_TEMP_DIR"}
    env = {
        **here,
        "GENRESCOPE_HOME": str(home),
        "GRADIO_SERVER_PORT": str(port),
        "HF_HUB_OFFLINE": "1",
    }
    process = psutil.Popen([sys.executable, "app.py"], env=env)
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        _wait_for(server.url)
        yield server
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(url)


@contextmanager
def training(home: Path) -> Iterator[Run]:
    """Start a run on the server's host; stop it at the end."""
    config = configs.RunConfig(
        preset="scratch",
        **{
            **configs.PRESETS["scratch"],
            "n_songs_per_genre": 4,
            "n_steps": 100_000,
            "batch_size": 8,
            "eval_every_n_steps": 100_000,
        },
    )
    places = {"cache_dir": home / "cache", "env": child_environment()}
    run = jobs.start(config, home / "runs", **places)
    try:
        while not steps_of(run):
            time.sleep(0.5)
        yield run
    finally:
        jobs.stop(run)
        while not run.state().is_ended:
            time.sleep(0.5)


def steps_of(run: Run) -> list[Step]:
    return [event for event in run.events()[0] if isinstance(event, Step)]


def _steps_s(run: Run, marks: Sequence[float]) -> list[str]:
    """Compute the mean time of a step between one mark and the next."""
    at = [event.at for event in steps_of(run)]
    means = (
        statistics.fmean(b - a for a, b in itertools.pairwise(at) if begin <= a < end)
        for begin, end in itertools.pairwise(marks)
    )
    return [f"{mean_s:.3f}" for mean_s in means]


if __name__ == "__main__":
    main()
