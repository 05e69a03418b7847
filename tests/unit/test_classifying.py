import csv
import html
import io
import json
import re
import threading
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from markupsafe import escape

from audio.decode import Limits
from classifier.batch import Row
from classifier.models import Models
from classifier.predict import Chunk, Prediction, predict
from classifier.queue import InferenceQueue, WaitingLine
from classifier.verdict import Verdict, judge
from errors import KnownError
from networks.checkpoint import ModelRef
from networks.clear import ClearRule
from support import tiny
from support.files import write_audio
from support.signals import chord, noise, silence, tone
from ui import waiting
from ui.model_choice import chosen, chosen_pair, effort_of, full_title, title
from ui.scene import Scene, Transforms
from ui.server.access import Visitor
from ui.server.shares import Share, Shares, Writer, charge, writer
from ui.tabs.classify import answer, song_map
from ui.tabs.classify.batch import (
    batches,
    content,
    count,
    file_of,
    song_html,
    table_html,
)
from ui.tabs.classify.card import content as content_of_card
from ui.tabs.classify.history import MAX_SONGS, History, _again, as_html, is_held
from ui.tabs.classify.song import calmly, together

HERE, ELSEWHERE = Visitor(may_train=True), Visitor(may_train=False)
QUEUE = InferenceQueue()
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def models(tiny_model_dir, tmp_path_factory):
    return Models(
        bundled_model_dir=tiny_model_dir,
        runs_dir=tmp_path_factory.mktemp("runs"),
        hub_model="listed/model",
        is_hub_open=True,
    )


@pytest.fixture
def prediction(model):
    return predict(noise(duration_s=3.0), model)


def renamed(prediction, name):
    """The same prediction, its likeliest label by another name."""
    (old, share), *others = prediction.genres
    chunks = tuple(
        Chunk(
            chunk.start_s,
            chunk.stop_s,
            {name if k == old else k: v for k, v in chunk.probabilities.items()},
        )
        for chunk in prediction.chunks
    )
    return replace(prediction, genres=((name, share), *others), chunks=chunks)


def test_hub_model_is_only_for_who_may_train_unless_the_host_lists_it(models):
    assert chosen(models, "hub:any/model", HERE).id == "any/model"
    assert chosen(models, "hub:listed/model", ELSEWHERE).id == "listed/model"
    with pytest.raises(KnownError, match="may_not_fetch"):
        chosen(models, "hub:any/model", ELSEWHERE)


@pytest.mark.parametrize("key", ["hub:../../etc", "hub:https://a.b/c", "hub:", "/etc"])
def test_what_is_no_id_is_no_model(models, key):
    with pytest.raises(KnownError, match="unknown_model"):
        chosen(models, key, HERE)


def test_click_before_the_list_has_come_asks_the_first_model(models):
    assert chosen(models, None, ELSEWHERE) == models.available()[0]
    with pytest.raises(KnownError, match="same_model_twice"):
        chosen_pair(models, (None, models.available()[0].key), HERE)


def test_no_model_and_a_strange_effort_are_refused(tmp_path):
    none = Models(
        bundled_model_dir=tmp_path, runs_dir=tmp_path, hub_model="", is_offline=True
    )
    with pytest.raises(KnownError, match="no_model"):
        chosen(none, None, HERE)
    with pytest.raises(KnownError, match="not_a_choice"):
        effort_of("all of it")


def test_model_beside_itself_is_refused(models):
    pair = chosen_pair(models, ("bundled", "hub:listed/model"), HERE)
    assert [ref.key for ref in pair] == ["bundled", "hub:listed/model"]
    assert [ref.key for ref in chosen_pair(models, ("bundled", ""), HERE)] == [
        "bundled"
    ]
    with pytest.raises(KnownError, match="same_model_twice"):
        chosen_pair(models, ("bundled", "bundled"), HERE)


class Slow:
    """Models of which one arrives in two pieces, each when it is let through."""

    def __init__(self, model):
        self.model, self.gates = model, [threading.Event(), threading.Event()]

    def load(self, ref, count):
        for n_mb, gate in zip((5, 10), self.gates, strict=True):
            count(n_mb * 10**6, 10 * 10**6)
            gate.wait(60)
        return self.model


@pytest.mark.parametrize(
    ("language", "said"), [("en", "5 of 10 MB"), ("zh-TW", "5/10 MB")]
)
def test_download_of_a_model_says_how_far_it_is(models, model, language, said):
    slow, ref = Slow(model), models.ref("hub:listed/model")
    shown = waiting.loaded("status", slow, ref, language)
    while said not in next(shown)["status"]:
        pass
    slow.gates[0].set()
    while said in next(shown)["status"]:
        pass
    slow.gates[1].set()
    with pytest.raises(StopIteration) as ended:
        while True:
            next(shown)
    assert ended.value.value is model


def test_two_models_take_turns_and_end_with_their_own_answers(model):
    clip = noise(duration_s=5.0)
    found = list(together(clip, [model, model], QUEUE, "whole"))
    assert [[each.n_done for each in pair] for pair in found[:2]] == [[1, 1], [2, 2]]
    alone = predict(clip, model)
    assert [dict(each.genres) for each in found[-1]] == [dict(alone.genres)] * 2


def test_page_gets_the_first_answer_at_once_and_the_last_marked(model):
    found = list(
        calmly(together(noise(duration_s=5.0), [model], QUEUE, "whole"), 3600.0)
    )
    assert [(pair[0].n_done, is_last) for pair, is_last in found] == [
        (1, False),
        (10, True),
    ]


def test_leaving_the_answers_ends_the_work(model, monkeypatch):
    heard = []
    real = type(model.feature_extractor).__call__
    monkeypatch.setattr(
        type(model.feature_extractor),
        "__call__",
        lambda self, *a, **k: heard.append(1) or real(self, *a, **k),
    )
    answers = calmly(together(noise(duration_s=5.0), [model], QUEUE, "whole"), 0.0)
    next(answers)
    answers.close()
    assert len(heard) == 1


def test_answer_says_who_agrees_and_what_the_model_cannot_know(prediction):
    said = answer.answers([prediction], [judge(prediction, noise())], "en")
    assert "of the windows were classified as" in said
    assert "Trained on: tests. It knows 3 genres" in said
    assert said.count("<li>") == 3


@pytest.mark.parametrize(
    ("language", "calibrated", "uncalibrated"),
    [
        ("en", "confidence was adjusted on validation songs", "are not calibrated"),
        ("zh-TW", "依驗證歌曲調整過", "百分比未經校準"),
        ("zh-CN", "按验证歌曲调整过", "百分比未经校准"),
    ],
)
def test_answer_says_whether_its_probabilities_can_be_taken_at_their_word(
    prediction, language, calibrated, uncalibrated
):
    assert uncalibrated in answer.answers([prediction], [], language)
    ref = replace(prediction.model, is_calibrated=True)
    said = answer.answers([replace(prediction, model=ref)], [], language)
    assert calibrated in said
    assert uncalibrated not in said
    ref = replace(ref, n_calibration_songs=57)
    assert "57" in answer.answers([replace(prediction, model=ref)], [], language)


def test_answer_says_where_labels_do_not_exclude_each_other(prediction):
    assert "exclude" not in answer.answers([prediction], [], "en")
    ref = replace(prediction.model, is_exclusive=False)
    said = answer.answers([replace(prediction, model=ref)], [], "en")
    assert "do not exclude each other" in said


def judged(kind, *genres, precision=None):
    """A model's answer of three genres, with the verdict on it."""
    shares = dict(zip(genres, (0.5, 0.4, 0.1), strict=False))
    clear = ClearRule(0.15, 0.5, precision, 0.5) if precision else None
    ref = ModelRef("bundled", "b", None, "b", "recordings", 1.0, clear=clear)
    chunk = Chunk(0.0, 1.0, shares)
    said = Prediction(tuple(shares.items()), (chunk,), 1, ref, 0.1)
    return said, Verdict(kind, genres, 1.0, 0.1)


@pytest.mark.parametrize(
    ("kind", "genres", "head"),
    [
        ("sure", ("blues",), "Blues"),
        ("unsure", ("blues", "jazz"), "Probably Blues close call: Blues or Jazz"),
        (
            "unlike",
            ("blues",),
            "Unlike anything in this model's training data closest genre it knows: Blues",
        ),
        ("speech", ("pop",), "This sounds like speech, not music closest genre: Pop"),
    ],
)
def test_doubt_is_in_the_heading_itself(kind, genres, head):
    said, verdict = judged(kind, *genres)
    shown = str(answer.answers([said], [verdict], "en"))
    heading = shown.partition("<h3")[2].partition(">")[2].partition("</h3>")[0]
    told = html.unescape(re.sub(r"\s*<[^>]+>", " ", heading))
    assert told.split() == head.split()


def test_clear_answer_says_how_often_such_ones_were_right():
    said, verdict = judged("sure", "blues", precision=0.86)
    head, caveat = answer.heading(said, verdict, "en")
    assert head == "Blues"
    assert "86%" in caveat


@pytest.mark.parametrize(
    ("took_s", "told"), [(0.034, "0.03 s"), (0.96, "1 s"), (12.34, "12.3 s")]
)
def test_answer_tells_a_time_that_is_never_zero(prediction, took_s, told):
    lines = answer.basis(replace(prediction, elapsed_s=took_s), None, "en")
    assert f"computed in {told} on" in lines[0]


def test_model_of_composed_songs_warns_beside_its_answer(prediction):
    ref = replace(prediction.model, trained_on="composed")
    warned = answer.knows(replace(prediction, model=ref), "en")
    assert "its answer is a guess" in warned[-1]
    assert len(answer.knows(prediction, "en")) == 1


def test_calibration_on_few_songs_is_not_relied_on(prediction):
    ref = replace(prediction.model, is_calibrated=True, n_calibration_songs=4)
    assert "too few to rely on" in answer.calibration(ref, "en")


RUN = ModelRef(
    "run", "20261129-192434-62e5", None, "20261129-192434-62e5", "folder", 5.0,
    recipe="head", songs="my forty", test_accuracy=0.625, n_tested=8,
)  # fmt: skip


@pytest.mark.parametrize(
    ("day", "language", "named"),
    [
        (29, "en", "head · my forty · 62% of 8 test songs · today 19:24"),
        (30, "en", "head · my forty · 62% of 8 test songs · yesterday 19:24"),
        (31, "en", "head · my forty · 62% of 8 test songs · 2026-11-29 19:24"),
        (29, "zh-TW", "head · my forty · 8 首測試歌曲答對 62% · 今天 19:24"),
    ],
)
def test_run_s_model_is_named_by_what_it_is(day, language, named):
    now = datetime(2026, 11, 28, 23, 0) + timedelta(days=day - 28)
    assert full_title(RUN, language, now) == named
    assert RUN.id not in named


def test_run_s_model_is_named_as_its_owner_called_it():
    called = replace(RUN, name="Mei's choir")
    assert title(called, "en") == "Mei's choir"
    assert full_title(called, "en").startswith("Mei's choir · 62% of 8 test songs")
    assert title(replace(RUN, songs="composed"), "en") == "head · composed songs"
    bare = replace(RUN, recipe="", songs="", test_accuracy=None)
    assert title(bare, "en") == f"Your run {RUN.id}"


@pytest.mark.parametrize(
    ("path", "ranked", "said"),
    [
        ("genrescope-quiz_1.wav", ("reggae", "rock"), "It is: Reggae ✓"),
        ("genrescope-quiz_1.wav", ("rock", "reggae"), "It is: Reggae ✗"),
        ("genrescope-vibeace.ogg", ("Jazz", "rock"), "It is: Jazz ✓"),
        ("genrescope-blues_song.wav", ("speech", "rain"), "It is: Blues"),
        ("genrescope-brass.wav", ("jazz", "rock"), ""),
        ("quiz_1.wav", ("reggae", "rock"), ""),  # a visitor's own
    ],
)
def test_known_genre_is_told_after_the_answer_alone(path, ranked, said):
    answered, verdict = judged("sure", *ranked)
    shown = str(answer.answers([answered], [verdict], "en", f"/kept/{path}"))
    found = re.findall(r'class="truth">([^<]+)<', shown)
    assert found == ([said] if said else [])
    assert "It is" not in answer.answers([answered], [], "en", f"/kept/{path}")


def test_card_has_the_song_its_ranking_its_map_and_its_model(prediction):
    clip = noise(duration_s=3.0)
    verdict = judge(prediction, clip)
    card = json.loads(content_of_card(clip, "月亮", [prediction], [verdict], "zh-TW"))
    (model,) = card["models"]
    assert card["song"] == "月亮"
    assert model["model"] == "內建模型"
    assert model["head"]
    assert [share for _, share, _ in model["ranking"]] == [
        share for _, share in prediction.genres
    ]
    assert len(card["wave"]) == 320
    assert max(card["wave"]) == 1.0
    assert len(model["rows"][0]["shares"]) == len(prediction.chunks)


def test_genres_below_one_in_a_hundred_are_folded(prediction):
    shares = {"blues": 0.9, "jazz": 0.08, "rock": 0.008, "pop": 0.008, "metal": 0.004}
    chunk = Chunk(0.0, 1.0, shares)
    said = Prediction(tuple(shares.items()), (chunk,), 1, prediction.model, 0.1)
    shown = str(answer.answers([said], [], "en"))
    above, _, folded = shown.partition("<details")
    assert (above.count("<li>"), folded.count("<li>")) == (2, 3)
    assert "3 more under 1%" in folded


def test_each_model_has_its_own_parts_to_hear_and_none_of_unlikely_genres():
    one, verdict = judged("sure", "blues", "jazz", "rock")
    shares = {"pop": 0.96, "disco": 0.04}
    other = replace(
        one, genres=tuple(shares.items()), chunks=(Chunk(0.0, 1.0, shares),)
    )
    shown = str(answer.answers([one, other], [verdict, verdict], "en"))
    _, first, second = shown.split("<section>")
    assert [*re.findall(r"most (\S+)-like", first)] == ["Blues", "Jazz", "Rock"]
    assert [*re.findall(r"most (\S+)-like", second)] == ["Pop"]
    assert 'data-number="3"' in second
    assert answer.parts([one, other])[3][1].genre == "pop"
    assert "-like part" not in answer.answers([one, other], [], "en")


def test_answer_so_far_is_not_judged(prediction):
    assert "So far: " in answer.answers([prediction], [], "en")


def test_names_from_a_model_are_escaped(prediction):
    evil = renamed(prediction, EVIL)
    said = answer.answers([evil], [judge(evil, noise())], "en")
    assert "<img" not in said
    assert "&lt;img" in said


def test_map_has_a_row_a_genre_the_likeliest_on_top(prediction):
    clip = noise(duration_s=3.0)
    sheet = song_map.sheet(Scene(clip, Transforms()), [prediction])
    wave, rows = sheet.plots
    assert (wave.is_sound, rows.is_sound) == (True, True)
    (layer,) = rows.layers
    assert rows.y.names[-1].lower() == prediction.genres[0][0]
    top = [chunk.probabilities[prediction.genres[0][0]] for chunk in prediction.chunks]
    assert layer.shares[-1] == pytest.approx(top, abs=1e-3)
    assert (layer.starts_s[0], layer.stops_s[-1]) == (0.0, 3.0)
    assert (rows.x.start, rows.x.stop) == (wave.x.start, wave.x.stop)


def test_caption_of_two_models_names_each(prediction):
    other = replace(prediction.model, source="run", title="deep · my songs")
    pair = [prediction, replace(prediction, model=other)]
    alone, both = (
        song_map.sheet(Scene(noise(duration_s=3.0), Transforms()), given)
        for given in (pair[:1], pair)
    )
    first, second = (plot.title for plot in both.plots[1:])
    assert both.about.startswith(f"{first}: {alone.about}")
    assert f"{second}: " in both.about and first != second


def test_maps_of_two_models_are_saved_together(prediction):
    packed = song_map.contents([prediction, renamed(prediction, "odd")], "csv", "en")
    with zipfile.ZipFile(io.BytesIO(packed)) as folder:
        first, second = (folder.read(name).decode() for name in folder.namelist())
    assert "odd" in second
    assert second.replace("odd", prediction.genres[0][0]) == first


def test_map_is_saved_as_a_table_of_every_window(prediction):
    text = song_map.content(prediction, "csv", "en").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(prediction.chunks)
    shares = [float(rows[0][genre]) for genre in tiny.GENRES]
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    with pytest.raises(KnownError, match="not_a_choice"):
        song_map.content(prediction, "exe", "en")


@pytest.fixture
def files(tmp_path):
    song = write_audio(tmp_path / "one.mp3", tone(duration_s=2.0))
    write_audio(tmp_path / "two.m4a", chord(duration_s=2.0))
    write_audio(tmp_path / "quiet.wav", silence(duration_s=2.0))
    (tmp_path / "notes.mp3").write_text("do re mi")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as album:
        album.write(song, "cd/three.mp3")
    names = "one.mp3 two.m4a quiet.wav notes.mp3 broken.zip album.zip".split()
    return [str(tmp_path / name) for name in names]


def test_batch_grows_song_by_song_and_failures_are_rows(model, files):
    found = list(batches(files, model, QUEUE, "quick", Limits()))
    # A table is yielded again while a song takes its time.
    sizes = dict.fromkeys(len(each.entries) for each in found)
    assert list(sizes) == [1, 2, 3, 4, 5, 6]
    assert {each.n_total for each in found} == {6}
    codes = {
        entry.row.song: entry.row.error and entry.row.error.code
        for entry in found[-1].entries
    }
    assert codes == {
        "one.mp3": None,
        "two.m4a": None,
        "quiet.wav": "silent",
        "notes.mp3": "not_audio",
        "broken.zip": "zip_broken",
        "album.zip/cd/three.mp3": None,
    }
    assert found[-1].n_failed == 3


def test_batch_ends_with_a_sentence_where_its_visitor_has_had_enough_sound(
    model, tmp_path
):
    paths = [
        str(write_audio(tmp_path / f"{n}.wav", tone(duration_s=2.0))) for n in range(6)
    ]
    shares = Shares(Share(sound_s=7.0), clock=lambda: 0.0)
    queue = InferenceQueue()
    queue.charge = charge
    token = writer.set(Writer(shares, "93.184.216.34"))
    found = []
    try:
        with pytest.raises(KnownError, match="too_much_sound"):
            found.extend(batches(paths, model, queue, "whole", Limits()))
    finally:
        writer.reset(token)
    assert 1 <= len(found) < len(paths)
    *_, last = batches(paths, model, queue, "whole", Limits())  # nobody's share
    assert last.n_failed == 0


def test_batch_is_saved_as_csv_and_json(model, files):
    *_, last = batches(files, model, QUEUE, "quick", Limits())
    text = content(last, "csv").decode("utf-8-sig")
    rows = {row["song"]: row for row in csv.DictReader(io.StringIO(text))}
    listed = {row["song"]: row for row in json.loads(content(last, "json"))}
    assert rows.keys() == listed.keys()
    assert rows["one.mp3"]["genre"] == listed["one.mp3"]["genre"]
    assert "silent" in listed["quiet.wav"]["reason"]


def test_names_never_become_formulas_of_a_spreadsheet(model, prediction, tmp_path):
    (tmp_path / "=HYPERLINK(1).mp3").write_text("do re mi")
    (path,) = tmp_path.iterdir()
    *_, last = batches([str(path)], model, QUEUE, "quick", Limits())
    (row,) = csv.DictReader(io.StringIO(content(last, "csv").decode("utf-8-sig")))
    assert row["song"] == "'=HYPERLINK(1).mp3"
    (listed,) = json.loads(content(last, "json"))
    assert listed["song"] == "=HYPERLINK(1).mp3"
    evil = renamed(prediction, "@SUM(1)")
    head = song_map.content(evil, "csv", "en").decode().splitlines()[0]
    assert "'@SUM(1)" in head.split(",")


def test_song_of_a_batch_is_given_back_as_it_came_from_a_zip_too(model, files):
    *_, last = batches(files, model, QUEUE, "quick", Limits())
    given = {entry.row.song: entry for entry in last.entries}
    whole, name = file_of(given["one.mp3"])
    assert (file_of(given["album.zip/cd/three.mp3"])[0], name) == (whole, "one.mp3")


def test_batch_without_songs_is_refused(model):
    with pytest.raises(KnownError, match="no_songs_given"):
        next(batches([], model, QUEUE, "quick", Limits()))


def test_table_escapes_names_and_says_why(model, tmp_path):
    (tmp_path / f"{EVIL.replace('/', '')}.mp3").write_text("do re mi")
    (path,) = tmp_path.iterdir()
    *_, last = batches([str(path)], model, QUEUE, "quick", Limits())
    shown = table_html([entry.row for entry in last.entries], "zh-TW")
    assert "<img" not in shown
    assert 'data-number="1"' in shown
    assert "裡找不到聲音" in shown


def test_table_names_its_model_and_shows_confidence_as_a_bar(prediction):
    rows = [Row("one.mp3", 0.1, 3.0, None, prediction, judge(prediction, noise()))]
    shown = str(table_html(rows, "en"))
    caption = shown.partition("<caption>")[2].partition("</caption>")[0]
    assert "Bundled model" in caption
    assert "Trained on: tests" in caption
    _, share = prediction.genres[0]
    assert f'style="width: {100 * share:.1f}%' in shown
    assert "Taken" not in shown
    assert "Reason" not in shown


def test_sentences_of_a_caption_are_joined_as_the_language_does(prediction):
    ref = replace(prediction.model, trained_on="composed")
    composed = replace(prediction, model=ref)
    rows = [Row("one.mp3", 0.1, 3.0, None, composed, judge(composed, noise()))]
    for language, gap in (("en", ". "), ("zh-TW", "。"), ("zh-CN", "。")):
        first, second = answer.knows(composed, language)
        assert first.endswith(gap.strip())
        joined = f"{first}{gap[1:]}{second}"
        assert str(escape(joined)) in table_html(rows, language)


def test_song_opens_as_a_small_map_of_its_windows(prediction):
    shares = {"blues": 0.7, "jazz": 0.28, "rock": 0.02}
    likely = {"blues": 1.0, "jazz": 0.0, "rock": 0.0}
    chunks = (Chunk(0.0, 1.0, shares), Chunk(1.0, 4.0, likely))
    said = replace(prediction, genres=tuple(shares.items()), chunks=chunks)
    row = Row(
        "one.mp3", 0.1, 4.0, None, said, Verdict("unsure", ("blues", "jazz"), 1, 0)
    )
    shown = str(song_html(7, row, "en"))
    assert 'data-number="7"' in shown
    assert shown.count('class="strip"') == 2  # a genre of 2 % has none
    assert "left: 25.00%; width: 75.00%; opacity: 1.00" in shown
    assert "close call: Blues or Jazz" in shown
    assert "<audio" in shown
    gone = str(song_html(7, row, "en", "It is gone."))
    assert "It is gone." in gone
    assert "<audio" not in gone


def test_files_are_counted():
    assert count(["a.mp3"] * 12, HERE) == "12 files"
    assert count(None, HERE) == ""


def test_history_keeps_the_newest_and_trusts_nothing_from_the_browser(prediction):
    verdict = judge(prediction, noise())
    rows = History.with_song("nonsense", "a.mp3", prediction, verdict)
    for _ in range(MAX_SONGS):
        strange = [*rows, {"bad": 1}, [1, 2, 3, 4], ["c", "errors", "", "", 1, ""]]
        rows = History.with_song(strange, "b.mp3", prediction, verdict)
    assert len(rows) == MAX_SONGS
    assert {row[0] for row in rows} == {"b.mp3"}
    evil = [[EVIL, "unsure", EVIL, EVIL, 0.5, EVIL]]
    shown = as_html(evil, Visitor())
    assert "Probably" in shown
    assert "<img" not in shown


def test_history_shows_the_saved_answer_and_offers_the_sound_while_it_is_held(
    prediction, tmp_path
):
    song = write_audio(tmp_path / "a.wav", tone())
    verdict = judge(prediction, noise())
    rows = History.with_song([], "a", prediction, verdict, str(song), "head · forty")
    rows = json.loads(json.dumps(rows))  # as a browser keeps them
    held = partial(is_held, folders=(tmp_path,))
    shown = as_html(rows, Visitor(), held)
    assert shown.count("<li>") == 1 + len(tiny.GENRES)
    assert "head · forty" in shown
    assert f'class="again" data-path="{song}"' in shown
    song.unlink()
    shown = as_html(rows, Visitor(), held)
    assert "no longer has this sound" in shown
    assert "again" not in shown
    old = as_html([rows[0][:6]], Visitor(), held)  # of an earlier version
    assert old.count("<li>") == 2


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../secret.wav", "kept/../../secret.wav", "a\0b", "."]
)
def test_history_gives_no_file_but_the_page_s_own(tmp_path, path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "secret.wav").write_bytes(b"")
    (tmp_path / "kept" / "link.wav").symlink_to(tmp_path / "secret.wav")
    folders = (tmp_path / "kept",)
    for each in (path, str(tmp_path / path), str(tmp_path / "kept" / "link.wav")):
        assert not is_held(each, folders)


@pytest.mark.parametrize(
    "more",
    [
        None,
        {},
        {"path": 5, "title": [], "ranking": "x"},
        {"ranking": [["a", "b"], ["a"], [1, 0.5], ["a", float("nan")], ["a", 7]]},
    ],
)
def test_history_reads_nothing_strange_from_the_browser(more):
    shown = as_html([["a.mp3", "sure", "rock", "rock", 0.5, "bundled", more]], HERE)
    assert shown.count("<li>") == 2
    assert "Rock" in shown


def test_history_doubts_what_the_answer_doubted(prediction):
    doubted = Verdict("unsure", ("rock", "metal"), 0.5, 0.01)
    rows = History.with_song([], "a.mp3", prediction, doubted)
    shown = as_html(rows, Visitor())
    assert "Probably Rock" in shown
    assert "close call: Rock or Metal" in shown


def test_prediction_of_a_one_label_model_is_shown(prediction):
    ref = prediction.model
    chunk = Chunk(0.0, 1.0, {"music": 1.0})
    lone = Prediction((("music", 1.0),), (chunk,), 1, ref, 0.1)
    assert "music" in answer.answers([lone], [judge(lone, noise())], "en")


# Ten visitors at once


def said_by(updates):
    return [update["status"] for update in updates]


def test_who_waits_is_told_the_place_and_then_answered():
    line = WaitingLine(1)

    def ask(path, visitor):
        yield {"status": f"{path} in {visitor.language}"}

    waiting_ask = waiting.in_line(line, "status", ask)
    with line.ticket() as first:
        asking = waiting_ask("song", visitor=HERE)
        told = next(asking)["status"]
        assert "you are number 1 in line" in told
        assert waiting.cancelled(told, HERE) == "Cancelled."
        assert first.position == 0
    assert said_by(asking) == ["song in en"]


def test_page_that_closes_while_it_waits_leaves_the_line():
    line = WaitingLine(1)
    waiting_ask = waiting.in_line(line, "status", lambda visitor: iter(()))
    with line.ticket():
        asking = waiting_ask(visitor=HERE)
        next(asking)
        with line.ticket() as behind:
            assert behind.position == 2
            asking.close()
            assert behind.position == 1


def test_page_that_closes_mid_song_gives_its_seat_away(model):
    line = WaitingLine(1)

    def ask(visitor):
        yield from together(noise(duration_s=5.0), [model], QUEUE, "whole")

    asking = waiting.in_line(line, "status", ask)(visitor=HERE)
    next(asking)
    with line.ticket() as behind:
        assert behind.position == 1
        asking.close()
        assert behind.position == 0


def test_song_of_who_waits_is_not_decoded():
    line, decoded = WaitingLine(1), []

    def ask(visitor):
        decoded.append(1)
        yield {"status": ""}

    asking = waiting.in_line(line, "status", ask)(visitor=HERE)
    with line.ticket():
        next(asking)
        assert not decoded
    assert said_by(asking) == [""]
    assert decoded


def test_song_of_the_history_is_found_though_another_came_on_top_meanwhile():
    rows = [
        [name, "sure", "jazz", "jazz", 0.9, "bundled", {"path": f"/held/{name}"}]
        for name in ("newest", "wanted")
    ]
    again = _again(lambda path: path.startswith("/held/"))
    asked = SimpleNamespace(path="/held/wanted")
    assert again(rows[1:], asked) == again(rows, asked) == "/held/wanted"
    for path in ("/held/other", "/etc/passwd"):
        with pytest.raises(KnownError, match="clip_gone"):
            again(rows, SimpleNamespace(path=path))
