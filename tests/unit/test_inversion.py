"""Back to sound, against closed forms, SciPy and librosa."""

import numpy as np
import pytest

from audio.clip import Clip
from audio.levels import FLOOR_DB, loudness
from audio.transforms import inversion, overlap_add
from audio.transforms.inversion import Search
from audio.transforms.windows import WINDOWS
from errors import KnownError
from support.signals import chord, click, noise, silence, sweep, tone

RATE = 22_050
GRID = [
    (n_fft, hop)
    for n_fft in (512, 2048)
    for hop in (n_fft, n_fft // 2, n_fft // 3, n_fft // 4, n_fft // 8, 100)
]


def mix(duration_s=2.0):
    notes = chord((440.0, 554.37, 659.26), duration_s)
    rising = sweep(100.0, 8000.0, duration_s)
    return Clip(0.5 * notes.samples + 0.5 * rising.samples, RATE, "mix")


def spectral_error_db(clip, original):
    """Spectral convergence by librosa's transform, not ours."""
    import librosa

    theirs, truth = (np.abs(librosa.stft(c.samples)) for c in (clip, original))
    return 20 * np.log10(np.linalg.norm(theirs - truth) / np.linalg.norm(truth))


def test_cola_is_where_scipy_says():
    from scipy import signal

    for window in WINDOWS:
        name = "boxcar" if window == "rectangular" else window
        for n_fft, hop in GRID:
            theirs = signal.check_COLA(name, n_fft, n_fft - hop)
            assert overlap_add.is_cola(window, n_fft, hop) == theirs, (
                window,
                n_fft,
                hop,
            )


def test_round_trip_is_exact_where_windows_add_up():
    clip = noise(duration_s=1.3)
    for window in WINDOWS:
        for n_fft, hop in GRID:
            trip = inversion.inverse_stft(
                clip, n_fft=n_fft, hop_length=hop, window=window
            )
            assert trip.is_cola == overlap_add.is_cola(window, n_fft, hop)
            if trip.is_cola:
                assert trip.error_db < -120, (window, n_fft, hop)
                assert np.abs(trip.clip.samples - clip.samples).max() < 1e-6
            else:
                assert trip.error_db > -120, (window, n_fft, hop)


def test_round_trip_ripples_with_the_sum_of_the_windows_where_not():
    level = Clip(np.full(3 * RATE, 0.5), RATE)
    for window, hop in (("hann", 2048), ("hamming", 1536), ("flattop", 1024)):
        trip = inversion.inverse_stft(level, hop_length=hop, window=window)
        ripple = overlap_add.window_sum(window, 2048, hop) - 1
        expected_db = 20 * np.log10(np.sqrt(np.mean(ripple**2)))
        assert trip.error_db == pytest.approx(expected_db, abs=0.1)
    # By hand: a Hann window on its own, over its mean 1/2, is 1 - cos.
    alone = inversion.inverse_stft(level, hop_length=2048)
    assert alone.error_db == pytest.approx(10 * np.log10(0.5), abs=0.1)


def test_round_trip_keeps_the_very_first_and_last_sample():
    for at_s in (0.0, 0.99999):
        clip = click(at_s)
        trip = inversion.inverse_stft(clip)
        assert np.abs(trip.clip.samples - clip.samples).max() < 1e-6


def test_griffin_lim_converges():
    rebuilt = inversion.griffin_lim(mix(), Search(n_iterations=64))
    curve_db = np.array(rebuilt.convergence_db)
    assert curve_db[0] == pytest.approx(-4, abs=1)  # random phases
    assert curve_db[32] < -20
    assert curve_db[64] < -25
    means = curve_db[1:].reshape(8, 8).mean(axis=1)
    assert (np.diff(means) < 0).all()
    assert rebuilt.target_error_db == FLOOR_DB
    assert rebuilt.error_db > -6  # the wave itself is another one
    assert rebuilt.clip.n_samples == mix().n_samples


@pytest.mark.minute
def test_griffin_lims_convergence_is_what_librosas_transform_measures():
    clip = mix()
    for n_iterations in (0, 1, 8):
        rebuilt = inversion.griffin_lim(clip, Search(n_iterations=n_iterations))
        measured_db = spectral_error_db(rebuilt.clip, clip)
        assert rebuilt.convergence_db[-1] == pytest.approx(measured_db, abs=0.01)
        assert len(rebuilt.convergence_db) == n_iterations + 1


@pytest.mark.minute
def test_griffin_lim_is_as_good_as_librosas():
    import librosa

    clip = mix()
    theirs = librosa.griffinlim(
        np.abs(librosa.stft(clip.samples)), random_state=0, length=clip.n_samples
    )
    limit_db = spectral_error_db(Clip(theirs, RATE), clip) + 1.5
    assert inversion.griffin_lim(clip).convergence_db[-1] < limit_db


def test_griffin_lim_is_the_same_for_the_same_seed():
    clip = mix(0.5)
    first, again, other = (
        inversion.griffin_lim(clip, Search(n_iterations=4, seed=seed)).clip.samples
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_griffin_lim_takes_any_frames():
    clip = mix(1.0)
    for n_fft, hop in ((512, 100), (4096, 1024), (1024, 700), (256, 256)):
        rebuilt = inversion.griffin_lim(clip, Search(n_fft, hop, n_iterations=8))
        assert rebuilt.clip.n_samples == clip.n_samples
        assert rebuilt.convergence_db[-1] < rebuilt.convergence_db[0]


def test_from_mel_gives_back_the_mel_spectrogram():
    import librosa

    clip = mix()
    rebuilt = inversion.from_mel(clip)
    bands = [
        np.sqrt(librosa.feature.melspectrogram(y=c.samples, sr=RATE, fmax=8000))
        for c in (rebuilt.clip, clip)
    ]
    error = np.linalg.norm(bands[0] - bands[1]) / np.linalg.norm(bands[1])
    assert 20 * np.log10(error) < -15
    assert rebuilt.convergence_db[-1] < rebuilt.convergence_db[0] - 8


def test_from_mel_loses_less_with_more_bands():
    losses_db = [
        inversion.from_mel(
            mix(), n_mels=n, search=Search(n_iterations=0)
        ).target_error_db
        for n in (20, 64, 256)
    ]
    assert losses_db[0] > losses_db[1] > losses_db[2]
    assert FLOOR_DB < losses_db[2] < -6


def test_from_mel_aims_nearer_than_librosas_least_squares():
    import librosa

    clip = mix()
    truth = np.abs(librosa.stft(clip.samples))
    bands = librosa.feature.melspectrogram(y=clip.samples, sr=RATE, fmax=8000)
    theirs = librosa.feature.inverse.mel_to_stft(bands, sr=RATE, fmax=8000)
    theirs_db = 20 * np.log10(np.linalg.norm(theirs - truth) / np.linalg.norm(truth))
    ours = inversion.from_mel(clip, search=Search(n_iterations=0))
    assert ours.target_error_db < theirs_db


def test_from_mel_has_nothing_above_fmax():
    rebuilt = inversion.from_mel(noise(), fmax_hz=4000.0, search=Search(n_iterations=8))
    power = np.abs(np.fft.rfft(rebuilt.clip.samples)) ** 2
    above = power[int(4200 * len(rebuilt.clip.samples) / RATE) :]
    assert 10 * np.log10(above.sum() / power.sum()) < -40
    at_nyquist, beyond = (
        inversion.from_mel(noise(), fmax_hz=fmax_hz, search=Search(n_iterations=1))
        for fmax_hz in (RATE / 2, 50_000.0)
    )
    assert np.array_equal(at_nyquist.clip.samples, beyond.clip.samples)


def test_silence_stays_silent():
    assert not inversion.inverse_stft(silence()).clip.samples.any()
    for rebuilt in (inversion.griffin_lim(silence()), inversion.from_mel(silence())):
        assert loudness(rebuilt.clip).peak_dbfs == FLOOR_DB
        assert set(rebuilt.convergence_db) == {FLOOR_DB}


def test_few_samples_give_numbers():
    search = Search(n_iterations=2)
    for samples in ([], [1.0], [0.5, -0.5], [0.1] * 100):
        clip = Clip(np.array(samples), RATE)
        for result in (
            inversion.inverse_stft(clip),
            inversion.griffin_lim(clip, search),
            inversion.from_mel(clip, search=search),
        ):
            assert result.clip.n_samples == len(samples)
            assert np.isfinite(result.clip.samples).all()
            assert np.isfinite(result.error_db)


def test_a_result_too_loud_is_turned_down_not_cut():
    square = Clip(np.sign(tone(100.0).samples), RATE)
    rebuilt = inversion.griffin_lim(square, Search(n_iterations=8))
    assert np.abs(rebuilt.clip.samples).max() <= 1
    assert np.count_nonzero(np.abs(rebuilt.clip.samples) > 0.999) < 10
    turned_down_db = spectral_error_db(rebuilt.clip, square)
    assert rebuilt.convergence_db[-1] < turned_down_db


def test_settings_out_of_range_are_refused():
    clip = noise(duration_s=0.1)
    for call in (
        lambda: inversion.inverse_stft(clip, hop_length=0),
        lambda: inversion.inverse_stft(clip, hop_length=4096),
        lambda: inversion.griffin_lim(clip, Search(n_fft=2)),
        lambda: inversion.griffin_lim(clip, Search(n_iterations=-1)),
        lambda: inversion.griffin_lim(clip, Search(n_iterations=10_000)),
        lambda: inversion.from_mel(clip, n_mels=0),
        lambda: inversion.from_mel(clip, fmax_hz=float("nan")),
    ):
        with pytest.raises(KnownError, match="out_of_range"):
            call()
    with pytest.raises(KnownError, match="odd_length"):
        inversion.griffin_lim(clip, Search(n_fft=2047))
    with pytest.raises(KnownError, match="not_a_choice"):
        inversion.inverse_stft(clip, window="kaiser")
