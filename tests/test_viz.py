"""The pictures say what their numbers say."""

import dataclasses
import io
import math
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from gallery import (
    CHUNKS,
    CURVES,
    PAGE,
    RANKING,
    SOUND,
    pictures,
    pictures_of_a_tone,
    texts,
)
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from PIL import Image
from signals import click, noise, silence, tone

import i18n
from audio import dsp
from audio.clip import Clip
from viz import (
    dft,
    genres,
    image,
    mel,
    stft,
    style,
    training,
    waveform,
)
from viz.style import Look


def level_image(figure):
    """A spectrogram's image: levels (n_rows, n_columns) and its axes."""
    axes = figure.axes[0]
    (image,) = axes.images
    return np.asarray(image.get_array()), axes


def test_every_language_has_every_picture():
    for language in i18n.LANGUAGES:
        look = dataclasses.replace(PAGE, language=language)
        for name, (figure, alt) in pictures_of_a_tone(look).items():
            svg = style.svg(figure, alt)
            if name in ("waveform", "stft", "mel", "along"):
                assert i18n.word("viz.time", language) in texts(svg), name
            assert alt and "{" not in alt


def test_no_figure_stays_in_pyplot():
    code = (
        "import sys; from audio.clip import Clip; from viz import style, waveform;"
        "style.png(waveform.figure(Clip([0.1] * 99, 8000)));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=i18n.FOLDER.parent)


def test_importing_the_pictures_loads_no_matplotlib():
    modules = "dft, genres, mel, png, stft, style, ticks, training, waveform"
    code = f"import sys; from viz import {modules}; assert not [m for m in sys.modules if m.startswith(('matplotlib', 'scipy'))]"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=i18n.FOLDER.parent)


def test_names_keep_their_script_and_lose_their_length():
    assert style.plain("民謠 folk") == "民謠 folk"
    assert style.plain("a" * 28) == "a" * 28
    assert style.plain("a" * 29) == "a" * 27 + "…"


def test_genre_colours_are_ten_and_steady():
    assert len(set(style.GENRE_COLOURS.values())) == 10
    assert style.genre_colour("Hip-Hop") == style.genre_colour("hiphop")
    assert style.genre_colour("zydeco") == "#a96b59"  # whichever process asks
    assert style.genre_colour("zydeco") in style.GENRE_COLOURS.values()


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

    for theme in ("light", "dark"):
        look = Look(theme=theme)
        assert contrast(look.ink, look.paper) > 12
        assert contrast(style.ACCENT, look.paper) > 4.2


def test_waveform_is_drawn_where_the_samples_are():
    clip = click(0.3, amplitude=0.9)
    axes = waveform.figure(clip).axes[0]
    (shape,) = axes.collections
    points = shape.get_paths()[0].vertices
    time_s, amplitude = points[points[:, 1].argmax()]
    assert amplitude == pytest.approx(0.9)
    assert time_s == pytest.approx(0.3, abs=0.002)
    assert points[:, 1].min() == 0.0  # never mirrored
    assert axes.get_ylim() == (-1.05, 1.05)


def test_time_is_in_seconds_then_in_minutes():
    def labels(duration_s):
        axes = waveform.figure(silence(duration_s, 1000), PAGE).axes[0]
        return [t.get_text() for t in axes.get_xticklabels()], axes.get_xlabel()

    assert labels(1.0) == (["0", "0.2", "0.4", "0.6", "0.8", "1"], "Time (s)")
    assert labels(240.0) == (["0:00", "1:00", "2:00", "3:00", "4:00"], "Time (min:s)")
    assert labels(0.2)[0] == ["0", "0.05", "0.1", "0.15", "0.2"]


def test_narrow_pictures_have_fewer_ticks():
    wide, narrow = (pictures_of_a_tone(Look(width)) for width in (1000, 350))
    for name in ("waveform", "dft", "stft", "training"):
        n_wide, n_narrow = (
            len(p[name][0].axes[0].get_xticks()) for p in (wide, narrow)
        )
        assert 2 <= n_narrow < n_wide, name


def test_dft_draws_and_names_the_peak_and_nyquist():
    figure = dft.figure(dsp.dft(tone(1000.0)), PAGE)
    axes = figure.axes[0]
    line = axes.lines[0]
    assert line.get_xdata()[line.get_ydata().argmax()] == pytest.approx(1000, abs=5.4)
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (20.0, 11_025.0)
    words_drawn = texts(style.svg(figure, ""))
    assert any(text.startswith(("999.9", "1,000.")) for text in words_drawn)
    assert "Nyquist 11,025 Hz" in words_drawn
    assert "Level (dB relative to peak)" in words_drawn


def test_image_is_painted_on_the_pixels_of_its_values_only():
    look = Look(theme="dark")
    fig, axes = style.canvas(look)
    axes.set_xlim(0, 4)
    axes.set_ylim(0, 2)
    levels_db = np.array([[-80.0, 0.0], [-80.0, -80.0]], np.float32)
    image.put(axes, levels_db, (1, 3, 0, 2), (-80, 0))
    axes.set_axis_off()
    painted = np.asarray(Image.open(io.BytesIO(style.png(fig))).convert("RGB")) / 255
    bright, dark = (colormaps[style.LEVEL_MAP](end)[:3] for end in (1.0, 0.0))
    width, height = style.size_px(axes)
    left, bottom = style.LEFT_PX, look.height_px - style.BOTTOM_PX

    def colour_at(x, y):
        return painted[bottom - round(y * height), left + round(x * width)]

    inside = 0.02
    for y in (inside, 0.5 - inside):
        for x in (0.5 + inside, 0.75 - inside):
            assert colour_at(x, y) == pytest.approx(bright, abs=0.01)
    for x, y in ((0.5 - inside, 0.4), (0.25 + inside, 0.4), (0.6, 0.5 + inside)):
        assert colour_at(x, y) == pytest.approx(dark, abs=0.01)
    for x in (0.25 - inside, 0.75 + inside):
        assert colour_at(x, 0.4) == pytest.approx(to_rgb(look.paper), abs=0.01)


def test_stft_draws_a_tone_at_its_frequency_and_a_click_at_its_time():
    levels_db, axes = level_image(stft.figure(dsp.stft(tone(1000.0))))
    low, high = axes.get_ylim()
    row = levels_db.mean(axis=1).argmax()
    drawn_hz = 10 ** (low + (row + 0.5) / len(levels_db) * (high - low))
    assert drawn_hz == pytest.approx(1000.0, rel=0.02)
    assert (10**low, 10**high) == pytest.approx((32.0, 11_025.0))
    assert axes.images[0].origin == "lower"
    levels_db, axes = level_image(stft.figure(dsp.stft(click(0.25))))
    first_s, stop_s = axes.images[0].get_extent()[:2]
    column = levels_db.mean(axis=0).argmax()
    drawn_s = first_s + (column + 0.5) / levels_db.shape[1] * (stop_s - first_s)
    assert drawn_s == pytest.approx(0.25, abs=512 / 22_050)


def test_mel_labels_bands_at_their_centres():
    spectrogram = dsp.mel(tone(1000.0))
    figure = mel.figure(spectrogram)
    levels_db, axes = level_image(figure)
    band = levels_db.mean(axis=1).argmax()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert axes.get_yticks()[labels.index("1k")] == pytest.approx(band + 0.5, abs=0.6)
    assert axes.get_ylim() == (0, 128)


def test_a_song_wider_than_the_picture_keeps_its_click():
    clip = click(20.0, 40.0, 8000, 0.003)
    spectrogram = dsp.stft(clip, hop_length=64, n_columns=5000)
    levels_db, axes = level_image(stft.figure(spectrogram, PAGE))
    assert levels_db.shape[1] == style.size_px(axes)[0]
    column = levels_db.max(axis=0).argmax() / levels_db.shape[1]
    assert column * 40 == pytest.approx(20.0, abs=0.2)


def test_odd_clips_have_pictures_that_say_silence_where_it_is():
    for clip in (
        Clip(np.zeros(0), 8000),
        Clip([1.0], 8000),
        tone(duration_s=0.01),
        noise(sampling_rate=2000),
        noise(sampling_rate=192_000, duration_s=0.2),
    ):
        for name, picture in pictures(clip, PAGE).items():
            if name in SOUND:
                ET.fromstring(style.svg(*picture))
    of_silence = pictures(silence(), PAGE)
    for name in SOUND:
        figure, alt = of_silence[name]
        assert "silence" in texts(style.svg(figure, alt)), name
        assert "silence" in alt


def test_sentences_hold_the_key_numbers():
    said = {name: alt for name, (_, alt) in pictures_of_a_tone().items()}
    assert "peak -6.0 dBFS" in said["waveform"]
    assert "11,025 Hz: strongest at 999.9 Hz" in said["dft"]
    assert "near 1,001 Hz" in said["stft"]
    assert "128 bands" in said["mel"]
    assert said["genres"] == "Genres by probability: blues 50%, jazz 30%, zydeco 20%."
    assert "17 s of the song (windows heard: 2): jazz 60%" in said["along"]
    assert "step 30 of 100, loss 1.200" in said["training"]
    assert "70.0%" in said["training"]


def test_ranked_genres_are_bars_as_long_as_their_probability():
    axes = genres.figure(RANKING, PAGE).axes[0]
    bars = [p for p in axes.patches if p.get_width() != 100]
    assert [round(bar.get_width(), 6) for bar in bars] == [50.0, 30.0, 20.0]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first one on top
    colours = [style.genre_colour(genre) for genre, _ in RANKING]
    assert [bar.get_facecolor()[:3] for bar in bars] == [to_rgb(c) for c in colours]


def test_genre_along_the_song_cuts_what_overlaps():
    axes = genres.along(CHUNKS, PAGE).axes[0]
    assert axes.get_yticklabels()[0].get_text() == "jazz"
    shape = axes.collections[0].get_paths()[0].vertices
    assert set(shape[:, 0]) == {0.0, 10.0, 17.0}
    heights = genres.BAR_HEIGHT / 2 - shape[:, 1]
    assert heights[shape[:, 0] == 0].max() == pytest.approx(genres.BAR_HEIGHT * 0.3)
    assert heights[shape[:, 0] == 17].max() == pytest.approx(genres.BAR_HEIGHT * 0.9)


def test_training_draws_whatever_there_is():
    nan = math.nan
    for curves in (
        training.Curves(),
        training.Curves(n_steps=100),
        training.Curves([1], [2.3], n_steps=100),
        training.Curves([1, 2], [0.0, 0.0], n_steps=100),
        training.Curves([1, 2], [nan, math.inf], [2], [nan], 100),
        training.Curves(range(5000), np.linspace(3, 1, 5000), [], [], 5000),
    ):
        svg = style.svg(training.figure(curves, PAGE), training.describe(curves))
        assert len(svg) < 30_000
        assert "nan" not in svg.lower()
    assert "none is done" in training.describe(training.Curves([1], [nan], n_steps=9))


def test_training_shows_loss_left_and_accuracy_right():
    left, right = training.figure(CURVES, PAGE).axes
    assert left.lines[0].get_ydata().tolist() == [2.3, 1.9, 1.2]
    assert np.allclose(right.lines[0].get_ydata(), [40, 70])
    assert left.get_xlim() == (0, 100)
    assert right.get_ylim() == (0, 100)


def test_dft_numbers_its_peaks_and_says_what_it_tells_apart():
    figure = dft.figure(dsp.dft(tone(440.0)), PAGE)
    assert "1" in texts(style.svg(figure, ""))
    assert ", A4, 0 cents." in dft.describe(dsp.dft(tone(440.0)))
    said = dft.describe(dsp.dft(tone(1000.0), window="rectangular"))
    # Two equal tones show as two 1.21 bins apart (Harris 1978, table I).
    assert "Bins are 5.38 Hz apart" in said
    assert f"must be {1.21 * 22_050 / 4096:.1f} Hz apart" in said


def test_spectrogram_s_rows_follow_the_scale():
    spectrogram = dsp.stft(tone(1000.0))
    heights = {"log": 0.589, "linear": 0.091, "mel": 0.296}  # of 1 kHz, up to Nyquist
    for scale, height in heights.items():
        levels_db, axes = level_image(stft.figure(spectrogram, scale=scale))
        row = levels_db.mean(axis=1).argmax()
        assert row / len(levels_db) == pytest.approx(height, abs=0.02), scale
        labels = [label.get_text() for label in axes.get_yticklabels()]
        tick = axes.get_yticks()[labels.index("2k" if scale == "linear" else "1k")]
        low, high = axes.get_ylim()
        assert low <= tick <= high


def test_level_range_is_what_was_asked():
    figure = stft.figure(dsp.stft(tone()), PAGE, range_db=(-50.0, -20.0))
    assert figure.axes[0].images[0].get_clim() == (-50.0, -20.0)
    assert {"−50", "−20"} <= set(texts(style.svg(figure, "")))


def test_part_of_a_sound_is_drawn_at_its_time():
    part = dsp.stft(tone(duration_s=3.0), start_s=1.0, stop_s=2.0)
    assert stft.figure(part).axes[0].get_xlim() == pytest.approx((1.0, 2.0), abs=0.03)
    clip = click(0.25, duration_s=0.5)
    axes = waveform.figure(clip, since_s=70.0).axes[0]
    points = axes.collections[0].get_paths()[0].vertices
    assert points[points[:, 1].argmax(), 0] == pytest.approx(70.25, abs=0.002)
    assert axes.get_xlim() == pytest.approx((70.0, 70.5))


def test_dft_on_a_linear_axis_starts_at_zero():
    axes = dft.figure(dsp.dft(tone(1000.0)), scale="linear").axes[0]
    line = axes.lines[0]
    assert line.get_xdata()[line.get_ydata().argmax()] == pytest.approx(1000, abs=15)
    assert axes.get_xlim() == (0.0, 11_025.0)
