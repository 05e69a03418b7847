"""Markup in names, labels and tags is shown as text by all that builds HTML."""

from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

import i18n
from audio import decode
from classifier.batch import Row
from classifier.predict import Chunk, Prediction
from classifier.song_map import Stretch
from classifier.verdict import Verdict
from errors import KnownError
from networks.checkpoint import ModelRef
from support.files import write_audio
from support.signals import noise, tone
from trainer.config import RunConfig
from trainer.messages import Progress
from trainer.run.events import Noted, Stage
from ui import templates
from ui.player.clip_bar import facts_line
from ui.server.access import Visitor
from ui.tabs.classify import answer, batch
from ui.tabs.classify.history import as_html
from ui.tabs.data import inspection
from ui.tabs.data.survey import survey_html
from ui.tabs.train import cards

FOLDER = Path(templates.__file__).parent
EVIL = "<script>alert(1)<img src=x onerror=alert(2)>\"'&amp;"  # may name a file
OTHER = "<iframe srcdoc=x onload=alert(3)>"


class Page(HTMLParser):
    """What a browser makes of HTML: tags, attributes, text."""

    def __init__(self, shown):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""
        self.feed(str(shown))
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
def inspected(tmp_path_factory):
    root = tmp_path_factory.mktemp("inspected")
    for k, genre in enumerate((EVIL, OTHER)):
        for number in range(4):
            folder = root / "songs" / genre
            folder.mkdir(parents=True, exist_ok=True)
            write_audio(folder / f"{EVIL}{number}.wav", noise(seed=10 * k + number))
        (root / "songs" / genre / f"{OTHER}.wav").write_text("no sound")
    config = RunConfig(data=f"folder:{root / 'songs'}", split="stratified")
    *_, last = inspection.inspect(config, root / "cache")
    return last


@pytest.mark.parametrize("language", i18n.LANGUAGES)
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
    shown = batch.table_html([heard, refused], "en")
    assert is_text(shown, EVIL, OTHER)
    assert Page(shown).text.count(OTHER) == 3  # runner-up, name, reason


def test_reason_has_the_room_of_the_answer_that_is_missing():
    refused = Row("notes.mp3", 0.1, error=KnownError("not_audio", name="notes.mp3"))
    shown = batch.table_html([refused], "en")
    row = shown[shown.index("<tbody>") :]
    assert row.count("<td") == len(batch.COLUMNS)  # each column can be sorted by
    assert 'colspan="4"' in row and row.count("<td hidden") == 3


def test_rows_that_a_browser_kept_are_text():
    more = {"path": EVIL, "title": EVIL, "ranking": [[OTHER, 0.5], [EVIL, 0.3]]}
    for cells in ([], [more]):
        row = [EVIL, "sure", OTHER, EVIL, 0.5, EVIL, *cells]
        assert is_text(as_html([row], Visitor(), lambda path: True), EVIL, OTHER)


def test_folders_and_songs_in_the_data_tab_are_text(inspected):
    assert is_text(survey_html(inspected, "en"), EVIL, OTHER)
    for index in range(8):
        assert is_text(inspection.facts_html(inspected, index, "zh-CN"))


def test_what_a_run_says_of_songs_is_text():
    told = [
        Stage("train", 1, 2),
        Noted("song_skipped", {"name": EVIL, "code": "not_audio"}),
        Noted("label_counts", {"n_songs": 2, "counts": OTHER}),
    ]
    assert is_text(cards.log_html(told, "en"), EVIL, OTHER)
    assert is_text(cards.phases(told, "en"))


def hostile_values(prediction):
    """Values for every template, each text of them hostile."""
    row = Row(EVIL, 0.1, 1.0, None, prediction, Verdict("sure", (EVIL,), 1.0, 0.5))
    refused = Row(EVIL, 0.1, error=KnownError("not_audio", name=EVIL))
    genre = SimpleNamespace(genre=EVIL, n_songs=1, precision=0.5, recall=0.5, f1=0.5)
    mistake = SimpleNamespace(name=EVIL, truth=EVIL, answer=EVIL, probability=0.5)
    named = {"n": 1, "names": [EVIL]}
    texts = dict.fromkeys(("model", "id", "kind", "head", "caveat", "truth"), EVIL)
    column = texts | {
        "knows": [EVIL],
        "shares": [(EVIL, 0.5, EVIL)],
        "folded": [(EVIL, 0.001, EVIL)],
        "n_folded": 1,
        "limit": 0.01,
        "parts": [(0, Stretch(EVIL, 0.0, 1.0, 0.5))],
        "basis": [EVIL],
    }
    past = {"name": EVIL, "head": EVIL, "caveat": EVIL, "share": 0.5, "model": EVIL}
    past |= {"shares": [(EVIL, 0.5, EVIL)], "is_held": False}
    return {
        "answers": {"answers": [column], "is_last": True},
        "batch": {
            "model": EVIL,
            "knows": [EVIL],
            "columns": ["song"],
            "rows": [row, refused],
            "colour": lambda label: EVIL,
            "runner_up": lambda row: EVIL,
            "sentence": lambda error: EVIL,
        },
        "batch_song": {
            "number": 1,
            "song": EVIL,
            "head": EVIL,
            "caveat": EVIL,
            "duration_s": 1.0,
            "strips": [(EVIL, 0.5, EVIL, [(0.0, 100.0, 0.5)])],
            "reason": EVIL,
        },
        "clip_facts": {
            "duration_s": 1.0,
            "name": EVIL,
            "facts": [EVIL],
            "credit": SimpleNamespace(
                artist=EVIL, source=EVIL, title=EVIL, licence=(EVIL, EVIL)
            ),
        },
        "code": {"text": EVIL},
        "history": {"rows": [past]},
        "link": {"address": EVIL, "key": "host.sign_in"},
        "live": {
            "verdict": Verdict("unsure", (EVIL, EVIL), 0.5, 0.1),
            "shares": [(EVIL, 0.5, EVIL)],
            "model": EVIL,
        },
        "no_runs": {},
        "own_folder": {"folder": EVIL},
        "progress": {"stage": Stage("songs"), "counts": EVIL},
        "pushed": {"address": EVIL},
        "refused": {"sentences": [EVIL]},
        "run_differences": {"names": [EVIL], "differing": [("seed", [EVIL])]},
        "run_log": {"lines": [EVIL]},
        "run_phases": {
            "phases": [(Progress("songs"), EVIL, is_now) for is_now in (True, False)],
            "texts": [EVIL],
        },
        "run_state": {"state": "finished", "sign": EVIL},
        "run_result": {"texts": [EVIL], "model_dir": EVIL, "command": EVIL},
        "run_scores": {
            "scores": SimpleNamespace(genres=[genre], mistakes=[mistake], n_songs=1),
            "min_songs": 30,
            "accuracy": EVIL,
            "texts": [EVIL],
            "reliability": "",
            "calibration": [EVIL],
            "clear": [EVIL],
            "confusion": [(EVIL, EVIL, [(EVIL, 1, 45)])],
            "may_hear": True,
        },
        "secret_form": {"action": EVIL, "field": EVIL},
        "silent": {},
        "status": {
            "key": "auto_refused",
            "values": {"reason": EVIL},
            "bar": (1, 2),
        },
        "survey": {
            "conflicts": [EVIL],
            "leaks": named,
            "parts": ["train"],
            "genres": [{"label": EVIL, "numbers": [EVIL], "bar": [("train", EVIL)]}],
            "total": [EVIL],
            "rate_bars": [(EVIL, EVIL, EVIL)],
            "rates": [EVIL],
            "labels": [EVIL],
            "split": [EVIL],
            "faults": [("copy", named)],
            "short_s": 1.0,
        },
        "what_if": {
            "lines": [[EVIL]],
            "models": [EVIL],
            "rows": [
                SimpleNamespace(
                    label=EVIL,
                    cells=[SimpleNamespace(answer=EVIL, moved=0.5, is_other=True)],
                )
            ],
        },
        "what_if_now": {
            "columns": [
                {
                    "model": EVIL,
                    "is": True,
                    "moved": 0.5,
                    "rows": [(EVIL, 0.5, -3.0, "#000000")],
                }
            ]
        },
    }


PAGES = sorted(path.stem for path in FOLDER.glob("*.html") if path.stem != "macros")
NAMELESS = ("link", "no_runs", "secret_form", "silent")  # the words they show are ours


@pytest.mark.parametrize("name", PAGES)
def test_hostile_name_in_any_template_is_text(prediction, name):
    shown = templates.render(name, "en", **hostile_values(prediction)[name])
    assert is_text(shown, *([] if name in NAMELESS else [EVIL]))
    assert EVIL not in shown


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_message_about_a_file_is_text(language):
    import gradio as gr

    from support.handlers import guarded, run

    @guarded
    def refuse() -> None:
        raise KnownError("not_audio", name=EVIL)

    with pytest.raises(gr.Error) as caught:
        run(refuse, language=language)
    page = Page(caught.value.message)
    assert not page.tags
    assert EVIL in page.text
