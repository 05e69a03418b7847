"""Attacks beside an honest visitor, on a server of its own, on loopback, bounded.

``python -m bench.abuse`` lets one visitor attack in every way below, one after the
other, then in all at once, for ten minutes together (``--seconds``), while another one
sees, plots and classifies. It prints a line for each attack: the honest visitor's
answers and by how much they are later than before, what the attacker was told, memory
of the server and its readers, and disk. At its end stands what does not hold, if
anything, and fifty honest visitors ask the same server (``--visitors``).

The ratios count on a machine that does nothing else: ``processors`` had the server and
its readers, ``others`` those programs that are none of this.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import itertools
import json
import os
import struct
import sys
import tempfile
import time
import wave
import zipfile
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from bench import load
from bench.load import Server, _asked, _wav, served

VISITOR = {"X-Forwarded-For": "198.51.100.8"}
FIRST_ATTACKER = 100  # each attack has an address, and so a share, of its own
KINDS = ("see", "stft", "mel", "classify")
PREPARE_S = 300.0
PAUSE_S = 0.3  # between two questions of the honest visitor
MOST_RATIO = 2.0  # of the honest visitor's answers, 95 %, to those before
# Of memory: what SECURITY.md names, and a server at rest. Of disk: what one address may
# write in an hour, and the honest visitor beside it.
MOST_MB, MOST_READERS_MB, MOST_DISK_MB = 4_000, 2_000, 5_000
JOIN, CALL, UPLOAD, DATA, HEARTBEAT = (
    f"/gradio_api/{each}"
    for each in ("queue/join", "call", "upload", "queue/data", "heartbeat")
)
MANY = f"{CALL}/classify_many"
SHORTEST_PICTURE = 5_000  # letters; an update without one has some hundred


@dataclass
class Phase:
    """What happened while one attack went on.

    Attributes:
        waits_s: of the honest visitor's answers, by the kind of question.
        lost: what they were told instead of an answer.
        server_mb: memory of the server at most.
        readers_mb: of its readers together.
        disk_mb: of its home at most.
        first_disk_mb: of its home before.
        is_begun: the attacker has prepared what it sends, and did send it.
        processors: that the server and its readers had.
        others: that others had.
        told: how often the attacker was answered with which status.
        sentences: what a refused attacker read.
    """

    waits_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lost: list[str] = field(default_factory=list)
    server_mb: float = 0.0
    readers_mb: float = 0.0
    disk_mb: float = 0.0
    first_disk_mb: float = 0.0
    is_begun: bool = True
    processors: float = 0.0
    others: float = 0.0
    told: dict[str, int] = field(default_factory=dict)
    sentences: list[str] = field(default_factory=list)


@dataclass
class Answers:
    """What an attacker is answered: statuses, and one sentence of each refusal."""

    statuses: Counter[str] = field(default_factory=Counter)
    sentences: dict[str, str] = field(default_factory=dict)

    def note(self, answer: httpx.Response) -> None:
        """Count an answer; keep the first text of its status."""
        status = str(answer.status_code)
        self.statuses[status] += 1
        if answer.is_error:
            self.sentences.setdefault(status, answer.text[:200])


# It yields once what it sends is prepared, then after each volley.
Attack = Callable[[httpx.AsyncClient, Answers], AsyncGenerator[None]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each attack, and what does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--only", choices=[*ATTACKS, ALL], action="append")
    parser.add_argument("--visitors", type=int, default=50)
    parser.add_argument("--attack", choices=[*ATTACKS, ALL], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.attack:
        os.nice(10)  # its processor is not ours
        asyncio.run(_attack(options.attack, options.url, options.seconds))
        return
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as server:
        chosen = options.only or [*ATTACKS, ALL]
        faults = asyncio.run(_phases(server, Path(folder), options.seconds, chosen))
        bounds = f"{MOST_RATIO:g} times as late, {MOST_MB}, {MOST_READERS_MB} MB"
        print(f"Bounds: {bounds}, {MOST_DISK_MB} MB of disk more by one attacker.")
        print(*(faults or ["All of it holds."]), sep="\n", flush=True)
        if options.visitors:
            seconds = max(options.seconds / 5, 60.0)
            load.report(server, options.visitors, seconds, VISITOR)
    sys.exit(bool(faults))


async def _phases(
    server: Server, home: Path, duration_s: float, names: Sequence[str]
) -> list[str]:
    """Attack in each way; return what does not hold."""
    part_s = duration_s / len(names)
    print(
        "attack | answers | 95 % s | ratio | lost | server, readers, disk MB | processors | others"
    )
    async with _visitor(server.url) as visitor:
        for number, kind in enumerate(KINDS * 3):  # what is loaded once
            await visitor.answer(kind, number)
        quiet = await _phase("", server, home, max(part_s, 20.0), visitor)
        _print("quiet", quiet, quiet)
        faults = []
        for name in names:
            phase = await _phase(name, server, home, part_s, visitor)
            _print(name, phase, quiet)
            faults += _faults(name, phase, quiet)
    return faults


def _print(name: str, phase: Phase, quiet: Phase) -> None:
    n_answers = sum(map(len, phase.waits_s.values()))
    p95 = " ".join(f"{kind} {_p95(phase, kind):.2f}" for kind in KINDS)
    print(
        f"{name} | {n_answers} | {p95} | {_ratio(phase, quiet):.2f} | {len(phase.lost)}"
        f" | {phase.server_mb:.0f}, {phase.readers_mb:.0f}, {phase.disk_mb:.0f}"
        f" | {phase.processors:.1f} | {phase.others:.1f}"
    )
    if name != "quiet":
        print(f"  told {phase.told}", *phase.sentences[:3], sep="; ")
    print(*(f"  lost: {each}" for each in phase.lost[:3]), sep="\n", end="", flush=True)


def _faults(name: str, phase: Phase, quiet: Phase) -> list[str]:
    """List what an attack has done that it must not."""
    ratio, bounds = _ratio(phase, quiet), (MOST_MB, MOST_READERS_MB, MOST_DISK_MB)
    disk_mb = phase.disk_mb - phase.first_disk_mb
    taken = (phase.server_mb, phase.readers_mb, disk_mb)
    checks = {
        "the attack did not go on": phase.is_begun,
        "no answers": any(phase.waits_s.values()),
        f"answers {ratio:.2f} times as late": ratio < MOST_RATIO,
        f"lost {len(phase.lost)} answers": not phase.lost,
        "no sentence for who is refused": all(phase.sentences),
    }
    for what, most, n_mb in zip(
        ("server", "readers", "disk"), bounds, taken, strict=True
    ):
        checks[f"{what} {n_mb:.0f} MB"] = n_mb < most
    return [f"{name}: {fault}" for fault, is_right in checks.items() if not is_right]


def _p95(phase: Phase, kind: str) -> float:
    waits_s = phase.waits_s.get(kind)
    return float(np.percentile(waits_s, 95)) if waits_s else float("inf")


def _ratio(phase: Phase, quiet: Phase) -> float:
    """Compare all answers: each by the time that its kind takes when all is quiet."""
    ratios = [
        wait_s / float(np.percentile(quiet.waits_s[kind], 95))
        for kind, waits_s in phase.waits_s.items()
        for wait_s in waits_s
        if quiet.waits_s.get(kind)
    ]
    return float(np.percentile(ratios, 95)) if ratios else float("inf")


async def _phase(
    name: str, server: Server, home: Path, duration_s: float, visitor: Visitor
) -> Phase:
    """Let a process attack while an honest visitor asks; "" lets none."""
    phase = Phase()
    ours = ("-m", "bench.abuse", "--url", server.url, "--seconds", str(duration_s))
    attacking = await asyncio.create_subprocess_exec(
        *((sys.executable, *ours, "--attack", name) if name else ("true",)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert attacking.stdout
    if name:  # it has prepared what it sends
        phase.is_begun = b"ready" in await attacking.stdout.readline()
    phase.first_disk_mb = _disk_mb(home)
    until = time.monotonic() + duration_s
    attacker = psutil.Process(attacking.pid) if name else None
    await asyncio.gather(
        visitor.asks(phase, until), _watch(server, home, phase, until, attacker)
    )
    said, _ = await attacking.communicate()
    phase.is_begun = phase.is_begun and attacking.returncode == 0
    if name and said:
        told = json.loads(said)
        phase.told, phase.sentences = told["statuses"], list(told["sentences"].values())
    return phase


async def _attack(name: str, url: str, duration_s: float) -> None:
    """Attack for some time; print what came back."""
    answers = Answers()
    headers = {**_attacker(name), "Accept-Language": "en"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60.0) as page:
        attacks = [each(page, answers) for each in _of_name(name)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PREPARE_S) as limit:
                for each in attacks:  # prepare
                    await anext(each)
                print("ready", flush=True)
                limit.reschedule(asyncio.get_running_loop().time() + duration_s)
                await asyncio.gather(*map(_goes_on, attacks))
    print(json.dumps(vars(answers)))


def _attacker(name: str) -> dict[str, str]:
    """Return the headers by which a relay tells who attacks."""
    number = FIRST_ATTACKER + [*ATTACKS, ALL].index(name)
    return {"X-Forwarded-For": f"198.51.100.{number}"}


def _of_name(name: str) -> list[Attack]:
    return [*ATTACKS.values()] if name == ALL else [ATTACKS[name]]


async def _goes_on(attack: AsyncGenerator[None]) -> None:
    async for _ in attack:
        pass


class Visitor:
    """An honest one: a page with a song, whose pictures it draws, and which it names.

    Attributes:
        page: where it asks.
        session: of its page, which it keeps open.
        events: numbers of the page's events by their names.
    """

    def __init__(self, page: httpx.AsyncClient) -> None:
        self.page = page
        self.session = "honest"
        self.song = _wav(0)
        self.events: dict[str, int] = {}

    async def opens(self) -> None:
        """Open the page, and choose a song."""
        config = (await self.page.get("/config")).json()
        self.events = {each["api_name"]: each["id"] for each in config["dependencies"]}
        file = await _upload(self.page, self.song, "song.wav")
        await self._asked_by_page("read", _reading(config, file)["data"])

    async def keeps_open(self) -> None:
        """Keep the page's heartbeat, as browsers do."""
        address = f"{HEARTBEAT}/{self.session}"
        async with self.page.stream("GET", address, timeout=None) as beats:
            async for _ in beats.aiter_lines():
                pass

    async def asks(self, phase: Phase, until: float) -> None:
        """See, plot and classify, one question after the other."""
        for number, kind in enumerate(itertools.cycle(KINDS)):
            if time.monotonic() > until:
                return
            began = time.monotonic()
            try:
                refused = await self.answer(kind, number)
            except (httpx.HTTPError, json.JSONDecodeError) as error:
                refused = repr(error)
            if refused:
                phase.lost.append(f"{kind}: {refused[:200]}")
            else:
                phase.waits_s[kind].append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_S)

    async def answer(self, kind: str, number: int) -> str:
        """Ask one question; "" when it was answered."""
        if kind != "see":
            return await _asked(self.page, kind, self.song)
        answer = await self._asked_by_page(
            "redraw", [None, None, None, number % 8 == 0]
        )
        is_kept = len(answer) > SHORTEST_PICTURE
        return "" if is_kept else f"the session is lost: {answer}"

    async def _asked_by_page(self, name: str, data: list[object]) -> str:
        """Ask as the page does; return the answer as it came."""
        body = {
            "data": data,
            "session_hash": self.session,
            "fn_index": self.events[name],
        }
        asked = await self.page.post(JOIN, json=body)
        if asked.is_error:
            return asked.text
        of_page = {"session_hash": self.session}
        async with self.page.stream("GET", DATA, params=of_page) as stream:
            async for line in stream.aiter_lines():
                if '"process_completed"' in line:
                    return line
        return "no answer"


@contextlib.asynccontextmanager
async def _visitor(url: str) -> AsyncGenerator[Visitor]:
    async with httpx.AsyncClient(base_url=url, headers=VISITOR, timeout=60.0) as page:
        visitor = Visitor(page)
        await visitor.opens()
        beats = asyncio.create_task(visitor.keeps_open())
        yield visitor
        beats.cancel()


async def _watch(
    server: Server,
    home: Path,
    phase: Phase,
    until: float,
    attacker: psutil.Process | None,
) -> None:
    """Note the most memory and disk, and what others took of the processors."""
    began, ours = time.monotonic(), _cpu_s(server, attacker)
    busy_s, of_server_s = _busy_s(), server.cpu_s()
    while time.monotonic() < until:
        readers = server.process.children(recursive=True)
        server_mb, readers_mb = _megabytes([server.process]), _megabytes(readers)
        phase.server_mb = max(phase.server_mb, server_mb)
        phase.readers_mb = max(phase.readers_mb, readers_mb)
        phase.disk_mb = max(phase.disk_mb, _disk_mb(home))
        others_s = _busy_s() - busy_s - (_cpu_s(server, attacker) - ours)
        passed_s = max(time.monotonic() - began, 1.0)
        phase.others = others_s / passed_s
        phase.processors = (server.cpu_s() - of_server_s) / passed_s
        await asyncio.sleep(1.0)


def _disk_mb(home: Path) -> float:
    return sum(_size(each) for each in home.rglob("*") if each.is_file()) / 1e6


def _megabytes(processes: Iterable[psutil.Process]) -> float:
    total = 0
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += each.memory_info().rss
    return total / 1e6


def _busy_s() -> float:
    times = psutil.cpu_times()
    return times.user + times.nice + times.system


def _cpu_s(server: Server, attacker: psutil.Process | None) -> float:
    total = server.cpu_s()
    for each in filter(None, (attacker, psutil.Process())):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(each.cpu_times()[:2])
    return total


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
        answers.statuses[type(error).__name__] += 1
        return None
    answers.note(answer)
    return answer


async def _upload(page: httpx.AsyncClient, data: bytes, name: str) -> dict[str, object]:
    """Upload what an attack needs; one before may have used up the visitor's share."""
    for _ in range(60):
        answer = await page.post(UPLOAD, files={"files": (name, data)})
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            break
        await asyncio.sleep(1.0)
    answer.raise_for_status()
    return {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}


def _reading(config: dict[str, Any], song: object) -> dict[str, Any]:
    """Write the question with which a page lets a sound be read; knobs as they are."""
    events = config["dependencies"]
    read = next(each for each in events if each["api_name"] == "read")
    others = [None] * (len(read["inputs"]) - 1)
    return {"fn_index": read["id"], "data": [song, *others]}


async def _events(page: httpx.AsyncClient) -> dict[str, int]:
    config = (await page.get("/config")).json()
    return {each["api_name"]: each["id"] for each in config["dependencies"]}


async def close_the_queue(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Send batches that nobody will read, as many as are taken."""
    song = await _upload(page, _silence(600.0, 8000), "long.wav")
    body = {"data": [[song] * 200, "bundled", "whole"]}
    yield
    while True:
        yield
        sent = (_send(answers, page.post(MANY, json=body)) for _ in range(45))
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
        await _send(answers, page.post(MANY, json=body))
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
        call = page.post(MANY, content=body, headers=typed)
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
    redraw = (await _events(page))["redraw"]
    yield
    for number in itertools.count():
        yield
        body = {
            "fn_index": redraw,
            "data": [None] * 3 + [False],
            "session_hash": f"made up {number}",
        }
        await _send(answers, page.post(JOIN, json=body))


async def list_a_large_zip(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Name a zip whose directory is large."""
    data = _zip_of_one_name(200_000)
    file = await _upload(page, data, "many.zip")
    body = {"data": [[file], "bundled", "quick"]}
    yield
    while True:
        yield
        await _send(answers, page.post(MANY, json=body))
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


async def cut_parts(page: httpx.AsyncClient, answers: Answers) -> AsyncGenerator[None]:
    """Cut nearly all of a long sound out of it, each time a little less."""
    song = await _upload(page, _silence(600.0, 40_000), "long.wav")
    events = await _events(page)
    of_page = {"session_hash": "cutting"}
    read = _reading((await page.get("/config")).json(), song)
    await page.post(JOIN, json=read | of_page)
    yield
    for number in itertools.count():
        yield
        data = [None, str(number / 100), "599"]
        cut = {"fn_index": events["cut"], "data": data}
        await _send(answers, page.post(JOIN, json=cut | of_page))
        await asyncio.sleep(0.5)


async def leave_answers_unread(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Let pictures be drawn, in many sessions, and read none."""
    song = await _upload(page, _wav(0), "song.wav")
    events = await _events(page)
    read = _reading((await page.get("/config")).json(), song)
    yield
    for number in itertools.count():
        yield
        of_page = {"session_hash": f"unread {number % 50}"}
        if number < 50:
            body = read
        else:
            body = {"fn_index": events["redraw"], "data": [None] * 3 + [False]}
        await _send(answers, page.post(JOIN, json=body | of_page))


async def break_off(page: httpx.AsyncClient, answers: Answers) -> AsyncGenerator[None]:
    """Upload much, and leave before the end; open pages, and stop in mid-sentence."""
    host, port = page.base_url.host, page.base_url.port
    address = page.headers["X-Forwarded-For"]
    head = (
        f"POST {UPLOAD} HTTP/1.1\r\nHost: {host}:{port}\r\nX-Forwarded-For: {address}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 90000000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\n'
    ).encode()
    yield
    silent: list[asyncio.StreamWriter] = []
    while True:
        yield
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(host, port)
            writer.write(head + b"0" * 20_000_000)
            await asyncio.wait_for(writer.drain(), 5.0)
            writer.close()
            answers.statuses["broken off"] += 1
            _, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET / HTTP/1.1\r\nHost: ")
            silent.append(writer)


async def reload_the_page(
    page: httpx.AsyncClient, answers: Answers
) -> AsyncGenerator[None]:
    """Ask for the whole page, fifty at a time."""
    yield
    while True:
        yield
        await asyncio.gather(*(_send(answers, page.get("/")) for _ in range(50)))


ATTACKS: dict[str, Attack] = {
    each.__name__: each
    for each in (
        close_the_queue,
        unpack_zips,
        fill_the_disk,
        cut_parts,
        send_large_bodies,
        go_round_the_queue,
        make_up_sessions,
        leave_answers_unread,
        list_a_large_zip,
        upload_from_a_foreign_page,
        break_off,
        reload_the_page,
    )
}
ALL = "all_at_once"


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


def _zip_of_one_name(n_entries: int) -> bytes:
    """Write a zip whose directory names one empty file many times, in a moment.

    Source: PKWARE's APPNOTE.TXT, 4.3.
    """
    name = b"a"
    local = struct.pack("<4s5H3I2H", b"PK\3\4", *[0] * 8, 1, 0) + name
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", *[0] * 9, 1, *[0] * 6) + name
    size, at = n_entries * len(entry), len(local)
    sizes = (n_entries, n_entries, size, at)
    end = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, *sizes)
    end += struct.pack("<4sIQI", b"PK\6\7", 0, at + size, 1)
    end += struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65_535, 65_535, size, at, 0)
    return local + entry * n_entries + end


if __name__ == "__main__":
    main()
