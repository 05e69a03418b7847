"""The four pictures of a sound that lessons, other tabs and programs share.

A scene and settings in, a sheet out: plots, key numbers, and where they came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import i18n
import viz.dft
import viz.waveform
from audio import transforms
from audio.levels import extent, loudness
from audio.transforms import FRAMES, Frames, MelBands, Reference, Spectrogram
from audio.transforms.partials import peaks
from ui.scene import Scene
from viz import spectrogram as pictures
from viz.plot import N_COLUMNS, Computed, Plot, Sheet, on_axes_of
from viz.spectrogram import Cut
from viz.wording import joined, phrase

N_SAMPLES = 4096  # of a spectrum
MOST_STARTS = 64  # per frame
FEW = 64  # columns are so wide that a gap behind the last one would be seen
FAINT_DB = -20.0  # a hundredth of the power


def waveform(scene: Scene, is_stretched: bool = False) -> Sheet:
    """Draw amplitude over time, down to single samples."""
    loud, language = scene.of(loudness), scene.language
    plot = viz.waveform.plot(
        scene.clip, scene.shown_s, loud, language, is_stretched=is_stretched
    )
    about = scene.seen(viz.waveform.describe(scene.clip, language, loud))
    table = viz.waveform.table(loud, scene.of(extent), language)
    made = scene.provenance("waveform", scene.part(), is_stretched=is_stretched)
    return scene.sheet((plot,), about, table, made)


def spectrum(
    scene: Scene,
    start_s: float,
    n_samples: int,
    window: str,
    padding: int,
    reference: Reference,
) -> Sheet:
    """Draw the spectrum of a passage, its peaks in a table."""
    found = scene.computed(
        transforms.dft,
        start_s=start_s,
        n_samples=n_samples,
        window=window,
        reference=reference,
        padding=padding,
    )
    levels = found.result
    partials = peaks(levels, viz.dft.N_PEAKS)
    plot = viz.dft.plot(levels, partials, scene.language, padding=padding)
    about = viz.dft.describe(levels, scene.language)
    table = viz.dft.table(levels, partials, scene.language)
    return scene.sheet((plot,), about, table, scene.provenance("dft", found))


def spectrogram(scene: Scene, wanted: Sequence[Frames], **settings: Any) -> Sheet:
    """Draw a spectrogram for each way to cut the sound into frames.

    Args:
        scene: what is visible.
        wanted: how the whole sound would be cut.
        **settings: further ones, for the provenance.
    """
    found = [levels_of(scene, transforms.stft, each) for each in wanted]
    plots = tuple(
        _stft(scene, each.result, frames, is_titled=len(wanted) > 1)
        for each, frames in zip(found, wanted, strict=True)
    )
    about = pictures.describe(found[0].result, scene.language)
    made = scene.provenance("stft", *found, **settings)
    return scene.sheet(plots, scene.seen(about), (), made)


def mel(
    scene: Scene,
    bands: MelBands,
    *,
    is_beside: bool = False,
    quantity: str = "level",
) -> Sheet:
    """Draw levels over time in mel bands.

    Args:
        scene: what is visible.
        bands: of the filter bank.
        is_beside: draw the STFT's levels too, on the same axes.
        quantity: "level" (dB), or "power" for the bands alone; the STFT stays in dB.
    """
    found = [levels_of(scene, transforms.mel, FRAMES, bands=bands)]
    levels, language = found[0].result, scene.language
    cut = _cut(scene, levels, FRAMES)
    if is_beside:
        cut = replace(cut, title=phrase("bands_title", language))
    plots = [pictures.mel(levels, cut, is_power=quantity == "power")]
    if is_beside:
        found.append(levels_of(scene, transforms.stft, FRAMES))
        beside = _stft(scene, found[1].result, FRAMES, is_titled=True)
        plots.append(on_axes_of(beside, plots[0]))
    about = pictures.describe(levels, language)
    if quantity == "power" and not levels.is_silent:
        # How much of the picture a linear scale leaves dark.
        percent = 100 * float((levels.levels_db < FAINT_DB).mean())
        faint = i18n.word("viz.about_power", language, percent=percent)
        about = joined([about, faint], language)
    settings = {"is_beside": is_beside, "quantity": quantity}
    made = scene.provenance("mel", *found, **settings)
    return scene.sheet(tuple(plots), scene.seen(about), (), made)


def levels_of(
    scene: Scene, transform: Any, frames: Frames, **settings: Any
) -> Computed:
    """Compute the visible part's spectrogram: a frame a column at most, or finer.

    Args:
        scene: what is visible.
        transform: ``transforms.stft`` or ``transforms.mel``.
        frames: of the whole sound; closer where a zoom would leave columns without a
            frame of their own.
        settings: others of the transform.
    """
    n_fft, hop_length = frames.n_fft, frames.hop_length
    frames = replace(frames, n_columns=N_COLUMNS)
    if scene.view:
        start_s, stop_s = scene.view
        n_shown = round((stop_s - start_s) * scene.clip.sampling_rate)
        hop_length = min(hop_length, max(n_shown // N_COLUMNS, n_fft // MOST_STARTS))
        if 0 < (n_hops := n_shown // hop_length) < FEW:
            hop_length = n_shown // n_hops
        frames = replace(frames, hop_length=hop_length, start_s=start_s, stop_s=stop_s)
    return scene.computed(transform, **settings, frames=frames)


def _stft(
    scene: Scene, levels: Spectrogram, wanted: Frames, *, is_titled: bool
) -> Plot:
    """Draw one spectrogram, titled with its resolution in time and in frequency."""
    cut = _cut(scene, levels, wanted)
    if is_titled:
        rate, n_fft = levels.sampling_rate, levels.n_fft
        numbers = {"n": n_fft, "ms": 1000 * n_fft / rate, "hz": rate / n_fft}
        title = phrase("time_against_frequency", scene.language, **numbers)
        cut = replace(cut, title=title)
    return pictures.stft(levels, cut)


def _cut(scene: Scene, levels: Spectrogram, wanted: Frames) -> Cut:
    """Return how a spectrogram was cut out of the sound, beside what was wanted."""
    return Cut(
        scene.shown_s,
        scene.language,
        is_zoomed=levels.hop_length < wanted.hop_length,
        is_coarse=levels.hop_length > wanted.hop_length,
    )
