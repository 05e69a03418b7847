"""Draw what a decibel is: two levels of one sound, and ratios over decibels."""

from __future__ import annotations

from math import floor, log10

import numpy as np

import i18n
from audio.clip import Clip
from audio.gain import Pair, amplitude_ratio, power_ratio
from audio.levels import FLOOR_DB, decibels
from audio.transforms import interpolation
from viz.closeup import HEADROOM, MIN_HEIGHT
from viz.palette import GREY_LINE
from viz.plot import Axis, Line, Marks, Plot, Side, rounded
from viz.wording import described, phrase, with_minus

LENGTH_S = 0.01
LOWEST_DB, HIGHEST_DB = -40.0, 12.0  # of the knob and of the axis
HIGHEST_RATIO = 4.4  # of the axis: 12 dB are an amplitude of 4
N_POINTS = 200
MARK_ROOM_DB = 10.0  # at the left, for a word beside its dot
KNOWN_DB = (0, 3, 6, 10, 12, 20, 40, 60)  # of the table


def both(pair: Pair, start_s: float, language: str) -> Plot:
    """Draw ten milliseconds of a sound, and of the same at another level.

    Args:
        pair: the two.
        start_s: where the ten milliseconds start in both (s).
        language: of labels and facts.
    """
    curves = [
        interpolation.curve(each, start_s, LENGTH_S)
        for each in (pair.before, pair.after)
    ]
    highest = max(float(np.abs(each.values).max(initial=0.0)) for each in curves)
    height = max(HEADROOM * highest, MIN_HEIGHT)
    names = (
        phrase("as_it_was", language),
        phrase("at_level", language, db=pair.gain_db),
    )
    return Plot(
        name="levels",
        x=Axis("time", start_s, start_s + LENGTH_S, phrase("time", language)),
        y=Axis("amplitude", -height, height, phrase("amplitude", language)),
        layers=tuple(
            Line(
                rounded(each.times_s + start_s, 7),
                rounded(each.values, 6),
                name=name,
                colour=colour,
            )
            for each, name, colour in zip(curves, names, (GREY_LINE, 0), strict=True)
        ),
        title=phrase("levels_title", language),
        facts=(phrase("lowered", language, db=pair.lowered_db),)
        if pair.lowered_db
        else (),
    )


def ratios(gain_db: float, language: str) -> Plot:
    """Draw the ratios of amplitude and of power over decibels, the chosen ones marked."""
    dbs = np.linspace(LOWEST_DB, HIGHEST_DB, N_POINTS)
    lines = [
        (phrase("of_amplitude", language), dbs, 10 ** (dbs / 20), 0),
        (phrase("of_power", language), dbs, 10 ** (dbs / 10), 1),
    ]
    chosen = [amplitude_ratio(gain_db), power_ratio(gain_db)]
    shown = [ratio for ratio in chosen if ratio <= HIGHEST_RATIO]
    return Plot(
        name="ratios",
        x=Axis("number", LOWEST_DB, HIGHEST_DB, phrase("gain", language)),
        y=Axis("number", 0.0, HIGHEST_RATIO, phrase("ratio", language)),
        layers=(
            Line([gain_db, gain_db], [0.0, HIGHEST_RATIO], "rule", colour=GREY_LINE),
            *(
                Line(
                    rounded(xs, 3),
                    [float(y) if y <= HIGHEST_RATIO else None for y in np.round(ys, 6)],
                    name=name,
                    colour=colour,
                )
                for name, xs, ys, colour in lines
            ),
            Marks(
                [gain_db] * len(shown),
                shown,
                [f"× {written(ratio)}" for ratio in shown],
                sides=_sides(gain_db) if len(shown) > 1 else (),
            ),
        ),
        title=phrase("ratios_title", language),
    )


def _sides(gain_db: float) -> tuple[Side, ...]:
    """Choose where the words of both ratios are, so that neither is over the other.

    Above its curve to the left there is room for the higher one, below its curve to the
    right for the lower one; near the left edge for neither.
    """
    if gain_db < LOWEST_DB + MARK_ROOM_DB:
        return ()
    return ("left", "right") if gain_db < 0 else ("right", "left")


def table(gain_db: float, language: str) -> tuple[tuple[str, ...], ...]:
    """Tabulate ratios of amplitude and power, the chosen decibels among them."""
    sign = -1 if gain_db < 0 else 1
    dbs = sorted({float(sign * db) for db in KNOWN_DB} | {float(gain_db)}, key=abs)
    head = ("decibels", "amplitude_ratio", "power_ratio")
    rows = (
        (
            with_minus(f"{db:+g} dB" if db else "0 dB"),
            f"× {written(amplitude_ratio(db))}",
            f"× {written(power_ratio(db))}",
        )
        for db in dbs
    )
    return (tuple(i18n.word(f"see.{name}", language) for name in head), *rows)


def describe(pair: Pair, language: str) -> str:
    """Describe both ratios, and the highest sample before and after."""
    before_db = _peak_dbfs(pair.before)
    details = {
        "db": pair.gain_db,
        "amplitude": written(amplitude_ratio(pair.gain_db)),
        "power": written(power_ratio(pair.gain_db)),
        "before_db": before_db,
        "after_db": _peak_dbfs(pair.after),
        "lowered_db": pair.lowered_db,
    }
    names = ["about_decibels"]
    is_silent = before_db <= FLOOR_DB
    names.append("about_levels_silence" if is_silent else "about_levels")
    if pair.lowered_db:
        names.append("about_lowered")
    return described(names, language, **details)


def written(ratio: float) -> str:
    """Write a ratio in three digits: 1.995 as 2.00, 0.0631, 1,000,000."""
    n_decimals = max(2 - floor(log10(ratio) + 1e-9), 0)
    return f"{ratio:,.{n_decimals}f}"


def _peak_dbfs(clip: Clip) -> float:
    highest = np.abs(clip.samples).max(initial=0.0)
    return float(decibels(np.array(float(highest) ** 2)))
