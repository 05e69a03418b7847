"""Describe a window of sound by numbers that need no model: its texture.

What tells music from other sounds is more than a model that learned music keeps: tones
that last and lie on one tuning, a pulse, bass, no silence. These are measured here, of
two short-time Fourier transforms, in a few milliseconds.

Sources: J. McDermott and E. Simoncelli, "Sound texture perception via statistics of the
auditory periphery", Neuron 71 (2011): means, deviations and modulations of bands; G.
Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE TSAP 10
(2002): the pulse and the pitch classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio.transforms.mel_scale import mel_filters

Values = NDArray[np.float32]

SAMPLING_RATE = 16000  # Hz, of what is described
N_SHORT, HOP_SHORT = 512, 320  # samples: 32 ms, 50 frames a second
N_LONG, HOP_LONG = 2048, 1024  # samples: 128 ms resolve the partials of most tones
N_MELS = 32
TOP_HZ = 7000.0  # above it, how a sound was resampled and coded shows
N_GROUPS = 8  # of neighbouring bands
FLOOR = 1e-7  # of a window's mean power in a band, -70 dB: digital silence has a level
MODULATIONS_HZ = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 25.0)
PULSE_S = (0.1, 2.0)
SILENT_DB = (-20.0, -40.0, -55.0)  # below the loudest frame
BIN_HZ = SAMPLING_RATE / N_LONG
TOP_BIN = round(TOP_HZ / BIN_HZ)
TONAL_HZ = (100.0, 5000.0)
PITCHED_HZ = (150.0, 2500.0)
MIN_PITCHES = 20  # peaks; of fewer there is no tuning
AROUND = 10  # bins on each side that a peak is compared with
MIN_PEAK = 1.5  # nats above them, 6.5 dB
LAGS = (1, 2, 4, 8, 32)  # frames of 64 ms
TINY = 1e-12
N_TEXTURE = 229
MIN_S = 5.0  # of a window that has a texture; the lags and slow modulations need it


def texture(samples: Values) -> Values:
    """Compute the texture of a window.

    Args:
        samples: float32 (n_samples,) at ``SAMPLING_RATE``, five seconds or more, at any
            level.

    Returns:
        float32 (``N_TEXTURE``,), none of them of the level.
    """
    import torch

    centred = samples - samples.mean()
    with torch.inference_mode():
        sound = torch.from_numpy(centred / (centred.std() + 1e-9))
        short = _powers(sound, N_SHORT, HOP_SHORT)
        long = _powers(sound, N_LONG, HOP_LONG)
    found = np.concatenate([*_bands(short), *_tones(long)])
    return np.nan_to_num(found.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def is_described(window_s: float, sampling_rate: int) -> bool:
    """Return whether windows of a model have a texture."""
    return sampling_rate == SAMPLING_RATE and window_s >= MIN_S


def _powers(sound: Any, n_fft: int, hop: int) -> Values:
    """Compute (n_frames, n_bins) powers, no frame padded."""
    import torch

    bins = torch.stft(
        sound, n_fft, hop, window=_taper(n_fft), center=False, return_complex=True
    )
    values: Values = (bins.real.square() + bins.imag.square()).T.contiguous().numpy()
    return values


@cache
def _taper(n_fft: int) -> Any:
    import torch

    return torch.hann_window(n_fft)


@cache
def _mels() -> Values:
    return mel_filters(SAMPLING_RATE, N_SHORT, N_MELS, TOP_HZ)[0].T.copy()


def _bands(powers: Values) -> list[Values]:
    """Describe the mel bands: their levels, how they move, the pulse, the pauses."""
    bands = powers @ _mels()
    levels = np.log(bands + FLOOR * bands.mean() + TINY)
    levels -= levels.mean()
    steps = np.diff(levels, axis=0)
    groups = levels.reshape(len(levels), N_GROUPS, -1).mean(axis=2)
    moves = np.diff(groups, axis=0)
    quantiles = np.quantile(groups[::2], (0.1, 0.5, 0.9), axis=0)
    skew = (moves**3).mean(axis=0) / ((moves**2).mean(axis=0) ** 1.5 + 1e-6)
    return [
        levels.mean(axis=0),
        levels.std(axis=0),
        np.abs(steps).mean(axis=0),
        quantiles.ravel(),
        skew,
        _modulations(groups),
        _pulse(np.maximum(steps, 0).mean(axis=1)),
        _pauses(powers.sum(axis=1)),
    ]


def _modulations(groups: Values) -> Values:
    """Compute how much five pooled bands move at each rate: log shares, (5 * 7,)."""
    pooled = groups.reshape(len(groups), 4, -1).mean(axis=2)
    curves = np.concatenate([pooled, pooled.mean(axis=1, keepdims=True)], axis=1)
    taper = np.hanning(len(curves)).astype(np.float32)[:, None]
    moves = np.fft.rfft((curves - curves.mean(axis=0)) * taper, axis=0)
    spectrum = moves.real**2 + moves.imag**2
    rates_hz = np.fft.rfftfreq(len(curves), HOP_SHORT / SAMPLING_RATE)
    edges = np.searchsorted(rates_hz, MODULATIONS_HZ)
    sums = np.stack([spectrum[a:b].sum(axis=0) for a, b in pairwise(edges)])
    scale = len(curves) ** 2
    return np.log(sums / scale + 1e-6).ravel()


def _pulse(onsets: Values) -> Values:
    """Describe how well the onsets repeat: the best lag, and twice it."""
    onsets = onsets - onsets.mean()
    spectrum = np.fft.rfft(onsets, 2 * len(onsets))
    alike = np.fft.irfft(np.abs(spectrum) ** 2)
    alike = alike[: len(onsets)] / (alike[0] + TINY)
    first, last = (round(lag_s * SAMPLING_RATE / HOP_SHORT) for lag_s in PULSE_S)
    lags = alike[first:last]
    best = int(lags.argmax()) + first
    crest = onsets.max() / (onsets.std() + TINY)
    twice = alike[2 * best - 1 : 2 * best + 2].max()
    found = [lags.max(), twice, np.median(np.abs(lags)), np.log(best), np.log1p(crest)]
    return np.array(found, np.float32)


def _pauses(powers: Values) -> Values:
    """Describe the level over time: how much of it is silence, how far it moves."""
    levels_db = 10 * np.log10(powers / (powers.max() + TINY) + 1e-8)
    silent = [(levels_db < limit).mean() for limit in SILENT_DB]
    return np.array([*silent, levels_db.mean() / 20, levels_db.std() / 10], np.float32)


@dataclass(frozen=True, eq=False)
class _Peaks:
    """Maxima of the spectra that stand out of what is around them.

    Attributes:
        frames: (n_peaks,) where each is, in time.
        bins: (n_peaks,) of the spectra.
        offsets: (n_peaks,) of the vertex of a parabola from the bin's middle.
        heights: (n_peaks,) above what is around, less ``MIN_PEAK`` (nats).
        mask: (n_frames, n_bins) where there is one; its first bin is ``first_bin``.
        first_bin: of the mask.
    """

    frames: NDArray[np.intp]
    bins: NDArray[np.intp]
    offsets: Values
    heights: Values
    mask: NDArray[np.bool_]
    first_bin: int

    @property
    def n_frames(self) -> int:
        """How many frames the peaks were looked for in."""
        return len(self.mask)

    def by_frame(self, values: Values) -> Values:
        """(n_frames,) sums of one value a peak."""
        sums = np.bincount(self.frames, values, minlength=self.n_frames)
        return sums.astype(np.float32)


def _tones(powers: Values) -> list[Values]:
    """Describe the spectrum's peaks: how much is tone, how long it lasts, its pitches."""
    levels = np.log(powers[:, :TOP_BIN] + FLOOR * powers.mean() + TINY)
    low, high = (round(hz / BIN_HZ) for hz in TONAL_HZ)
    peaks = _peaks(levels, low, high)
    power = powers[:, low:high]
    loud = power.sum(axis=1)
    weights = loud / (loud.sum() + TINY)
    return [
        _amounts(peaks, powers, loud, weights),
        _lasting(peaks),
        _alike(power),
        _flatness(powers, levels),
        _pitches(peaks, weights),
    ]


def _peaks(levels: Values, low: int, high: int) -> _Peaks:
    """Find the peaks from bin ``low`` to ``high`` of log powers (n_frames, n_bins)."""
    n = high - low
    inner = levels[:, low - AROUND - 1 : high + AROUND + 1]
    sums = np.cumsum(inner, axis=1, dtype=np.float64)
    width = 2 * AROUND + 1
    around = ((sums[:, width:] - sums[:, :-width]) / width)[:, :n]
    left, middle, right = (inner[:, AROUND + k : AROUND + k + n] for k in range(3))
    above = middle - around.astype(np.float32)
    mask = (middle > left) & (middle >= right) & (above > MIN_PEAK)
    at, bins = np.nonzero(mask)
    a, b, c = left[at, bins], middle[at, bins], right[at, bins]
    offsets = 0.5 * (a - c) / (a - 2 * b + c - 1e-6)
    return _Peaks(at, bins + low, offsets, above[at, bins] - MIN_PEAK, mask, low)


def _amounts(peaks: _Peaks, powers: Values, loud: Values, weights: Values) -> Values:
    """Describe how many peaks there are, how high, and how much of the power."""
    counts = peaks.by_frame(np.ones_like(peaks.heights))
    share = peaks.by_frame(powers[peaks.frames, peaks.bins]) / (loud + TINY)
    tops = np.zeros(peaks.n_frames, np.float32)
    np.maximum.at(tops, peaks.frames, peaks.heights + MIN_PEAK)
    mean_height = (peaks.heights + MIN_PEAK).sum() / (counts.sum() + 1)
    found = [counts.mean() / 50, counts.std() / 20, share.mean(), share.std()]
    found += [(share * weights).sum(), tops.mean(), tops.std(), (tops * weights).sum()]
    return np.array([*found, mean_height], np.float32)


def _lasting(peaks: _Peaks) -> Values:
    """Share of the peaks, by their height too, that are there some frames later."""
    near = peaks.mask.copy()
    near[:, 1:] |= peaks.mask[:, :-1]
    near[:, :-1] |= peaks.mask[:, 1:]
    found = []
    for lag in LAGS[:4]:
        has_later = peaks.frames < peaks.n_frames - lag
        frames, heights = peaks.frames[has_later] + lag, peaks.heights[has_later]
        is_there = near[frames, peaks.bins[has_later] - peaks.first_bin]
        found.append((heights * is_there).sum() / (heights.sum() + 1))
        found.append(is_there.mean() if len(is_there) else 0)
    return np.array([*found, near.mean()], np.float32)


def _alike(power: Values) -> Values:
    """Cosines of spectra some frames apart: their means and deviations."""
    n = power.shape[1] // 4 * 4
    roots = np.sqrt(sum(power[:, start:n:4] for start in range(4)))
    roots /= np.linalg.norm(roots, axis=1, keepdims=True) + 1e-6
    found = []
    for lag in LAGS:
        cosines = np.einsum("ij,ij->i", roots[lag:], roots[:-lag])
        found += [cosines.mean(), cosines.std()]
    mean = roots.mean(axis=0)
    return np.array([*found, np.linalg.norm(mean)], np.float32)


def _flatness(powers: Values, levels: Values) -> Values:
    """Log flatness of the spectrum in four ranges, and the share of the bass."""
    floor = FLOOR * powers.mean() + TINY
    found = []
    for low, high in ((4, 64), (64, 192), (192, 512), (512, TOP_BIN)):
        mean = powers[:, low:high].mean(axis=1) + floor
        flat = levels[:, low:high].mean(axis=1) - np.log(mean)
        found += [flat.mean(), flat.std()]
    total = powers.sum() + TINY
    bass = [powers[:, 3:n].sum() / total for n in (13, 26, 51)]  # to 100, 200, 400 Hz
    return np.array([*found, *np.log(np.array(bass) + 1e-5)], np.float32)


def _pitches(peaks: _Peaks, weights: Values) -> Values:
    """Describe the peaks' pitches: one tuning, few classes, steady or gliding."""
    low, high = (round(hz / BIN_HZ) for hz in PITCHED_HZ)
    is_pitch = (peaks.bins >= low) & (peaks.bins < high)
    at, height = peaks.frames[is_pitch], peaks.heights[is_pitch]
    if len(at) < MIN_PITCHES:
        return np.zeros(16, np.float32)
    bins = peaks.bins[is_pitch] + peaks.offsets[is_pitch]
    semitones = 12 * np.log2(bins * BIN_HZ / 440)
    turns = height * np.exp(2j * np.pi * semitones)
    tuned = np.abs(turns.sum()) / height.sum()
    half = at < peaks.n_frames // 2
    parts = [
        np.abs(turns[some].sum()) / (height[some].sum() + 1) for some in (half, ~half)
    ]
    shift = np.angle(turns.sum()) / (2 * np.pi)
    classes = np.round(semitones - shift).astype(int) % 12
    size = peaks.n_frames * 12
    chroma = np.bincount(at * 12 + classes, height, size).reshape(-1, 12)
    frames = chroma.sum(axis=1)
    whole = np.sort(chroma.sum(axis=0) / (frames.sum() + TINY))[::-1]
    each = chroma / (frames[:, None] + TINY)
    entropy = -(each * np.log(each + 1e-9)).sum(axis=1)
    unit = chroma / (np.linalg.norm(chroma, axis=1, keepdims=True) + 1e-6)
    later = [(unit[lag:] * unit[:-lag]).sum(axis=1).mean() for lag in (2, 8, 32)]
    found = [tuned, *parts, -(whole * np.log(whole + 1e-9)).sum(), whole[0]]
    found += [whole[:3].sum(), whole[:7].sum(), (entropy * weights).sum(), *later]
    found += [(frames > 0).mean(), *_line(at, semitones, height, peaks.n_frames)]
    return np.array(found, np.float32)


def _line(
    at: NDArray[np.intp], semitones: Any, height: Any, n_frames: int
) -> list[float]:
    """Describe how the highest peak of each frame moves to the next frame's."""
    line = np.full(n_frames, np.nan)
    order = np.argsort(height, kind="stable")
    line[at[order]] = semitones[order]  # the last one written is the highest
    step = np.abs(np.diff(line))
    step = step[np.isfinite(step)]
    if not len(step):
        return [0.0] * 4
    glides = ((step > 0.15) & (step < 1.5)).mean()
    return [(step < 0.15).mean(), glides, (step >= 1.5).mean(), np.nanstd(line) / 12]
