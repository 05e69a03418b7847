"""Lessons that wait until they are near, and both lesson plans, walked as a class does."""

import re

import pytest

import i18n
from audio.synth import exercises
from audio.synth.exercises import EXERCISES
from support import browser
from support.page import wait_for_pictures
from ui import page_state
from ui.tabs.teach import tab as teaching

pytestmark = pytest.mark.browser
server, chromium, open_page = browser.server, browser.chromium, browser.open_page

LATER = "decibels sines timbre pitch rhythm learning".split()
WITH_SOUND = LATER[:-1]
LINK = re.compile(r"\]\((\?view=[^)]*)\)")


def test_lesson_is_drawn_and_heard_once_it_is_near(open_page):
    page = open_page("?sound=chord", height=700)
    wait_for_pictures(page)
    assert page.locator("#lesson-learning canvas").count() == 0
    assert page.locator("#lesson-rhythm .sound:visible").count() == 0
    for name in LATER:
        page.locator(f"#lesson-{name}").scroll_into_view_if_needed()
        page.locator(f"#lesson-{name} canvas[role=img]").nth(1).wait_for()
    page.locator("#lesson-learning canvas[role=img]").nth(3).wait_for()
    for name in WITH_SOUND:
        page.locator(f"#lesson-{name} .sound").wait_for()


def test_knob_of_such_a_lesson_redraws_it_and_a_link_restores_it(open_page):
    page = open_page("?view=sines&sound=chord&sines.shape=missing&sines.n_harmonics=4")
    lesson = page.locator("#lesson-sines")
    lesson.get_by_text("3 sines; their sum repeats 220.5").wait_for()
    lesson.get_by_label("441.0 Hz").check()
    lesson.get_by_text("3 sines; their sum repeats 441.0").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("plan", ["plan", "plan_long"])
def test_plan_leads_to_what_it_names(open_page, server, plan):
    page = open_page("?view=teach")
    written = i18n.word(f"teach.{plan}", "en", **teaching.plan_addresses())
    for address in dict.fromkeys(LINK.findall(written)):
        view = re.search(r"view=(\w+)", address)[1]
        page.goto(server.url + address)
        page.wait_for_function(browser.READY)
        if view in page_state.TABS:
            tab = page.locator(f'[role=tab][data-tab-id="{view}"][aria-selected=true]')
            tab.wait_for()
            continue
        place = page.locator(f"#lesson-{view}")
        place.wait_for()
        if view != "back":  # which is drawn when it is asked to
            place.locator("canvas[role=img]").first.wait_for()
    browser.forgive_leaving(page)


@pytest.mark.slow
def test_every_question_takes_the_answer_that_it_measures(open_page):
    page = open_page("?view=teach")
    for each in EXERCISES:
        page.get_by_label(i18n.word(f"teach.{each.id}_title", "en")).check()
        question = i18n.word(f"teach.{each.id}_question", "en")
        page.locator(".question").get_by_text(question[:40]).wait_for()
        answer = page.get_by_label("Your answer")
        answer.fill(f"{exercises.solution(each.id):.4f}")
        page.get_by_role("button", name="Check").click()
        page.locator(".said .right").wait_for()
