import csv
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

import classifier.__main__ as cli
from audio.decode import spool
from classifier import batch, report
from classifier.batch import Row
from classifier.predict import Prediction
from classifier.verdict import Verdict
from errors import KnownError
from networks.checkpoint import ModelRef
from support import tiny
from support.files import write_audio
from support.model_hub import HUB_MODEL
from support.signals import noise, silence, sweep

RUN = "20260101-000000-aaaa"


@pytest.fixture
def song(tmp_path):
    return write_audio(tmp_path / "song.wav", sweep(duration_s=1.2))


def test_embeddings_that_could_not_be_written_are_refused_before_the_work(
    song, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(cli, "_loaded", lambda *_: pytest.fail("a model was loaded"))
    nowhere = str(tmp_path / "none" / "songs.npz")
    assert cli.main([str(song), "--embeddings", nowhere]) == 1
    assert nowhere in capsys.readouterr().err


def add_run(runs_dir):
    """A finished run whose model says other genres."""
    tiny.save_tiny_model(runs_dir / RUN / "model", genres=("calm", "wild", "odd"))
    (runs_dir / RUN / "result.json").write_text('{"state": "finished"}')


def test_cli_prints_the_likeliest_genres_and_the_song(host, song, capsys):
    assert cli.main([str(song)]) == 0
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    assert line.endswith(f"bundled   {song}")
    assert sorted(word for word in line.split() if word in tiny.GENRES) == sorted(
        tiny.GENRES
    )
    percents = [int(word) for word in line.split() if word.isdigit()]
    assert percents == sorted(percents, reverse=True)
    assert abs(sum(percents) - 100) <= 1
    assert err == ""


def test_cli_doubts_what_the_page_would_doubt():
    genres = (("rock", 0.51), ("metal", 0.49))
    heard = Prediction(genres, (), 0, ModelRef("bundled", "", None, "", "", 1.0), 0.1)
    kinds = {"sure": "", "unsure": "close", "speech": "speech?"}
    for kind, said in kinds.items():
        verdict = Verdict(kind, ("rock", "metal"), 0.5, 0.02)
        line = report.line(Row("a.mp3", 0.1, prediction=heard, verdict=verdict))
        assert line.split("%")[-1].split() == [*said.split(), "bundled", "a.mp3"]


def test_cli_asks_the_hub_for_any_model_that_is_named(host, song, capsys, monkeypatch):
    def unreachable(models, ref, count):
        raise KnownError("hub_unreachable", id=ref.id)

    online = replace(cli.from_environment(), is_offline=False)
    monkeypatch.setattr(cli, "from_environment", lambda: online)
    monkeypatch.setattr(cli.Models, "load", unreachable)
    assert cli.main([str(song), "--model", "hub:some/model"]) == 1
    assert "“some/model” cannot be fetched" in capsys.readouterr().err


def test_cli_fetches_the_hubs_model_and_names_it(
    host, song, capsys, serve, hub_model_dir, monkeypatch
):
    server = on_the_hub(monkeypatch, serve(hub_model_dir))
    assert cli.main([str(song), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["model"] == f"hub:{HUB_MODEL}"
    assert set(json.loads(out)["genres"]) == {"calm", "wild", "odd"}
    assert HUB_MODEL in err  # the progress of its download
    n_asked = len(server.asked)
    assert cli.main([str(song)]) == 0
    out, err = capsys.readouterr()
    assert f"hub:{HUB_MODEL}" in out
    assert (err, len(server.asked)) == ("", n_asked)


def test_cli_answers_by_the_bundled_model_where_the_hubs_is_gone(
    host, song, capsys, serve, hub_model_dir, monkeypatch
):
    gone = serve(hub_model_dir, status=404, error_code="RepoNotFound")
    on_the_hub(monkeypatch, gone)
    assert cli.main([str(song)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].endswith(f"bundled   {song}")
    assert f"“{HUB_MODEL}”" in err
    assert "Using the bundled model instead." in err
    listed = on_the_hub(monkeypatch, gone, is_offline=True).asked.copy()
    assert cli.main([str(song)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].endswith(f"bundled   {song}")
    assert "Offline: using the bundled model." in err
    assert gone.asked == listed


def on_the_hub(monkeypatch, server, *, is_offline=False):
    """A host that has the Hub's stand-in to ask."""
    own = cli.from_environment()
    online = replace(own, hub_model=HUB_MODEL, is_offline=is_offline)
    monkeypatch.setattr(cli, "from_environment", lambda: online)
    return server


def test_cli_json_holds_every_genre_and_window(host, song, capsys):
    assert cli.main([str(song), "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    answer = json.loads(line)
    assert answer["song"] == str(song)
    assert answer["model"] == "bundled"
    assert sum(answer["genres"].values()) == pytest.approx(1.0)
    assert [chunk["start_s"] for chunk in answer["chunks"]] == [0.0, 0.5, 0.7]


def test_cli_goes_on_after_a_bad_file(host, song, capsys):
    text = host / "notes.mp3"
    text.write_text("no sound at all")
    quiet = write_audio(host / "quiet.wav", silence())
    missing = host / "missing.wav"
    assert cli.main([str(text), str(quiet), str(missing), str(song)]) == 1
    out, err = capsys.readouterr()
    assert [line.split()[-1] for line in out.splitlines()] == [str(song)]
    sentences = err.splitlines()
    assert len(sentences) == 3
    for path, sentence in zip((text, quiet, missing), sentences, strict=True):
        assert str(path) in sentence


def test_cli_reads_every_song_in_a_folder_in_order(host, tmp_path, capsys):
    songs = tmp_path / "songs"
    (songs / "b").mkdir(parents=True)
    for name in ("b/2.mp3", "b/1.flac", "a.WAV"):
        part = write_audio(songs / name.lower(), noise())
        part.rename(songs / name)
    (songs / "cover.jpg").write_bytes(b"not a song")
    (songs / "._a.wav").write_bytes(b"what macOS leaves beside a song")
    assert cli.main([str(songs)]) == 0
    named = [line.split()[-1] for line in capsys.readouterr().out.splitlines()]
    assert named == [str(songs / name) for name in ("a.WAV", "b/1.flac", "b/2.mp3")]


def test_cli_names_a_folder_without_songs(host, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert cli.main([str(tmp_path / "empty")]) == 1
    assert "empty" in capsys.readouterr().err


def test_cli_uses_the_model_of_a_run(host, song, capsys):
    add_run(host / "mine")
    choice = ["--model", f"run:{RUN}", "--runs-dir", str(host / "mine")]
    assert cli.main([str(song), *choice, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["genres"]) == {"calm", "wild", "odd"}


def test_cli_lists_the_models(host, capsys):
    add_run(host / "runs")
    assert cli.main(["--model", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["auto", "bundled", f"run:{RUN}"]
    assert lines[0].split()[1] == "bundled"
    assert all(tiny.FACTS["trained_on"] in line for line in lines[1:])


def test_cli_refuses_an_unknown_model_in_one_sentence(host, song, capsys):
    assert cli.main([str(song), "--model", "../x"]) == 1
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert "../x" in err


def test_cli_asks_for_a_song(host, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main([])
    assert caught.value.code == 2
    assert "song" in capsys.readouterr().err


def test_cli_says_where_a_long_song_was_cut(host, song, capsys, monkeypatch):
    from contextlib import contextmanager

    @contextmanager
    def cut(*path, **options):
        with spool.spooled(*path, **options) as (sound, _):
            yield sound, 600.0

    monkeypatch.setattr(batch, "spooled", cut)
    assert cli.main([str(song)]) == 0
    assert "600 s" in capsys.readouterr().err


def test_cli_help_needs_no_torch():
    """Help comes at once, as one command of the shell."""
    code = (
        "import sys; from classifier.__main__ import flags; flags.parser().format_help();"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    root = Path(cli.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(tmp_path):
    """Three songs and a file that is none."""
    home = tmp_path / "songs"
    home.mkdir()
    for name in ("a.wav", "c.mp3", "d.ogg"):
        write_audio(home / name, sweep(duration_s=1.2, sampling_rate=24_000))
    (home / "b.mp3").write_text("no sound")
    return home


def test_cli_writes_a_row_a_song_with_the_reason_of_those_that_fail(
    host, folder, capsys
):
    path = host / "out.csv"
    assert cli.main([str(folder), "--csv", str(path)]) == 1
    found = table(path)
    assert [Path(row["song"]).name for row in found] == [
        "a.wav", "b.mp3", "c.mp3", "d.ogg",
    ]  # fmt: skip
    song, failed = found[:2]
    assert song["genre"] in tiny.GENRES
    assert song["runner_up"] in set(tiny.GENRES) - {song["genre"]}
    assert 1 >= float(song["confidence"]) >= float(song["runner_up_confidence"])
    assert float(song["duration_s"]) == pytest.approx(1.2, abs=0.1)
    assert float(song["elapsed_s"]) > 0
    assert (song["model"], song["reason"]) == ("bundled", "")
    assert song["verdict"] in ("sure", "unsure")
    assert 0 <= float(song["agreement"]) <= 1
    assert (failed["genre"], "b.mp3" in failed["reason"]) == ("", True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "song" in err  # the progress bar


def test_cli_goes_on_with_a_table_after_an_interruption(host, folder, capsys):
    write_audio(folder / "b.mp3", sweep(duration_s=1.2))
    path = host / "out.csv"
    cli.main([str(folder), "--csv", str(path)])
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    path.write_text("".join(lines[:3]) + lines[3][:9])  # cut off within the third row
    cli.main([str(folder), "--csv", str(path)])
    again = path.read_text().splitlines(keepends=True)
    assert again[:3] == lines[:3]  # not heard again
    names = [line.split(",")[0] for line in lines]
    assert [line.split(",")[0] for line in again] == names
    assert cli.main([str(folder), "--csv", str(path)]) == 0
    assert path.read_text().splitlines(keepends=True) == again


def test_cli_leaves_a_table_of_something_else_alone(host, song, capsys):
    path = host / "grades.csv"
    path.write_text("name,grade\nx,1\n")
    assert cli.main([str(song), "--csv", str(path)]) == 1
    assert path.read_text() == "name,grade\nx,1\n"
    assert "grades.csv" in capsys.readouterr().err


def test_cli_reads_the_songs_in_a_zip(host, folder, tmp_path, capsys):
    archive = tmp_path / "songs.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(folder.iterdir()):
            opened.write(path, f"deep/{path.name}")
    assert cli.main([str(archive)]) == 1
    out, err = capsys.readouterr()
    named = [line.split()[-1] for line in out.splitlines()]
    assert named == [f"{archive}/deep/{name}" for name in ("a.wav", "c.mp3", "d.ogg")]
    assert "deep/b.mp3" in err


def test_cli_quick_hears_six_windows(host, tmp_path, capsys):
    path = write_audio(tmp_path / "long.wav", sweep(duration_s=9.0))
    assert cli.main([str(path), "--quick", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["chunks"]) == 6


@pytest.mark.parametrize("n_workers", ["1", "3"])
def test_cli_says_the_same_with_any_number_of_workers(host, folder, n_workers, capsys):
    cli.main([str(folder), "--workers", n_workers])
    several = capsys.readouterr().out
    cli.main([str(folder)])
    assert capsys.readouterr().out == several


def test_cli_table_holds_no_formula_and_goes_on_with_it(
    host, song, capsys, monkeypatch
):
    monkeypatch.chdir(host)
    song.rename(host / "=1+1.wav")
    path = host / "out.csv"
    assert cli.main(["=1+1.wav", "--csv", str(path)]) == 0
    once = path.read_text()
    assert [row["song"] for row in table(path)] == ["'=1+1.wav"]
    cli.main(["=1+1.wav", "--csv", str(path)])
    assert path.read_text() == once  # known again by its own name


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes UTF-8 names only")
def test_cli_takes_a_name_that_is_no_text_and_one_with_an_end_of_line(
    host, folder, capsys
):
    (folder / "a.wav").rename(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.wav"))
    (folder / "c.mp3").rename(folder / "two\nlines.mp3")
    write_audio(folder / "b.mp3", sweep(duration_s=1.2))
    path = host / "out.csv"
    cli.main([str(folder), "--csv", str(path)])
    names = {Path(row["song"]).name for row in table(path)}
    assert names == {"b.mp3", "caf\\udce9.wav", "d.ogg", "two\\nlines.mp3"}
    once = path.read_text()
    cli.main([str(folder), "--csv", str(path)])
    assert path.read_text() == once
    cli.main([str(folder)])
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_cli_table_cut_off_within_a_letter_goes_on(host, folder, capsys):
    (folder / "b.mp3").rename(folder / "b\u00e9.mp3")
    path = host / "out.csv"
    cli.main([str(folder), "--csv", str(path)])
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"\xc3\xa9") + 1])
    cli.main([str(folder), "--csv", str(path)])
    assert len(table(path)) == 4


def test_cli_says_why_a_table_cannot_be_written(host, song, capsys):
    assert cli.main([str(song), "--csv", str(host)]) == 1
    assert "cannot be written" in capsys.readouterr().err
    (host / "picture.csv").write_bytes(b"\xff\xd8\xff\n")
    assert cli.main([str(song), "--csv", str(host / "picture.csv")]) == 1
    assert "other columns" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "exit_code"),
    [(signal.SIGINT, 128 + signal.SIGINT), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_cli_that_is_ended_in_the_middle_goes_on_where_it_was(tmp_path, end, exit_code):
    add_run(tmp_path / "runs")
    songs = tmp_path / "songs"
    songs.mkdir()
    song = write_audio(tmp_path / "song.wav", sweep(duration_s=4.0))
    names = [f"{number:02}" for number in range(96)]  # seconds, on any machine
    for name in names:
        (songs / f"{name}.wav").symlink_to(song)
    path, root = tmp_path / "out.csv", Path(cli.__file__).parents[1]
    choice = ["--model", f"run:{RUN}", "--runs-dir", str(tmp_path / "runs")]
    command = [sys.executable, "-m", "classifier", songs, *choice, "--csv", path]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE) as child:
        while child.poll() is None and not (path.exists() and len(table(path)) > 2):
            time.sleep(0.02)
        child.send_signal(end)
        _, told = child.communicate()
    lines = path.read_bytes().splitlines()
    assert 3 < len(lines) <= len(names), "it was at its end before"
    assert child.returncode == exit_code, told
    assert b"Traceback" not in told
    assert subprocess.run(command, cwd=root, capture_output=True).returncode == 0
    assert path.read_bytes().splitlines()[: len(lines) - 1] == lines[:-1]
    assert [Path(row["song"]).stem for row in table(path)] == names
