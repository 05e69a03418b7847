"""Decode untrusted files in worker processes with CPU, time and memory limits.

A crash costs one request. Workers are warm: each decodes file after file, and is
replaced once it has died. Their answers are data: JSON, and samples of a size that is
checked. No executor of the standard library fits: none sets resource limits, streams
channels, or does without pickle.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import numpy as np

from audio.clip import Clip, Samples
from audio.coding import Trip
from audio.decode.limits import Decoded, FileLevels, Limits, SourceFacts
from audio.decode.spool import Spool
from errors import FULL_DISK, KnownError

ROOT = Path(__file__).parents[2]
MOST_CHANNELS = 1024  # in an answer; FFmpeg has none with more
MOST_JOBS = 200  # of one worker, so that what a library leaks does not add up
PART = 1 << 18  # samples that pass through memory at once
Answer = dict[str, Any]
# Files and folders: name, device and number on it. None for whatever the user may read.
Readable = tuple[tuple[str, int, int], ...] | None


@dataclass(frozen=True)
class Bounds:
    """Resource limits of decoding one file.

    Attributes:
        cpu_s: seconds of processor time.
        wall_s: seconds on the clock, more because a busy machine has little to give.
        memory_bytes: of address space, libraries included.
    """

    cpu_s: int = 10
    wall_s: float = 30.0
    memory_bytes: int = 1_000_000_000


class _LostError(Exception):
    """A worker has died, or its answer is invalid."""


class DecoderPool:
    """Worker processes that decode for this one; a ``limits.Decoder``.

    Args:
        environment: of the workers; holds no secret.
        n_at_once: files decoded at the same time; further callers block.
        bounds: of each file.
        folders: from which files are decoded; workers read no others, where the kernel
            can see to it. A file that lies elsewhere gets a worker of its own.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        n_at_once: int = 2,
        bounds: Bounds = Bounds(),
        folders: Iterable[Path] = (),
    ) -> None:
        self._environment = {**environment, "OPENBLAS_NUM_THREADS": "1"}
        self._bounds = bounds
        self._folders = tuple(folders)
        self._turns = threading.Semaphore(n_at_once)
        self._idle: list[_Worker] = []
        self._end = weakref.finalize(self, _end_all, self._idle)

    def load(self, path: Path, name: str, limits: Limits) -> Decoded:
        """Decode a file, as ``decode.load``.

        Raises:
            KnownError: as ``decode.load``, and ``decoder_gave_up`` where the
                worker died, or was killed at its bounds.
        """
        with self._worker(name, path) as worker:
            answer = worker.request("load", path, name, limits)
            facts = SourceFacts(**answer["facts"])
            most = round(limits.max_duration_s * limits.max_sampling_rate)
            samples = worker.samples(answer["n_samples"], most)
            clip = Clip(samples, answer["sampling_rate"], answer["name"])
            levels = FileLevels.of(answer["levels"])
            return Decoded(clip, facts, answer["cut_at_s"], levels)

    def spool(
        self, path: Path, name: str, limits: Limits, file: BinaryIO
    ) -> tuple[Spool, float | None]:
        """Decode into a file of the caller's, as ``spool.spooled``.

        Raises:
            KnownError: as ``load``.
        """
        with self._worker(name, path) as worker:
            answer = worker.request("load", path, name, limits)
            n_samples, sampling_rate = answer["n_samples"], answer["sampling_rate"]
            most = round(limits.max_duration_s * limits.max_sampling_rate)
            if not 0 <= n_samples <= most:
                raise _LostError
            for start in range(0, n_samples, PART):
                n_part = min(PART, n_samples - start)
                file.write(worker.samples(n_part, PART).data)
            file.flush()
            sound = Spool(file, n_samples, sampling_rate, answer["name"])
            return sound, answer["cut_at_s"]

    def channel_blocks(self, path: Path, limits: Limits) -> Iterator[Samples]:
        """Yield blocks (n_samples, n_channels), as ``decode.channel_blocks``.

        The worker waits between them.

        Raises:
            KnownError: as ``load``.
        """
        with self._worker(path.name, path) as worker:
            answer = worker.request("channels", path, path.name, limits)
            while answer.get("shape"):
                n_samples, n_channels = answer["shape"]
                if not 0 < n_channels <= MOST_CHANNELS:
                    raise _LostError
                most = n_channels * limits.max_sampling_rate
                block = worker.samples(n_samples * n_channels, most)
                yield block.reshape(n_samples, n_channels)
                answer = worker.exchange({"more": True})

    def round_trip(self, samples: Samples, rate: int, name: str, bit_rate: int) -> Trip:
        """Encode and decode samples, as ``coding.round_trip``.

        Raises:
            KnownError: as ``coding.round_trip``, and ``coder_gave_up`` where the worker
                died, or was killed at its bounds.
        """
        with self._worker(name, code="coder_gave_up") as worker:
            asked = {"ask": "code", "n_samples": len(samples), "rate": rate}
            message = asked | {"codec": name, "bit_rate": bit_rate}
            answer = worker.exchange(message, samples)
            found = worker.samples(answer["n_samples"], len(samples))
            return Trip(found, answer["n_bytes"], answer["delay"])

    def close(self) -> None:
        """End the idle workers."""
        _end_all(self._idle)

    def _readable(self, path: Path | None) -> Readable:
        """List what a worker may read, each with its place on the disk.

        A folder that was deleted and made anew is another one.
        """
        if not self._folders:
            return None
        for folder in self._folders:
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
        whole = path.resolve() if path else None
        inside = any(whole.is_relative_to(f.resolve()) for f in self._folders if whole)
        named = self._folders if inside or not whole else (whole,)
        return tuple((str(each), *_place(each)) for each in named)

    @contextmanager
    def _worker(
        self, name: str, path: Path | None = None, code: str = "decoder_gave_up"
    ) -> Iterator[_Worker]:
        """Lend one worker for one file; convert its failures to known errors.

        Args:
            name: of the file, or of what is asked for.
            path: of the file; None where there is none.
            code: of the error where the worker dies.
        """
        with self._turns:
            readable = self._readable(path)
            worker = self._idle.pop() if self._idle else None
            if worker is None or not worker.is_ready or worker.readable != readable:
                if worker:
                    worker.end()
                worker = _Worker(self._environment, self._bounds, readable)
            is_well = False
            try:
                yield worker
                is_well = True
            except KnownError as error:
                is_well = error.code != code
                raise
            except OSError as error:
                is_full = error.errno in FULL_DISK  # where the caller spools to
                details = {} if is_full else {"name": name}
                raise KnownError("no_room" if is_full else code, **details) from error
            except (_LostError, ValueError, KeyError, TypeError) as error:
                raise KnownError(code, name=name) from error
            finally:
                if is_well and worker.n_jobs < MOST_JOBS:
                    self._idle.append(worker)
                else:
                    worker.end()


class _Worker:
    """One process that runs ``audio.decode.worker``."""

    def __init__(
        self, environment: Mapping[str, str], bounds: Bounds, readable: Readable = None
    ) -> None:
        self.n_jobs = 0
        self.readable = readable
        self._bounds = bounds
        names = None if readable is None else [name for name, *_ in readable]
        given = [json.dumps(vars(bounds)), json.dumps(names)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "audio.decode.worker", *given],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    @property
    def is_ready(self) -> bool:
        """Whether it is alive."""
        return self._process.poll() is None

    def request(self, what: str, path: Path, name: str, limits: Limits) -> Answer:
        """Request a file; return the first line of the answer."""
        self.n_jobs += 1
        fields = [item.name for item in dataclasses.fields(limits)]
        numbers = {each: getattr(limits, each) for each in fields if each != "decoder"}
        message = {"ask": what, "path": str(path.absolute()), "name": name}
        return self.exchange(message | {"limits": numbers})

    def exchange(self, message: Answer, samples: Samples | None = None) -> Answer:
        """Send a line, and samples behind it, and wait for the answer.

        Raises:
            KnownError: the one that the worker raised.
        """
        with self._time_limit():
            source, target = self._pipes()
            target.write(json.dumps(message).encode() + b"\n")
            if samples is not None:
                target.write(np.ascontiguousarray(samples, np.float32).data.cast("B"))
            target.flush()
            line = source.readline()
        if not line.endswith(b"\n"):
            raise _LostError
        answer = cast(Answer, json.loads(line))
        if "error" in answer:
            code, details = answer["error"], answer["details"]
            raise KnownError(code, **details)
        return answer

    def samples(self, n_samples: int, most: int) -> Samples:
        """Read the float32 samples (n_samples,) that follow a line.

        Args:
            n_samples: as the line announces it: the worker may announce anything.
            most: that are read.

        Raises:
            _LostError: where more are announced, or fewer come.
        """
        if not 0 <= n_samples <= most:
            raise _LostError
        samples = np.empty(n_samples, np.float32)
        room, n_read = samples.view(np.uint8).data, 0
        with self._time_limit():
            source, _ = self._pipes()
            while n_read < len(room):
                n_new = cast("Any", source).readinto(room[n_read:])
                if not n_new:
                    raise _LostError
                n_read += n_new
        samples.flags.writeable = False  # so that a clip needs no copy
        return samples

    def end(self) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes():
            with contextlib.suppress(OSError):  # bytes that were never sent
                pipe.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        source, target = self._process.stdout, self._process.stdin
        assert source
        assert target
        return source, target

    @contextmanager
    def _time_limit(self) -> Iterator[None]:
        """Kill the process if the block takes longer than the wall time allowed."""
        timer = threading.Timer(self._bounds.wall_s, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _place(path: Path) -> tuple[int, int]:
    """Return a file's device and its number there; zeros where there is none."""
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_dev, facts.st_ino


def _end_all(idle: list[_Worker]) -> None:
    while idle:
        idle.pop().end()
