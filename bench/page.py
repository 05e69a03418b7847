"""Speed and size of the page, against a bare Gradio page of the same components.

``python -m bench.page`` prints the rows of RESULTS.md, in some minutes; ``python -m
bench.page 2`` starts both servers twice only. What it measures is told as it goes. The bare page is built from our
own: the same classes in the same tree, with Gradio's default properties, theme and
looks; no handler, style, script or text of ours. It needs Chromium.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr
from gradio.blocks import BlockContext
from gradio.layouts import Form

N_STARTS, N_LOADS = 5, 2
BROWSER = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
QUIET_MS = 1500  # nothing was added for so long: the page is complete
# When the last part was added: the page can be used from then on.
WATCH = """
window.added_ms = 0;
new MutationObserver((changes) => {
  if (changes.some(({ addedNodes }) => addedNodes.length)) window.added_ms = performance.now();
}).observe(document, { childList: true, subtree: true });
"""
IS_COMPLETE = f"""window.added_ms && document.querySelector("[role=tab]")
  && performance.now() - window.added_ms > {QUIET_MS}"""
TREE = "GENRESCOPE_BENCH_TREE"  # the file that the bare page is built from
Tree = list[dict[str, object]]
KEPT = ("visible", "open", "render_children")  # whatever is not there costs nothing


def main() -> None:
    """Measure both pages and print a table."""
    n_starts = int(sys.argv[1]) if sys.argv[1:] else N_STARTS
    with TemporaryDirectory() as folder:
        os.environ[TREE] = str(Path(folder) / "tree.json")
        subprocess.run([sys.executable, "-m", "bench.page", "tree"], check=True)
        tell("our page's components are known")
        ours, bare = measured(n_starts)
    print("| | Genrescope | bare Gradio | ratio |\n|---|---|---|---|")
    for name, value in ours.items():
        print(f"| {name} | {value:.4g} | {bare[name]:.4g} | {value / bare[name]:.2f} |")


def measured(n_starts: int) -> list[dict[str, float]]:
    """Measure medians of alternating starts, so that other load meets both."""
    found: dict[str, list[dict[str, float]]] = {"ours": [], "bare": []}
    for number in range(1, n_starts + 1):
        for which, rows in found.items():
            with served(which) as (url, start):
                tell(f"start {number} of {n_starts}, {which}: {figures(start)}")
                for each in all_visits(url):
                    rows.append(whole(start, each))
                    tell(f"  {figures(each)}")
    return [
        {name: statistics.median(row[name] for row in rows) for name in rows[0]}
        for rows in found.values()
    ]


def tell(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr, flush=True)


def figures(row: dict[str, float]) -> str:
    """Write some of what was measured in a line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in row.items())


def whole(start: dict[str, float], visit: dict[str, float]) -> dict[str, float]:
    """Measure a start of the server, then a visit."""
    in_all_s = start["start to first byte, s"] + visit["request to interactive, s"]
    return {**start, "start to interactive, s": in_all_s, **visit}


@contextmanager
def served(which: str):
    """Start a server process; yield its address and the time to its first answer."""
    with socket.socket() as probe, TemporaryDirectory() as home:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        settings = {"GENRESCOPE_HOME": home, "GRADIO_SERVER_PORT": str(port)}
        env = {**os.environ, **settings, "HF_HUB_OFFLINE": "1"}
        began = time.perf_counter()
        ours, bare = ["app.py"], ["-m", "bench.page", "bare"]
        command = [sys.executable, *(ours if which == "ours" else bare)]
        log = (Path(home) / "log").open("w")
        child = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}/"
            while not answers(url):
                time.sleep(0.02)
            took = {"start to first byte, s": time.perf_counter() - began}
            import psutil

            times = psutil.Process(child.pid).cpu_times()
            took["start to first byte, CPU s"] = times.user + times.system
            yield url, took
        finally:
            child.terminate()
            child.wait()


def answers(url: str) -> bool:
    """Return whether a first byte arrives."""
    try:
        with urllib.request.urlopen(url) as answer:
            return bool(answer.read(1))
    except OSError:
        return False


def all_visits(url: str) -> list[dict[str, float]]:
    """Measure some visits after a warm-up, each by a browser with an empty cache."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        found = [visit(chromium.new_context(), url) for _ in range(1 + N_LOADS)]
        chromium.close()
    return found[1:]


def visit(context, url: str) -> dict[str, float]:
    """Measure one visit."""
    page = context.new_page()
    tools = context.new_cdp_session(page)
    n_bytes: list[float] = []
    tools.on(
        "Network.loadingFinished", lambda e: n_bytes.append(e["encodedDataLength"])
    )
    tools.send("Network.enable")
    # Processor time, because the machine may have other work.
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_init_script(WATCH)
    page.goto(url)
    page.wait_for_function(IS_COMPLETE, timeout=120_000)
    metrics = tools.send("Performance.getMetrics")["metrics"]
    busy_s = {each["name"]: each["value"] for each in metrics}["TaskDuration"]
    answered_ms = page.evaluate(
        "performance.getEntriesByType('navigation')[0].responseStart"
    )
    added_ms = page.evaluate("window.added_ms")
    context.close()
    return {
        "request to first byte, ms": answered_ms,
        "request to interactive, s": added_ms / 1000,
        "the browser's CPU s": busy_s,
        "weight, kB": sum(n_bytes) / 1000,
        "requests": len(n_bytes),
    }


def tree_of(demo: gr.Blocks) -> Tree:
    """Reduce a page to the tree of its components."""
    layout = demo.get_config_file()["layout"]
    return [_tree(demo, child) for child in layout["children"]]


def _tree(demo: gr.Blocks, node) -> dict[str, object]:
    block = demo.blocks[node["id"]]
    kind = type(block)
    known = inspect.signature(kind.__init__).parameters
    kept = {name: getattr(block, name) for name in KEPT if name in known}
    if kind is gr.Tab:
        kept["label"] = "Tab"
    return {
        "kind": f"{kind.__module__}:{kind.__qualname__}",
        "kept": kept,
        "children": [_tree(demo, child) for child in node.get("children") or []],
    }


def bare(tree: Tree) -> gr.Blocks:
    """Build a page of these components, and nothing else."""
    with gr.Blocks() as page:
        for node in tree:
            _build(node)
    return page


def _build(node) -> None:
    module, name = node["kind"].split(":")
    kind = getattr(importlib.import_module(module), name)
    # Gradio makes forms itself, around neighbours that want one.
    made = nullcontext() if kind is Form else kind(**node["kept"])
    if issubclass(kind, BlockContext):
        with made:
            for child in node["children"]:
                _build(child)


def serve_bare() -> None:
    """Serve the bare page until the process ends, without the app."""
    tree = json.loads(Path(os.environ[TREE]).read_text("utf-8"))
    bare(tree).queue().launch(ssr_mode=False)


def write_tree() -> None:
    """Write the tree of our page's components to a file."""
    import app

    tree = tree_of(app.create_app(app.host.from_environment()))
    Path(os.environ[TREE]).write_text(json.dumps(tree), "utf-8")


if __name__ == "__main__":
    {"bare": serve_bare, "tree": write_tree}.get("".join(sys.argv[1:]), main)()
