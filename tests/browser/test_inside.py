"""The lessons inside the model: computed once they are near, a click chooses the moment."""

import re

import pytest

from support.page import says, wait_for_pictures

pytestmark = pytest.mark.browser

CANVAS = "canvas[role=img]"


def test_layers_and_repeats_are_drawn_for_the_chosen_sound_once_they_are_near(
    open_page,
):
    page = open_page("?sound=chord&view=waveform", height=700)
    wait_for_pictures(page)
    lesson = page.locator("#lesson-inside")
    assert lesson.locator(CANVAS).count() == 0
    page.locator(".contents a[data-name=inside]").click()
    lesson.locator(CANVAS).nth(2).wait_for()  # spectrogram, layers, similarity
    says(lesson.locator(".block.picture").first, re.compile("through 2 layers"))
    # A moment is at the same place above and below.
    lefts, rights = (
        page.evaluate(
            """side => [...document.querySelectorAll("#lesson-inside .sheet-plot.aligned canvas")]
              .map((each) => each.getBoundingClientRect()[side])""",
            side,
        )
        for side in ("left", "right")
    )
    assert len(lefts) == 4 and len(set(lefts)) == len(set(rights)) == 1
    lesson.get_by_label("4 s", exact=True).check()
    says(lesson.locator(".block.picture").nth(1), re.compile("mean of the frames"))


@pytest.mark.slow
def test_click_on_a_picture_chooses_the_moment_that_attends(open_page):
    page = open_page("?sound=chord&view=attention&attention.layer=2&attention.head=2")
    lesson = page.locator("#lesson-attention")
    says(lesson, re.compile("head 2 of layer 2"))
    curve = lesson.locator(CANVAS).first
    box = curve.bounding_box()
    before = lesson.locator(".numbers").inner_text()
    curve.click(position={"x": 64 + (box["width"] - 140) * 0.8, "y": 40})
    page.wait_for_function(
        "before => document.querySelector('#lesson-attention .numbers').textContent !== before",
        arg=before,
    )
    at_s = float(
        re.search(r"frame at ([\d.]+) s", lesson.locator(".numbers").inner_text())[1]
    )
    moment = lesson.get_by_label("Moment of the query (s)").first
    assert float(moment.input_value()) == pytest.approx(at_s, abs=0.1)
    lesson.get_by_role("slider", name="Head").press("Home")
    says(lesson, re.compile("head 1 of layer 2"))


@pytest.mark.slow
def test_link_to_the_lesson_before_leads_there(open_page):
    page = open_page("?sound=chord&view=inside")
    page.locator("#lesson-inside").get_by_role("link", name="the lesson before").click()
    page.wait_for_function(
        "() => document.activeElement?.closest('.lesson')?.id === 'lesson-masking'"
    )
