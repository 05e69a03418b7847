"""How good a run's model is, as the page shows it."""

import json
import re

import pytest

import i18n
from errors import KnownError
from support.marked import keep_scores
from trainer.config import RunConfig
from trainer.run import runs
from trainer.run.runs import Run
from ui.server.access import Visitor
from ui.tabs.train import cards, scores
from ui.tabs.train.cache import RunCache

HERE = Visitor("en", may_train=True)
STRANGER = Visitor("en", may_train=False)


def ended(tmp_path, temperature=1.0, *, data="composed", split="random", **changes):
    run = runs.create(tmp_path, RunConfig(data=data, split=split, n_songs_per_genre=2))
    keep_scores(run.folder, temperature, **changes)
    runs.write_whole(run.folder / "result.json", '{"state": "finished"}')
    return run


def test_figures_stand_there_with_interval_and_meaning(tmp_path):
    page = scores.as_html(ended(tmp_path, data="gtzan"), HERE)
    assert (
        "3 of 4 songs correct (75.0%; 95% confidence interval: 30.1% to 95.4%)" in page
    )
    assert "an artist can be in both parts" in page
    assert "slightly too high" in page
    assert "0.778" in page
    assert "+12.5 points" in page
    assert "no temperature was fitted" in page


def test_honest_split_is_not_called_too_good(tmp_path):
    run = ended(tmp_path, 3.0, data="gtzan", split="listed", is_final=True)
    page = scores.as_html(run, HERE)
    assert "slightly too high" not in page
    assert "a temperature of 3.00" in page
    assert "overconfident" in page


def test_every_cell_of_the_confusion_matrix_says_what_it_counts(tmp_path):
    page = scores.as_html(ended(tmp_path), HERE)
    cells = re.findall(r'title="(\w+) classified as (\w+): (\d)"', page)
    assert len(cells) == 9
    assert ("Blues", "Jazz", "1") in cells
    assert ("Metal", "Metal", "1") in cells


def test_confusion_matrix_has_short_names_in_chinese(tmp_path):
    page = scores.as_html(ended(tmp_path), Visitor("zh-TW", may_train=True))
    matrix = page.partition('<table class="matrix">')[2].partition("</table>")[0]
    assert re.findall(r'<th scope="row">(.*?)</th>', matrix)[0] == "藍調"
    assert "藍調（blues）" in page  # in full in the table of genres


def test_reliability_curve_can_be_read_without_eyes(tmp_path):
    page = scores.as_html(ended(tmp_path, n_songs=30), HERE)
    assert "57% confident, 100% of 1 song correct (21% to 100%)" in page
    assert "80% confident, 67% of 3 songs correct (21% to 94%)" in page


def test_no_reliability_curve_is_drawn_of_fewer_than_thirty_songs(tmp_path):
    page = scores.as_html(ended(tmp_path, n_songs=29), HERE)
    assert "29 songs are too few" in page
    assert "data-sheet" not in page


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_scores_are_told_in_every_language(tmp_path, language):
    page = scores.as_html(ended(tmp_path), Visitor(language, may_train=True))
    assert html_escaped(i18n.word("scores.confusion", language)) in page
    assert html_escaped(i18n.word("scores.mistakes", language)) in page


def html_escaped(text):
    import html

    return html.escape(text)


def test_markup_in_names_of_songs_and_genres_is_text(tmp_path):
    bad = '<img src=x onerror="alert(1)">'
    run = ended(tmp_path, names=("a", bad, "c", "d"))
    path = run.folder / "scores.json"
    path.write_text(
        path.read_text("utf-8").replace('"blues"', json.dumps(bad)), "utf-8"
    )
    page = scores.as_html(run, HERE)
    assert "<img" not in page
    assert page.count("&lt;img") > 3


def test_mistake_sounds_for_those_who_may_hear_it(tmp_path):
    names = ("a", "jazz 1", "c", "d")
    run = ended(tmp_path, names=names)
    path = run.folder / "scores.json"
    # The mistake's truth is blues; let it be the song that can be composed.
    path.write_text(path.read_text("utf-8").replace("jazz 1", "blues 1"), "utf-8")
    assert 'data-number="1"' in scores.as_html(run, STRANGER)
    clip = scores.song(run, 1, tmp_path / "cache", STRANGER)
    assert clip.duration_s == pytest.approx(10.0, abs=0.5)
    for number in (0, 2):
        with pytest.raises(KnownError, match="song_gone"):
            scores.song(run, number, tmp_path / "cache", HERE)


def test_stranger_cannot_hear_songs_of_this_host(tmp_path):
    run = ended(tmp_path, data="folder:/home/me/songs")
    assert "data-number" in scores.as_html(run, HERE)
    assert "data-number" not in scores.as_html(run, STRANGER)
    with pytest.raises(KnownError, match="may_not_hear"):
        scores.song(run, 1, tmp_path / "cache", STRANGER)


def test_scores_are_drawn_once_however_often_pages_ask(tmp_path, monkeypatch):
    run, reader = ended(tmp_path), RunCache(tmp_path)
    first = scores.rendered(run, reader, HERE)
    assert "run-score" in first.html
    monkeypatch.setattr(scores, "as_html", lambda *given: pytest.fail("drawn again"))
    assert scores.rendered(run, reader, HERE) == first


def test_run_at_work_or_without_scores_shows_none(tmp_path):
    working = runs.create(tmp_path, RunConfig())
    keep_scores(working.folder)
    assert scores.rendered(working, RunCache(tmp_path), HERE).html == ""
    (working.folder / "scores.json").write_text("{", "utf-8")
    assert scores.as_html(working, HERE) == ""
    assert scores.rendered(None, RunCache(tmp_path), HERE).html == ""


def test_result_names_the_score_that_was_reported_once(tmp_path):
    run = ended(tmp_path, 3.0, is_final=True)
    assert cards.score(run, [], "en") == [
        "3 of 4 test songs correct (75.0%; 95% confidence interval: 30.1% to 95.4%)."
    ]
    assert cards.score(Run(tmp_path / "none"), [], "en") == []
