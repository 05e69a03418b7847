"""Lessons that wait until they are near, and both lesson plans, walked as a class does."""

import re

import pytest

import i18n
from audio.synth import exercises
from audio.synth.exercises import EXERCISES
from support import browser
from support.page import wait_for_pictures
from ui import page_state

pytestmark = pytest.mark.browser

LATER = "decibels sines timbre pitch rhythm separation codec learning".split()
WITH_SOUND = LATER[:-1]


@pytest.mark.slow
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
        page.locator(f"#lesson-{name} .sound").first.wait_for()


def test_knob_of_such_a_lesson_redraws_it_and_a_link_restores_it(open_page):
    page = open_page("?view=sines&sound=chord&sines.shape=missing&sines.n_harmonics=4")
    lesson = page.locator("#lesson-sines")
    lesson.get_by_text("3 sines; their sum repeats 220.5").wait_for()
    lesson.get_by_label("441.0 Hz").check()
    lesson.get_by_text("3 sines; their sum repeats 441.0").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 1], ids=["one_half", "other_half"])
def test_plans_lead_to_what_they_name(open_page, server, first):
    page = open_page("?view=teach")
    page.get_by_role("button", name="A lesson of 90 minutes").click()
    page.locator(".plan a[href*=timbre]").first.wait_for()  # of the longer plan alone
    links = page.locator(".plan a")
    addresses = links.evaluate_all("all => all.map((a) => a.getAttribute('href'))")
    page.context.close()
    addresses = list(dict.fromkeys(addresses))
    assert len(addresses) >= 22
    for address in addresses[first::2]:
        view = re.match(r"\?view=(\w+)", address)[1]
        page = open_page(address)  # in a tab of its own, as the page opens it
        if view in page_state.TABS:
            tab = page.locator(f'[role=tab][data-tab-id="{view}"][aria-selected=true]')
            tab.wait_for()
        else:
            place = page.locator(f"#lesson-{view}")
            place.wait_for()
            if view != "back":  # which is drawn when it is asked to
                place.locator("canvas[role=img]").first.wait_for()
        assert browser.unforgiven(page) == []
        browser.forgive_leaving(page)
        page.context.close()


@pytest.mark.slow
def test_every_question_takes_the_answer_that_it_measures_and_no_other(open_page):
    page = open_page("?view=teach")
    dock = page.locator(".dock.all")
    for each in EXERCISES:
        title = i18n.word(f"teach.{each.id}_title", "en")
        dock.get_by_role("button", name=title, exact=True).click()
        question = i18n.word(f"teach.{each.id}_question", "en")
        dock.locator(".dock-question").get_by_text(question, exact=True).wait_for()
        answer = dock.get_by_label("Your answer")
        right = exercises.solution(each.id)
        answer.fill(f"{1.5 * right + 7:.4f}")
        dock.get_by_role("button", name="Check", exact=True).click()
        hint = i18n.word(f"teach.{each.id}_hint", "en")
        dock.locator(".said .wrong", has_text=hint).wait_for()
        answer.fill(f"{right:.4f}")
        dock.get_by_role("button", name="Check", exact=True).click()
        aha = i18n.word(f"teach.{each.id}_aha", "en")
        dock.locator(".said .right", has_text=aha).wait_for()
    dock.get_by_text(f"{len(EXERCISES)} of {len(EXERCISES)}").wait_for()


@pytest.mark.slow
def test_every_question_s_link_opens_its_dock(open_page):
    page = open_page("?view=teach")
    asked = page.evaluate("Genrescope.asked.questions")
    page.context.close()
    assert len(asked) == len(EXERCISES)
    for each in asked:
        page = open_page(each["address"])
        dock = page.locator(".dock[open]", has_text=each["question"])
        dock.wait_for()
        dock.get_by_label("Your answer").fill(f"{exercises.solution(each['id']):.4f}")
        dock.get_by_label("Your answer").press("Enter")
        dock.locator(".said .right").wait_for()
        browser.forgive_leaving(page)
        page.context.close()
