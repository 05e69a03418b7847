"""The transforms against closed forms, librosa and SciPy."""

import numpy as np
import pytest
from signals import chord, click, noise, silence, tone

from audio import dsp
from audio.clip import Clip
from audio.frames import WINDOWS, window_values
from audio.levels import FLOOR_DB, loudness
from audio.mels import hz_to_mel, mel_filters, mel_to_hz
from errors import KnownError

RATE = 22_050


def on_a_bin(n_bin, n_fft, amplitude=1.0):
    """A second of the sine that falls on a bin's centre."""
    return tone(n_bin * RATE / n_fft, amplitude=amplitude)


def peak_hz(spectrogram):
    """The strongest row of a spectrogram, by its mean over time (Hz)."""
    return spectrogram.frequencies_hz[spectrogram.levels_db.mean(axis=1).argmax()]


def test_dft_finds_a_tone_between_its_bins():
    peak = dsp.strongest(dsp.dft(tone(1000.0)))
    assert peak.frequency_hz == pytest.approx(1000.0, abs=0.5)


def test_dft_reads_a_full_scale_sine_as_zero_in_every_window():
    for window in WINDOWS:
        clip = on_a_bin(186, 4096)
        spectrum = dsp.dft(clip, window=window, reference="full_scale")
        assert spectrum.levels_db.max() == pytest.approx(0.0, abs=0.02), window
        assert spectrum.levels_db.argmax() == 186


def test_dft_loses_between_bins_what_the_hann_window_must():
    clip = tone(186.5 * RATE / 4096, amplitude=1.0)
    spectrum = dsp.dft(clip, reference="full_scale")
    assert spectrum.levels_db.max() == pytest.approx(-1.42, abs=0.02)


def test_dft_reads_dc_and_nyquist_as_their_amplitude():
    alternating = 0.5 + 0.25 * (-1.0) ** np.arange(RATE)
    spectrum = dsp.dft(Clip(alternating, RATE), reference="full_scale")
    assert spectrum.levels_db[0] == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert spectrum.levels_db[-1] == pytest.approx(20 * np.log10(0.25), abs=0.01)


def test_dft_reads_a_quieter_copy_as_much_lower():
    loud = dsp.dft(noise(), reference="full_scale")
    quiet = dsp.dft(Clip(noise().samples * 0.01, RATE), reference="full_scale")
    assert np.abs(loud.levels_db - quiet.levels_db - 40).max() < 0.01


def test_dft_relative_to_its_peak_does_not_know_loudness():
    loud, quiet = (dsp.dft(on_a_bin(186, 4096, a)) for a in (0.9, 0.01))
    assert loud.levels_db.max() == quiet.levels_db.max() == 0.0


def test_dft_hears_both_notes_of_a_chord_in_their_ratio():
    spectrum = dsp.dft(chord((440.0, 880.0)))
    inner = spectrum.levels_db[1:-1]
    is_peak = (inner > spectrum.levels_db[:-2]) & (inner > spectrum.levels_db[2:])
    strong = 1 + np.flatnonzero(is_peak & (inner > -12))
    low, high = spectrum.frequencies_hz[strong]
    assert high / low == pytest.approx(2.0, abs=0.02)


def test_dft_ends_at_nyquist():
    for rate in (8000, RATE, 192_000):
        spectrum = dsp.dft(noise(sampling_rate=rate))
        assert spectrum.frequencies_hz[-1] == rate / 2
        assert len(spectrum.levels_db) == len(spectrum.frequencies_hz) == 2049


def test_dft_agrees_with_scipy_in_every_window():
    from scipy import signal

    clip = noise()
    for window in WINDOWS:
        name = "boxcar" if window == "rectangular" else window
        f, power = signal.periodogram(
            clip.samples[:4096].astype(np.float64),
            RATE,
            window=name,
            detrend=False,
            scaling="spectrum",
        )
        ours = dsp.dft(clip, window=window, reference="full_scale")
        theirs = 10 * np.log10(2 * power[1:-1])  # a sine's power is half its square
        assert np.allclose(ours.frequencies_hz, f)
        assert np.abs(ours.levels_db[1:-1] - theirs).max() < 1e-3, window


def test_dft_moves_a_late_passage_back():
    clip = tone(duration_s=1.0)
    for start_s in (0.99, 1.0, 5.0):
        spectrum = dsp.dft(clip, start_s=start_s)
        assert spectrum.start_s == pytest.approx(1.0 - 4096 / RATE)
        assert spectrum.n_samples == 4096


def test_dft_of_a_short_clip_says_what_it_used_and_keeps_the_level():
    clip = tone(2000.0, duration_s=0.05, amplitude=1.0)
    spectrum = dsp.dft(clip, start_s=0.03, reference="full_scale")
    assert (spectrum.start_s, spectrum.n_samples) == (0.0, clip.n_samples)
    assert len(spectrum.levels_db) == 2049
    assert spectrum.levels_db.max() == pytest.approx(0.0, abs=0.1)
    assert dsp.strongest(spectrum).frequency_hz == pytest.approx(2000.0, abs=2)


def test_strongest_ignores_a_constant_offset():
    clip = tone(1000.0, amplitude=0.05)
    shifted = Clip(clip.samples + 0.5, RATE)
    peak = dsp.strongest(dsp.dft(shifted))
    assert peak.frequency_hz == pytest.approx(1000.0, abs=0.5)


def test_silence_is_the_floor_everywhere():
    for reference in ("peak", "full_scale"):
        assert (dsp.dft(silence(), reference=reference).levels_db == FLOOR_DB).all()
    assert dsp.strongest(dsp.dft(silence())) is None
    for spectrogram in (dsp.stft(silence()), dsp.mel(silence())):
        assert (spectrogram.levels_db == FLOOR_DB).all()
        assert spectrogram.is_silent


def test_few_samples_give_numbers():
    for samples in ([], [1.0], [0.5, -0.5], [0.1] * 100):
        clip = Clip(np.array(samples), RATE)
        for levels_db in (
            dsp.dft(clip).levels_db,
            dsp.stft(clip).levels_db,
            dsp.mel(clip, n_columns=10).levels_db,
        ):
            assert np.isfinite(levels_db).all()


def test_stft_equals_librosa():
    import librosa

    clip = noise(duration_s=2.3)
    for n_fft, hop_length in ((2048, 512), (512, 100), (4096, 4096)):
        theirs = np.abs(librosa.stft(clip.samples, n_fft=n_fft, hop_length=hop_length))
        ours = dsp.stft(clip, n_fft=n_fft, hop_length=hop_length)
        amplitudes = 10 ** (ours.levels_db.astype(np.float64) / 20)
        amplitudes *= window_values("hann", n_fft).sum() / 2
        amplitudes[[0, -1]] *= 2  # librosa does not correct DC and Nyquist
        assert amplitudes.shape == theirs.shape
        assert np.abs(amplitudes - theirs).max() < 1e-6 * theirs.max()


def test_stft_times_and_frequencies_equal_librosas():
    import librosa

    spectrogram = dsp.stft(noise())
    n_columns = spectrogram.levels_db.shape[1]
    times_s = librosa.frames_to_time(np.arange(n_columns), sr=RATE, hop_length=512)
    assert np.allclose(spectrogram.times_s, times_s)
    assert np.allclose(
        spectrogram.frequencies_hz, librosa.fft_frequencies(sr=RATE, n_fft=2048)
    )
    assert spectrogram.frequencies_hz[-1] == RATE / 2


def test_stft_reads_a_full_scale_sine_as_zero_in_every_window():
    for window in WINDOWS:
        spectrogram = dsp.stft(on_a_bin(93, 2048), window=window)
        inside = spectrogram.levels_db[93, 4:-4]
        assert np.abs(inside).max() < 0.02, window


def test_stft_reads_a_quieter_copy_as_much_lower():
    loud = dsp.stft(noise()).levels_db
    quiet = dsp.stft(Clip(noise().samples * 0.01, RATE)).levels_db
    assert np.abs(loud - quiet - 40).max() < 0.01


def test_spectrograms_find_a_tone_and_a_click():
    for transform in (dsp.stft, dsp.mel):
        spectrogram = transform(tone(1000.0))
        neighbours = np.diff(spectrogram.frequencies_hz)
        assert peak_hz(spectrogram) == pytest.approx(1000.0, abs=neighbours.max() / 2)
        loudest = transform(click(0.5)).levels_db.mean(axis=0).argmax()
        assert spectrogram.times_s[loudest] == pytest.approx(0.5, abs=512 / RATE)


def test_stft_columns_are_the_maxima_of_their_frames():
    clip = noise(duration_s=7.0)
    whole = dsp.stft(clip, hop_length=128).levels_db
    for n_columns in (1, 2, 7, 300, 5000):
        pooled = dsp.stft(clip, hop_length=128, n_columns=n_columns)
        n_each = pooled.n_frames_per_column
        starts = np.arange(0, whole.shape[1], n_each)
        expected = np.maximum.reduceat(whole, starts, axis=1)
        assert pooled.levels_db.shape[1] <= n_columns
        assert np.array_equal(pooled.levels_db, expected), n_columns
        middles = (starts + (n_each - 1) / 2) * 128 / RATE
        assert np.allclose(pooled.times_s, middles)


def test_a_click_of_3_ms_stays_the_brightest_column_of_a_4_minute_song():
    samples = 0.02 * np.random.default_rng(0).standard_normal(240 * RATE)
    song = samples + click(100.0, 240.0, RATE, 0.003, 0.5).samples
    for transform in (dsp.stft, dsp.mel):
        spectrogram = transform(Clip(song, RATE), n_columns=800)
        brightest = spectrogram.levels_db.mean(axis=0).argmax()
        assert spectrogram.n_frames_per_column > 10
        assert abs(spectrogram.times_s[brightest] - 100) < spectrogram.column_s


def test_mel_equals_librosa():
    import librosa

    for rate, n_mels, fmax_hz in ((RATE, 128, 8000.0), (44_100, 64, 4000.0)):
        clip = noise(duration_s=1.5, sampling_rate=rate)
        theirs = librosa.feature.melspectrogram(
            y=clip.samples, sr=rate, n_mels=n_mels, fmax=fmax_hz
        )
        ours = dsp.mel(clip, n_mels=n_mels, fmax_hz=fmax_hz)
        power = 10 ** (ours.levels_db.astype(np.float64) / 10)
        assert np.allclose(power, theirs / theirs.max(), rtol=1e-4, atol=0)
        assert ours.levels_db.max() == 0.0


def test_mel_filters_and_scale_equal_librosas():
    import librosa

    for rate, n_fft, n_mels, fmax_hz in (
        (RATE, 2048, 128, 8000.0),
        (16_000, 1024, 40, 8000.0),
        (44_100, 4096, 256, 22_050.0),
    ):
        theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmax=fmax_hz)
        ours, centres_hz = mel_filters(rate, n_fft, n_mels, fmax_hz)
        edges_hz = librosa.mel_frequencies(n_mels + 2, fmax=fmax_hz)
        assert np.abs(ours - theirs).max() < 1e-6 * theirs.max()
        assert np.allclose(centres_hz, edges_hz[1:-1])
    frequencies_hz = np.array([0.0, 440.0, 1000.0, 5000.0])
    assert np.allclose(hz_to_mel(frequencies_hz), librosa.hz_to_mel(frequencies_hz))
    assert np.allclose(mel_to_hz(hz_to_mel(frequencies_hz)), frequencies_hz)


def test_mel_bands_narrower_than_bins_are_not_empty():
    spectrogram = dsp.mel(noise(sampling_rate=96_000))
    assert spectrogram.levels_db.mean(axis=1).min() > -40
    low_tone = dsp.mel(tone(200.0, sampling_rate=96_000, amplitude=0.9))
    assert peak_hz(low_tone) == pytest.approx(200.0, abs=12)
    assert low_tone.n_fft == 2048


def test_mel_stops_at_nyquist():
    low_rate = dsp.mel(noise(sampling_rate=8000), n_mels=40, fmax_hz=16_000.0)
    at_nyquist = dsp.mel(noise(sampling_rate=8000), n_mels=40, fmax_hz=4000.0)
    assert np.array_equal(low_rate.levels_db, at_nyquist.levels_db)


def test_settings_out_of_range_are_refused():
    clip = noise()
    for call, settings in (
        (dsp.dft, {"n_samples": 0}),
        (dsp.dft, {"n_samples": 2**20}),
        (dsp.dft, {"start_s": -0.1}),
        (dsp.dft, {"start_s": float("nan")}),
        (dsp.stft, {"n_fft": 8}),
        (dsp.stft, {"hop_length": 0}),
        (dsp.stft, {"hop_length": 2049}),
        (dsp.stft, {"n_columns": 0}),
        (dsp.mel, {"n_mels": 0}),
        (dsp.mel, {"n_mels": 5000}),
        (dsp.mel, {"fmax_hz": -1.0}),
        (dsp.mel, {"fmax_hz": float("nan")}),
    ):
        with pytest.raises(KnownError) as refused:
            call(clip, **settings)
        assert refused.value.code == "out_of_range"
        assert refused.value.details["field"] == next(iter(settings))


def test_an_odd_length_and_an_unknown_window_are_refused():
    with pytest.raises(KnownError, match="odd_length"):
        dsp.dft(noise(), n_samples=4095)
    with pytest.raises(KnownError, match="not_a_choice"):
        dsp.stft(noise(), window="kaiser")


def test_loudness_of_a_sine_and_of_silence():
    loud = loudness(on_a_bin(93, 2048))
    assert loud.peak_dbfs == pytest.approx(0.0, abs=0.05)
    assert loud.rms_dbfs == pytest.approx(0.0, abs=0.01)
    assert loudness(click(0.3, amplitude=-0.5)).peak_at_s == pytest.approx(
        0.3, abs=1e-3
    )
    assert loudness(silence()).peak_dbfs == loudness(silence()).rms_dbfs == FLOOR_DB
    assert loudness(Clip(np.zeros(0), RATE)).peak_dbfs == FLOOR_DB
