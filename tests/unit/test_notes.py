"""Note names against equal temperament and librosa."""

import pytest

from audio.notes import note_of


def test_notes_are_right_over_eight_octaves():
    import librosa

    for midi in range(12, 128):
        frequency_hz = 440.0 * 2 ** ((midi - 69) / 12)
        note = note_of(frequency_hz)
        assert note.midi == midi
        assert note.octave == midi // 12 - 1
        assert note.cents == pytest.approx(0.0, abs=1e-9)
        for key in ("C:maj", "F:min"):  # spelt with sharps, and with flats
            theirs = librosa.midi_to_note(midi, key=key)
            assert theirs in note.name.split("/"), note


def test_well_known_notes_have_their_names():
    for frequency_hz, name in (
        (440.0, "A4"),
        (261.6256, "C4"),
        (246.9417, "B3"),
        (622.254, "D♯5/E♭5"),
        (27.5, "A0"),
        (4186.009, "C8"),
        (8.1758, "C-1"),
    ):
        assert note_of(frequency_hz).name == name


def test_cents_say_how_far_off_the_key_a_tone_is():
    for midi in (21, 60, 75, 108):
        for cents in (-49.0, -7.0, 0.0, 25.0, 49.0):
            note = note_of(440.0 * 2 ** ((midi - 69 + cents / 100) / 12))
            assert note.midi == midi
            assert note.cents == pytest.approx(cents)
    assert note_of(624.7).cents == pytest.approx(7, abs=0.5)  # the tutorial's trumpet
