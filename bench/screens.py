"""Pictures of the page: each tab in each state, and those of README.

``python -m bench.screens look FOLDER [TAB ...] [SIZE ...]`` photographs the tabs, empty,
busy and full, each lesson by itself, and the page as a presentation, on a phone, a laptop
and a large screen, light beside dark. ``python -m bench.screens readme`` shoots the
pictures and the recording of ``assets/`` anew. It needs Chromium; a server of its own runs
meanwhile, offline, with a folder of its own.
"""

from __future__ import annotations

import base64
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.page import BROWSER, FLAGS, served

ASSETS = Path(__file__).parents[1] / "assets"
SIZES = {"phone": (390, 844), "laptop": (1280, 900), "large": (1920, 1080)}
SOUND = ["--autoplay-policy=no-user-gesture-required"]
MICROPHONE = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
WAIT_MS = 120_000  # a machine may have other work
RUN_MS = 600_000
TALLEST_PX = 6000  # of a picture; what is below is more of the same
IS_COMPLETE = """document.querySelector("#player input[type=file]")
  && document.querySelector("#header nav a[aria-current]")
  && Genrescope.front.state().share === 1"""
TOLD = ".block.answer .verdict:not(.so_far)"
DRAWN = "Genrescope.isDrawn()"
LESSONS = "lessons"  # named as a tab is
SETTLED_MS = 1200  # after which nothing moves any more
# A lesson in README: so much of it, with nothing over it.
LESSON_PX = 560
ALONE = ".clip-bar { visibility: hidden; }"
# The recording.
FILM = (1280, 800)  # the page's size,
FILM_PX = {"maxWidth": 960, "maxHeight": 600}  # and the film's
FILM_S = 10.0
FRAMES_S = 0.11  # between two pictures of it, at least,
GAP_S = 0.8  # and at most
LAST_S = 1.2  # of the last one
FILM_BYTES = 2_000_000
QUALITIES = (70, 50, 30)
POINTER = """() => {
  const hand = document.createElement("div");
  hand.style.cssText = "position:fixed;z-index:99999;width:22px;height:22px;margin:-3px 0 0 -4px;"
    + "pointer-events:none;transition:left 90ms,top 90ms;left:-50px;top:0;background:url(\\"data:image/svg+xml,"
    + "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 22 22'%3E%3Cpath d='M4 2v16l4.2-4 2.6 6 2.8-1.2-2.6-5.8H17z'"
    + " fill='%23fff' stroke='%23000' stroke-width='1.4'/%3E%3C/svg%3E\\")";
  document.body.append(hand);
  addEventListener("mousemove", ({ clientX, clientY }) => {
    hand.style.left = `${clientX}px`;
    hand.style.top = `${clientY}px`;
  }, true);
}"""

Page = Any  # of playwright


def main() -> None:
    """Do what the arguments ask for."""
    os.environ["GENRESCOPE_TRUST_THIS_MACHINE"] = "1"  # so that runs may start
    what, *more = sys.argv[1:] or ["readme"]
    if what not in ("readme", "film", "look") or (what == "look") is not bool(more):
        choices = "readme, film, look FOLDER [TAB ...] [SIZE ...]"
        print(f"bench.screens: choose one of {choices}", file=sys.stderr)
        sys.exit(2)
    with served("ours") as (url, _), browser() as chromium:
        if what == "readme":
            readme(chromium, url)
        elif what == "film":
            film(chromium, url, ASSETS / "genrescope.webp")
        else:
            folder, *only = more
            look(chromium, url, Path(folder), only)


@contextmanager
def browser() -> Iterator[Any]:
    """Start Chromium with sound that needs no click, and a microphone that beeps."""
    from playwright.sync_api import sync_playwright

    flags = [*FLAGS, *SOUND, *MICROPHONE]
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=BROWSER, args=flags)
        yield chromium
        chromium.close()


def opened(chromium: Any, url: str, size: tuple[int, int], **look: Any) -> Page:
    """Open the page, and wait until all of it is there."""
    width, height = size
    context = chromium.new_context(
        viewport={"width": width, "height": height}, locale="en-US", **look
    )
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(url)
    page.wait_for_function(IS_COMPLETE)
    return page


# The states of each tab, in the order in which one page goes through them.


def see_full(page: Page) -> None:
    """Show a song as a spectrogram, with a part chosen."""
    choose(page, "Composed disco")
    to_spectrogram(page)
    drag(page, "#lesson-stft canvas[role=img]", 0.3, 0.5)


def to_spectrogram(page: Page) -> None:
    """Scroll to the lesson, and wait for its picture."""
    for _ in range(2):  # pictures that are drawn on the way move it
        page.locator("#lesson-stft").evaluate("(one) => one.scrollIntoView()")
        page.locator("#lesson-stft canvas[role=img]").first.wait_for()
        page.wait_for_function(DRAWN)


def data_busy(page: Page) -> None:
    """Look at composed songs."""
    page.get_by_role("button", name="Look at the songs").click()


def data_full(page: Page) -> None:
    """Show what was found."""
    page.locator(".survey .counts").first.wait_for()


def train_busy(page: Page) -> None:
    """Train a new head on composed songs."""
    page.get_by_role("combobox", name="Recipe", exact=True).click()
    page.get_by_role("option", name="head").click()
    page.get_by_role("button", name="Use songs composed here").click()
    page.get_by_label("Songs to compose per genre").last.fill("12")
    page.wait_for_timeout(SETTLED_MS)  # what it needs is estimated anew
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".run-bar progress").first.wait_for()


def train_full(page: Page) -> None:
    """Show the run's scores."""
    page.locator(".run-scores .run-score").first.wait_for(timeout=RUN_MS)
    page.get_by_role("button", name="All runs").click()


def classify_busy(page: Page) -> None:
    """Ask about a song."""
    if not page.locator(".clip-facts strong").count():
        choose(page, "Composed blues")
    page.locator("#ask").click()


def classify_full(page: Page) -> None:
    """Show the answer, and those for many songs."""
    page.locator(TOLD).first.wait_for()


def live_busy(page: Page) -> None:
    """Draw what the microphone gives."""
    page.locator("#live button").first.click()
    page.wait_for_timeout(4000)


def nothing(page: Page) -> None:
    """Leave the page as it is."""


def see_question(page: Page) -> None:
    """Answer a question beside its picture wrongly."""
    dock = page.locator("#lesson-dft details.dock")
    dock.scroll_into_view_if_needed()
    dock.locator("summary").click()
    dock.locator("input").fill("1")
    dock.locator(".dock-check").click()
    dock.locator(".said p").wait_for()


def see_inside(page: Page) -> None:
    """Look inside the model."""
    for name in INSIDE:
        lesson = page.locator(f"#lesson-{name}")
        lesson.scroll_into_view_if_needed()
        start = lesson.get_by_role("button", name="Look inside").first
        picture = lesson.locator("canvas[role=img]").first
        picture.or_(start).first.wait_for()
        if start.is_visible():
            start.click()
        picture.wait_for()


def see_presented(page: Page) -> None:
    """Show a lesson to a class."""
    page.evaluate("Genrescope.presentation.toggle()")
    to_spectrogram(page)


def train_compared(page: Page) -> None:
    """Train once more, longer, and compare both runs."""
    page.get_by_role("button", name="All settings").first.click()
    page.get_by_label("Steps", exact=True).first.fill("40")
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".run-bar progress").first.wait_for()
    page.locator(".run-scores .run-score").first.wait_for(timeout=RUN_MS)
    box = page.get_by_role("combobox", name="Compare", exact=True)
    box.click()
    for _ in range(2):  # what is chosen leaves the list
        box.press("ArrowDown")
        box.press("Enter")
    box.press("Escape")
    page.locator(".run-comparison table").wait_for()


def classify_refused(page: Page) -> None:
    """Ask without a sound."""
    page.locator("#ask").click()
    page.locator(".toast-body").first.wait_for()


def classify_two(page: Page) -> None:
    """Ask two models: the second one of the last run, where there is one."""
    page.get_by_role("combobox", name="Compare with", exact=True).click()
    last = page.get_by_role("listbox").get_by_role("option").last
    if last.inner_text().startswith("Bundled"):  # it would be compared with itself
        page.keyboard.press("Escape")
        return
    last.click()
    page.wait_for_timeout(SETTLED_MS)
    page.locator("#ask").click()
    page.locator(".answers > :nth-child(2)").wait_for()
    page.locator(TOLD).first.wait_for()


def classify_many(page: Page) -> None:
    """Classify some songs, and what is no song, and open a row."""
    page.get_by_role("button", name="Many songs at once").click()
    with TemporaryDirectory() as folder:
        files = songs(Path(folder))
        place = page.locator("input[type=file][multiple]").first
        place.set_input_files(files)
        counted = page.locator(".file-count").filter(has_text=str(len(files)))
        counted.first.wait_for()
        page.get_by_role("button", name="Classify all").click()
        page.locator(".batch tbody tr").nth(len(files) - 1).wait_for()
    page.locator(".batch .open").first.click()
    page.locator(".batch-song").wait_for()


def songs(folder: Path) -> list[Path]:
    """Write composed songs and a file that has no sound."""
    from audio.synth.composer import compose
    from bench.walks import save_wav

    paths = [folder / f"{number} {genre}.wav" for number, genre in enumerate(GENRES)]
    for number, path in enumerate(paths):
        save_wav(path, compose(GENRES[number], seed=number))
    notes = folder / "notes.txt.mp3"
    notes.write_text("no sound at all")
    return [*paths, notes]


def classify_what_if(page: Page) -> None:
    """Change the song."""
    page.get_by_role("button", name="What if the song were").click()
    page.get_by_label("Transpose").first.fill("5")
    page.get_by_label("Transpose").first.blur()
    page.locator(".what-if.changed table").first.wait_for()
    page.get_by_role("button", name="Try all changes").click()
    page.locator(".what-if .verdict").first.wait_for()


def classify_where(page: Page) -> None:
    """Hide tiles of the song."""
    page.get_by_role("button", name="Where does it listen").click()
    page.get_by_role("button", name="Find out where").click()
    page.locator(".where-map canvas[role=img]").wait_for()


def map_full(page: Page) -> None:
    """Draw the map of composed songs, and choose one."""
    page.get_by_role("button", name="Draw the map").click()
    page.locator(".map-rows .open").first.wait_for()
    page.locator(".map-rows .open").first.click()


def teach_question(page: Page) -> None:
    """Open the list of questions."""
    if not page.locator(".dock.all .dock-list").is_visible():
        page.locator(".dock.all summary").click()
    page.locator(".dock.all .dock-list button").nth(3).click()


GENRES = ("blues", "classical", "disco", "metal", "reggae")
INSIDE = ("inside", "attention", "readings")
STATES: dict[str, dict[str, Callable[[Page], None]]] = {
    "see": {
        "empty": nothing,
        "full": see_full,
        "question": see_question,
        "inside": see_inside,
        "presented": see_presented,
    },
    "data": {"empty": nothing, "busy": data_busy, "full": data_full},
    "train": {
        "empty": nothing,
        "busy": train_busy,
        "full": train_full,
        "compared": train_compared,
    },
    "classify": {
        "empty": nothing,
        "refused": classify_refused,
        "busy": classify_busy,
        "full": classify_full,
        "two": classify_two,
        "many": classify_many,
        "what_if": classify_what_if,
        "where": classify_where,
    },
    "live": {"empty": nothing, "busy": live_busy},
    "map": {"empty": nothing, "full": map_full},
    "teach": {"full": nothing, "question": teach_question},
}


def look(chromium: Any, url: str, folder: Path, only: list[str]) -> None:
    """Photograph each tab in each state, size and theme: a file for both themes."""
    from playwright.sync_api import TimeoutError

    folder.mkdir(parents=True, exist_ok=True)
    sizes = [each for each in SIZES if each in only] or [*SIZES]
    tabs = [each for each in [*STATES, LESSONS] if each in only] or [*STATES, LESSONS]
    for tab in tabs:
        page = opened(chromium, url, SIZES["laptop"])
        if tab == LESSONS:
            each_lesson(page, folder, sizes)
            continue
        if tab != "see":
            page.locator(f"[data-tab-id={tab}]:visible").click()
        for state, reach in STATES[tab].items():
            resize(page, SIZES["laptop"])
            try:
                reach(page)
            except TimeoutError as error:  # it is photographed as far as it came
                print(f"{tab}, {state}: {error}", file=sys.stderr)
            for size in sizes:
                photograph(page, folder / f"{tab}-{state}-{size}.png", SIZES[size])
        page.context.close()


def each_lesson(page: Page, folder: Path, sizes: list[str]) -> None:
    """Photograph every lesson, from its heading on."""
    choose(page, "Composed disco")
    for lesson in page.locator(".lesson[id^=lesson-]").all():
        place = f"#{lesson.get_attribute('id')}"
        for size in sizes:
            resize(page, SIZES[size])
            path = folder / f"{place.strip('#')}-{size}.png"
            photograph(page, path, SIZES[size], place)
    page.context.close()


def photograph(page: Page, path: Path, size: tuple[int, int], place: str = "") -> None:
    """Photograph the whole page, or the screen from a place on, light beside dark."""
    from PIL import Image

    resize(page, size)
    shots = []
    for is_dark in (False, True):
        page.evaluate("(on) => document.body.classList.toggle('dark', on)", is_dark)
        shown = page_from(page, place) if place else whole_page(page, size)
        shots.append(Image.open(io.BytesIO(shown)))
    page.evaluate("document.body.classList.remove('dark')")
    height = max(shot.height for shot in shots)
    both = Image.new("RGB", (2 * size[0], height), "white")
    for number, shot in enumerate(shots):
        both.paste(shot, (number * size[0], 0))
    both.save(path)


def whole_page(page: Page, size: tuple[int, int]) -> bytes:
    """Take the page from its top to its end, as far as ``TALLEST_PX``."""
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(SETTLED_MS)
    tall = page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": size[0], "height": min(tall, TALLEST_PX)}
    return page.screenshot(full_page=True, clip=clip)


def page_from(page: Page, place: str) -> bytes:
    """Take what the screen shows below a place, once it stays there."""
    for _ in range(3):  # pictures that are drawn on the way move it
        page.locator(place).evaluate("(one) => one.scrollIntoView()")
        page.wait_for_timeout(SETTLED_MS / 2)
    return page.screenshot()


def resize(page: Page, size: tuple[int, int]) -> None:
    """Show the page on another screen."""
    page.set_viewport_size({"width": size[0], "height": size[1]})


def choose(page: Page, name: str) -> None:
    """Choose a built-in sound, wherever the page offers it."""
    offered(page, name).click()
    seen(page, ".clip-facts strong", name)


def offered(page: Page, name: str) -> Any:
    """Return the button of a built-in sound; open the list of sounds if it must be."""
    button = page.locator(".chips").get_by_role("button", name=name, exact=True).first
    if not button.is_visible():
        page.locator(".bar-sounds").click()
        button.wait_for()
    return button


def seen(
    page: Page, selector: str, text: str = "", timeout_ms: float | None = None
) -> None:
    """Wait until something is visible, and look at each frame.

    A locator's own waiting looks again after up to half a second: what is measured with
    it comes out too long.
    """
    page.wait_for_function(
        """([selector, text]) => [...document.querySelectorAll(selector)].some((one) =>
          one.checkVisibility({ visibilityProperty: true })
            && one.textContent.includes(text))""",
        arg=[selector, text],
        timeout=timeout_ms,
    )


def drag(
    page: Page, picture: str, start: float, stop: float, n_steps: int = 12
) -> None:
    """Drag over a picture, from one fraction of its width to another."""
    box = page.locator(picture).first.bounding_box()
    y = box["y"] + box["height"] * 0.45
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    for step in range(1, n_steps + 1):
        at = start + (stop - start) * step / n_steps
        page.mouse.move(box["x"] + box["width"] * at, y)
        page.wait_for_timeout(40)
    page.mouse.up()


def readme(chromium: Any, url: str) -> None:
    """Shoot README's pictures: the first view, a spectrogram, the recording."""
    page = opened(chromium, url, (1280, 864), device_scale_factor=1.5)
    page.wait_for_timeout(SETTLED_MS)
    save(page.screenshot(), ASSETS / "genrescope.png")
    see_full(page)
    page.add_style_tag(content=ALONE)
    box = page.locator("#lesson-stft canvas[role=img]").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.42, box["y"] + box["height"] * 0.55)
    page.wait_for_timeout(SETTLED_MS)
    clip = page.locator("#lesson-stft").bounding_box() | {"height": LESSON_PX}
    save(page.screenshot(clip=clip), ASSETS / "spectrogram.png")
    page.context.close()
    film(chromium, url, ASSETS / "genrescope.webp")


def save(png: bytes, path: Path) -> None:
    """Write a picture with 256 colours, a quarter of the bytes."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)


@dataclass
class Film:
    """What a page shows, as it goes.

    Attributes:
        frames: when (s), and the picture.
        is_on: whether pictures are taken.
        last: the last one that the page gave, taken or not.
    """

    frames: list[tuple[float, bytes]] = field(default_factory=list)
    is_on: bool = True
    last: tuple[float, bytes] = (0.0, b"")

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Take no pictures of what is waited for: another machine is faster."""
        self.is_on = False
        yield
        self.is_on = True
        if self.last[1] and self.last not in self.frames:
            self.frames.append(self.last)  # what has come

    def take(self, event: dict[str, Any]) -> None:
        """Keep a frame of Chromium's screencast."""
        at_s = event["metadata"]["timestamp"]
        self.last = at_s, base64.b64decode(event["data"])
        is_due = not self.frames or at_s - self.frames[-1][0] >= FRAMES_S
        if self.is_on and is_due:
            self.frames.append(self.last)

    def save(self, path: Path) -> None:
        """Write the frames as one picture that moves, small enough for a README."""
        from PIL import Image

        images = [Image.open(io.BytesIO(png)).convert("RGB") for _, png in self.frames]
        times_s = [at_s for at_s, _ in self.frames]
        gaps_s = [min(b - a, GAP_S) for a, b in pairwise(times_s)] + [LAST_S]
        # As fast as on a machine that has no other work.
        speed = max(sum(gaps_s) / FILM_S, 1.0)
        shown_ms = [max(round(1000 * gap / speed), 20) for gap in gaps_s]
        for quality in QUALITIES:
            images[0].save(
                path,
                save_all=True,
                append_images=images[1:],
                duration=shown_ms,
                loop=0,
                quality=quality,
                method=3,
            )
            if path.stat().st_size < FILM_BYTES:
                break


def film(chromium: Any, url: str, path: Path) -> None:
    """Record what a first visitor does: play, watch, drag, zoom, classify."""
    page = opened(chromium, url, FILM)
    page.evaluate(POINTER)
    film, tools = Film(), page.context.new_cdp_session(page)

    def take(event: dict[str, Any]) -> None:
        film.take(event)
        tools.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    tools.on("Page.screencastFrame", take)
    tools.send("Page.startScreencast", {"format": "png", **FILM_PX})
    script(page, film)
    tools.send("Page.stopScreencast")
    page.context.close()
    film.save(path)


def script(page: Page, film: Film) -> None:
    """Play the trumpet, drag and zoom its spectrogram, classify a song."""
    glide(page, ".front-play")
    with film.cut():
        page.locator(".front-play").click()
        page.wait_for_function("Genrescope.front.state().at_s > 0.1")
    page.wait_for_function("Genrescope.front.state().at_s > 3")
    glide(page, ".front-look")
    picture = "#lesson-stft canvas[role=img]"
    with film.cut():
        page.locator(".front-look").click()
        page.locator(picture).first.wait_for()
        page.wait_for_function(DRAWN)
    page.wait_for_timeout(600)
    drag(page, picture, 0.38, 0.62)
    zoom = page.locator("#lesson-stft").get_by_role("button", name="Zoom in")
    zoom.first.wait_for()
    glide(page, "#lesson-stft .sheet-zoom")
    with film.cut():
        zoom.first.click()
        page.wait_for_timeout(500)
        page.wait_for_function(DRAWN)
    page.wait_for_timeout(900)
    with film.cut():
        choose(page, "Composed disco")
        page.evaluate("scrollTo(0, 0)")
        page.locator("[data-tab-id=classify]:visible").click()
        page.locator("#ask").wait_for()
    page.wait_for_timeout(400)
    glide(page, "#ask")
    with film.cut():
        page.locator("#ask").click()
        page.locator(TOLD).first.wait_for()
        page.mouse.move(FILM[0] * 0.6, FILM[1] * 0.7)
        page.evaluate("scrollTo({ top: 0 })")
    page.wait_for_timeout(1500)


def glide(page: Page, place: str) -> None:
    """Move the pointer to the middle of a place, slowly enough to be followed."""
    box = page.locator(place).first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y, steps=6)
    page.wait_for_timeout(150)


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s")
