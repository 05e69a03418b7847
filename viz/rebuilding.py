"""The search for lost phases: how near each iteration came."""

from __future__ import annotations

from typing import TYPE_CHECKING

import words
from audio.back import Rebuilt, RoundTrip
from audio.levels import FLOOR_DB
from viz import style
from viz.style import DEFAULT, Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIN_SPAN_DB = 30.0  # so that a search that found nothing looks like it
N_TICKS = 5
TICK_STEPS = (1, 2, 5, 10, 20, 50)
END_PX = 24  # for the label of the last point


def figure(rebuilt: Rebuilt, look: Look = DEFAULT) -> Figure:
    """Error of the magnitudes (dB) over iterations; lower is nearer."""
    fig, axes = style.canvas(look, right_px=END_PX)
    style.grid(axes, look)
    curve_db = rebuilt.convergence_db
    n_iterations = len(curve_db) - 1
    axes.plot(curve_db, color=style.ACCENT, linewidth=1.6)
    end = axes.plot(n_iterations, curve_db[-1], "o", markersize=6, color=style.ACCENT)
    end[0].set_clip_on(False)
    axes.set_xlim(0, max(n_iterations, 1) * 1.02)
    axes.set_ylim(min(*curve_db, -MIN_SPAN_DB, -1.0) - 4, max(curve_db) + 6)
    step = next(step for step in TICK_STEPS if n_iterations <= N_TICKS * step)
    axes.set_xticks(range(0, max(n_iterations, 1) + 1, step))
    axes.set_xlabel(look.word("iterations"))
    axes.set_ylabel(look.word("magnitude_error"))
    axes.annotate(
        f"{curve_db[-1]:.1f} dB".replace("-", "−"),
        (n_iterations, curve_db[-1]),
        (10, 12) if n_iterations == 0 else (0, 12),
        textcoords="offset points",
        ha="left" if n_iterations == 0 else "right",
        fontweight="bold",
        **style.text(look),
    )
    style.caption(axes, _facts(rebuilt, n_iterations, look), look)
    return fig


def describe(
    exact: RoundTrip, rebuilt: Rebuilt, language: str = words.DEFAULT_LANGUAGE
) -> str:
    """How near the sound came back with phase, and without."""
    if rebuilt.error_db == FLOOR_DB:  # of silence, nothing is lost
        return words.word("viz.about_rebuilding_silence", language)
    details = {
        "duration_s": exact.clip.duration_s,
        "exact_db": exact.error_db,
        "n": len(rebuilt.convergence_db) - 1,
        "db": rebuilt.convergence_db[-1],
        "samples_db": rebuilt.error_db,
        "elapsed_s": rebuilt.elapsed_s,
    }
    sentences = [
        words.word("viz.about_exact", language, **details),
        words.word("viz.about_rebuilding", language, **details),
    ]
    if rebuilt.target_error_db > FLOOR_DB:
        target_db = rebuilt.target_error_db
        sentences.append(words.word("viz.about_bands", language, db=target_db))
    return style.joined(sentences, language)


def _facts(rebuilt: Rebuilt, n_iterations: int, look: Look) -> list[str]:
    return [
        look.word("n_iterations", n=n_iterations),
        look.word("took", s=rebuilt.elapsed_s),
    ]
