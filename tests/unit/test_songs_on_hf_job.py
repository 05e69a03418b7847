"""Songs of the Hub are classified on a rented machine, by a stand-in of its API."""

import json
import subprocess
from pathlib import Path

import pytest

from classifier import __main__ as command
from classifier import flags, hf_job
from hub import job
from support.hub_server import OWNER, TOKEN
from support.refusals import code_of

REPO, SONGS = f"{OWNER}/genres", "someone/songs"
SOURCE = "https://huggingface.co/spaces/somebody/genrescope"


def submitted(songs=(SONGS,), flags=("--quick",), **changes):
    choices = {"model": "auto", "source": SOURCE, "to": REPO, **changes}
    places = [Path(each) for each in songs]
    return hf_job.submit(places, flags, "t4-small", token_of=lambda: TOKEN, **choices)


def test_job_gets_the_songs_the_flags_and_the_token_as_a_secret(push_hub):
    assert submitted().id == "job-1"
    (wish,) = push_hub.jobs
    assert wish["flavor"] == "t4-small"
    assert wish["command"][4:] == ["--model", "auto", "--quick"]
    assert wish["environment"] == {
        "GENRESCOPE_SOURCE": SOURCE,
        "GENRESCOPE_SONGS": SONGS,
        "GENRESCOPE_PUSH_TO": REPO,
    }
    assert wish.pop("secrets") == {"HF_TOKEN": TOKEN}
    assert TOKEN not in json.dumps(wish)


def test_what_the_machine_cannot_reach_is_refused_before_it_is_paid_for(
    push_hub, tmp_path
):
    assert code_of(submitted, [tmp_path]) == "job_needs_songs_of_the_hub"
    assert code_of(submitted, [SONGS, "a/b"]) == "job_needs_songs_of_the_hub"
    assert (
        code_of(submitted, model="run:20261122-193005-ab12")
        == "job_needs_model_of_the_hub"
    )
    assert code_of(submitted, ["songs"]) == "push_bad_name"
    assert code_of(submitted, to="") == "push_bad_name"
    assert code_of(submitted, source="") == "job_bad_source"
    assert not push_hub.asked


def test_command_line_prints_where_the_job_is(push_hub, monkeypatch, capsys):
    monkeypatch.setattr(command.account, "host_token", lambda: TOKEN)
    there = [SONGS, "--on-hf-job", "cpu-basic", "--to", REPO, "--source", SOURCE]
    assert command.main([*there, "--quick", "--precision", "fp32"]) == 0
    printed = capsys.readouterr().out
    assert "cpu-basic" in printed and "job-1" in printed
    assert TOKEN not in printed
    (wish,) = push_hub.jobs
    given = ["--model", "auto", "--quick", "--precision", "fp32"]
    assert wish["command"][4:] == given
    assert flags.parser("").parse_args([SONGS, *given]).effort == "quick"
    with pytest.raises(SystemExit):
        command.main([*there, "--csv", "genres.csv"])


@pytest.mark.parametrize("outcome", [0, 1])
def test_table_is_uploaded_although_some_songs_failed(tmp_path, outcome):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("uvx", "hf", "uv", "accelerate"):
        (tools / name).write_text(
            f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/asked\n'
            + (f"exit {outcome}\n" if name == "accelerate" else "")
        )
        (tools / name).chmod(0o755)
    (tmp_path / "genrescope" / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "genrescope" / ".venv" / "bin" / "activate").touch()
    script = job.INSTALLED + hf_job.CLASSIFY
    done = subprocess.run(
        ["bash", "-c", script, "genrescope", "--model", "auto", "--quick"],
        cwd=tmp_path,
        env={
            "PATH": f"{tools}:/usr/bin:/bin",
            "GENRESCOPE_SOURCE": SOURCE,
            "GENRESCOPE_SONGS": SONGS,
            "GENRESCOPE_PUSH_TO": REPO,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == outcome, done.stderr
    assert (tmp_path / "asked").read_text().splitlines()[-3:] == [
        f"hf download {SONGS} --repo-type dataset --local-dir songs",
        "accelerate launch -m classifier songs --csv genres.csv --model auto --quick",
        f"hf upload {REPO} genres.csv --repo-type dataset --private",
    ]
