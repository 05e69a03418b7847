"""Mix the composed songs: tape, room, tilt, noise floor, final level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Wave = NDArray[np.float32]

FADE_S = 0.02  # where the music is cut


@dataclass(frozen=True)
class Mixer:
    """Settings of a mix.

    Attributes:
        press: how far the sum of the parts is driven into a tape, which rounds its
            peaks and so brings up what is soft; near 0 it stays as it is.
        room_s: time constant of the room's decay.
        room_db: energy of the room's answer to a click, beside the click.
        tilt_db_per_octave: slope of the spectrum, turning about 1 kHz.
        floor_db: level of the noise floor beside the music.
        peak_db: the song's peak, relative to full scale.
    """

    press: float
    room_s: float
    room_db: float
    tilt_db_per_octave: float
    floor_db: float
    peak_db: float

    def mixed(self, dry: Wave, sampling_rate: int, rng: Generator) -> Wave:
        """Mix a song, as long as the dry one and never above full scale.

        Args:
            dry: float32 (n_samples,), the sum of the parts.
            sampling_rate: Hz.
            rng: draws the room's echoes and the noise.
        """
        dry = self._pressed(dry)
        rms = float(np.sqrt(np.mean(dry**2)))
        floor = rng.standard_normal(len(dry), np.float32) * np.float32(
            rms * _gain(self.floor_db)
        )
        song = self._filtered(dry + floor, sampling_rate, rng)
        n_fade = min(len(song), int(FADE_S * sampling_rate))
        song[len(song) - n_fade :] *= np.linspace(1, 0, n_fade, dtype=np.float32)
        loudest = max(float(np.abs(song).max()), 1e-9)
        return song * np.float32(_gain(min(self.peak_db, 0)) / loudest)

    def _pressed(self, sound: Wave) -> Wave:
        loudest = max(float(np.abs(sound).max()), 1e-9)
        return np.tanh(sound * np.float32(self.press / loudest))

    def _filtered(self, sound: Wave, sampling_rate: int, rng: Generator) -> Wave:
        """Apply room and tilt, both filters, by one product of spectra."""
        from scipy.fft import irfft, next_fast_len, rfft

        room = self._room(sampling_rate, rng)
        n_fft = next_fast_len(len(sound) + len(room), real=True)
        step_hz = sampling_rate / n_fft
        hz = np.arange(n_fft // 2 + 1, dtype=np.float32) * np.float32(step_hz)
        octaves = np.log2(np.maximum(hz, 30) / 1000)  # level below 30 Hz
        tilt = 10 ** (octaves * np.float32(self.tilt_db_per_octave / 20))
        spectrum = rfft(sound, n_fft) * (1 + rfft(room, n_fft)) * tilt
        return irfft(spectrum, n_fft)[: len(sound)]

    def _room(self, sampling_rate: int, rng: Generator) -> Wave:
        """Compute the room's impulse response: noise that decays exponentially."""
        n_samples = int(4 * self.room_s * sampling_rate)
        time_s = np.arange(n_samples, dtype=np.float32) / np.float32(sampling_rate)
        echoes = rng.standard_normal(n_samples, np.float32)
        echoes *= np.exp(time_s * np.float32(-1 / self.room_s))
        return echoes * np.float32(
            _gain(self.room_db) / max(float(np.linalg.norm(echoes)), 1e-9)
        )


def _gain(level_db: float) -> float:
    return float(10 ** (level_db / 20))
