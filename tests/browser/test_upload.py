"""An uploaded song has its name at once; what fails leaves the sound before it."""

import re
import threading

import pytest

from support import browser
from support.files import write_audio
from support.page import choose, upload, wait_for_pictures
from support.signals import chord, tone

pytestmark = pytest.mark.browser

NAME, COMING = ".clip-facts strong", ".bar-coming strong"
TOLD = ".block.answer .verdict:not(.so_far)"
UPLOAD = re.compile("gradio_api/upload")
# What is seen at each frame: a name, and whether the answer to the sound before is there.
WATCH = """(told) => {
  const old = document.querySelector(told);
  window.frames = [];
  const isSeen = (one) => Boolean(one?.checkVisibility({ visibilityProperty: true }));
  const look = () => {
    const names = [...document.querySelectorAll("#player .bar-line strong")].filter(isSeen);
    window.frames.push([names.map((one) => one.textContent).join(), isSeen(old)]);
    requestAnimationFrame(look);
  };
  look();
}"""


@pytest.fixture
def songs(tmp_path):
    old = write_audio(tmp_path / "old.mp3", chord(duration_s=4.0))
    return old, write_audio(tmp_path / "new one.wav", tone(duration_s=3.0))


def named(page, name):
    page.locator(NAME).get_by_text(name, exact=True).wait_for()


def classified(page, song):
    upload(page, song)
    named(page, song.name)
    page.locator("[data-tab-id=classify]:visible").click()
    page.locator("#ask").click()
    page.locator(TOLD).wait_for(timeout=1000 * browser.PATIENCE_S)


class Held:
    """Requests that wait until they may go on."""

    def __init__(self, page, address):
        self.routes, self.is_open = [], threading.Event()
        page.route(address, self._hold)

    def _hold(self, route):
        route.continue_() if self.is_open.is_set() else self.routes.append(route)

    def release(self):
        self.is_open.set()
        for route in self.routes:
            route.continue_()


def test_song_has_its_name_before_it_is_uploaded(open_page, songs):
    page = open_page()
    _, new = songs
    held = Held(page, UPLOAD)
    upload(page, new)
    page.locator(COMING).get_by_text(new.name, exact=True).wait_for()
    assert not page.locator(NAME).count()
    held.release()
    named(page, new.name)
    wait_for_pictures(page)
    assert not page.locator(COMING).count()
    assert not page.evaluate("document.documentElement.matches('.sound-uploads')")
    page.wait_for_function("Genrescope.sound.player()?.src")


@pytest.mark.slow
def test_old_answer_is_never_below_the_name_of_an_upload(open_page, songs):
    page = open_page()
    old, new = songs
    classified(page, old)
    page.evaluate(WATCH, TOLD)
    upload(page, new)
    named(page, new.name)
    page.locator(TOLD).wait_for(timeout=1000 * browser.PATIENCE_S)
    frames = page.evaluate("window.frames")
    assert [new.name, False] in frames
    assert [new.name, True] not in frames
    assert all(name in (old.name, new.name) for name, _ in frames)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "was not uploaded"),
        ({"status": 507, "body": "No room.", "content_type": "text/plain"}, "No room."),
        (
            {"status": 500, "body": "oops", "content_type": "text/plain"},
            "was not uploaded",
        ),
        ({"status": 200, "body": "[]", "content_type": "application/json"}, "was not"),
    ],
)
def test_upload_that_fails_leaves_sound_and_answer_and_one_sentence(
    open_page, songs, answer, said
):
    page = open_page()
    old, new = songs
    classified(page, old)
    told = page.locator(".block.answer").inner_text()
    page.route(
        UPLOAD, lambda route: route.fulfill(**answer) if answer else route.abort()
    )
    upload(page, new)
    toast = page.get_by_test_id("toast-body")
    toast.filter(has_text=said).wait_for()
    assert toast.count() == 1
    assert not toast.locator("b").count()  # the name is text
    named(page, old.name)
    page.locator(TOLD).wait_for()
    whole = "(told) => document.querySelector('.block.answer').innerText === told"
    page.wait_for_function(whole, arg=told)  # its parts are seen again one by one
    page.locator(".bar-play").click()
    page.wait_for_function("Genrescope.sound.state.isPlaying")
    page.problems = [text for text in page.problems if "Failed to load" not in text]


@pytest.mark.slow
def test_sound_that_is_chosen_during_an_upload_is_the_one_that_stays(open_page, songs):
    page = open_page()
    old, new = songs
    upload(page, old)
    named(page, old.name)
    wait_for_pictures(page)
    held = Held(page, UPLOAD)
    upload(page, new)
    page.locator(COMING).wait_for()
    choose(page, "Octave")
    named(page, "Octave")
    assert not page.locator(COMING).count()
    held.is_open.set()
    upload(page, old)
    named(page, old.name)
    upload(page, old)  # the same one
    page.wait_for_function("!document.documentElement.matches('.sound-uploads')")
    page.wait_for_function("!document.documentElement.matches('.sound-arrives')")
    named(page, old.name)


@pytest.mark.slow
def test_file_that_is_too_large_is_refused_before_it_is_sent(open_page, songs):
    page = open_page()
    page.evaluate("window.gradio_config.max_file_size = 1000")
    page.on(
        "request", lambda each: UPLOAD.search(each.url) and page.problems.append("sent")
    )
    upload(page, songs[1])
    page.get_by_test_id("toast-body").filter(has_text="too large").wait_for()
    assert not page.locator(COMING).count()
