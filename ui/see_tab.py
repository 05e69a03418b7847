"""The tab See: lessons in the order of the tutorial."""

from __future__ import annotations

from ui.desk import Desk
from ui.lessons import back, hearing, sampling, spectrogram, spectrum, waveform


def build(desk: Desk) -> None:
    """Lay out the lessons and wire them."""
    waveform.build(desk)
    sampling.build_rate(desk)
    sampling.build_bits(desk)
    spectrum.build(desk)
    spectrogram.build_stft(desk)
    back.build(desk)
    spectrogram.build_mel(desk)
    hearing.build(desk)
