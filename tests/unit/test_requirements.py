"""What pyproject.toml declares and what is pinned are the same, without a network."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
APP = PROJECT["project"]["dependencies"]
DEV = PROJECT["dependency-groups"]["dev"]
BESIDE = {"tests", "bench", "assets", ".venv"}  # what the app does not import
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
OPTIONAL = {"spaces", "tensorboard", "trackio"}  # where a host has them


def pins(name):
    """The versions that a requirements file pins, by the packages' names."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    asked = [Requirement(line) for line in lines if line and line[0].isalnum()]
    assert all(str(each.specifier).startswith("==") for each in asked)
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in asked
    }


@pytest.mark.parametrize(
    ("declared", "file"),
    [(APP, "requirements.txt"), (DEV, "requirements-dev.txt")],
    ids=["app", "dev"],
)
def test_each_declared_package_is_pinned_within_its_range(declared, file):
    pinned = pins(file)
    for each in map(Requirement, declared):
        version = pinned[canonicalize_name(each.name)]
        assert each.specifier.contains(version, prereleases=True), each.name


def test_two_files_pin_a_package_at_one_version():
    app, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: dev[name] for name in dev.keys() & app} == {
        name: app[name] for name in dev.keys() & app
    }


def test_what_torch_brings_for_cuda_is_left_to_torch():
    names = pins("requirements.txt")
    assert not [name for name in names if name.startswith(("nvidia", "cuda", "triton"))]


def test_each_package_that_the_app_imports_is_declared():
    sources = [
        path
        for path in ROOT.rglob("*.py")
        if path.relative_to(ROOT).parts[0] not in BESIDE
    ]
    ours = {path.relative_to(ROOT).parts[0].removesuffix(".py") for path in sources}
    found = {name for path in sources for name in imported(path)}
    foreign = found - ours - sys.stdlib_module_names - OPTIONAL - {"__future__"}
    distributions = packages_distributions()
    declared = {canonicalize_name(Requirement(each).name) for each in APP}
    missing = {
        name
        for name in foreign
        if not declared & set(map(canonicalize_name, distributions.get(name, [])))
    }
    assert missing == set()


def imported(path):
    """The first names of all modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def hashed(name):
    """The lines of a file of requirements/: what each asks for, and its hashes."""
    text = (ROOT / "requirements" / name).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    asked = [(line.partition(" --hash")[0], HASH.findall(line)) for line in lines]
    return {Requirement(each): hashes for each, hashes in asked}


@pytest.mark.parametrize(
    ("plain", "name"),
    [("requirements.txt", "app.txt"), ("requirements-dev.txt", "dev.txt")],
)
def test_hashed_pins_are_the_plain_ones_and_each_has_hashes(plain, name):
    lines = (ROOT / plain).read_text("utf-8").splitlines()
    asked = {Requirement(line) for line in lines if line and line[0].isalnum()}
    found = hashed(name)
    assert set(found) == asked
    assert all(found.values())


def test_torch_for_a_processor_alone_is_the_pinned_version():
    (torch,) = hashed("torch-cpu.txt")
    pinned = pins("requirements.txt")[torch.name]
    assert str(torch.specifier) == f"=={pinned}"
    (of_pypi,) = [each for each in hashed("app.txt") if each.name == "torch"]
    assert not {*hashed("torch-cpu.txt")[torch]} & {*hashed("app.txt")[of_pypi]}


def test_what_cuda_needs_has_hashes_of_its_own_and_is_for_linux():
    found = hashed("cuda.txt")
    assert len(found) > 10
    assert all(found.values())
    assert all("linux" in str(each.marker) for each in found)


def test_no_file_of_pins_names_a_place_to_fetch_from():
    files = [*ROOT.glob("requirements*.txt"), *(ROOT / "requirements").iterdir()]
    assert len(files) == 6
    for path in files:
        text = path.read_text("utf-8")
        assert "://" not in text
        assert "--index" not in text
