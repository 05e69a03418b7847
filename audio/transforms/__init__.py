"""Compute spectra and spectrograms of clips, and invert them."""

from audio.transforms.spectrogram import (
    FRAMES,
    MAX_N_COLUMNS,
    MEL_BANDS,
    Frames,
    MelBands,
    Spectrogram,
    mel,
    stft,
)
from audio.transforms.spectrum import Peak, Reference, Spectrum, dft, strongest

__all__ = [
    "FRAMES",
    "MAX_N_COLUMNS",
    "MEL_BANDS",
    "Frames",
    "MelBands",
    "Peak",
    "Reference",
    "Spectrogram",
    "Spectrum",
    "dft",
    "mel",
    "stft",
    "strongest",
]
