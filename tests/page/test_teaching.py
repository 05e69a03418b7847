"""The lesson plan and the questions, as the page shows them."""

import json
import re
from types import SimpleNamespace
from urllib.parse import parse_qsl

import gradio as gr
import pytest

import app
import i18n
from audio.synth import exercises
from audio.synth.exercises import EXERCISES
from errors import KnownError
from settings import Settings
from ui import page_state
from ui.exercises import dock
from ui.player import examples
from ui.server.access import Visitor
from ui.server.language import texts
from ui.tabs.see import tab
from ui.tabs.teach import tab as teaching

PARTS = ("title", "question", "hint", "aha")
LANGUAGES = i18n.LANGUAGES
QUESTIONS = re.compile(r"(?:Questions? |第 )([\d–、, and]+)")


def visitor(language="en"):
    return Visitor(language, may_train=False)


@pytest.fixture(scope="module")
def lessons():
    """The page's lessons, as they are handed to the addresses."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        build = tab.build
        patch.setattr(tab, "build", lambda *a: found.append(build(*a)) or found[0])
        app.create_app(Settings())
    return {lesson.name: lesson for lesson in found[0]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_exercise_has_its_words_and_its_place(language):
    table = i18n.table(language)
    for each in EXERCISES:
        assert each.id in teaching.PLACES
        for part in PARTS:
            assert table[f"teach.{each.id}_{part}"].format()


def test_question_comes_with_a_link_to_its_dock():
    (asked,) = (each for each in questions("en") if each["id"] == "passage")
    address = "?view=dft&sound=semitone&dft.n_samples=256&question=passage"
    assert asked["address"] == address
    assert asked["view"] == "dft"
    assert asked["lesson"].endswith("Spectrum (DFT)")


def questions(language):
    """What the page is given of the questions."""
    given, _ = dock.script(language).split(";\n", 1)
    return json.loads(given.removeprefix("Genrescope.asked = "))["questions"]


def test_every_question_has_a_dock_in_its_lesson_or_tab(lessons):
    with gr.Blocks() as demo:
        for view in (*lessons, *page_state.TABS):
            dock.place(view)
    places = [each for each in demo.blocks.values() if isinstance(each, gr.HTML)]
    assert len(places) == len(dock.VIEWS)
    views = {each["view"] for each in questions("en")}
    assert views | {dock.ALL} == dock.VIEWS
    assert views <= {*lessons, *page_state.TABS}


@pytest.mark.parametrize("name", teaching.PLACES)
def test_address_opens_a_lesson_with_settings_that_it_offers(name, lessons):
    place = teaching.PLACES[name]
    assert place.view in lessons or place.view in page_state.TABS
    assert place.sound in examples.IDS or not place.sound
    asked = dict(parse_qsl(place.address.removeprefix("?")))
    assert asked.pop("view") == place.view
    assert asked.pop("sound", "") == place.sound
    updates = page_state.restored(list(lessons.values()), asked)
    assert sum("value" in update for update in updates) == len(asked)


def test_exercise_s_lesson_shows_the_exercise_s_sound():
    for each in EXERCISES:
        place = teaching.PLACES[each.id]
        assert place.sound == each.sound or place.view in page_state.TABS


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("id", [each.id for each in EXERCISES])
def test_right_answer_is_praised_with_what_it_teaches(id, language):
    said = dock.checked(id, f"{exercises.solution(id):.4f}", language)
    assert said["kind"] == "right"
    assert said["more"] == i18n.word(f"teach.{id}_aha", language)
    assert dock.told(id, language) | {"kind": "right", "first": said["first"]} == said


def test_answer_is_told_with_note_and_unit():
    told = dock.answers("en")
    assert told["note"] == "D♯5/E♭5, 622 Hz"
    assert told["folds"] == "16,000 Hz"
    assert told["chance"] == "10%"
    assert told.keys() == {each.id for each in EXERCISES}


def test_wrong_answer_gets_a_hint_and_not_the_answer():
    said = dock.checked("note", "1244.5", "en")
    assert said["kind"] == "wrong"
    assert said["more"] == i18n.word("teach.note_hint", "en")
    assert "622" not in " ".join(said.values())


def test_what_cannot_be_read_is_no_try():
    said = dock.checked("bit", "six", "en")
    assert said["kind"] == "unread"
    assert "six" in said["first"]


def test_every_request_is_answered_by_its_number():
    def asked(**what):
        return dock.examined(gr.EventData(None, what), visitor())

    assert asked(number=3, id="note", typed="Eb5")["kind"] == "right"
    assert asked(number=4, id="note", typed="", is_told=True)["kind"] == "told"
    sheet = asked(number=5, id="", typed="")
    assert (sheet["number"], len(sheet["answers"])) == (5, len(EXERCISES))
    assert asked(number=6, id="note", typed=["x"] * 999)["kind"] == "unread"
    with pytest.raises(KnownError, match="not_a_choice"):
        asked(number=7, id="nonsense", typed="1")


def test_page_gives_every_plan_its_links():
    tables = texts(hours=1, minutes=2, megabytes=3, **teaching.plan_addresses())
    for table in tables.translations_dict.values():
        for name in ("plan", "plan_more", "plan_long"):
            assert "](?view=" in table[f"teach.{name}"]
            assert "({" not in table[f"teach.{name}"]


def test_plan_links_to_places_of_the_page():
    for language in LANGUAGES:
        plan = i18n.word("teach.plan", language, **teaching.plan_addresses())
        assert plan.count("](?view=") >= 12
        assert "{" not in plan
        long = i18n.word("teach.plan_long", language, **teaching.plan_addresses())
        assert long.count("](?view=") >= 20
        assert "{" not in long


@pytest.mark.parametrize("language", LANGUAGES)
def test_plans_ask_every_question(language):
    addresses = teaching.plan_addresses()
    for name, last in (("plan", 11), ("plan_long", len(EXERCISES))):
        plan = i18n.word(f"teach.{name}", language, **addresses)
        rows = [
            line.split("|")[2] for line in plan.splitlines() if line.startswith("|")
        ]
        found = set()
        for numbers in QUESTIONS.findall(" ".join(rows)):
            first, *more = (int(n) for n in re.findall(r"\d+", numbers))
            is_range = "–" in numbers
            found |= set(range(first, more[-1] + 1)) if is_range else {first, *more}
        assert found == set(range(1, last + 1))


def test_view_of_an_address_opens_its_tab():
    with gr.Blocks() as demo:
        page_state.open_named_tab(lambda handler: handler, gr.Textbox(), gr.Tabs())
    (opening,) = demo.fns.values()

    def opened(view):
        return opening.fn(SimpleNamespace(query_params={"view": view}))

    assert opened("train").selected == "train"
    assert opened("nonsense") == gr.skip()
