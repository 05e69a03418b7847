"""The tab Classify as people meet it, in headless Chromium."""

import shutil
import struct
import zipfile
from pathlib import Path

import pytest

from support import browser, tiny
from support.files import write_audio
from support.page import choose
from support.signals import chord, silence

pytestmark = pytest.mark.browser

TOLD = ".block.answer .verdict:not(.so_far)"


def opened(open_page, path, **look):
    page = open_page(**look)
    page.locator("#player input[type=file]").set_input_files(path)
    page.locator(".clip-facts strong").filter(has_text=path.name).wait_for()
    page.locator("[data-tab-id=classify]:visible").click()
    return page


def name_the_genre(page):
    page.get_by_role("button", name="Classify", exact=True).click()
    # The first time, torch is still on its way, on a busy machine for long.
    page.locator(TOLD).wait_for(timeout=1000 * browser.PATIENCE_S)


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("songs")
    sound = chord(duration_s=6.0, sampling_rate=48_000)
    paths = [
        write_audio(folder / f"song.{kind}", sound) for kind in ("mp3", "m4a", "webm")
    ]
    return {path.suffix[1:]: path for path in paths}


@pytest.mark.parametrize("kind", ["mp3", "m4a", "webm"])
def test_song_gets_its_genre_its_map_and_the_reason_to_hear(open_page, songs, kind):
    page = opened(open_page, songs[kind])
    page.get_by_text("A map of the song appears here").wait_for()
    name_the_genre(page)
    assert page.locator(".block.answer li").count() == 3
    basis = page.locator(".block.answer").inner_text()
    assert "of the windows were classified as" in basis
    assert "windows of 0.5 s" in basis
    assert "Trained on: tests. It knows 3 genres" in basis
    genres = page.locator(".song-map canvas[role=img]").nth(1)
    genres.scroll_into_view_if_needed()
    box = genres.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.locator(".song-map .sheet-reading").filter(has_text="%").first.wait_for()
    with page.expect_response(lambda answer: "sound.wav" in answer.url):
        page.get_by_role("button", name="-like part").first.click()
    page.wait_for_function("Genrescope.sound.state.selection?.stop_s > 0")
    page.mouse.click(x, y)
    page.wait_for_function("Genrescope.sound.state.isPlaying")
    kinds = page.locator(".song-map .sheet-save option").all_inner_texts()
    assert kinds == ["Save", "Picture (PNG)", "Drawing (SVG)", "Numbers (CSV)"]
    with page.expect_download() as download:
        page.locator(".song-map .sheet-save").select_option("csv")
    assert download.value.suggested_filename == "song-genres.csv"


RUN = "20260101-000000-aaaa"


@pytest.fixture
def run(server):
    """A finished run of this host, whose model says other genres."""
    folder = server.home / "runs" / RUN
    facts = tiny.FACTS | {"preset": "head"}
    genres = ("calm", "wild", "odd")
    tiny.save_tiny_model(folder / "model", genres=genres, genrescope=facts)
    (folder / "result.json").write_text('{"state": "finished"}')
    (folder / "config.json").write_text('{"data": "folder:/songs/ours"}')
    yield RUN
    shutil.rmtree(folder)


def test_two_models_stand_side_by_side_on_the_same_time(open_page, songs, run):
    page = opened(open_page, songs["mp3"])
    page.get_by_label("Compare with", exact=True).click()
    page.get_by_role("option", name="2026-01-01 00:00").click()
    page.get_by_label("6 excerpts (quick)").first.check()
    page.get_by_role("button", name="Classify", exact=True).click()
    page.locator(".answers section").nth(1).locator(".verdict").wait_for()
    columns = page.locator(".answers section")
    columns.nth(1).get_by_role("button", name="-like part").first.wait_for()
    assert columns.nth(0).locator(".model").inner_text() == "Bundled model"
    assert columns.nth(1).locator(".model").inner_text().startswith("head · ours")
    headings = [columns.nth(n).locator(".verdict").bounding_box() for n in (0, 1)]
    assert headings[0]["y"] == headings[1]["y"]  # however long the names above are
    assert RUN not in page.locator(".block.answer").inner_text()
    assert columns.nth(0).get_by_role("button", name="-like part").count() >= 1
    assert page.locator(".song-map canvas[role=img]").count() == 3
    with page.expect_download() as download:
        page.locator(".song-map .sheet-save").select_option("png")
    assert download.value.suggested_filename == "song-genres-png.zip"
    page.get_by_label("Compare with", exact=True).click()
    page.get_by_role("option", name="Bundled model").click()
    page.get_by_role("button", name="Classify", exact=True).click()
    page.get_by_text("is chosen twice.").first.wait_for()


def test_silence_is_called_silence(open_page, tmp_path):
    page = opened(open_page, write_audio(tmp_path / "quiet.wav", silence(2.0)))
    name_the_genre(page)
    assert "This sound is silent" in page.locator(TOLD).inner_text()


def test_another_sound_takes_the_answer_away(open_page, songs):
    page = opened(open_page, songs["mp3"])
    name_the_genre(page)
    page.locator(TOLD).evaluate("(told) => { told.isOld = true; }")
    choose(page, "Click")
    page.locator(".clip-facts strong", has_text="Click").wait_for()
    told = page.locator(TOLD)
    assert not told.count() or not told.evaluate("(told) => told.isOld")


def test_many_songs_fill_a_table_and_a_visit_is_remembered(open_page, songs, tmp_path):
    page = opened(open_page, songs["mp3"])
    name_the_genre(page)
    (tmp_path / "notes.mp3").write_text("do re mi")
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as album:
        album.write(songs["m4a"], "cd/inner.m4a")
    page.get_by_role("button", name="Many songs at once").click()
    given = [songs["webm"], tmp_path / "notes.mp3", tmp_path / "album.zip"]
    page.locator("input[type=file][multiple]").set_input_files(given)
    page.locator(".file-count").get_by_text("3 files").wait_for()
    page.get_by_role("button", name="Classify all").click()
    page.get_by_text("3 songs, 1 of them could not be classified.").wait_for()
    rows = page.locator(".batch tbody tr")
    assert rows.count() == 3
    assert "No sound was found" in rows.nth(1).inner_text()
    page.get_by_role("button", name="Song", exact=True).click()
    first = page.locator(".batch tbody tr").first
    first.filter(has_text="album.zip/cd/inner.m4a").wait_for()
    first.locator(".play").scroll_into_view_if_needed()  # as a click does by itself
    before = page.evaluate("scrollY")
    with page.expect_response(lambda answer: "inner.m4a" in answer.url):
        first.locator(".play").click()
    below = page.locator(".batch tr.opened")
    below.locator(".strip").first.wait_for()
    page.wait_for_function("document.querySelector('.opened audio').currentTime > 0")
    assert abs(page.evaluate("scrollY") - before) < 5
    page.get_by_role("button", name="Song", exact=True).click()
    last = page.locator(".batch tbody tr:not(.opened)").last
    last.filter(has_text="inner.m4a").wait_for()
    assert below.evaluate("row => row.previousSibling.dataset.number") == "3"
    last.locator(".open").click()
    below.wait_for(state="detached")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as JSON").click()
    assert download.value.suggested_filename == "genres.json"
    page.get_by_role("button", name="History · stored only").click()
    page.locator(".song-history li").filter(has_text="song.mp3").first.wait_for()
    page.get_by_role("button", name="Delete this list").click()
    page.locator(".song-history li").first.wait_for(state="detached")


def test_answer_becomes_a_picture_and_its_song_is_shown_again(open_page, songs):
    page = opened(open_page, songs["mp3"])
    name_the_genre(page)
    with page.expect_download() as download:
        page.locator("button.card").click()
    assert download.value.suggested_filename == "song-genre.png"
    png = Path(download.value.path()).read_bytes()
    assert struct.unpack(">II", png[16:24]) == (1200, 630)
    page.locator(".quiz button").first.click()
    chosen = page.locator(".clip-facts strong")
    chosen.filter(has_text="Mystery song 1").wait_for()
    name_the_genre(page)
    page.locator(".truth").filter(has_text="It is: Reggae").wait_for()
    page.locator(".label-wrap").last.click()
    past = page.locator(".song-history li:has(summary)").filter(has_text="song.mp3")
    past.first.locator("summary").click()
    past.first.locator(".again").click()
    chosen.filter(has_text="song.mp3").wait_for()


def test_phone_in_the_dark_never_scrolls_sideways(open_page, songs):
    page = opened(open_page, songs["mp3"], width=390, height=844, dark=True)
    name_the_genre(page)
    assert page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
