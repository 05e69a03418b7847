"""Sampling rate and bit depth: what numbers can hold of a sound."""

from __future__ import annotations

from math import log2

import gradio as gr

from audio import transforms
from audio.clip import Clip
from audio.transforms import Frames
from audio.transforms.quantization import Quantised, quantised
from audio.transforms.resampling import RATES, resampled
from ui import canvas
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.lesson import (
    Lesson,
    draws,
    excerpt,
    excerpt_start_s,
    lesson,
    placed,
    plays,
    position,
)
from viz import closeup, spectrogram
from viz.plot import Sheet

FRAME_S = 0.05
N_COLUMNS = 512  # half a picture's width
PLAYED_RATE = 44_100  # Hz, which every player plays
DEPTHS = (16, 12, 10, 8, 6, 4, 3, 2)  # bits
N_FOR_STRONGEST = 2048  # samples around the stretch


def build_rate(session: Session) -> Lesson:
    """Lay out the lesson on the sampling rate and wire it."""
    sound = player(text("see.heard_rate"))
    both = canvas.switch()
    with lesson("rate", players=[sound], switch=both) as picture:
        start_s = position()
        rates = [(f"{rate:,} Hz", rate) for rate in RATES]
        rate = gr.Dropdown(rates, value=4000, label=text("see.rate"))
        is_filtered = gr.Checkbox(True, label=text("see.is_filtered"))
    at_loudest = placed(session, start_s, _n_shown, when=picture.near)
    knobs = {"start_s": start_s, "rate": rate, "is_filtered": is_filtered}
    plays(
        session,
        picture,
        sound,
        hear_rate,
        *knobs.values(),
        after=at_loudest,
        switch=both,
        since_s=excerpt_start_s,
    )
    return draws(session, Lesson("rate", picture, knobs, draw_rate), after=at_loudest)


def draw_rate(scene: Scene, start_s: float, rate: int, is_filtered: bool) -> Sheet:
    """Draw ten milliseconds of a clip at another rate, and the excerpt's spectrogram."""
    since_s, part = excerpt(scene.clip, start_s)
    sampled = resampled(part, rate, is_filtered=is_filtered)
    at_s = max(start_s - since_s, 0.0)
    spectrum = transforms.dft(part, start_s=at_s, n_samples=N_FOR_STRONGEST)
    peak = transforms.strongest(spectrum)
    about = closeup.describe_sampling(
        scene.clip.duration_s,
        rate,
        peak.frequency_hz if peak else None,
        is_filtered=is_filtered,
        language=scene.language,
    )
    n_fft = frame_length(rate)
    frames = Frames(n_fft=n_fft, hop_length=n_fft // 4, n_columns=N_COLUMNS)
    levels = transforms.stft(sampled, frames)
    nyquist_hz = scene.clip.sampling_rate / 2
    plots = (
        closeup.sampling(part, sampled, at_s, since_s, scene.language),
        spectrogram.folded(levels, nyquist_hz, since_s, scene.language),
    )
    made = scene.provenance("rate", start_s=start_s, rate=rate, is_filtered=is_filtered)
    return scene.sheet(plots, about, (), made)


def frame_length(sampling_rate: int) -> int:
    """Return a power of two, about 50 ms long (samples)."""
    return int(2 ** round(log2(FRAME_S * sampling_rate)))


def hear_rate(clip: Clip, start_s: float, rate: int, is_filtered: bool) -> Clip:
    """Return the excerpt at another rate, for a player."""
    _, part = excerpt(clip, start_s)
    return resampled(part, rate, is_filtered=is_filtered).resampled(PLAYED_RATE)


def build_bits(session: Session) -> Lesson:
    """Lay out the lesson on the bit depth and wire it."""
    sound = player(text("see.heard_bits"))
    both = canvas.switch()
    with lesson("bits", players=[sound], switch=both) as picture:
        start_s = position()
        depths = [(f"{n} bit", n) for n in DEPTHS]
        n_bits = gr.Dropdown(depths, value=4, label=text("see.n_bits"))
        is_dithered = gr.Checkbox(False, label=text("see.is_dithered"))
    at_loudest = placed(session, start_s, _n_of_stairs, when=picture.near)
    knobs = {"start_s": start_s, "n_bits": n_bits, "is_dithered": is_dithered}
    plays(
        session,
        picture,
        sound,
        hear_bits,
        *knobs.values(),
        after=at_loudest,
        switch=both,
        since_s=excerpt_start_s,
    )
    return draws(session, Lesson("bits", picture, knobs, draw_bits), after=at_loudest)


def draw_bits(scene: Scene, start_s: float, n_bits: int, is_dithered: bool) -> Sheet:
    """Draw five milliseconds of a clip in few bits, and the error."""
    since_s, part = excerpt(scene.clip, start_s)
    rounded: Quantised = quantised(part, n_bits, is_dithered=is_dithered)
    at_s = start_s - since_s
    plots = (
        closeup.staircase(part, rounded, at_s, since_s, scene.language),
        closeup.error(rounded, at_s, since_s, scene.language),
    )
    about = closeup.describe_rounding(rounded, scene.language)
    made = scene.provenance(
        "bits", start_s=start_s, n_bits=n_bits, is_dithered=is_dithered
    )
    return scene.sheet(plots, about, (), made)


def hear_bits(clip: Clip, start_s: float, n_bits: int, is_dithered: bool) -> Clip:
    """Return the excerpt in few bits."""
    _, part = excerpt(clip, start_s)
    return quantised(part, n_bits, is_dithered=is_dithered).clip


def _n_shown(clip: Clip) -> int:
    return round(closeup.LENGTH_S * clip.sampling_rate)


def _n_of_stairs(clip: Clip) -> int:
    return round(closeup.STAIRS_S * clip.sampling_rate)
