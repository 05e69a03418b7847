"""The figures of ``bench.gpu`` in Markdown, as RESULTS.md has them."""

from __future__ import annotations

from collections.abc import Callable

from bench.on_gpu.setting import Found


def tables(results: dict[str, Found]) -> str:
    """Return all results in Markdown."""
    lines: list[str] = []
    for name, table in TABLES.items():
        found = results.get(name)
        if found:
            is_failed = "failed" in found
            part = [f"{name}: {found['failed']}."] if is_failed else table(results)
            lines += [*part, ""]
    took = [f"{name} {found.get('took_s', 0):.0f}" for name, found in results.items()]
    return "\n".join([*lines, f"Seconds: {', '.join(took)}.", ""])


def rows_of(table: dict[str, str]) -> list[str]:
    """Return the rows of a table of names and values."""
    return [f"| {name} | {value} |" for name, value in table.items()]


def about_table(results: dict[str, Found]) -> list[str]:
    found = results["about"]
    device = found["device"]
    if "capability" in found:
        device += (
            f" ({found['memory_gb']:.0f} GB, compute capability"
            f" {found['capability']}, driver {found['driver']}, CUDA {found['cuda']},"
            f" cuDNN {found['cudnn']})"
        )
    why = {True: "the card computes in it", False: "the card only emulates bf16"}
    reason = why.get(found.get("has_bf16"), "no CUDA device")
    return [
        f"{device}; {found['n_cores']} cores of {found['processor']};"
        f" Python {found['python']}, torch {found['torch']},"
        f" transformers {found['transformers']}.",
        "",
        f"Precision `auto`: {found['precision']} ({reason}). A bf16 product of"
        f" {found['n_product']} x {found['n_product']}:"
        f" {found['product_tflops']:.0f} TFLOP/s.",
    ]


def tutorial_table(results: dict[str, Found]) -> list[str]:
    found = results["tutorial"]
    peak = results.get("about", {}).get("product_tflops", float("nan")) * 1e12
    stages = {
        f"of these {name}, s": f"{s:.1f}" for name, s in found["stages_s"].items()
    }
    shown = {
        "end to end, s": f"**{found['end_to_end_s']:.1f}**",
        **stages,
        "imports before, s": f"{found['imports_s']:.1f}",
        "windows a second while it trains": f"{found['windows_per_s']:.1f}",
        "operations a window, there and back": f"{found['flops_per_window']:.3g}",
        "MFU, of the bf16 product": f"{found['model_flops'] / peak:.1%}",
        "peak memory, GB": f"{found.get('peak_gb', float('nan')):.1f}",
        "loss, first and mean of the last ten": losses_of(found),
        "live figures": live_text(found["live"]),
    }
    return ["| the tutorial's run | |", "|---|---|", *rows_of(shown)]


def live_text(found: Found) -> str:
    """Return the live figures in words."""
    if not found["n"]:
        return "none"
    return (
        f"{found['name']}, load {found['load']:.0%}, {found['memory_gb']:.1f} GB,"
        f" {found['temperature_c']:.0f} °C ({found['n']} answers)"
    )


def waiting_table(results: dict[str, Found]) -> list[str]:
    found = measured_in(results["waiting"])
    lines = ["| windows x passes | windows/s | a step, profiled, ms | the GPU waits |"]
    lines += ["|---|---|---|---|"]
    for name, each in found.items():
        cells = f"{each['windows_per_s']:.1f} | {each['step_ms']:.1f}"
        lines.append(f"| {name} | {cells} | {1 - each['busy']:.0%} |")
    kernels = next(iter(found.values()))["kernels_ms"]
    shown = {f"`{name}`": f"{ms:.2f}" for name, ms in kernels.items()}
    head = ["", "| kernel | ms a step |", "|---|---|"] if shown else []
    return [*lines, *head, *rows_of(shown)]


def measured_in(found: Found) -> Found:
    """Return a part's figures by what was measured, its own seconds left out."""
    return {name: each for name, each in found.items() if name != "took_s"}


def losses_of(found: Found) -> str:
    """Return the first and the last losses in words."""
    return f"{found['first_loss']:.4f}, {found['last_losses']:.4f}"


def classify_table(results: dict[str, Found]) -> list[str]:
    lines = [
        "| model | whole, s a song | quick, s | whole, songs/s of a folder |"
        " quick, songs/s | peak memory, GB | difference to the CPU |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, each in measured_in(results["classify"]).items():
        cells = [
            f"{each['whole_s']:.3f}",
            f"{each['quick_s']:.3f}",
            f"{each['whole_songs_per_s']:.1f}",
            f"{each['quick_songs_per_s']:.1f}",
            f"{each['peak_gb']:.1f}",
            f"{each['difference']:.0e}",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def precision_table(results: dict[str, Found]) -> list[str]:
    lines = [
        "| precision | loss, first and last ten | worst difference | at the end |"
        " first gradient norm, ratio |",
        "|---|---|---|---|---|",
    ]
    for name, each in measured_in(results["precision"]).items():
        cells = f"{each['worst_difference']:.2%} | {each['last_difference']:.2%}"
        ratio = f"{each['first_norm_ratio']:.4f}"
        lines.append(f"| {name} | {losses_of(each)} | {cells} | {ratio} |")
    return lines


def memory_table(results: dict[str, Found]) -> list[str]:
    found = results["memory"]
    lines = ["| too little memory for | GB | how it ended | halved | steps | model |"]
    lines.append("|---|---|---|---|---|---|")
    for name in ("training", "test", "classification"):
        each = found[name]
        cells = [f"{each['limit_gb']:.2f} of {each['peak_gb']:.2f}", each["ended"]]
        if name == "classification":
            cells += [""] * 3
        else:
            is_saved = "saved" if each["has_model"] else "none"
            cells += [each["n_halved"], each["n_steps"], is_saved]
        lines.append(f"| {name} | {' | '.join(map(str, cells))} |")
    return lines


def tests_table(results: dict[str, Found]) -> list[str]:
    found = results["tests"]
    took = f"Tests marked gpu: {found['summary']} ({found['ended']})."
    return [took, *(f"- {line}" for line in found["failures"])]


TABLES: dict[str, Callable[[dict[str, Found]], list[str]]] = {
    "about": about_table,
    "tutorial": tutorial_table,
    "waiting": waiting_table,
    "classify": classify_table,
    "precision": precision_table,
    "memory": memory_table,
    "tests": tests_table,
}
