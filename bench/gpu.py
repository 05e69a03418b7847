"""All that needs a CUDA device, in one script: speed, precision, memory and tests.

``python -m bench.gpu`` prints the tables of RESULTS.md and writes ``gpu.json`` into
``$OUT``, where that is set. It ends within ``--seconds``: below 300 it takes smaller
sizes, and what there is no time for is named. ``--tiny`` tries every part in a minute or
two, on a CPU as well, whose figures mean nothing.

The parts (bench/on_gpu/) run one after the other in a child process, which is started
again for the rest where one of them ends it; the tests that are marked gpu are
another's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.on_gpu.memory import memory
from bench.on_gpu.parts import about, classify, precision, tutorial, waiting
from bench.on_gpu.setting import (
    ROOT,
    SIZES,
    Found,
    Size,
    released,
    write_all_songs,
)
from bench.on_gpu.tables import tables

FULL_S = 300.0  # from so many seconds on, everything at its full size
TESTS_S = 50.0  # kept for the tests
PATIENCE_S = 20.0  # with less time left nothing is begun
NO_TIME = "no time was left"
# In the order in which they matter; the first one's process shall be new.
PARTS: dict[str, Callable[[Size, Path], Found]] = {
    part.__name__: part
    for part in (tutorial, about, waiting, memory, classify, precision)
}


def has_cuda() -> bool:
    """Return whether torch computes on a GPU; it is imported only if necessary."""
    from trainer.process import device

    return device.best(os.environ).is_gpu


def run_parts(names: Sequence[str], size: Size, home: Path) -> None:
    """Run parts, in the child; add a line to ``parts.jsonl`` for each."""
    import torch  # noqa: F401 - so that no part's time holds the imports
    from transformers.utils import logging

    from trainer.training import train  # noqa: F401

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    for name in names:
        start_s = time.perf_counter()
        found = PARTS[name](size, home)
        found["took_s"] = time.perf_counter() - start_s
        released()
        for folder in {home, Path(os.environ.get("OUT") or home)}:  # should all end now
            with (folder / "parts.jsonl").open("a") as file:
                file.write(json.dumps({name: found}) + "\n")


def results_of(home: Path, size_name: str, until: float, log: Any) -> dict[str, Found]:
    """Run the child until every part has figures or an error."""
    results: dict[str, Found] = {}
    lines = home / "parts.jsonl"
    while left := [name for name in PARTS if name not in results]:
        (home / "began_at").write_text(str(time.time()))
        command = [sys.executable, "-m", "bench.gpu", "parts", str(home), size_name]
        ended = child([*command, *left], until, log)
        for line in lines.read_text().splitlines() if lines.exists() else ():
            results |= json.loads(line)
        left = [name for name in left if name not in results]
        broken = left if ended == NO_TIME else left[:1]
        results |= {name: {"failed": ended} for name in broken}
    return results


def child(command: Sequence[str], until: float, log: Any) -> str:
    """Run a process with a time limit; return how it ended."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    left_s = until - time.time()
    if left_s < PATIENCE_S:
        return NO_TIME
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=left_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return NO_TIME
    return f"exit code {done.returncode}"


def run_tests(until: float, log_path: Path) -> Found:
    """Run the tests that are marked gpu, from the files that have any."""
    files = [
        str(path)
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "pytest.mark.gpu" in path.read_text("utf-8")
    ]
    command = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider"]
    start_s = time.perf_counter()
    with log_path.open("w") as log:
        ended = child([*command, "-q", "-rfE", "--durations=5", *files], until, log)
    printed = log_path.read_text("utf-8").strip().splitlines()
    return {
        "ended": ended,
        "summary": printed[-1] if printed else "",
        "failures": [ln for ln in printed if ln.startswith(("FAILED", "ERROR"))],
        "took_s": time.perf_counter() - start_s,
    }


def keep(results: dict[str, Found], log: Path) -> None:
    """Write the figures and a log into ``$OUT``; print its end where one failed."""
    if os.environ.get("OUT"):
        out = Path(os.environ["OUT"])
        (out / "gpu.json").write_text(json.dumps(results, indent=1), "utf-8")
        (out / f"gpu-{log.name}").write_text(log.read_text("utf-8"), "utf-8")
    if any("failed" in found or found.get("failures") for found in results.values()):
        print(log.read_text("utf-8")[-5000:], flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write everything; return 0 where nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=450.0, help="to end within")
    parser.add_argument("--tiny", action="store_true", help="try it, on a CPU too")
    parser.add_argument("--no-tests", action="store_true", help="leave pytest out")
    options = parser.parse_args(arguments)
    until = time.time() + options.seconds
    name = "full" if options.seconds >= FULL_S else "quick"
    name = "tiny" if options.tiny else name
    if not options.tiny and not has_cuda():
        print("There is no CUDA device here; --tiny tries the script all the same.")
        return 0
    with TemporaryDirectory() as folder:
        home = Path(folder)
        start_s = time.perf_counter()
        write_all_songs(home, SIZES[name])
        print(f"Songs in {time.perf_counter() - start_s:.1f} s.\n", flush=True)
        with (home / "parts.txt").open("w") as log:
            kept_s = 0.0 if options.no_tests else TESTS_S
            results = results_of(home, name, until - kept_s, log)
        print(tables(results), flush=True)
        keep(results, home / "parts.txt")
        if not options.no_tests:
            results["tests"] = run_tests(until, home / "tests.txt")
            print(tables({"tests": results["tests"]}), flush=True)
            keep(results, home / "tests.txt")
    is_failed = any("failed" in found for found in results.values())
    return int(is_failed or bool(results.get("tests", {}).get("failures")))


if __name__ == "__main__":
    if sys.argv[1:2] == ["parts"]:
        run_parts(sys.argv[4:], SIZES[sys.argv[3]], Path(sys.argv[2]))
    else:
        sys.exit(main())
