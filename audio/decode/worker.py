"""Decode files for another process, within limits on CPU time, memory and files.

Run by ``audio.decode.pool``. A request is a line of JSON, with samples behind it where
they are to be encoded; the answer is a line, then samples. Samples are float32 of this
machine. The process ends when its input does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from audio import coding, decode
from audio.clip import Samples
from audio.decode import sandbox
from audio.decode.pool import Bounds
from errors import KnownError

MOST_FILES = 32  # open at once: libraries, pipes and one song


class Line:
    """Read requests and write answers.

    Args:
        source: of requests.
        target: of answers, a file descriptor.
    """

    def __init__(self, source: BinaryIO, target: int) -> None:
        self._source = source
        self._target = target

    def receive(self) -> dict[str, Any] | None:
        """Return the next request; None at the end of the input."""
        line = self._source.readline()
        return json.loads(line) if line else None

    def samples(self, n_samples: int) -> Samples:
        """Read the samples that follow a request, float32 (n_samples,)."""
        return np.frombuffer(self._source.read(4 * n_samples), np.float32)

    def send(self, answer: dict[str, Any], samples: Samples | None = None) -> None:
        """Write a line, then the samples."""
        self._write(json.dumps(answer, default=str).encode() + b"\n")
        if samples is not None:
            self._write(np.ascontiguousarray(samples).data.cast("B"))

    def _write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._target, rest) :]


def main() -> None:
    """Answer requests until the input ends."""
    bounds = Bounds(**json.loads(sys.argv[1]))
    folders = json.loads(sys.argv[2])
    # What libraries print must not mix with the answers.
    target = os.dup(1)
    os.dup2(2, 1)
    import av  # noqa: F401 - needs more open files than songs do

    _bound(bounds)
    sandbox.enter(None if folders is None else [Path(each) for each in folders])
    line = Line(sys.stdin.buffer, target)
    while asked := line.receive():
        _bound_time(bounds.cpu_s)
        try:
            ANSWERS[asked["ask"]](asked, line)
        except KnownError as error:
            line.send({"error": error.code, "details": error.details})


def _load(asked: dict[str, Any], line: Line) -> None:
    path, limits = Path(asked["path"]), decode.Limits(**asked["limits"])
    decoded = decode.load(path, name=asked["name"], limits=limits)
    clip = decoded.clip
    answer = {
        "facts": dataclasses.asdict(decoded.facts),
        "levels": dataclasses.asdict(decoded.levels),
        "name": clip.name,
        "sampling_rate": clip.sampling_rate,
        "n_samples": clip.n_samples,
        "cut_at_s": decoded.cut_at_s,
    }
    line.send(answer, clip.samples)


def _channel_blocks(asked: dict[str, Any], line: Line) -> None:
    limits = decode.Limits(**asked["limits"])
    for block in decode.channel_blocks(Path(asked["path"]), limits):
        line.send({"shape": block.shape}, block)
        if not line.receive():
            return
    line.send({"shape": None})


def _code(asked: dict[str, Any], line: Line) -> None:
    samples = line.samples(asked["n_samples"])
    found = coding.round_trip(samples, asked["rate"], asked["codec"], asked["bit_rate"])
    answer = {"n_bytes": found.n_bytes, "delay": found.delay}
    line.send(answer | {"n_samples": len(found.samples)}, found.samples)


ANSWERS: dict[str, Callable[[dict[str, Any], Line], None]] = {
    "load": _load,
    "channels": _channel_blocks,
    "code": _code,
}


def _bound(bounds: Bounds) -> None:
    """Limit this process's memory, open files, writing and core dumps."""
    import resource

    for kind, most in (
        (resource.RLIMIT_AS, bounds.memory_bytes),
        (resource.RLIMIT_NOFILE, MOST_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # not every system has each
            resource.setrlimit(kind, (most, most))


def _bound_time(cpu_s: int) -> None:
    """Limit this process to so many more seconds of CPU time."""
    import resource

    soonest = math.ceil(time.process_time()) + cpu_s
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (soonest, most))


if __name__ == "__main__":
    main()
