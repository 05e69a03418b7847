"""Downmix channels to mono, without cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from audio.clip import Samples
from audio.decode.limits import FileLevels
from audio.levels import CLIPPED, FlatTops

if TYPE_CHECKING:
    from av import AudioFrame

LOUDEST = 2.0**32  # beyond every integer scale that a float file may hold
CANCELLED = 0.25  # -6 dB
BASS_HZ = 400  # means over so short a time pass what is below half of it
MIN_BASS = 0.01  # of all energy; less is no bass to lose


def packed(frame: AudioFrame) -> tuple[Samples, int]:
    """Convert a packed float32 frame to an array; replace invalid samples by 0.

    Returns:
        Samples (n_samples, n_channels), 0 where one was not finite or beyond every
        scale; and the number of moments with such a sample.
    """
    n_channels = frame.layout.nb_channels
    block = np.asarray(frame.to_ndarray(), np.float32).reshape(-1, n_channels)
    if max(block.max(), -block.min()) <= LOUDEST:  # so NaN does not
        return block, 0
    is_broken = ~(np.abs(block) <= LOUDEST)
    n_broken = int(is_broken.any(axis=1).sum())
    return np.where(is_broken, np.float32(0), block), n_broken


def _means(block: Samples, n_each: int) -> Samples:
    """Return the channels' means over each so many samples, (n_means, n_channels)."""
    n_means, n_channels = len(block) // n_each, block.shape[1]
    rows = block[: n_means * n_each].reshape(n_means, n_each * n_channels)
    return rows @ np.tile(np.eye(n_channels, dtype=np.float32) / n_each, (n_each, 1))


def _is_opposed(products: NDArray[Any]) -> bool:
    """Return whether channels cancel, by their products summed over time."""
    return bool(products.sum() < CANCELLED * products.trace())


class Mix:
    """Accumulate the mono mix, with the statistics that validate it.

    One byte buffer, because a list of blocks would need the memory twice at the end.

    Args:
        channel: index of the only one to use; None averages all.
        file: gets the mix as float32 samples, in place of the memory.

    Attributes:
        sampling_rate: Hz, of the last frame.
        n_samples: so far.
        peak: the largest sample so far, in either direction.
        n_broken: samples that were not finite, or beyond every scale, and became 0.
        gain: that ``samples`` multiplied the mix by.
        n_cut: samples that it cut off at full scale.
    """

    def __init__(self, channel: int | None, file: BinaryIO | None = None) -> None:
        self.sampling_rate = 1
        self.n_samples = 0
        self.peak = 0.0
        self.n_broken = 0
        self.gain = 1.0
        self.n_cut = 0
        self._peaks = np.zeros(1, np.float32)  # of each channel, as the next
        self._n_full = np.zeros(1, np.int64)
        self._tops: list[FlatTops] = []
        self._channel = channel
        self._buffer = bytearray()
        self._file = file
        # Products of the channels, summed over time: each one's energy is on the
        # diagonal, and the sum of all is the energy of the channels' sum.
        self._products = np.zeros((1, 1))
        self._bass = np.zeros((1, 1))  # the same of low tones alone

    @property
    def duration_s(self) -> float:
        """Length so far in seconds."""
        return self.n_samples / self.sampling_rate

    @property
    def loudest_channel(self) -> int:
        """Index of the channel with the most energy."""
        return int(self._products.diagonal().argmax())

    @property
    def is_cancelled(self) -> bool:
        """Whether the channels cancel.

        Energies add up where channels have nothing in common, or only one sounds.
        Only opposed ones (stereo: correlation below -0.75) leave a quarter of that.
        """
        return _is_opposed(self._products)

    @property
    def is_bass_cancelled(self) -> bool:
        """Whether the mix has lost the channels' low tones, and little else."""
        is_bass = self._bass.trace() > MIN_BASS * self._products.trace()
        return self._channel is None and bool(is_bass) and _is_opposed(self._bass)

    @property
    def levels(self) -> FileLevels:
        """Levels of the channels before the mix."""
        rms = np.sqrt(self._products.diagonal() / max(self.n_samples, 1))
        return FileLevels(
            tuple(self._peaks.tolist()),
            tuple(rms.tolist()),
            tuple(self._n_full.tolist()),
            tuple(tops.n_samples for tops in self._tops),
            self.gain,
            self.n_cut,
            self.is_bass_cancelled,
        )

    def add(self, frame: AudioFrame) -> None:
        """Append the mean of one packed float32 frame's channels, or the chosen one."""
        block, n_broken = packed(frame)
        self.n_broken += n_broken
        n_channels = block.shape[1]
        # A row a channel: extremes of what lies together take a sixtieth of the time.
        rows = np.ascontiguousarray(block.T)
        self.sampling_rate = frame.sample_rate
        self._products = self._products + rows @ rows.T
        self._add_bass(block)
        lows, highs = rows.min(axis=1).tolist(), rows.max(axis=1).tolist()
        peaks = np.maximum(highs, np.negative(lows))
        self._peaks = np.maximum(self._peaks, peaks)
        n_full = np.zeros(n_channels, np.int64)
        if peaks.max() >= CLIPPED:  # most blocks need not be read again
            n_full = np.count_nonzero(np.abs(rows) >= CLIPPED, axis=1)
        self._n_full = self._n_full + n_full
        self._tops += [FlatTops() for _ in range(n_channels - len(self._tops))]
        for tops, *of_channel in zip(self._tops, rows, lows, highs, strict=False):
            tops.add(*of_channel)
        if n_channels == 1 or self._channel is not None:
            mono = rows[self._channel or 0]
        else:
            weights = np.full(n_channels, 1 / n_channels, np.float32)
            mono = block @ weights  # 20 times faster than block.mean(1)
        self.n_samples += len(mono)
        self.peak = max(self.peak, float(mono.max()), -float(mono.min()))
        if self._file:
            self._file.write(mono.data)
        else:
            self._buffer += mono.data

    def _add_bass(self, block: Samples) -> None:
        """Add the products of the channels' low tones; one alone has none to lose."""
        if block.shape[1] == 1:
            return
        low = _means(block, max(self.sampling_rate // BASS_HZ, 1))
        self._bass = self._bass + len(block) / max(len(low), 1) * (low.T @ low)

    def samples(self, max_duration_s: float, *, is_any_scale: bool) -> Samples:
        """Return the mix, float32 (n_samples,) in [-1, 1], cut at the limit.

        Args:
            max_duration_s: the limit.
            is_any_scale: what exceeds 1 is scaled to a peak of 1, not clipped.
        """
        n_most = round(max_duration_s * self.sampling_rate)
        samples = np.frombuffer(self._buffer, np.float32)[:n_most]
        peak = max(samples.max(), -samples.min())
        if is_any_scale and peak > 1:
            samples /= peak
            self.gain = float(1 / peak)
        elif peak > 1:
            self.n_cut = int(np.count_nonzero(np.abs(samples) > 1))
        np.clip(samples, -1, 1, out=samples)
        samples.flags.writeable = False
        return samples
