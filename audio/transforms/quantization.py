"""Quantise a clip to few bits, and measure the error.

``b`` bits hold ``2**b`` values. The quantiser is mid-tread, as in every sound file:
zero is a value, the steps are ``2 / 2**b`` wide, the lowest value is -1 and the highest
one step below +1. Without dither the error of a quiet sound follows the sound, which is
distortion; dither makes it a hiss that does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10

import numpy as np

from audio.clip import Clip, Samples
from audio.transforms.checks import check_range

MIN_N_BITS = 2
MAX_N_BITS = 16


@dataclass(frozen=True, eq=False)
class Quantised:
    """A quantised clip.

    Attributes:
        clip: its samples are whole steps.
        error: float32 (n_samples,), quantised minus original, dither included.
        n_bits: bits a sample.
        snr_db: the clip's power over the error's, None where either is zero.
    """

    clip: Clip
    error: Samples
    n_bits: int
    snr_db: float | None

    @property
    def step(self) -> float:
        """Height of one step, where full scale is 1."""
        return step(self.n_bits)

    @property
    def rule_db(self) -> float:
        """SNR of a full-scale sine by the rule: ``6.02 n_bits + 1.76`` dB.

        A sine's power is 1/2; an error spread evenly over a step has ``step**2 / 12``.
        """
        return 10 * log10(0.5 / (self.step**2 / 12))


def step(n_bits: int) -> float:
    """Compute the height of one step: ``2**n_bits`` of them span [-1, 1)."""
    return 2.0 / 2**n_bits


def quantised(
    clip: Clip, n_bits: int, *, is_dithered: bool, seed: int = 0
) -> Quantised:
    """Quantise a clip to ``n_bits`` a sample.

    Dither is triangular noise of one step to either side, added before rounding: the
    least that frees both the error's mean and its power from the sound. It triples
    the error's power (4.8 dB). Source: S. P. Lipshitz, R. A. Wannamaker and
    J. Vanderkooy, "Quantization and dither: a theoretical survey", J. AES 40 (1992).

    Raises:
        KnownError: ``out_of_range``.
    """
    check_range("n_bits", n_bits, MIN_N_BITS, MAX_N_BITS)
    height = step(n_bits)
    original = clip.samples.astype(np.float64)
    stairs = original / height
    if is_dithered:
        uniform = np.random.default_rng(seed).random((2, clip.n_samples))
        stairs += uniform[0] - uniform[1]
    n_half = 2 ** (n_bits - 1)
    samples = np.clip(np.rint(stairs), -n_half, n_half - 1) * height
    error = samples - original
    signal_power, error_power = (np.dot(x, x) for x in (original, error))
    has_snr = bool(signal_power and error_power)
    return Quantised(
        clip=Clip(samples.astype(np.float32), clip.sampling_rate, clip.name),
        error=error.astype(np.float32),
        n_bits=n_bits,
        snr_db=10 * log10(signal_power / error_power) if has_snr else None,
    )
