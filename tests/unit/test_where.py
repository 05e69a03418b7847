"""Where it listens: the time and the band of a cue are found, where it is planted."""

from dataclasses import replace

import numpy as np
import pytest

from audio.clip import Clip
from audio.synth.composer import compose
from classifier import where
from classifier.tiles import Picture, Piece, Tile
from classifier.where import Found
from errors import KnownError
from networks.forward import Outputs
from support import tiny
from support.signals import noise, tone

RATE = tiny.SAMPLING_RATE
CUE, OTHER = tiny.GENRES[:2]
CUE_HZ = 3000.0
EVERYTHING = Piece(0.0, 1e3, 0.0, RATE, 1.0, 1.0)


@pytest.fixture(scope="module")
def model(model):
    return with_windows_of(1.0, model)


def with_windows_of(window_s, model):
    return replace(model, ref=replace(model.ref, window_s=window_s))


def listening_to(low_hz, high_hz):
    """A network whose first genre is the likelier the more of a band is in a window."""

    def compute(network, windows, title, *, with_features=False):
        logits = np.zeros((len(windows), len(tiny.GENRES)))
        for i, window in enumerate(np.asarray(windows)):
            power = np.abs(np.fft.rfft(window)) ** 2
            hz = np.fft.rfftfreq(len(window), 1 / RATE)
            inside = power[(hz >= low_hz) & (hz < high_hz)].sum()
            logits[i, 0] = 8 * inside / power.sum() - 2
        return Outputs(logits, None, None)

    return compute


def last(song, model, **asked):
    return [*where.where(song, model, **asked)][-1]


def song_with_cue(start_s=3.0, stop_s=4.0, seconds=6.0):
    """A low tone all along, and a high one for a second: the cue."""
    low = tone(250.0, seconds, RATE, 0.2).samples
    cue = np.array(tone(CUE_HZ, seconds, RATE, 0.2).samples)
    cue[: round(start_s * RATE)] = 0
    cue[round(stop_s * RATE) :] = 0
    return Clip(low + cue, RATE), Clip(cue, RATE)


def test_cue_is_found_at_its_time_in_its_band(model):
    song, cue = song_with_cue()
    found = last(song, model, compute=listening_to(2500, 3500))
    densest = max(found.pieces(CUE), key=lambda piece: piece.density)
    assert 3.0 <= densest.start_s < densest.stop_s <= 4.0
    assert densest.low_hz < CUE_HZ < densest.high_hz
    picture = Picture.of(song)
    parts = [
        picture.only(found.speaking(CUE), is_rest=is_rest) for is_rest in (False, True)
    ]
    kept, rest = (np.dot(part.samples, cue.samples) for part in parts)
    energy = np.dot(cue.samples, cue.samples)
    assert kept > 0.75 * energy
    assert kept + rest == pytest.approx(energy, rel=1e-3)
    low = tone(250.0, 6.0, RATE, 0.2).samples
    assert np.dot(parts[0].samples, low) < 0.01 * np.dot(low, low)


@pytest.mark.parametrize("genre", ["disco", "classical"])
def test_cue_that_is_planted_in_a_composed_song_is_found(model, genre):
    """A whistle of half a second, in a band that the song hardly uses."""
    song = compose(genre, 3, duration_s=8.0, sampling_rate=RATE)
    whistle = np.array(tone(6500.0, 8.0, RATE, 0.05).samples)
    whistle[: round(5.25 * RATE)] = 0
    whistle[round(5.75 * RATE) :] = 0
    planted = Clip(song.samples + whistle, RATE)
    found = last(planted, model, compute=listening_to(6300, 6700))
    most = max(found.pieces(CUE), key=lambda piece: piece.density)
    assert most.start_s < 5.75
    assert most.stop_s > 5.25
    assert most.low_hz < 6500 < most.high_hz
    cues = Picture.of(planted).only(found.speaking(CUE)).samples
    assert np.dot(cues, whistle) > 0.6 * np.dot(whistle, whistle)
    assert np.dot(cues, song.samples) < 0.3 * np.dot(song.samples, song.samples)


def test_what_speaks_for_one_genre_speaks_against_the_other(model):
    song, _ = song_with_cue()
    found = last(song, model, compute=listening_to(2500, 3500))
    (largest,) = found.speaking(CUE)[:1]
    (same,) = [
        piece
        for piece in found.pieces(OTHER)
        if (piece.start_s, piece.low_hz) == (largest.start_s, largest.low_hz)
    ]
    assert largest.effect > 0 > same.effect


def test_model_that_listens_to_a_band_points_to_that_band(model):
    low, high = (tone(hz, 4.0, RATE, 0.2).samples for hz in (250.0, CUE_HZ))
    song = Clip(low + high, RATE)
    found = last(song, model, fill="nothing", compute=listening_to(2500, 3500))
    speaking = found.speaking(CUE)
    assert speaking
    for piece in speaking:
        assert piece.low_hz < CUE_HZ < piece.high_hz
    assert {int(piece.start_s) for piece in speaking} == {0, 1, 2, 3}


def test_sound_that_never_changes_is_its_own_mean():
    picture = Picture.of(tone(1000.0, 4.0, RATE, 0.3))
    tile = Tile(0, 0, -1, 1.0, 2.0, 500.0, 2000.0, np.zeros(1))
    hidden = picture.without(tile, "mean").samples
    assert np.abs(hidden - picture.clip.samples).max() < 0.03
    gone = picture.without(tile, "nothing").samples
    assert np.abs(gone[round(1.2 * RATE) : round(1.8 * RATE)]).max() < 1e-3


def test_hidden_tile_leaves_other_times_and_bands_alone():
    low, high = (tone(hz, 4.0, RATE, 0.2).samples for hz in (250.0, CUE_HZ))
    picture = Picture.of(Clip(low + high, RATE))
    tile = Tile(0, 0, -1, 1.0, 2.0, 2000.0, 4000.0, np.zeros(1))
    hidden = picture.without(tile, "nothing").samples
    outside = np.r_[: round(0.9 * RATE), round(2.1 * RATE) : len(hidden)]
    assert np.array_equal(hidden[outside], picture.clip.samples[outside])
    inside = slice(round(1.2 * RATE), round(1.8 * RATE))
    assert np.abs(hidden[inside] - low[inside]).max() < 1e-3


def test_untouched_song_comes_back_and_both_parts_add_up_to_it():
    song = noise(0, 3.0, RATE)
    picture = Picture.of(song)
    assert np.abs(picture.only([EVERYTHING]).samples - song.samples).max() < 1e-6
    assert np.array_equal(picture.only([], is_rest=True).samples, song.samples)
    some = [Piece(0.5, 1.7, 300.0, 2000.0, 1.0, 1.0)]
    both = sum(picture.only(some, is_rest=each).samples for each in (False, True))
    assert np.allclose(both, song.samples, atol=1e-6)


def test_as_many_windows_are_computed_as_are_announced(model):
    song, _ = song_with_cue()
    counted = []
    inner = listening_to(2500, 3500)

    def compute(network, windows, title, **more):
        counted.append(len(windows))
        return inner(network, windows, title, **more)

    first, *_, found = where.where(song, model, compute=compute)
    assert first.n_done == 6
    assert first.n_total == found.n_total == found.n_done
    # What speaks for it alone is silent in windows without the cue: those are left out.
    assert found.n_total - 6 <= sum(counted) <= found.n_total
    assert dict(first.genres).keys() == set(tiny.GENRES)


def test_long_windows_are_cut_into_no_more_tiles_than_short_ones(model):
    song, _ = song_with_cue(seconds=30.0)
    for window_s, n_most in ((5.0, 150), (10.0, 150), (30.0, 60)):
        long = with_windows_of(window_s, model)
        first = next(where.where(song, long, compute=listening_to(2500, 3500)))
        assert first.n_total <= n_most


def test_tiles_cover_a_song_whose_last_window_is_shifted_back_once(model):
    song, _ = song_with_cue(seconds=5.5)
    found = last(song, model, compute=listening_to(2500, 3500))
    pieces = found.pieces(CUE)
    area = sum((p.stop_s - p.start_s) * (p.high_hz - p.low_hz) for p in pieces)
    assert area == pytest.approx(5.5 * RATE / 2, rel=1e-6)


def test_tile_whose_quarters_stand_in_for_each_other_is_shown_whole():
    def tile(number, level, parent, effect):
        return Tile(0, level, parent, 0.0, 1.0, 0.0, 1.0, np.array([effect]))

    for each, n_pieces in ((0.0, 1), (0.05, 1), (0.2, 4)):
        tiles = (tile(0, 0, -1, 1.0), *(tile(n, 1, 0, each) for n in range(1, 5)))
        found = Found(None, ("a",), (("a", 1.0),), tiles, "mean", 0.0, 1.0, 0, 0)
        assert len(found.pieces("a")) == n_pieces, each


def test_search_can_be_stopped_and_refuses_what_it_does_not_know(model):
    song, _ = song_with_cue()
    with pytest.raises(KnownError, match="prediction_stopped"):
        last(song, model, should_stop=lambda: True)
    for wrong in ({"genre": "polka"}, {"fill": "noise"}):
        with pytest.raises(KnownError, match="not_a_choice"):
            last(song, model, compute=listening_to(2500, 3500), **wrong)
    silence = Clip(np.zeros(4 * RATE, np.float32), RATE)
    with pytest.raises(KnownError, match="silent"):
        last(silence, model)


def test_answers_to_what_speaks_for_a_genre_and_to_the_rest_are_told(model):
    song, _ = song_with_cue()
    found = last(song, model, compute=listening_to(2500, 3500))
    assert found.check.genre == found.genres[0][0]
    found = last(song, model, compute=listening_to(2500, 3500), genre=CUE)
    assert found.check.genre == CUE
    before, kept, rest = (
        dict(genres)[CUE]
        for genres in (found.genres, found.check.kept.genres, found.check.rest.genres)
    )
    assert kept > 0.9 > before > rest


def test_short_song_that_is_repeated_has_its_tiles_hidden_in_each_repetition(model):
    song, _ = song_with_cue(0.2, 0.4, seconds=0.6)
    found = last(song, model, compute=listening_to(2500, 3500), fill="nothing")
    assert found.duration_s == pytest.approx(0.6)
    for piece in found.speaking(CUE):
        assert piece.low_hz < CUE_HZ < piece.high_hz
        assert piece.start_s < 0.4
        assert piece.stop_s > 0.2
