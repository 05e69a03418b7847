"""Markup in names, labels and tags is shown as text by all that builds HTML."""

from html.parser import HTMLParser

import pytest
from files import write_audio
from signals import noise, tone

import words
from audio import decode
from classifier.batch import Row
from classifier.predict import Chunk, Prediction
from classifier.verdict import Verdict
from errors import KnownError
from networks.checkpoint import ModelRef
from trainer.config import RunConfig
from trainer.events import Noted, Stage
from ui import data_song, looking
from ui.access import Visitor
from ui.classifying import answer, table
from ui.classifying.history import as_html
from ui.clip_bar import facts_line
from ui.survey_html import survey_html
from ui.training import cards

EVIL = "<script>alert(1)<img src=x onerror=alert(2)>\"'&amp;"  # may name a file
OTHER = "<iframe srcdoc=x onload=alert(3)>"


class Page(HTMLParser):
    """What a browser makes of HTML: tags, attributes, text."""

    def __init__(self, shown):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(shown)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def is_text(shown, *names):
    """Whether HTML holds the names as text, and no markup of theirs."""
    page = Page(shown)
    assert not page.tags & {"script", "img", "iframe"}
    assert not {name for name in page.attributes if name.startswith("on")}
    return all(name in page.text for name in names)


@pytest.fixture(scope="module")
def prediction():
    shares = {EVIL: 0.75, OTHER: 0.25}
    model = ModelRef("bundled", EVIL, None, EVIL, EVIL, 1.0)
    return Prediction(
        tuple(shares.items()), (Chunk(0.0, 1.0, shares),), 1, model, elapsed_s=0.1
    )


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    root = tmp_path_factory.mktemp("looked")
    for k, genre in enumerate((EVIL, OTHER)):
        for number in range(4):
            folder = root / "songs" / genre
            folder.mkdir(parents=True, exist_ok=True)
            write_audio(folder / f"{EVIL}{number}.wav", noise(seed=10 * k + number))
        (root / "songs" / genre / f"{OTHER}.wav").write_text("no sound")
    config = RunConfig(data=f"folder:{root / 'songs'}", split="stratified")
    *_, last = looking.look(config, root / "cache")
    return last


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_name_in_the_clip_bar_is_text(tmp_path, language):
    path = write_audio(tmp_path / f"{EVIL}.wav", tone())
    assert is_text(facts_line(decode.load(path), str(path), language), EVIL)


@pytest.mark.parametrize("kind", ["sure", "unsure", "speech"])
def test_labels_in_an_answer_are_text(prediction, kind):
    verdict = Verdict(kind, (EVIL, OTHER), 1.0, 0.5)
    assert is_text(answer.answers([prediction], [verdict], "en"), EVIL, OTHER)
    assert is_text(answer.answers([prediction], [], "zh-TW"), EVIL, OTHER)


def test_names_labels_and_reasons_in_the_table_are_text(prediction):
    verdict = Verdict("sure", (EVIL,), 1.0, 0.5)
    heard = Row(EVIL, 0.1, 1.0, None, prediction, verdict)
    refused = Row(OTHER, 0.1, error=KnownError("not_audio", name=OTHER))
    shown = table.as_html([heard, refused], "en")
    assert is_text(shown, EVIL, OTHER)
    assert Page(shown).text.count(OTHER) == 3  # runner-up, name, reason


def test_rows_that_a_browser_kept_are_text():
    assert is_text(
        as_html([[EVIL, "sure", OTHER, EVIL, 0.5, EVIL]], Visitor()), EVIL, OTHER
    )


def test_folders_and_songs_in_the_data_tab_are_text(looked):
    assert is_text(survey_html(looked, "en"), EVIL, OTHER)
    for index in range(8):
        assert is_text(data_song.facts_html(looked, index, "zh-CN"))


def test_what_a_run_says_of_songs_is_text():
    told = [
        Stage("train", 1, 2),
        Noted("song_skipped", {"name": EVIL, "code": "not_audio"}),
        Noted("label_counts", {"n_songs": 2, "counts": OTHER}),
    ]
    assert is_text(cards.log_html(told, "en"), EVIL, OTHER)
    assert is_text(cards.phases(told, "en"))


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_message_about_a_file_is_text(language):
    import gradio as gr
    from test_handlers import guarded, run

    @guarded
    def refuse() -> None:
        raise KnownError("not_audio", name=EVIL)

    with pytest.raises(gr.Error) as caught:
        run(refuse, language=language)
    page = Page(caught.value.message)
    assert not page.tags
    assert EVIL in page.text
