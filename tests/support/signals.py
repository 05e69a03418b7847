"""Signals whose answer is known: the tests' own sounds, each a Clip."""

from __future__ import annotations

import numpy as np

from audio.clip import Clip


def time_axis(duration_s: float, sampling_rate: int):
    return np.arange(round(duration_s * sampling_rate)) / sampling_rate


def tone(frequency_hz=1000.0, duration_s=1.0, sampling_rate=22_050, amplitude=0.5):
    t = time_axis(duration_s, sampling_rate)
    return Clip(amplitude * np.sin(2 * np.pi * frequency_hz * t), sampling_rate, "tone")


def chord(frequencies_hz=(440.0, 880.0), duration_s=1.0, sampling_rate=22_050):
    t = time_axis(duration_s, sampling_rate)
    waves = [np.sin(2 * np.pi * f * t) for f in frequencies_hz]
    return Clip(0.9 * np.mean(waves, axis=0), sampling_rate, "chord")


def sweep(start_hz=100.0, stop_hz=8000.0, duration_s=2.0, sampling_rate=22_050):
    t = time_axis(duration_s, sampling_rate)
    slope = (stop_hz - start_hz) / duration_s
    phase = 2 * np.pi * (start_hz * t + slope * t**2 / 2)
    return Clip(0.5 * np.sin(phase), sampling_rate, "sweep")


def click(at_s=0.5, duration_s=1.0, sampling_rate=22_050, width_s=0.0, amplitude=1.0):
    samples = np.zeros(round(duration_s * sampling_rate), np.float32)
    start = round(at_s * sampling_rate)
    samples[start : start + max(round(width_s * sampling_rate), 1)] = amplitude
    return Clip(samples, sampling_rate, "click")


def silence(duration_s=1.0, sampling_rate=22_050):
    return Clip(np.zeros(round(duration_s * sampling_rate)), sampling_rate, "silence")


def noise(seed=0, duration_s=1.0, sampling_rate=22_050, amplitude=0.1):
    n_samples = round(duration_s * sampling_rate)
    samples = amplitude * np.random.default_rng(seed).standard_normal(n_samples)
    return Clip(np.clip(samples, -1, 1), sampling_rate, "noise")
