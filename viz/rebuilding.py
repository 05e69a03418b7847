"""Draw the inversion of a spectrogram: the windows' sum, and the convergence."""

from __future__ import annotations

import numpy as np

import i18n
from audio.levels import FLOOR_DB
from audio.transforms.inversion import Rebuilt, RoundTrip
from audio.transforms.overlap_add import window_sum
from viz.palette import GREY_LINE
from viz.plot import Axis, Line, Marks, Plot, rounded
from viz.wording import joined, phrase, with_minus

MIN_SPAN_DB = 30.0  # so that a search that found nothing looks like it
N_HOPS = 4  # shown of the windows' sum
N_POINTS = 1024
HIGHEST_SUM = 2.2
LEAST_LOWERED_DB = 0.05  # a lesser difference of level would be written as 0.0


def convergence(rebuilt: Rebuilt, language: str) -> Plot:
    """Draw the error of the magnitudes (dB) over iterations."""
    curve_db = np.array(rebuilt.convergence_db)
    n_iterations = len(curve_db) - 1
    last_db = float(curve_db[-1])
    bottom_db = min(float(curve_db.min()), -MIN_SPAN_DB) - 4
    iterations = [float(n) for n in range(len(curve_db))]
    return Plot(
        name="convergence",
        x=Axis("count", 0.0, max(n_iterations, 1), phrase("iterations", language)),
        y=Axis(
            "level",
            bottom_db,
            float(curve_db.max()) + 6,
            phrase("magnitude_error", language),
        ),
        layers=(
            Line(iterations, rounded(curve_db, 2)),
            Marks([iterations[-1]], [last_db], [with_minus(f"{last_db:.1f} dB")]),
        ),
        facts=(
            phrase("n_iterations", language, n=n_iterations),
            phrase("took", language, s=rebuilt.elapsed_s),
        ),
        title=phrase("convergence_title", language),
    )


def overlap(
    exact: RoundTrip, n_fft: int, hop_length: int, window: str, language: str
) -> Plot:
    """Draw the sum of overlapping windows: constant where the inverse is exact."""
    total = np.tile(window_sum(window, n_fft, hop_length), N_HOPS)
    every = max(len(total) // N_POINTS, 1)
    shown = total[::every]
    name = "windows_constant" if exact.is_cola else "windows_ripple"
    return Plot(
        name="overlap",
        x=Axis("count", 0.0, float(len(total)), phrase("samples", language)),
        y=Axis("count", 0.0, HIGHEST_SUM, phrase("window_sum", language)),
        layers=(
            Line([float(i * every) for i in range(len(shown))], rounded(shown, 4)),
            Line([0.0, float(len(total))], [1.0, 1.0], "rule", colour=GREY_LINE),
        ),
        facts=(
            phrase(name, language),
            phrase(f"window_{window}", language),
            phrase("overlap", language, percent=100 * (1 - hop_length / n_fft)),
        ),
        title=phrase("overlap_title", language),
    )


def describe(exact: RoundTrip, rebuilt: Rebuilt, language: str) -> str:
    """Describe the error of the reconstruction with phase, and without."""
    if rebuilt.error_db == FLOOR_DB:  # of silence, nothing is lost
        return i18n.word("viz.about_rebuilding_silence", language)
    details = {
        "duration_s": exact.clip.duration_s,
        "exact_db": exact.error_db,
        "n": len(rebuilt.convergence_db) - 1,
        "db": rebuilt.convergence_db[-1],
        "samples_db": rebuilt.error_db,
        "elapsed_s": rebuilt.elapsed_s,
    }
    sentences = [
        i18n.word(
            "viz.about_exact" if exact.is_cola else "viz.about_ripple",
            language,
            **details,
        ),
        i18n.word("viz.about_rebuilding", language, **details),
    ]
    if rebuilt.target_error_db > FLOOR_DB:
        target_db = rebuilt.target_error_db
        sentences.append(i18n.word("viz.about_bands", language, db=target_db))
    for name, each in (("exact", exact), ("rebuilt", rebuilt)):
        if each.lowered_db >= LEAST_LOWERED_DB:
            word = f"viz.about_{name}_lowered"
            sentences.append(i18n.word(word, language, db=each.lowered_db))
    return joined(sentences, language)
