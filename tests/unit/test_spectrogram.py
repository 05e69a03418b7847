"""The STFT and the mel spectrogram against closed forms and librosa."""

from functools import partial

import numpy as np
import pytest

from audio import transforms
from audio.clip import Clip
from audio.levels import FLOOR_DB, loudness
from audio.transforms import Frames, MelBands
from audio.transforms.windows import WINDOWS, window_values
from errors import KnownError
from support.signals import click, noise, silence, tone

RATE = 22_050
FULL = {"reference": "full_scale"}


def on_a_bin(n_bin, n_fft, amplitude=1.0):
    """A second of the sine that falls on a bin's centre."""
    return tone(n_bin * RATE / n_fft, amplitude=amplitude)


def peak_hz(spectrogram):
    """The strongest row of a spectrogram, by its mean over time (Hz)."""
    return spectrogram.frequencies_hz[spectrogram.levels_db.mean(axis=1).argmax()]


def test_silence_is_the_floor_everywhere():
    for reference in ("peak", "full_scale"):
        assert (
            transforms.dft(silence(), reference=reference).levels_db == FLOOR_DB
        ).all()
    assert transforms.strongest(transforms.dft(silence())) is None
    for spectrogram in (transforms.stft(silence()), transforms.mel(silence())):
        assert (spectrogram.levels_db == FLOOR_DB).all()
        assert spectrogram.is_silent


def test_few_samples_give_numbers():
    for samples in ([], [1.0], [0.5, -0.5], [0.1] * 100):
        clip = Clip(np.array(samples), RATE)
        for levels_db in (
            transforms.dft(clip).levels_db,
            transforms.stft(clip).levels_db,
            transforms.mel(clip, frames=Frames(n_columns=10)).levels_db,
        ):
            assert np.isfinite(levels_db).all()


def test_stft_equals_librosa():
    import librosa

    clip = noise(duration_s=2.3)
    for n_fft, hop_length in ((2048, 512), (512, 100), (4096, 4096)):
        theirs = np.abs(librosa.stft(clip.samples, n_fft=n_fft, hop_length=hop_length))
        ours = transforms.stft(clip, Frames(n_fft=n_fft, hop_length=hop_length))
        amplitudes = 10 ** (ours.levels_db.astype(np.float64) / 20)
        amplitudes *= window_values("hann", n_fft).sum() / 2
        amplitudes[[0, -1]] *= 2  # librosa does not correct DC and Nyquist
        assert amplitudes.shape == theirs.shape
        assert np.abs(amplitudes - theirs).max() < 1e-6 * theirs.max()


def test_stft_times_and_frequencies_equal_librosas():
    import librosa

    spectrogram = transforms.stft(noise())
    n_columns = spectrogram.levels_db.shape[1]
    times_s = librosa.frames_to_time(np.arange(n_columns), sr=RATE, hop_length=512)
    assert np.allclose(spectrogram.times_s, times_s)
    assert np.allclose(
        spectrogram.frequencies_hz, librosa.fft_frequencies(sr=RATE, n_fft=2048)
    )
    assert spectrogram.frequencies_hz[-1] == RATE / 2


def test_stft_reads_a_full_scale_sine_as_zero_in_every_window():
    for window in WINDOWS:
        spectrogram = transforms.stft(on_a_bin(93, 2048), Frames(window=window))
        inside = spectrogram.levels_db[93, 4:-4]
        assert np.abs(inside).max() < 0.02, window


def test_stft_reads_a_quieter_copy_as_much_lower():
    loud = transforms.stft(noise()).levels_db
    quiet = transforms.stft(Clip(noise().samples * 0.01, RATE)).levels_db
    assert np.abs(loud - quiet - 40).max() < 0.01


def test_spectrograms_find_a_tone_and_a_click():
    for transform in (transforms.stft, transforms.mel):
        spectrogram = transform(tone(1000.0))
        neighbours = np.diff(spectrogram.frequencies_hz)
        assert peak_hz(spectrogram) == pytest.approx(1000.0, abs=neighbours.max() / 2)
        loudest = transform(click(0.5)).levels_db.mean(axis=0).argmax()
        assert spectrogram.times_s[loudest] == pytest.approx(0.5, abs=512 / RATE)


def test_stft_columns_are_the_maxima_of_their_frames():
    clip = noise(duration_s=7.0)
    whole = transforms.stft(clip, Frames(hop_length=128)).levels_db
    for n_columns in (1, 2, 7, 300, 5000):
        pooled = transforms.stft(clip, Frames(hop_length=128, n_columns=n_columns))
        n_each, hop_length = pooled.n_frames_per_column, pooled.hop_length
        looked_at = whole[:, :: hop_length // 128]
        starts = np.arange(0, looked_at.shape[1], n_each)
        expected = np.maximum.reduceat(looked_at, starts, axis=1)
        assert pooled.levels_db.shape[1] <= n_columns
        assert np.array_equal(pooled.levels_db, expected), n_columns
        middles = (starts + (n_each - 1) / 2) * hop_length / RATE
        assert np.allclose(pooled.times_s, middles)


def test_a_click_of_3_ms_stays_the_brightest_column_of_a_4_minute_song():
    samples = 0.02 * np.random.default_rng(0).standard_normal(240 * RATE)
    song = samples + click(100.0, 240.0, RATE, 0.003, 0.5).samples
    for transform in (transforms.stft, transforms.mel):
        spectrogram = transform(Clip(song, RATE), frames=Frames(n_columns=800))
        brightest = spectrogram.levels_db.mean(axis=0).argmax()
        assert spectrogram.n_frames_per_column > 5
        assert abs(spectrogram.times_s[brightest] - 100) < spectrogram.column_s


def song_with_a_click_and_a_quiet_tone():
    """4 minutes of loud notes; at 100 s a click of 3 ms, 60 dB down a steady 9 kHz."""
    n_samples, rate = 240 * 44_100, 44_100
    t = np.arange(rate) / rate
    notes = [np.exp(-3 * t) * np.sin(2 * np.pi * f * t) for f in (220, 294, 392, 523)]
    samples = 0.5 * np.resize(np.concatenate(notes), n_samples)
    samples += np.resize(0.001 * np.sin(2 * np.pi * 9000 * t), n_samples)
    samples[100 * rate + 5000 :][: int(0.003 * rate)] += 0.5
    return Clip(samples, rate)


def test_a_click_and_a_tone_60_db_down_are_seen_in_a_4_minute_song():
    spectrogram = transforms.stft(
        song_with_a_click_and_a_quiet_tone(), Frames(n_columns=1000)
    )
    levels_db = spectrogram.levels_db
    assert spectrogram.n_frames_per_column > 5
    high = spectrogram.frequencies_hz > 12_000
    brightest = levels_db[high].mean(axis=0).argmax()
    at_s = spectrogram.times_s[brightest]
    assert at_s == pytest.approx(100.113, abs=spectrogram.column_s)
    assert levels_db[high, brightest].max() > -80  # inside the picture's colours
    steady = np.median(levels_db, axis=1)
    tone_bin = round(9000 * 2048 / 44_100)
    assert steady[tone_bin] == pytest.approx(-60, abs=1.5)  # scalloping
    around = np.r_[tone_bin - 20 : tone_bin - 8, tone_bin + 9 : tone_bin + 21]
    assert steady[tone_bin] > steady[around].max() + 15


def test_a_burst_of_10_ms_is_10_ms_wide_in_a_short_window():
    rate = 44_100
    t = np.arange(rate // 2) / rate
    is_on = (t >= 0.2) & (t < 0.21)
    burst = Clip(0.5 * is_on * np.sin(2 * np.pi * 5168 * t), rate)
    spectrogram = transforms.stft(burst, Frames(n_fft=256, hop_length=64))
    levels_db = spectrogram.levels_db.max(axis=0)
    seen_s = spectrogram.times_s[levels_db > levels_db.max() - 6]
    hop_s = 64 / rate
    assert seen_s[-1] - seen_s[0] + hop_s == pytest.approx(0.010, abs=hop_s)
    assert seen_s.mean() == pytest.approx(0.205, abs=hop_s)


def test_frames_of_a_range_are_those_of_the_whole():
    clip = noise(duration_s=3.0)
    hop_s = 512 / RATE
    for first, last in ((0, 20), (7, 60), (100, 129)):
        for transform in (
            transforms.stft,
            partial(transforms.mel, bands=MelBands(norm="peak", **FULL)),
        ):
            whole = transform(clip)
            frames = Frames(start_s=first * hop_s, stop_s=last * hop_s)
            part = transform(clip, frames=frames)
            assert np.allclose(part.times_s, whole.times_s[first : last + 1])
            expected = whole.levels_db[:, first : last + 1]
            assert np.abs(part.levels_db - expected).max() < 1e-3


def test_a_range_reads_only_what_it_shows():
    samples = noise(duration_s=3.0).samples.copy()
    samples[: RATE - 1024] = samples[2 * RATE + 1025 :] = np.nan
    part = transforms.stft(
        Clip(samples, RATE), Frames(start_s=1.0, stop_s=2.0, n_columns=30)
    )
    assert np.isfinite(part.levels_db).all()
    assert part.times_s[0] - part.column_s / 2 == pytest.approx(1.0, abs=0.02)


def test_an_empty_range_is_refused():
    for start_s, stop_s in ((0.5, 0.5), (0.7, 0.2), (0.5, float("nan"))):
        with pytest.raises(KnownError, match="empty_range"):
            transforms.stft(noise(), Frames(start_s=start_s, stop_s=stop_s))
    late = transforms.stft(noise(), Frames(start_s=0.9, stop_s=7.0))
    assert late.times_s[-1] <= 1.0


def test_columns_keep_the_mean_power_where_it_is_asked_for():
    clip = noise(duration_s=2.0)
    for n_columns in (1, 5, 40):
        whole = transforms.stft(clip, Frames(hop_length=1024))
        mean = transforms.stft(
            clip, Frames(hop_length=1024, n_columns=n_columns, pooling="mean")
        )
        power = 10 ** (whole.levels_db.astype(np.float64) / 10)
        n_each = mean.n_frames_per_column
        starts = range(0, power.shape[1], n_each)
        expected = [power[:, at : at + n_each].mean(axis=1) for at in starts]
        found = 10 ** (mean.levels_db.astype(np.float64) / 10)
        assert mean.pooling == "mean"
        assert np.allclose(found, np.transpose(expected), rtol=1e-4)


def test_frames_thin_out_only_where_a_column_has_many_and_to_half_their_length():
    clip = noise(duration_s=10.0)
    for n_columns, hop_length in ((None, 128), (1000, 128), (200, 256), (20, 1024)):
        spectrogram = transforms.stft(clip, Frames(hop_length=128, n_columns=n_columns))
        assert spectrogram.hop_length == hop_length, n_columns
    sparse = transforms.stft(clip, Frames(hop_length=1500, n_columns=2))
    assert sparse.hop_length == 1500


def test_frames_hold_the_power_of_their_samples():
    """Parseval: the bins' mean squares add up to the windowed samples' own."""
    clip = noise()
    for window in WINDOWS:
        taper = window_values(window, 2048)
        frame = (
            transforms.stft(clip, Frames(window=window))
            .levels_db[:, 20]
            .astype(np.float64)
        )
        amplitudes = 10 ** (frame / 20)
        inner, ends = amplitudes[1:-1], amplitudes[[0, -1]]
        power = np.sum(inner**2) / 2 + np.sum(ends**2)
        samples = clip.samples[20 * 512 - 1024 :][:2048] * taper
        expected = np.sum(samples**2) * 2048 / taper.sum() ** 2
        assert power == pytest.approx(expected, rel=1e-4), window


def test_settings_out_of_range_are_refused():
    clip = noise()

    def stft(clip, **settings):
        return transforms.stft(clip, Frames(**settings))

    def mel(clip, **settings):
        return transforms.mel(clip, MelBands(**settings))

    for call, settings in (
        (transforms.dft, {"n_samples": 0}),
        (transforms.dft, {"n_samples": 2**20}),
        (transforms.dft, {"start_s": -0.1}),
        (transforms.dft, {"start_s": float("nan")}),
        (stft, {"n_fft": 8}),
        (stft, {"hop_length": 0}),
        (stft, {"hop_length": 2049}),
        (stft, {"n_columns": 0}),
        (mel, {"n_mels": 0}),
        (mel, {"n_mels": 5000}),
        (mel, {"fmax_hz": -1.0}),
        (mel, {"fmax_hz": float("nan")}),
    ):
        with pytest.raises(KnownError) as refused:
            call(clip, **settings)
        assert refused.value.code == "out_of_range"
        assert refused.value.details["field"] == next(iter(settings))


def test_an_odd_length_and_an_unknown_window_are_refused():
    with pytest.raises(KnownError, match="odd_length"):
        transforms.dft(noise(), n_samples=4095)
    with pytest.raises(KnownError, match="not_a_choice"):
        transforms.stft(noise(), Frames(window="kaiser"))


def test_loudness_of_a_sine_and_of_silence():
    loud = loudness(on_a_bin(93, 2048))
    assert loud.peak_dbfs == pytest.approx(0.0, abs=0.05)
    assert loud.rms_dbfs == pytest.approx(0.0, abs=0.01)
    assert loudness(click(0.3, amplitude=-0.5)).peak_at_s == pytest.approx(
        0.3, abs=1e-3
    )
    assert loudness(silence()).peak_dbfs == loudness(silence()).rms_dbfs == FLOOR_DB
    assert loudness(Clip(np.zeros(0), RATE)).peak_dbfs == FLOOR_DB
