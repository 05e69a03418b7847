"""The app as programs meet it: a real server, Gradio's own client."""

import dataclasses
import json
import os
import re
import zipfile
from pathlib import Path

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio import processing_utils
from gradio.route_utils import delete_files_created_by_app
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

import app
import i18n
from audio import decode
from classifier import embeddings
from classifier.embeddings import Embeddings
from settings import Settings
from support import tiny
from support.files import write_audio
from support.served import served, settings_in, watched_loop
from support.signals import tone
from ui import sheets
from ui.export.downloads import content
from ui.player import examples
from ui.player.clips import ClipShelf
from ui.scene import Scene, Transforms
from ui.server import language
from ui.tabs.see import mel, spectrogram

MOST_BUSY_S = 0.2  # meanwhile nobody else is answered
PICTURES = ("waveform", "dft", "stft", "mel")
AS_THE_PAGE_BEGINS = {
    "waveform": (sheets.waveform, (False,)),
    "dft": (sheets.spectrum, (0.0, 4096, "hann", 1, "peak")),
    "stft": (spectrogram.draw, (2048, 0, 4, "hann", "peak")),
    "mel": (mel.draw, (128, "slaney", 0, 8000, False, "level")),
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory, tiny_model_dir):
    home = tmp_path_factory.mktemp("home")
    return settings_in(home, tiny_model_dir)


@pytest.fixture(scope="module")
def on_the_loop():
    with watched_loop() as done:
        yield done


@pytest.mark.parametrize("flags", [["--port", "8000"], ["8000"]])
def test_start_takes_no_flags_and_says_so(flags, capsys, monkeypatch):
    monkeypatch.setattr(app, "serve", lambda _: pytest.fail("it was started"))
    with pytest.raises(SystemExit) as ended:
        app.main(flags)
    assert ended.value.code == 2
    assert flags[0] in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        app.main(["--help"])
    assert ended.value.code == 0
    assert "GRADIO_SERVER_PORT" in capsys.readouterr().out


@pytest.fixture(scope="module")
def demo(settings, tmp_path_factory, on_the_loop):
    with served(settings, tmp_path_factory.mktemp("gradio")) as demo:
        yield demo


@pytest.fixture(scope="module")
def client(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("downloads")
    return Client(
        demo.local_url, analytics_enabled=False, verbose=False, download_files=folder
    )


@pytest.fixture
def song(tmp_path):
    return handle_file(str(write_audio(tmp_path / "song.mp3", tone(duration_s=2.0))))


def test_every_endpoint_is_documented(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    names = {"/waveform", "/dft", "/stft", "/mel", "/classify", "/classify_many"}
    names |= {"/embed", "/similar", "/runs", "/start_run", "/stop_run"}
    names |= {"/what_if", "/where"}
    assert set(endpoints) == names  # and nothing of the page's own
    for endpoint in endpoints.values():
        assert endpoint["description"]
        for parameter in endpoint["parameters"]:
            assert not parameter["parameter_name"].startswith("param_")
            assert "__i18n__" not in parameter["label"]
            assert len(parameter["label"]) > 3
    defaults = {
        parameter["parameter_name"]: parameter["parameter_default"]
        for parameter in endpoints["/dft"]["parameters"]
    }
    assert defaults["n_samples"] == 4096
    assert defaults["window"] == "hann"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "/classify",
            "verdict: Literal['sure', 'unsure', 'speech', 'unlike'] (sure; unsure",
        ),
        ("/classify_many", "reason: str | None (why there is no answer"),
        ("/runs", "accuracy: float | None (share of the validation songs"),
        ("/stop_run", "state: str (waiting, running"),
        ("/what_if", "moved: float (share of the probability"),
        ("/where", "low_hz: float (its lower edge (Hz)"),
    ],
)
def test_answers_are_documented_field_by_field(client, name, said):
    endpoint = client.view_api(return_format="dict")["named_endpoints"][name]
    (returned,) = endpoint["returns"]
    assert said in returned["python_type"]["type"]
    assert returned["label"]


@pytest.mark.parametrize("name", PICTURES)
def test_picture_of_a_song_is_a_png(client, song, name):
    path = client.predict(song, api_name=f"/{name}")
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width >= 600


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_the_one_that_the_page_saves(client, song, name):
    scene = Scene(decode.load(Path(song["path"])).clip, Transforms())
    draw, values = AS_THE_PAGE_BEGINS[name]
    path = client.predict(song, api_name=f"/{name}")
    assert Path(path).read_bytes() == content(draw(scene, *values), "png")


def test_song_is_classified_as_it_is_and_changed(client, song):
    same = client.predict(song, "bundled", api_name="/what_if")
    assert same["moved"] == 0.0
    assert same["before"] == same["after"]
    other = client.predict(
        song, "bundled", n_semitones=5, snr_db=0, is_reversed=True, api_name="/what_if"
    )
    assert other["before"] == same["before"]
    assert other["moved"] > 0.0
    with pytest.raises(AppError, match="outside the allowed range"):
        client.predict(song, "bundled", tempo=9, api_name="/what_if")


def test_where_the_evidence_is_comes_as_tiles_that_cover_the_song(client, song):
    found = client.predict(song, "bundled", api_name="/where")
    area = sum(
        (each["stop_s"] - each["start_s"]) * (each["high_hz"] - each["low_hz"])
        for each in found["tiles"]
    )
    assert area == pytest.approx(2.0 * 8000, rel=0.05)  # of mp3, with its padding
    speaking = [each for each in found["tiles"] if each["speaks"]]
    assert all(each["effect"] > 0 for each in speaking)
    assert (
        found["genre"]
        in client.predict(song, "bundled", api_name="/classify")["genres"][0].values()
    )
    with pytest.raises(AppError, match="polka"):
        client.predict(song, "bundled", genre="polka", api_name="/where")


def test_knob_changes_the_picture(client, song):
    pictures = [
        client.predict(song, n_fft=n_fft, hop_length=64, api_name="/stft")
        for n_fft in (256, 256, 4096)
    ]
    first, again, other = (Path(path).read_bytes() for path in pictures)
    assert first == again
    assert first != other


def test_genres_come_ranked_with_what_they_rest_on(client, song):
    answer = client.predict(song, api_name="/classify")
    probabilities = [each["probability"] for each in answer["genres"]]
    assert {each["genre"] for each in answer["genres"]} == set(tiny.GENRES)
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1)
    assert answer["model"] == "bundled"
    assert answer["trained_on"] == tiny.FACTS["trained_on"]
    assert answer["windows"] == 4  # 2 s in windows of 0.5 s
    assert answer["elapsed_s"] > 0
    assert answer["verdict"] in ("sure", "unsure")
    assert 0 < answer["agreement"] <= 1


def test_quick_answer_is_for_programs_too(client, tmp_path):
    song = write_audio(tmp_path / "long.mp3", tone(duration_s=5.0))
    answer = client.predict(
        handle_file(str(song)), effort="quick", api_name="/classify"
    )
    assert answer["windows"] == 6


def test_many_songs_come_as_rows_and_a_bad_one_with_its_reason(client, tmp_path):
    song = write_audio(tmp_path / "one.mp3", tone(duration_s=2.0))
    (tmp_path / "notes.mp3").write_text("do re mi")
    with zipfile.ZipFile(tmp_path / "album.zip", "w") as album:
        album.write(song, "cd1/two.mp3")
    paths = [tmp_path / name for name in ("one.mp3", "notes.mp3", "album.zip")]
    songs = [handle_file(str(path)) for path in paths]
    one, notes, two = client.predict(songs, effort="quick", api_name="/classify_many")
    assert [one["song"], notes["song"], two["song"]] == [
        "one.mp3",
        "notes.mp3",
        "album.zip/cd1/two.mp3",
    ]
    assert one["genre"] == two["genre"] == max(one["genres"], key=one["genres"].get)
    assert sum(one["genres"].values()) == pytest.approx(1, abs=1e-4)
    assert "notes.mp3" in notes["reason"]
    assert (one["reason"], notes["genre"]) == (None, None)


def test_no_songs_get_a_sentence(client):
    with pytest.raises(AppError, match="no songs yet"):
        client.predict([], api_name="/classify_many")


@pytest.mark.parametrize(
    ("api_name", "knobs", "sentence"),
    [
        ("/stft", {"n_fft": 7}, "64"),
        ("/dft", {"n_samples": 10**9}, "65536"),
        ("/dft", {"start_s": -1}, "0"),
        ("/mel", {"n_mels": 0}, "512"),
        ("/classify", {"model": "/etc/passwd"}, "no model"),
        ("/classify", {"model": "run:../../x"}, "no model"),
        ("/classify", {"model": "https://example.com/model"}, "no model"),
        ("/classify", {"model": "hub:any/model"}, "no model"),
    ],
)
def test_bad_value_gets_a_sentence(client, song, api_name, knobs, sentence):
    with pytest.raises(AppError, match=sentence) as caught:
        client.predict(song, **knobs, api_name=api_name)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("api_name", ["/waveform", "/mel", "/classify"])
def test_file_without_sound_gets_a_sentence_that_names_it(client, tmp_path, api_name):
    path = tmp_path / "notes.mp3"
    path.write_text("do re mi")
    with pytest.raises(AppError, match=r"notes\.mp3"):
        client.predict(handle_file(str(path)), api_name=api_name)


def test_no_file_gets_a_sentence(client):
    with pytest.raises(AppError, match="no sound yet"):
        client.predict(None, api_name="/waveform")


def test_file_of_the_server_cannot_be_asked_for(demo, settings):
    secret = settings.bundled_model_dir / "config.json"
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    url = f"{demo.local_api_url}call/waveform"
    asked = httpx.post(url, json={"data": [file]})
    answer = httpx.get(f"{url}/{asked.json()['event_id']}")
    assert answer.text.startswith("event: error")
    assert "hidden_size" not in answer.text


def test_files_of_visitors_are_gone_after_the_time_that_the_page_states(
    demo, client, song
):
    client.predict(song, api_name="/waveform")
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"song.mp3", "picture.png"} <= names
    delete_files_created_by_app(demo, age=0)
    assert not [p for p in folder.rglob("*") if p.is_file() and p.stat().st_size]
    hours = sum(demo.delete_cache) / 3600
    texts = app.launch_options(Settings(), demo)["i18n"].translations
    assert f"{hours:.0f} hours" in texts["en"]["about.text"]


def test_bug_gives_an_id_and_no_details(client, song, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("a secret of /home/someone")

    monkeypatch.setattr("viz.paper.figure", fail)
    with pytest.raises(AppError) as caught:
        client.predict(song, api_name="/waveform")
    assert re.search(r"\b[0-9a-f]{6}\b", str(caught.value))
    assert "secret" not in str(caught.value)


def test_every_text_of_the_page_is_in_the_locales(demo):
    config = json.dumps(demo.get_config_file(), default=str)
    keys = set(re.findall(r'"key\\*": \\*"([a-z]+\.\w+)\\*"', config))
    assert {"app.see", "see.mel_text", "see.hop_4"} <= keys
    assert keys <= set(i18n.table("en"))
    assert {key.split(".")[0] for key in keys} <= set(language.SPOKEN)


def test_page_s_own_events_are_private(demo):
    public = {fn.api_name for fn in demo.fns.values() if fn.api_visibility == "public"}
    named = {"classify", "classify_many", "runs", "start_run", "stop_run"}
    named |= {"embed", "similar"}
    named |= {"what_if", "where"}
    assert public == {*PICTURES, *named}


def test_page_that_no_link_opened_asks_the_server_nothing_when_it_loads(demo):
    loads = [fn for fn in demo.fns.values() if "load" in dict(fn.targets).values()]
    # Its link, where it scrolls, which tab was clicked.
    assert [fn.fn for fn in loads] == [None] * 3


def asking(demo, block, event):
    """The events of a component that ask the server something."""
    return [
        fn
        for fn in demo.fns.values()
        if (block._id, event) in fn.targets and fn.fn is not None
    ]


def choosing(demo):
    """The one event that chooses a built-in sound, whatever button asks for it."""
    chosen = [fn for fn in demo.fns.values() if "choose" in dict(fn.targets).values()]
    return next(
        fn for fn in chosen if fn.fn.__qualname__ == "_choosing.<locals>.choose"
    )


def test_new_sound_asks_the_server_once_beside_its_picture(demo):
    """Each question takes the browser as long as a picture does."""
    path = choosing(demo).outputs[0]
    assert isinstance(path, gr.State)
    (renewed,) = asking(demo, path, "change")
    assert len(renewed.outputs) == len({each._id for each in renewed.outputs})


@pytest.mark.parametrize(
    ("name", "n_most"), [("data", 1), ("train", 2), ("classify", 2)]
)
def test_tab_asks_the_server_few_questions_when_it_opens(demo, name, n_most):
    """Each takes a message there and four back, whatever little there is to do."""
    (tab,) = (
        each
        for each in demo.blocks.values()
        if isinstance(each, gr.Tab) and each.id == name
    )
    assert 1 <= len(asking(demo, tab, "select")) <= n_most


def test_built_in_sound_comes_with_its_facts_in_one_answer(demo):
    outputs = choosing(demo).outputs
    player = next(each for each in outputs if isinstance(each, gr.Audio))
    assert not asking(demo, player, "change")  # nothing is read a second time


def test_new_sound_asks_no_script_but_those_of_the_tabs(demo):
    """What all pages do at a new sound comes with it; each event costs its picture time."""
    path = choosing(demo).outputs[0]
    scripts = [
        fn
        for fn in demo.fns.values()
        if (path._id, "change") in fn.targets and fn.fn is None
    ]
    # They take an answer to the sound before away, or stop its work.
    assert not any("Genrescope" in (fn.js or "") for fn in scripts)


def test_built_in_sounds_share_an_event_in_which_the_last_click_counts(demo):
    buttons = [each for each in demo.blocks.values() if isinstance(each, gr.Button)]
    sounds = [each for each in buttons if str(each.elem_id).startswith("sound-")]
    assert len(sounds) > 10
    assert not any(asking(demo, each, "click") for each in sounds)
    assert choosing(demo).trigger_mode == "multiple"  # none waits for the one before


def test_knobs_of_the_first_picture_go_with_the_choice_of_a_sound(demo):
    """So the picture that comes with a sound is drawn as the page has them."""
    n_given = 4  # the newest request, path, whole, copy
    knobs = choosing(demo).inputs[n_given:]
    assert len({each._id for each in knobs}) == len(knobs)
    labels = {each.value for each in knobs}
    assert {"trumpet", "hann", 2048, 440} <= labels


def test_positions_of_the_first_pictures_come_with_the_choice_of_a_sound(demo):
    """So a picture shows what its knob says, without another question."""
    sliders = [each for each in choosing(demo).outputs if isinstance(each, gr.Slider)]
    assert len(sliders) == 7  # decibels, rate, bits, dft, pitch, rhythm, hearing


def test_quiet_events_touch_nothing_but_their_outputs(demo):
    quiet = [fn for fn in demo.fns.values() if fn.show_progress == "hidden"]
    assert len(quiet) > 100
    assert all(fn.show_progress_on == [] for fn in quiet)


def test_model_that_is_missing_leaves_the_page_whole(settings, tmp_path):
    models = app.models_of(Settings(bundled_model_dir=tmp_path, is_offline=True))
    assert [ref.source for ref in models.available()].count("bundled") == 0
    shelf = ClipShelf(decode.Limits())
    app.warm(models, shelf, tmp_path)  # nothing to load, nothing to fail
    first = examples.first_of(tmp_path)
    kept = processing_utils.save_file_to_cache(first, get_upload_folder())
    # The first view's sound is decoded before somebody asks for it.
    assert shelf._songs.get(kept) is not None


def test_embedding_is_a_vector_of_the_model_that_is_named(client, song):
    found = client.predict(song, "bundled", "quick", api_name="/embed")
    assert len(found["vector"]) > 8 and found["model"] == "bundled"
    assert found["sampling_rate"] == 16_000 and found["windows"] >= 1


def test_similar_songs_are_ranked_and_the_same_one_is_the_first(client, song, tmp_path):
    others = [
        write_audio(tmp_path / f"{n}.wav", tone(hz, duration_s=2.0))
        for n, hz in enumerate((200.0, 1000.0, 3000.0))
    ]
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound")
    given = [handle_file(str(each)) for each in (*others, broken)]
    found = client.predict(song, given, "bundled", api_name="/similar")
    assert found[0]["song"] == "1.wav"
    assert found[0]["similarity"] > 0.99
    values = [each["similarity"] for each in found[:3]]
    assert values == sorted(values, reverse=True)
    assert found[3]["similarity"] is None and found[3]["reason"]


def test_similar_songs_are_found_in_the_file_of_a_map(client, song, tmp_path):
    vector = client.predict(song, "bundled", "quick", api_name="/embed")["vector"]
    same = np.array(vector, np.float32)
    vectors = np.stack([-same, same])
    facts = ("bundled", "", 16_000, 1.0)
    kept = Embeddings(("far", "near"), ("", "jazz"), ("a", "b"), vectors, *facts)
    path = tmp_path / "songs.npz"
    path.write_bytes(embeddings.as_npz(kept))
    given = [handle_file(str(path))]
    found = client.predict(song, given, "bundled", api_name="/similar")
    assert [each["song"] for each in found] == ["near", "far"]
    assert found[0]["label"] == "jazz"
    other = dataclasses.replace(kept, model="run:other")
    path.write_bytes(embeddings.as_npz(other))
    with pytest.raises(AppError, match="run:other"):
        client.predict(song, given, "bundled", api_name="/similar")


def test_event_loop_was_never_busy_for_long(demo, on_the_loop):
    assert len(on_the_loop) > 100
    assert max(on_the_loop)[0] < MOST_BUSY_S, sorted(on_the_loop)[-3:]
