"""What pictures say and how they look, wherever they are drawn."""

import numpy as np
import pytest
import soundfile
from matplotlib.colors import to_rgb

from audio import decode, transforms
from audio.transforms.partials import peaks
from support.gallery import sheets_of_a_tone
from support.signals import silence, tone
from viz import dft, genres, palette
from viz.wording import plain

DARK_PAPER, DARK_INK = "#0b0f19", "#e5e7eb"  # of the page


def test_names_keep_their_script_and_lose_their_length():
    assert plain("民謠 folk") == "民謠 folk"
    assert plain("a" * 28) == "a" * 28
    assert plain("a" * 29) == "a" * 27 + "…"


def test_genre_colours_are_ten_and_steady():
    assert len(set(palette.GENRES.values())) == 10
    assert palette.genre_colour("Hip-Hop") == palette.genre_colour("hiphop")
    assert palette.genre_colour("zydeco") == "#a96b59"  # whichever process asks
    assert palette.genre_colour("zydeco") in palette.GENRES.values()


def test_accent_and_text_have_contrast():
    def luminance(colour):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in to_rgb(colour)
        ]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    def contrast(a, b):
        high, low = sorted((luminance(a), luminance(b)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for ink, paper in ((palette.INK, palette.PAPER), (DARK_INK, DARK_PAPER)):
        assert contrast(ink, paper) > 12
        assert contrast(palette.ACCENT, paper) > 4.2


def test_sentences_hold_the_key_numbers():
    said = {name: sheet.about for name, sheet in sheets_of_a_tone().items()}
    assert "sample peak −6.0 dBFS" in said["waveform"]
    assert "11,025 Hz: strongest at 1,000.0 Hz" in said["dft"]
    assert "near 1,001 Hz" in said["stft"]
    assert "128 bands" in said["mel"]
    blues = {"blues": 0.5, "jazz": 0.3, "zydeco": 0.2}
    chunks = [(0.0, 10.0, blues), (7.0, 17.0, {"jazz": 0.9, "blues": 0.1})]
    along = genres.describe_along(chunks)
    assert "17 s of the song (windows: 2): jazz 60%" in along


def test_genres_below_one_percent_are_not_named_along_a_song():
    chunks = [(0.0, 10.0, {"blues": 0.993, "jazz": 0.004, "rock": 0.003})]
    along = genres.describe_along(chunks)
    assert "blues 99%" in along and "jazz" not in along


def test_dft_numbers_its_peaks_and_says_what_it_tells_apart():
    assert ", A4, 0 cents." in dft.describe(transforms.dft(tone(440.0)))
    said = dft.describe(transforms.dft(tone(1000.0), window="rectangular"))
    # Two equal tones show as two 1.21 bins apart (Harris 1978, table I).
    assert "Bins are 5.38 Hz apart" in said
    assert f"must be {1.21 * 22_050 / 4096:.1f} Hz apart" in said


def test_spectrum_of_what_only_24_bits_can_hold_is_above_its_axis(tmp_path):
    """1 kHz at -126 dBFS: four steps of 24 bits, a 64th of a step of 16."""
    quiet = tone(1000.0, amplitude=10 ** (-126 / 20))
    path = tmp_path / "quiet.wav"
    soundfile.write(path, quiet.samples, quiet.sampling_rate, subtype="PCM_24")
    clip = decode.load(path).clip
    found = transforms.dft(clip, reference="full_scale")
    plot = dft.plot(found, peaks(found, 8), "en")
    assert plot.y.start == -160
    strongest = peaks(found, 8)[0]
    assert strongest.level_db == pytest.approx(-126, abs=1.5)
    assert round(strongest.level_db, 2) in plot.layers[1].ys
    loud = transforms.dft(tone(1000.0), reference="full_scale")
    assert dft.plot(loud, (), "en").y.start == -120
    silent = transforms.dft(silence(), reference="full_scale")
    assert dft.plot(silent, (), "en").y.start == -120
