"""Four walks through the page, and how long each step takes: what a person feels.

``python -m bench.walks`` goes as a teacher, as a learner on a phone, as a listener and as
somebody who fine-tunes, in headless Chromium, and prints a table: seconds from the click to
the answer, beside those of the page as it was before its redesign, on a busy machine. It
takes some minutes; ``python -m bench.walks listener`` goes one of them alone.
"""

from __future__ import annotations

import os
import sys
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from audio.synth.composer import compose
from bench.classify import save_song
from bench.page import served
from bench.screens import (
    SIZES,
    TOLD,
    browser,
    choose,
    drag,
    offered,
    opened,
    seen,
    to_spectrogram,
)

N_MANY = 12
RUN_MS = 300_000  # a machine may have other work
STFT = "#lesson-stft canvas[role=img]"
DRAWN = "Genrescope.isDrawn()"
# The seconds of the page as it was, as they were written down then.
BEFORE = {
    "server start → page answers": "5.6",
    "page → tabs usable": "0.7–2.5",
    "page → tabs usable, phone": "2.1",
    "first picture of the first view's sound": "1.6",
    "another built-in sound → first picture": "2.6–3.8",
    "4 min MP3 uploaded → name": "0.2",
    "4 min MP3 uploaded → first picture": "5.7",
    "the song before, once more → first picture": "—",
    "frame length changed, 4 min": "0.4–1.0",
    "Rebuild, 32 iterations, 5 s": "1.6",
    "part cut out of the sound": "0.7",
    "classify a composed song, 24 s": "0.5",
    "classify 4 min: first answer": "1.1",
    "classify 4 min: last answer": "2.9",
    "classify 10 min: last answer": "7.9",
    "new sound → old answer disappears": "6.7–7.7",
    "another model → old answer disappears": "—",
    "12 files uploaded": "1.6",
    "12 files: first row": "2.5",
    "12 files: done": "3.9",
    "Data: 20 composed songs": "1.2",
    "Data: 50 composed songs": "—",
    "Train opened the first time": "1.75",
    "run: Start → training": "22",
    "run: Start → finished": "55",
    "tab switch": "0.2–0.4",
    "layout shift, all in all": "0.013",
}


@dataclass
class Watch:
    """What was measured.

    Attributes:
        found: seconds, by the step.
        folder: with songs.
    """

    folder: Path
    found: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what happens inside."""
        began = time.perf_counter()
        yield
        self.note(name, time.perf_counter() - began)

    def note(self, name: str, took_s: float) -> None:
        """Note a time (s)."""
        self.found.setdefault(name, []).append(took_s)
        print(f"{took_s:8.2f}  {name}", file=sys.stderr, flush=True)

    def song(self, minutes: float) -> Path:
        """Return a synthetic song as mp3."""
        path = self.folder / f"song of {minutes:g} min.mp3"
        if not path.exists():
            save_song(path, minutes)
        return path

    def many(self) -> list[Path]:
        """Return a dozen short songs."""
        paths = [self.folder / f"song {number}.wav" for number in range(N_MANY)]
        for number, path in enumerate(paths):
            if not path.exists():
                save_wav(path, compose("blues", seed=number))
        return paths


class Work:
    """What a page's main thread works from now on: a busy machine does not change it.

    Args:
        page: open.
    """

    def __init__(self, page: Any) -> None:
        self._tools = page.context.new_cdp_session(page)
        self._tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._before_s = self._busy_s()

    def done_s(self) -> float:
        """Return the processor time since (s)."""
        return self._busy_s() - self._before_s

    def _busy_s(self) -> float:
        metrics = self._tools.send("Performance.getMetrics")["metrics"]
        return float({each["name"]: each["value"] for each in metrics}["TaskDuration"])


def main() -> None:
    """Go all the walks, or those that are named, and print the table."""
    from playwright.sync_api import Error

    stopped = []
    os.environ["GENRESCOPE_TRUST_THIS_MACHINE"] = "1"  # so that runs may start
    with TemporaryDirectory() as folder:
        watch = Watch(Path(folder))
        with served("ours") as (url, start), browser() as chromium:
            watch.note("server start → page answers", start["start to first byte, s"])
            for name in sys.argv[1:] or WALKS:
                print(name, file=sys.stderr)
                try:
                    WALKS[name](chromium, url, watch)
                except Error as error:  # the others go on
                    stopped.append(name)
                    print(f"{name} got no further: {error}", file=sys.stderr)
    print("| from the click to the answer | s | before, s |\n|---|---|---|")
    for name, took_s in watch.found.items():
        print(f"| {name} | {between(took_s)} | {BEFORE.get(name, '—')} |")
    if stopped:
        sys.exit(f"did not come to its end: {', '.join(stopped)}")


def between(took_s: list[float]) -> str:
    """Write the least and the most."""
    low, high = f"{min(took_s):.2f}", f"{max(took_s):.2f}"
    return low if low == high else f"{low}–{high}"


def visit(chromium: Any, url: str, watch: Watch, size: str = "laptop") -> Any:
    """Open the page as a newcomer, and wait until its tabs can be used."""
    step = "page → tabs usable"
    with watch.step(step if size == "laptop" else f"{step}, {size}"):
        return opened(chromium, url, SIZES[size])


def teacher(chromium: Any, url: str, watch: Watch) -> None:
    """Begin with the trumpet, change sounds and settings, rebuild, cut a part out."""
    page = visit(chromium, url, watch)
    work = Work(page)
    with watch.step("first picture of the first view's sound"):
        page.locator(".front-look").click()
        seen(page, STFT)
    watch.note("the same, the browser's CPU s", work.done_s())
    for name in ("Octave", "Composed disco", "Rising sweep"):
        page.wait_for_function(DRAWN)
        seen(page, ".clip-bar.has-sound .bar-time", "/")  # its list of sounds is closed
        button = offered(page, name)
        fresh(page)
        work = Work(page)
        with watch.step("another built-in sound → first picture"):
            button.click()
            is_drawn_anew(page)
        watch.note("the same, of another sound, the browser's CPU s", work.done_s())
    page.wait_for_function(DRAWN)
    page.locator("#lesson-back").scroll_into_view_if_needed()
    button = page.locator("#lesson-back").get_by_role("button", name="Rebuild")
    with watch.step("Rebuild, 32 iterations, 5 s"):
        button.click()
        seen(page, "#lesson-back canvas[role=img]")
    to_spectrogram(page)
    drag(page, STFT, 0.3, 0.6)
    use = page.locator("#lesson-stft").get_by_role("button", name="Use only this part")
    use.first.wait_for()
    name = page.locator(".clip-facts strong").inner_text()
    with watch.step("part cut out of the sound"):
        use.first.click()
        seen(page, ".clip-facts strong", f"{name} ")
    for tab in ("data", "classify", "teach", "see"):
        with watch.step("tab switch"):
            page.locator(f"[data-tab-id={tab}]:visible").click()
            seen(page, f"[data-tab-id={tab}][aria-selected=true]")
    page.context.close()


def learner(chromium: Any, url: str, watch: Watch) -> None:
    """On a phone: upload a song, change a setting."""
    song = watch.song(4)
    page = visit(chromium, url, watch, "phone")
    upload(page, song, watch)
    page.wait_for_function(DRAWN)
    choose(page, "Octave")
    to_spectrogram(page)
    fresh(page, STFT)
    with watch.step("the song before, once more → first picture"):
        choose_file(page, song)
        is_drawn_anew(page)
    page.wait_for_function(DRAWN)
    fresh(page, STFT)
    length = page.locator("#lesson-stft").get_by_role("combobox").first
    length.click()
    with watch.step("frame length changed, 4 min"):
        page.locator("[role=listbox] [role=option]").first.click()
        is_drawn_anew(page)
    page.context.close()


def listener(chromium: Any, url: str, watch: Watch) -> None:
    """Classify built-in songs, long ones, many; change the sound and the model."""
    page = visit(chromium, url, watch)
    page.locator("[data-tab-id=classify]:visible").click()
    page.locator("#ask").wait_for()
    with watch.step("composed song, 24 s: chosen → classified"):
        choose(page, "Composed blues")
        with watch.step("classify a composed song, 24 s"):
            seen(page, TOLD)
    age(page)
    song, long = watch.song(4), watch.song(10)
    with watch.step("new sound → old answer disappears"):
        choose_file(page, song)
        page.wait_for_function(
            "!window.old.checkVisibility({visibilityProperty: true})"
        )
    began = time.perf_counter()
    seen(page, ".block.answer .verdict")
    watch.note("classify 4 min: first answer", time.perf_counter() - began)
    seen(page, TOLD)
    watch.note("classify 4 min: last answer", time.perf_counter() - began)
    age(page)
    page.get_by_role("combobox", name="Model", exact=True).click()
    with watch.step("another model → old answer disappears"):
        page.get_by_role("option", name="Bundled model").click()
        page.wait_for_function(
            "!window.old.checkVisibility({visibilityProperty: true})"
        )
    page.locator(TOLD).first.wait_for()
    with watch.step("classify 10 min: last answer"):
        choose_file(page, long)
        seen(page, ".clip-facts strong", "10 min")
        seen(page, TOLD)
    many(page, watch)
    page.context.close()


def many(page: Any, watch: Watch) -> None:
    """Classify a dozen songs at once."""
    page.get_by_role("button", name="Many songs at once").click()
    files = [str(path) for path in watch.many()]
    button = page.get_by_role("button", name="Classify all")
    with watch.step("12 files uploaded"):
        page.locator("input[type=file][multiple]").first.set_input_files(files)
        seen(page, ".file-count", str(N_MANY))
    began = time.perf_counter()
    button.click()
    seen(page, ".batch tbody tr")
    watch.note("12 files: first row", time.perf_counter() - began)
    page.locator(".batch tbody tr[data-number]").nth(N_MANY - 1).wait_for()
    watch.note("12 files: done", time.perf_counter() - began)


def tuner(chromium: Any, url: str, watch: Watch) -> None:
    """Look at composed songs, train a head on them, watch it."""
    page = visit(chromium, url, watch)
    page.add_script_tag(content=SHIFTS)
    page.locator("[data-tab-id=data]:visible").click()
    for n_songs, n_each in ((20, "2"), (50, "5")):
        page.get_by_label("Songs to compose per genre").first.fill(n_each)
        with watch.step(f"Data: {n_songs} composed songs"):
            page.get_by_role("button", name="Look at the songs").click()
            seen(page, ".survey .counts tfoot td", str(n_songs))
    with watch.step("Train opened the first time"):
        page.locator("[data-tab-id=train]:visible").click()
        page.get_by_role("button", name="Start", exact=True).wait_for()
    page.get_by_role("combobox", name="Recipe", exact=True).click()
    page.get_by_role("option", name="head").click()
    page.get_by_role("button", name="Use songs composed here").click()
    page.wait_for_timeout(1500)  # what it needs is estimated anew
    began = time.perf_counter()
    page.get_by_role("button", name="Start", exact=True).click()
    seen(page, ".run-bar progress[value]")
    watch.note("run: Start → training", time.perf_counter() - began)
    seen(page, ".run-scores .run-score", timeout_ms=RUN_MS)
    watch.note("run: Start → finished", time.perf_counter() - began)
    watch.note("layout shift, all in all", page.evaluate("window.shifted"))
    page.context.close()


SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });"""
WALKS: dict[str, Callable[[Any, str, Watch], None]] = {
    "teacher": teacher,
    "learner": learner,
    "listener": listener,
    "tuner": tuner,
}


def upload(page: Any, path: Path, watch: Watch) -> None:
    """Upload a song, wait for its name, then for its first picture."""
    began = time.perf_counter()
    choose_file(page, path)
    seen(page, ".bar-line strong", path.stem)
    watch.note("4 min MP3 uploaded → name", time.perf_counter() - began)
    seen(page, ".clip-facts strong", path.stem)
    seen(page, ".lesson-picture canvas[role=img]")
    watch.note("4 min MP3 uploaded → first picture", time.perf_counter() - began)


def choose_file(page: Any, path: Path) -> None:
    """Choose a file for the sound, as its dialog does: the same one counts as well."""
    place = page.locator("#player input[type=file]").first
    place.evaluate("(input) => { input.value = ''; }")
    place.set_input_files(path)


def fresh(page: Any, place: str = ".lesson-picture canvas[role=img]") -> None:
    """Notice when the first picture in view is drawn anew: its numbers are new ones."""
    page.evaluate(
        """(place) => {
          const canvas = [...document.querySelectorAll(place)].find((one) => {
            const { top, bottom } = one.getBoundingClientRect();
            return one.checkVisibility() && bottom > 0 && top < innerHeight;
          });
          const sheet = canvas.closest(".block");
          const numbers = sheet.querySelector(".numbers");
          const before = numbers.textContent;
          window.isFresh = false;
          const look = () => {
            const now = sheet.querySelector(".numbers")?.textContent;
            if (now && now !== before) window.isFresh = true;
            else requestAnimationFrame(look);
          };
          look();
        }""",
        place,
    )


def is_drawn_anew(page: Any) -> None:
    """Wait for what ``fresh`` notices."""
    page.wait_for_function("window.isFresh")


def age(page: Any) -> None:
    """Remember the answer that is shown."""
    page.evaluate("(told) => { window.old = document.querySelector(told); }", TOLD)


def save_wav(path: Path, clip: Any) -> None:
    """Write a clip as 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(clip.sampling_rate)
        file.writeframes((clip.samples * 32767).astype(np.int16).tobytes())


if __name__ == "__main__":
    main()
