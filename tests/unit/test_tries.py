"""Links in the lessons' texts: each does what its words say, in every language."""

import re

import pytest

import app
import i18n
import settings
from ui import page_state
from ui.player import examples
from ui.tabs.see.lesson import Lesson
from ui.tabs.see.tries import TRIES, linked

LINK = re.compile(r"\[([^]]+)\]\((\?view=[^)]*)\)")


@pytest.fixture(scope="module")
def lessons():
    """Every lesson of the page, by its name."""
    found = {}
    original = page_state.restore_knobs
    page_state.restore_knobs = lambda _, every: found.update(
        {each.name: each for each in every}
    )
    try:
        app.create_app(settings.from_environment())
    finally:
        page_state.restore_knobs = original
    return found


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("name", TRIES)
def test_every_thing_to_try_is_a_link_in_the_text(name, language):
    text = linked(i18n.word(f"see.{name}_text", language), name, language)
    here = f"?view={name}"  # a link may lead to another lesson too
    words = [word for word, to in LINK.findall(text) if to.split("&")[0] == here]
    assert words == [i18n.word(f"tries.{each.name}", language) for each in TRIES[name]]
    plain = i18n.word(f"see.{name}_text", language)
    assert LINK.sub(r"\1", text) == LINK.sub(r"\1", plain)


@pytest.mark.parametrize("name", TRIES)
def test_every_link_names_a_sound_and_values_that_the_knobs_offer(name, lessons):
    lesson: Lesson = lessons[name]
    for each in TRIES[name]:
        assert not each.sound or each.sound in examples.IDS
        for knob, value in each.settings.items():
            assert value in page_state.offers(lesson.knobs[knob]), (each.name, knob)
