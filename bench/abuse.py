"""Attacks beside an honest visitor, on a server of its own, on loopback, bounded.

``python -m bench.abuse`` prints for each attack how long the honest visitor's answers
take, as a ratio to the time before it, what the attacker was told, and how much memory
and disk the server took; ``--seconds`` is how long each attack goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import itertools
import json
import sys
import tempfile
import time
import wave
import zipfile
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from bench.load import Server, _asked, _wav, served

ATTACKER, VISITOR = ({"X-Forwarded-For": f"198.51.100.{n}"} for n in (7, 8))
KINDS = ("stft", "mel", "classify")
WARM_S, PREPARE_S = 10.0, 60.0
PAUSE_S = 0.5  # between two questions of the honest visitor
JOIN, CALL, UPLOAD = (
    f"/gradio_api/{each}" for each in ("queue/join", "call", "upload")
)


@dataclass
class Phase:
    """What happened while one attack went on.

    Attributes:
        waits_s: of the honest visitor's answers.
        lost: what they were told instead of an answer.
        peak_mb: memory of the server's processes.
        disk_mb: of its uploads at most.
    """

    waits_s: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    peak_mb: float = 0.0
    disk_mb: float = 0.0


Answers = Counter[int | str]
# It yields once what it sends is prepared, then after each volley.
Attack = Callable[[httpx.AsyncClient, Answers], AsyncGenerator[None]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each attack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", choices=ATTACKS, action="append")
    parser.add_argument("--attack", choices=ATTACKS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.attack:
        asyncio.run(_attack(options.attack, options.url, options.seconds))
        return
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as server:
        asyncio.run(_phases(server, Path(folder), options.seconds, options.only))


async def _phases(
    server: Server, home: Path, duration_s: float, only: Sequence[str] | None
) -> None:
    await _phase("", server, home, WARM_S)
    quiet = await _phase("", server, home, duration_s)
    for name in only or ATTACKS:
        phase = await _phase(name, server, home, duration_s)
        ratio = _p95(phase) / _p95(quiet)
        print(f"{name}: 95% {ratio:.2f} of the quiet one, lost {len(phase.lost)}")


async def _phase(name: str, server: Server, home: Path, duration_s: float) -> Phase:
    """Let a process attack while an honest visitor asks; "" lets none."""
    phase = Phase()
    ours = ("-m", "bench.abuse", "--url", server.url, "--seconds", str(duration_s))
    attacking = await asyncio.create_subprocess_exec(
        *((sys.executable, *ours, "--attack", name) if name else ("true",)),
        stdout=asyncio.subprocess.PIPE,
    )
    if name:  # it has prepared what it sends
        assert attacking.stdout
        await attacking.stdout.readline()
    until = time.monotonic() + duration_s
    await asyncio.gather(
        _honest(server.url, phase, until), _watch(server, home, phase, until)
    )
    said, _ = await attacking.communicate()
    print(
        f"{name or 'quiet'}: {len(phase.waits_s)} answers, 95% {_p95(phase):.2f} s;"
        f" attacker {said.decode().strip()};"
        f" {phase.peak_mb:.0f} MB, disk {phase.disk_mb:.0f} MB",
        *phase.lost[:3],
        flush=True,
    )
    return phase


async def _attack(name: str, url: str, duration_s: float) -> None:
    """Attack for some time; print how often which status came back."""
    answers: Answers = Counter()
    headers = {**ATTACKER, "Accept-Language": "en"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60.0) as page:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(duration_s + PREPARE_S) as limit:
                attack = ATTACKS[name](page, answers)
                await anext(attack)  # prepare
                print("ready", flush=True)
                limit.reschedule(asyncio.get_running_loop().time() + duration_s)
                async for _ in attack:
                    pass
    print(dict(answers))


def _p95(phase: Phase) -> float:
    return float(np.percentile(phase.waits_s, 95)) if phase.waits_s else float("inf")


async def _honest(url: str, phase: Phase, until: float) -> None:
    """See, plot and classify, one question after the other."""
    song = _wav(0)
    async with httpx.AsyncClient(base_url=url, headers=VISITOR, timeout=60.0) as page:
        for kind in itertools.cycle(KINDS):
            if time.monotonic() > until:
                return
            began = time.monotonic()
            try:
                refused = await _asked(page, kind, song)
            except (httpx.HTTPError, json.JSONDecodeError) as error:
                refused = repr(error)
            if refused:
                phase.lost.append(refused[:200])
            else:
                phase.waits_s.append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_S)


async def _watch(server: Server, home: Path, phase: Phase, until: float) -> None:
    while time.monotonic() < until:
        phase.peak_mb = max(phase.peak_mb, server.megabytes())
        files = (each for each in home.rglob("*") if each.is_file())
        phase.disk_mb = max(phase.disk_mb, sum(map(_size, files)) / 1e6)
        await asyncio.sleep(1.0)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


async def _send(
    answers: Answers, sent: Awaitable[httpx.Response]
) -> httpx.Response | None:
    try:
        answer = await sent
    except httpx.HTTPError as error:
        answers[type(error).__name__] += 1
        return None
    answers[answer.status_code] += 1
    return answer


async def _upload(page: httpx.AsyncClient, data: bytes, name: str) -> dict[str, object]:
    answer = await page.post(UPLOAD, files={"files": (name, data)})
    answer.raise_for_status()
    return {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}


async def close_the_queue(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Send batches that nobody will read, as many as are taken."""
    song = await _upload(page, _silence(600.0, 8000), "long.wav")
    body = {"data": [[song] * 200, "bundled", "whole"]}
    yield
    while True:
        yield
        sent = (
            _send(answers, page.post(f"{CALL}/classify_many", json=body))
            for _ in range(45)
        )
        await asyncio.gather(*sent)
        await asyncio.sleep(1.0)


async def unpack_zips(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Name one small zip with much inside thirty times."""
    song = _silence(600.0, 8000)
    data = _zip((f"{n}.wav", song) for n in range(10))
    file = await _upload(page, data, "songs.zip")
    body = {"data": [[file] * 30, "bundled", "quick"]}
    yield
    while True:
        yield
        await _send(answers, page.post(f"{CALL}/classify_many", json=body))
        await asyncio.sleep(2.0)


async def fill_the_disk(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Upload much in one request, again and again."""
    song = _silence(600.0, 40_000)
    yield
    while True:
        yield
        files = [("files", (f"{n}.wav", song)) for n in range(4)]
        await _send(answers, page.post(UPLOAD, files=files))


async def send_large_bodies(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Send lists, empty objects, numbers, one long text, and a long field."""
    file = {"path": "/a", "meta": {"_type": "gradio.FileData"}}
    bodies = (
        json.dumps({"data": [[file] * 20_000, "bundled", "quick"]}),
        '{"data":[' + "{}," * 3_000_000 + "{}]}",
        '{"data":["' + "0" * 30_000_000 + '"]}',
    )
    typed = {"Content-Type": "application/json"}
    yield
    for body in itertools.cycle(bodies):
        yield
        call = page.post(f"{CALL}/classify_many", content=body, headers=typed)
        await _send(answers, call)
        field_ = {"text": "0" * 30_000_000}
        await _send(answers, page.post(UPLOAD, data=field_, files={"files": b"x"}))


async def go_round_the_queue(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Call directly, forty at a time."""
    song = await _upload(page, _silence(60.0, 8000), "song.wav")
    body = {"data": [[song] * 60, "bundled", "whole"]}
    yield
    while True:
        yield
        calls = (
            _send(answers, page.post("/gradio_api/run/classify_many", json=body))
            for _ in range(44)
        )
        await asyncio.gather(*calls)
        await asyncio.sleep(0.5)


async def make_up_sessions(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Ask under a new name each time, and read no answer."""
    yield
    for number in itertools.count():
        yield
        body = {"fn_index": 0, "data": [None] * 3, "session_hash": f"made up {number}"}
        await _send(answers, page.post(JOIN, json=body))


async def list_a_large_zip(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Name a zip whose directory is large."""
    data = _zip((f"{n}", b"") for n in range(200_000))
    file = await _upload(page, data, "many.zip")
    body = {"data": [[file], "bundled", "quick"]}
    yield
    while True:
        yield
        await _send(answers, page.post(f"{CALL}/classify_many", json=body))
        await asyncio.sleep(2.0)


async def upload_from_a_foreign_page(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Upload as a browser does for a page of another site."""
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    song = _silence(60.0, 8000)
    yield
    while True:
        yield
        await _send(answers, page.post(UPLOAD, files={"files": song}, headers=headers))
        await asyncio.sleep(0.2)


ATTACKS: dict[str, Attack] = {
    each.__name__: each
    for each in (
        close_the_queue,
        unpack_zips,
        fill_the_disk,
        send_large_bodies,
        go_round_the_queue,
        make_up_sessions,
        list_a_large_zip,
        upload_from_a_foreign_page,
    )
}


def _silence(duration_s: float, sampling_rate: int) -> bytes:
    """Encode a quiet tone as the bytes of a WAV file."""
    times_s = np.arange(round(duration_s * sampling_rate)) / sampling_rate
    samples = (100 * np.sin(2 * np.pi * 440 * times_s)).astype("<i2")
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sampling_rate)
        file.writeframes(samples.tobytes())
    return written.getvalue()


def _zip(entries: Iterable[tuple[str, bytes]]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return written.getvalue()


if __name__ == "__main__":
    main()
