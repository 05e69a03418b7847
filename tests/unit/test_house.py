"""The rules of the house, executed rather than remembered."""

import ast
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest

from support.places import ROOT

ROOMS = ("audio", "hub", "networks", "viz", "trainer", "classifier", "ui")
# What any room may use.
LOW = {"errors", "i18n", "process", "cache", "hub"}
MAY_IMPORT = {
    "errors": set(),
    "process": set(),
    "cache": set(),
    "settings": {"errors", "process"},
    "i18n": {"errors"},
    "hub": {"errors", "hub"},
    "audio": {"errors", "process", "audio"},
    "viz": {"errors", "i18n", "audio", "viz"},
    "networks": {"errors", "process", "hub", "audio", "networks"},
    "trainer": {*LOW, "audio", "networks", "trainer"},
    "classifier": {*LOW, "audio", "networks", "classifier"},
    "ui": {*LOW, *ROOMS, "settings"},
    "app": {*LOW, *ROOMS, "settings"},
    "space": {"trainer"},  # what it may start from
}
OURS = set(MAY_IMPORT)
HEAVY = set(
    "torch transformers datasets evaluate accelerate librosa matplotlib scipy soxr av"
    " soundfile sklearn numba".split()
)
# Half there while another thread imports transformers: see process.settle.
SHARED = {"transformers", "datasets", "evaluate"}
STYLES = [*(ROOT / "assets").glob("*.css"), *(ROOT / "ui").rglob("*.css")]
# Where every exception may be caught: the page's wrapper and the trainer's child.
BORDERS = {"ui/handlers.py", "trainer/process/worker.py"}

SOURCES = sorted(
    [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    + [ROOT / f"{name}.py" for name in MAY_IMPORT if name not in ROOMS]
)


def place(path):
    return path.relative_to(ROOT).as_posix()


def imported(tree):
    """The first names of all modules that a tree imports, those for types left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def dotted(path):
    """The name by which a module is imported."""
    return place(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def modules_imported(path):
    """The names of our modules that a module imports, lazily or not."""
    tree = without_type_checking(ast.parse(path.read_text("utf-8")))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module


def without_type_checking(tree):
    """The tree without what only type checkers read."""
    body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    ]
    return ast.Module(body, [])


def at_import(tree):
    """The statements of a module that run when it is imported."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    body = without_type_checking(tree).body
    return ast.Module([node for node in body if not isinstance(node, kinds)], [])


MODULES = {dotted(path): path for path in SOURCES}


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_module_keeps_the_law(path):
    tree = without_type_checking(ast.parse(path.read_text("utf-8")))
    room = place(path).split("/")[0].removesuffix(".py")
    allowed = MAY_IMPORT[room] | ({"settings"} if path.stem == "__main__" else set())
    names = set(imported(tree))
    assert names & OURS <= allowed
    assert "gradio" not in names or room in ("ui", "app")
    assert not set(imported(at_import(tree))) & HEAVY
    source = ast.unparse(tree)
    assert "os.environ" not in source or room == "settings"
    assert "trust_remote_code=True" not in source
    assert not names & {"pickle", "dill", "shelve", "marshal"}


TABS = ROOT / "ui" / "tabs"


@pytest.mark.parametrize("path", sorted(TABS.glob("*/*.py")), ids=place)
def test_tab_imports_no_other_tab(path):
    tree = ast.parse(path.read_text("utf-8"))
    names = [node.module or "" for node in ast.walk(tree) if hasattr(node, "module")]
    tabs = {name.split(".")[2] for name in names if name.startswith("ui.tabs.")}
    assert tabs <= {path.parent.name}


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_module_catches_everything_only_at_the_two_borders(path):
    broad = [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and getattr(node.type, "id", None) in (None, "Exception", "BaseException")
        and not isinstance(node.type, ast.Tuple | ast.Attribute)
    ]
    assert not broad or place(path) in BORDERS


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_function_waits_for_what_another_thread_may_be_importing(path):
    for function in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        settled = [
            node.lineno
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and ast.unparse(node).endswith(".settle()")
        ]
        for node in ast.walk(function):
            is_import = isinstance(node, ast.Import | ast.ImportFrom)
            if is_import and set(imported(node)) & SHARED:
                assert settled and settled[0] < node.lineno, function.name


def test_no_modules_import_one_another_in_a_circle():
    graph = {
        name: set(modules_imported(path)) & set(MODULES) - {name}
        for name, path in MODULES.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_importing_the_app_loads_nothing_heavy():
    code = f"import app, sys; print({HEAVY!r} & set(sys.modules))"
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "set()", done.stderr


def test_tree_in_the_readme_names_what_is_there():
    text = (ROOT / "README.md").read_text("utf-8")
    tree = text.split("```tree\n")[1].split("```")[0].splitlines()
    room, told = "", set()
    for line in tree:
        name = line.split()[0]
        if not line.startswith(" "):
            room = name if name.endswith("/") else ""
        told.add(name if not line.startswith(" ") else room + name)
    assert all((ROOT / name).exists() for name in told)
    tops = {place(path).split("/")[0] for path in SOURCES}
    assert tops <= {name.removesuffix("/") for name in told}
    assert len(tree) <= 50


@pytest.mark.parametrize(
    "package", [p for p in SOURCES if p.stem == "__init__"], ids=place
)
def test_package_says_what_it_is_for(package):
    assert ast.get_docstring(ast.parse(package.read_text("utf-8")))


def test_folders_of_the_trainer_import_one_another_in_no_circle():
    def folder(name):
        parts = name.split(".")
        is_inside = (ROOT / "trainer" / parts[1]).is_dir() if parts[1:] else False
        return parts[1] if is_inside else ""

    ours = {name: path for name, path in MODULES.items() if name.startswith("trainer.")}
    graph = {}
    for name, path in ours.items():
        others = {folder(other) for other in modules_imported(path) if other in ours}
        graph.setdefault(folder(name), set()).update(others - {folder(name), ""})
    graph.pop("")  # config, presets and messages below, the command line above
    TopologicalSorter(graph).prepare()


def test_space_asks_for_the_gradio_that_is_pinned():
    front = (ROOT / "README.md").read_text("utf-8").split("---")[1]
    pins = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    (version,) = [pin.split("==")[1] for pin in pins if pin.startswith("gradio==")]
    assert f"sdk_version: {version}" in front


@pytest.mark.parametrize("name", [path.name for path in STYLES])
def test_style_has_no_comma_in_the_brackets_of_a_selector(name):
    """Gradio takes each comma for the end of a selector, and sets its container there."""
    (path,) = (each for each in STYLES if each.name == name)
    text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
    selectors = re.findall(r"[^{};]+(?=\{)", text)
    assert selectors
    of_rules = [each for each in selectors if not each.strip().startswith("@")]
    assert not [
        each for each in of_rules if re.search(r"\([^()]*(\([^()]*\)[^()]*)*,", each)
    ]


@pytest.mark.parametrize("name", [path.name for path in STYLES])
def test_style_asks_no_attribute_nor_lack_of_the_whole_page(name):
    """Each change of the page would cost the styles of all of it: a class tells the same."""
    (path,) = (each for each in STYLES if each.name == name)
    text = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.DOTALL)
    whole = r"(?:html|body|:root|\.gradio-container|\.main|\.contain)"
    assert not re.findall(rf"{whole}[^\s,{{}}]*?(?::not\(:has\(|:has\(\[)", text)


def test_no_test_imports_another():
    """What tests share is in tests/support, their fixtures in tests/conftest.py."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        names = set(imported(ast.parse(path.read_text("utf-8"))))
        assert not [name for name in names if name.startswith("test_")], path.name
