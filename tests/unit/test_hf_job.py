import dataclasses
import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

import settings
from support.hub_server import OWNER, TOKEN
from support.refusals import code_of
from trainer import __main__ as command
from trainer import flags
from trainer.config import RunConfig, preset
from trainer.publish import hf_job

REPO = f"{OWNER}/genres"
SOURCE = "https://huggingface.co/spaces/somebody/genrescope"
SMOKE = preset("smoke")
HUB = f"huggingface_hub=={version('huggingface_hub')}"
PARSER = flags.parser(Path("runs"), Path("cache"), source="")


def submitted(config=SMOKE, flavor="t4-small", token=TOKEN, **changes):
    choices = {"source": SOURCE, "to": REPO, **changes}
    return hf_job.submit(config, flavor, token_of=lambda: token, **choices)


def test_job_runs_the_same_command_on_the_flavor(push_hub):
    job = submitted()
    assert job.id == "job-1"
    assert job.url.endswith(f"{OWNER}/job-1")
    (wish,) = push_hub.jobs
    assert wish["flavor"] == "t4-small"
    assert wish["command"][:2] == ["bash", "-c"]
    options = PARSER.parse_args(wish["command"][4:])
    assert flags.config_of(options) == SMOKE
    environment = wish["environment"]
    assert environment == {"GENRESCOPE_SOURCE": SOURCE, "GENRESCOPE_PUSH_TO": REPO}


def test_base_model_that_only_this_host_allows_is_allowed_there_too(push_hub):
    submitted(dataclasses.replace(SMOKE, base_model="someone/model@main"))
    (wish,) = push_hub.jobs
    assert wish["environment"]["GENRESCOPE_BASE_MODELS"] == "someone/model@main"


def test_token_travels_as_a_secret_alone(push_hub):
    submitted()
    (wish,) = push_hub.jobs
    assert wish.pop("secrets") == {"HF_TOKEN": TOKEN}
    assert TOKEN not in json.dumps(wish)


def test_flags_repeat_every_choice_of_a_run():
    config = RunConfig(augmentation=True, learning_rate=3.3e-4, data="composed")
    options = PARSER.parse_args(hf_job.flags(config))
    assert flags.config_of(options) == config


@pytest.mark.parametrize(
    "source",
    [
        "",
        "git@huggingface.co:spaces/a/b",
        "http://huggingface.co/spaces/a/b",
        "--upload-pack=x",
        "https://me:secret@huggingface.co/spaces/a/b",
        "ext::sh -c true",
    ],
)
def test_source_that_is_no_plain_https_address_is_refused(push_hub, source):
    assert code_of(submitted, source=source) == "job_bad_source"
    assert not push_hub.asked


def test_what_could_not_run_there_is_refused_before_it_is_paid_for(push_hub):
    for place in ("folder:/home/me/songs", "zip:/home/me/songs.zip"):
        assert code_of(submitted, RunConfig(data=place)) == "job_needs_public_songs"
    assert code_of(submitted, flavor="abacus") == "not_a_choice"
    assert code_of(submitted, to="genres") == "push_bad_name"
    assert code_of(submitted, token=None) == "push_no_login"
    assert not push_hub.asked


def test_refusals_of_the_hub_are_named(push_hub, monkeypatch):
    assert code_of(submitted, token="hf_expired") == "push_bad_token"
    monkeypatch.setattr(type(push_hub), "job_status", 402)
    assert code_of(submitted) == "job_forbidden"
    monkeypatch.setattr(type(push_hub), "job_status", 500)
    assert code_of(submitted) == "job_lost"


def test_command_line_prints_where_the_job_is(push_hub, monkeypatch, capsys):
    monkeypatch.setattr(command.account, "host_token", lambda: TOKEN)
    flags = ["--preset", "smoke", "--on-hf-job", "cpu-basic", "--to", REPO]
    assert command.main([*flags, "--source", SOURCE]) == 0
    printed = capsys.readouterr().out
    assert "cpu-basic" in printed and "job-1" in printed
    assert TOKEN not in printed


def test_space_is_the_source_of_its_own_jobs():
    host = settings.from_environment({"SPACE_ID": "somebody/genrescope"})
    assert host.source == SOURCE
    assert settings.from_environment({}).source == ""
    given = {"SPACE_ID": "a/b", "GENRESCOPE_SOURCE": "https://example.org/x.git"}
    assert settings.from_environment(given).source == "https://example.org/x.git"


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        (
            SOURCE,
            f"uvx --quiet --from {HUB} hf download somebody/genrescope"
            " --repo-type space --local-dir genrescope",
        ),
        (
            f"{SOURCE}/",
            f"uvx --quiet --from {HUB} hf download somebody/genres",
        ),
        (
            "https://example.org/x.git",
            "git clone --depth 1 -- https://example.org/x.git genrescope",
        ),
    ],
)
def test_space_is_downloaded_whole_and_any_other_place_cloned(tmp_path, source, asked):
    """The image has no git-lfs: a clone of a Space has a pointer for a model."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("uvx", "git", "uv", "accelerate", "python"):
        (tools / name).write_text(
            f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/asked\n'
            "mkdir -p genrescope/.venv/bin && touch genrescope/.venv/bin/activate\n"
        )
        (tools / name).chmod(0o755)
    (tmp_path / "genrescope" / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "genrescope" / ".venv" / "bin" / "activate").touch()
    done = subprocess.run(
        ["bash", "-c", hf_job.SCRIPT, "trainer", "--preset", "smoke"],
        cwd=tmp_path,
        env={
            "PATH": f"{tools}:/usr/bin:/bin",
            "GENRESCOPE_SOURCE": source,
            "GENRESCOPE_PUSH_TO": REPO,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "asked").read_text().splitlines()
    assert lines[0].startswith(asked)
    assert lines[2] == (
        "uv pip install --quiet --no-deps --require-hashes"
        " -r requirements/app.txt -r requirements/cuda.txt"
    )
    assert lines[-2:] == [
        "accelerate launch -m trainer --preset smoke",
        f"python -m trainer push --to {REPO}",
    ]


def test_script_of_the_job_is_a_script():
    done = subprocess.run(["bash", "-n", "-c", hf_job.SCRIPT], capture_output=True)
    assert done.returncode == 0, done.stderr
