"""The tree as a Space would take it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import space


@pytest.fixture
def tree(tmp_path):
    """A committed tree that a Space can take."""
    for name in ("README.md", "requirements.txt", ".gitignore"):
        shutil.copy(space.ROOT / name, tmp_path / name)
    (tmp_path / "app.py").write_text("print()\n")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def git(tree, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(tree), *identity, *arguments], check=True)


def commit(tree):
    git(tree, "add", "-A", "-f")
    git(tree, "commit", "-q", "-m", "more")


def said(tree):
    return "\n".join(space.problems(tree))


def test_this_tree_can_be_a_space():
    found = [each for each in space.problems(space.ROOT) if "committed" not in each]
    assert found == []


def test_good_tree_has_no_problem(tree):
    assert said(tree) == ""


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (r"sdk_version: .*", "sdk_version is missing"),
        (r"sdk_version: .*|sdk_version: 6.30.0", "installed here"),
        (r"python_version: .*|python_version: 3.1", "python_version is not the text"),
        (r'python_version: .*|python_version: "3.11"', "which ZeroGPU has too"),
        (r"  - read-memberships\n|", "scopes lacks one of"),
        (r"fa87d96265d6b7af66e112faff6ff44df419cec9|main", "OWNER/NAME"),
        (r" fa87d96265d6b7af66e112faff6ff44df419cec9|", "distilhubert without fa87d"),
        (r"app_file: app.py|app_file: main.py", "app_file is not there"),
        (r"short_description: |short_description: " + "x" * 40, "60 characters"),
        (r"colorTo: gray|colorTo: teal", "colour of the Hub"),
        (r"suggested_hardware: .*|suggested_hardware: huge", "none of the Hub's"),
        (r"contribute-repos|openid", "scopes has one"),
        (r"hf_oauth: true", "hf_oauth is missing"),
        (r"- ntu-spml/distilhubert config.*|- distilhubert", "OWNER/NAME"),
        (r"^---\n|", "title is missing"),
    ],
)
def test_front_matter_that_the_hub_would_not_take_is_named(tree, line, problem):
    before, _, after = line.partition("|")
    path = tree / "README.md"
    text = path.read_text("utf-8")
    changed = re.sub(before, after, text, count=1, flags=re.MULTILINE)
    assert changed != text
    path.write_text(changed, "utf-8")
    assert problem in said(tree)


@pytest.mark.parametrize(
    "name", [".env", ".env.local", "model.bin", "a/b.pkl", "x.pt", "id_rsa", "my.key"]
)
def test_file_that_must_not_leave_is_named(tree, name):
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text("x")
    commit(tree)
    assert f"{name}: a file of this kind" in said(tree)


@pytest.mark.parametrize(
    "text",
    ["hf_" + "a1B2" * 9, "ghp_" + "x" * 36, "-----BEGIN RSA PRIVATE" + " KEY-----"],
)
def test_token_in_a_file_is_noticed_and_not_repeated(tree, text):
    (tree / "notes.txt").write_text(f"mine: {text}")
    commit(tree)
    assert "notes.txt: looks as if it held a token" in said(tree)
    assert text not in said(tree)


def test_large_file_has_to_be_in_lfs(tree):
    with (tree / "large.safetensors").open("wb") as file:
        file.truncate(space.MAX_FILE_BYTES + 1)
    commit(tree)
    assert "large.safetensors: 10 MB, and not in Git LFS" in said(tree)
    (tree / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    assert "LFS" not in said(tree)


def test_work_that_is_not_committed_is_named(tree):
    (tree / "new.py").write_text("")
    assert said(tree) == "new.py is not committed"
    (tree / "other.py").write_text("")
    assert said(tree) == "2 files are not committed, new.py for one"


def test_command_leaves_out_what_git_ignores():
    words = space.command(space.ROOT, "studio/genrescope")
    assert words[:3] == ["hf", "upload", "studio/genrescope"]
    for pattern in (".venv/*", "*__pycache__/*", "runs/*", "cache/*", "songs/*"):
        assert f"--exclude={pattern}" in words


def test_command_is_one_that_the_installed_client_knows():
    client = Path(sys.executable).with_name("hf")
    shown = subprocess.run(
        [client, "upload", "--help"],
        env={**os.environ, "COLUMNS": "200", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    options = [word for word in space.command(space.ROOT) if word.startswith("--")]
    assert options
    assert all(option.split("=")[0] in shown for option in options)
    assert "space" in shown


def test_what_was_found_ends_in_a_status(monkeypatch, capsys, tree):
    monkeypatch.setattr(space, "ROOT", tree)
    assert space.main([]) == 0
    assert "hf upload OWNER/genrescope . ." in capsys.readouterr().out
    (tree / ".env").write_text("x")
    commit(tree)
    assert space.main([]) == 1
    assert "  .env:" in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--help", "--to=me/mine", "nonsense"])
def test_flag_is_refused_and_not_ignored(flag, capsys):
    assert space.main([flag]) == 2
    assert flag in capsys.readouterr().err
