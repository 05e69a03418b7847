"""The main journey in a browser: a song, its pictures, its genre, a run, its model."""

import pytest

from audio.synth.composer import compose
from support import browser
from support.files import write_audio
from support.page import upload, wait_for_pictures
from trainer.training.initial_model import BUNDLED_DIR

pytestmark = pytest.mark.browser

PATIENCE_MS = 150_000  # only where a broken build gives up
VERDICT = ".verdict:not(.so_far)"
NAMED = f".block.answer {VERDICT}"
OUR_RUN_IS_CHOSEN = """[...document.querySelectorAll("input")].some(
  (input) => input.offsetParent && input.value.startsWith("smoke · "))"""
RUN_HAS_FOCUS = """(() => {
  const run = document.activeElement;
  const { top } = run.getBoundingClientRect();
  return run.matches(".run-shown") && top >= 0 && top < innerHeight / 2;
})()"""
BAR_MOVES = "(last) => (document.querySelector('progress')?.value ?? 2) !== last"


@pytest.fixture
def song(tmp_path):
    clip = compose("reggae", 1_000_000, duration_s=9.0, sampling_rate=22_050)
    return write_audio(tmp_path / "a reggae.mp3", clip)


@pytest.mark.skipif(not BUNDLED_DIR.exists(), reason="the bundled model is not built")
def test_newcomer_walks_from_a_song_to_a_model_of_their_own(open_page, song):
    page = open_page()
    page.set_default_timeout(PATIENCE_MS)
    upload(page, song)
    wait_for_pictures(page)

    page.get_by_role("tab", name="Classify").click()
    page.get_by_role("button", name="Classify", exact=True).click()
    page.locator(NAMED).wait_for()

    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="All settings").click()
    page.get_by_label("Songs to compose per genre").filter(visible=True).fill("3")
    page.get_by_label("Steps", exact=True).fill("12")
    page.get_by_label("Validate every").fill("6")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_function(RUN_HAS_FOCUS)
    page.locator("progress").wait_for()
    value = page.locator("progress").evaluate("bar => bar.value")
    for _ in range(2):  # the bar moves while nobody touches the page
        page.wait_for_function(BAR_MOVES, arg=value)
        value = page.evaluate("document.querySelector('progress')?.value ?? 2")

    page.locator(".log", has_text="Step 2 of 12").wait_for()
    page.reload()  # the run does not notice, and the page finds it again
    page.locator(".log", has_text="Step 3 of 12").wait_for()
    browser.forgive_leaving(page)
    page.close()  # nobody watches, and the run goes on
    page = open_page()
    page.set_default_timeout(PATIENCE_MS)
    page.get_by_role("tab", name="Train").click()
    page.locator(".log", has_text="Step 12 of 12").wait_for()
    page.get_by_text("Its model is now in the list").wait_for()
    page.locator(".block.run-curves canvas[role=img]").first.wait_for()
    assert page.get_by_text("python -m trainer --preset smoke").count()
    assert page.get_by_role("button", name="Start", exact=True).is_enabled()
    assert not page.get_by_role("button", name="Stop", exact=True).count()

    upload(page, song)
    page.get_by_role("button", name="Classify with it").click()
    page.wait_for_function(OUR_RUN_IS_CHOSEN)
    page.get_by_role("button", name="Classify", exact=True).click()
    page.locator(".block.answer", has_text="smoke · ").locator(VERDICT).wait_for()
    assert "of 10 s" in page.locator(".block.answer").inner_text()


@pytest.mark.skipif(not BUNDLED_DIR.exists(), reason="the bundled model is not built")
def test_run_outlives_its_server_and_a_stop_is_seen_by_two_pages(open_page, server):
    page, other = open_page(), open_page(locale="zh-CN")
    for each, train in ((page, "Train"), (other, "训练")):
        each.set_default_timeout(PATIENCE_MS)
        each.get_by_role("tab", name=train).click()
    page.get_by_role("button", name="All settings").click()
    page.get_by_label("Steps", exact=True).fill("9000")
    page.get_by_role("button", name="Start", exact=True).click()
    other.locator(".log", has_text="第 3 步，共 9000 步").wait_for()
    other.locator(".block.run-now", has_text="步，共 9000 步，").wait_for()
    for each in (page, other):
        each.evaluate("window.isOld = true")
    server.killed_and_started_anew()  # both pages come back to the run by themselves
    for each in (page, other):
        each.wait_for_function("!window.isOld")
    page.locator(".block.run-now", has_text="”: step ").wait_for()
    other.locator(".block.run-now", has_text="步，共 9000 步，").wait_for()
    page.problems.clear()
    other.problems.clear()
    assert other.get_by_role("button", name="停止", exact=True).is_enabled()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("Stopped. Progress is saved.").wait_for()
    other.get_by_text("已停止，进度已保存").wait_for()
    page.wait_for_function("!document.querySelector('button.primary[disabled]')")


@pytest.mark.slow
def test_person_goes_on_compares_names_and_deletes(open_page):
    page = open_page()
    page.set_default_timeout(PATIENCE_MS)
    status, table = page.locator(".block.run-status"), page.locator(".run-table")
    page.get_by_role("tab", name="Train").click()
    page.locator(".run-ahead", has_text="Estimated").first.wait_for()
    page.get_by_role("button", name="All settings").click()
    page.get_by_label("Base model").click()
    page.get_by_role("option", name="small", exact=True).click()
    page.get_by_label("Songs to compose per genre").filter(visible=True).fill("3")
    page.get_by_label("Steps", exact=True).fill("60")
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".block.run-now", has_text="of 60").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    status.get_by_text("Stopped. Progress is saved.").wait_for()

    page.get_by_role("button", name="Resume", exact=True).click()
    page.locator(".log", has_text="Resuming after step").wait_for()
    page.locator(".log", has_text="Step 60 of 60").wait_for()
    status.get_by_text("Best validation:").wait_for()

    page.get_by_label("Show", exact=True).click()
    page.get_by_role("option", name="Without the steps").click()
    page.locator(".log:not(:has-text('Step 60 of'))").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the log").click()
    assert "Step 60 of 60" in download.value.path().read_text()

    page.get_by_role("button", name="All runs").click()
    for number in (0, 1):
        page.get_by_role("combobox", name="Compare", exact=True).click()
        page.get_by_role("listbox").get_by_role("option").nth(number).click()
    page.locator(".run-comparison canvas[role=img]").nth(1).wait_for()
    page.keyboard.press("Escape")
    classify_with_two_runs(page)
    page.get_by_role("tab", name="Train").click()
    table.get_by_text("stopped").filter(visible=True).first.click()
    status.get_by_text("Stopped. Progress is saved.").wait_for()
    page.get_by_role("button", name="Name, tags and notes").click()
    page.get_by_label("Name", exact=True).fill("the first half")
    page.get_by_role("button", name="Save", exact=True).click()
    named = table.get_by_text("the first half").filter(visible=True)
    named.first.wait_for()

    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Yes, delete it").click()
    status.get_by_text("Finished").wait_for()
    named.first.wait_for(state="detached")
    page.get_by_role("button", name="Yes, delete it").wait_for(state="hidden")

    page.get_by_role("button", name="Push to the Hugging Face Hub").click()
    page.get_by_label("Repository").fill("nobody")  # without its owner
    page.get_by_role("button", name="Push", exact=True).click()
    page.get_by_test_id("toast-body").wait_for()
    assert "nobody" in page.get_by_test_id("toast-body").inner_text()


def classify_with_two_runs(page):
    """The run that is shown, and the one before it, name the same song's genre."""
    page.get_by_role("tab", name="Classify").click()
    page.get_by_role("button", name="Composed blues").click()
    page.locator(NAMED).wait_for()
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="Classify with it").click()
    page.wait_for_function(OUR_RUN_IS_CHOSEN)
    page.get_by_label("Compare with", exact=True).click()
    page.get_by_role("option", name="smoke ·").nth(1).click()
    page.get_by_role("button", name="Classify", exact=True).click()
    page.locator(".answers section").nth(1).locator(VERDICT).wait_for()
    assert page.locator(".answers section", has_text="smoke · ").count() == 2


def test_value_out_of_range_gets_a_sentence_and_the_form_stays(open_page):
    page = open_page(locale="zh-TW")
    page.get_by_role("tab", name="訓練").click()
    page.get_by_role("button", name="全部設定").click()
    page.get_by_label("步數", exact=True).fill("0")
    page.locator(".refused", has_text="步數").wait_for()  # without a click
    assert page.get_by_role("button", name="開始", exact=True).is_disabled()
    assert page.get_by_label("步數", exact=True).input_value() == "0"


def test_recipe_fills_the_form(open_page):
    page = open_page()
    page.get_by_role("tab", name="Train").click()
    page.get_by_role("button", name="All settings").click()
    page.get_by_label("Recipe").click()
    page.get_by_role("option", name="tutorial").click()
    page.wait_for_function(
        "[...document.querySelectorAll('input')].some(i => i.value === 'ntu-spml/distilhubert')"
    )
    assert page.get_by_label("Steps", exact=True).input_value() == "100"


def test_server_wrote_no_traceback(server):
    assert "Traceback" not in server.log.read_text()
