"""Sampling rate and bit depth: what numbers can hold of a sound."""

from __future__ import annotations

import gradio as gr

from audio import dsp
from audio.bits import quantised
from audio.clip import Clip
from audio.rates import resampled
from ui import pictures
from ui.desk import Desk
from ui.language import text
from ui.lessons.frame import draws, excerpt, lesson, placed, player, plays, position
from viz import closeup
from viz.style import Look

RATES = (44_100, 32_000, 22_050, 16_000, 11_025, 8000, 4000, 2000)  # Hz
PLAYED_RATE = 44_100  # Hz, which every player plays
DEPTHS = (16, 12, 10, 8, 6, 4, 3, 2)  # bits
N_FOR_STRONGEST = 2048  # samples around the stretch


def build_rate(desk: Desk) -> None:
    """Lay out the lesson on the sampling rate and wire it."""
    sound = player(text("see.heard_rate"))
    with lesson("rate", heard=[sound]) as picture:
        start_s = position()
        rates = [(f"{rate:,} Hz", rate) for rate in RATES]
        rate = gr.Dropdown(rates, value=4000, label=text("see.rate"))
        is_filtered = gr.Checkbox(True, label=text("see.is_filtered"))
    at_loudest = placed(desk, start_s, _n_shown)
    knobs = (start_s, rate, is_filtered)
    draws(desk, picture, draw_rate, *knobs, after=at_loudest)
    plays(desk, sound, hear_rate, *knobs, after=at_loudest)


def draw_rate(
    clip: Clip, look: Look, start_s: float, rate: int, is_filtered: bool
) -> str:
    """Ten milliseconds of a clip at another rate."""
    since_s, part = excerpt(clip, start_s)
    sampled = resampled(part, rate, is_filtered=is_filtered)
    at_s = start_s - since_s
    spectrum = dsp.dft(part, start_s=max(at_s, 0), n_samples=N_FOR_STRONGEST)
    peak = dsp.strongest(spectrum)
    words = closeup.describe_sampling(
        clip.duration_s,
        rate,
        peak.frequency_hz if peak else None,
        is_filtered=is_filtered,
        language=look.language,
    )
    return pictures.as_html(
        (closeup.sampling(part, sampled, at_s, look, since_s), words)
    )


def hear_rate(clip: Clip, start_s: float, rate: int, is_filtered: bool) -> Clip:
    """The excerpt at another rate, for a player."""
    _, part = excerpt(clip, start_s)
    return resampled(part, rate, is_filtered=is_filtered).resampled(PLAYED_RATE)


def build_bits(desk: Desk) -> None:
    """Lay out the lesson on the bit depth and wire it."""
    sound = player(text("see.heard_bits"))
    with lesson("bits", heard=[sound]) as picture:
        start_s = position()
        depths = [(f"{n} bit", n) for n in DEPTHS]
        n_bits = gr.Dropdown(depths, value=4, label=text("see.n_bits"))
        is_dithered = gr.Checkbox(False, label=text("see.is_dithered"))
    at_loudest = placed(desk, start_s, _n_shown)
    knobs = (start_s, n_bits, is_dithered)
    draws(desk, picture, draw_bits, *knobs, after=at_loudest)
    plays(desk, sound, hear_bits, *knobs, after=at_loudest)


def draw_bits(
    clip: Clip, look: Look, start_s: float, n_bits: int, is_dithered: bool
) -> str:
    """Ten milliseconds of a clip in few bits."""
    since_s, part = excerpt(clip, start_s)
    rounded = quantised(part, n_bits, is_dithered=is_dithered)
    figure = closeup.rounding(part, rounded, start_s - since_s, look, since_s)
    return pictures.as_html((figure, closeup.describe_rounding(rounded, look.language)))


def hear_bits(clip: Clip, start_s: float, n_bits: int, is_dithered: bool) -> Clip:
    """The excerpt in few bits."""
    _, part = excerpt(clip, start_s)
    return quantised(part, n_bits, is_dithered=is_dithered).clip


def _n_shown(clip: Clip) -> int:
    return round(closeup.LENGTH_S * clip.sampling_rate)
