"""Sheets as files: the right size, in every language, safe, and what they say."""

import io
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from PIL import Image

import i18n
from audio.clip import Clip
from support.gallery import SOUND, SVG, rows, sheets, sheets_of_a_tone, texts
from support.signals import click, noise, silence, tone
from viz import image, palette, paper, style
from viz.paper import Look

OURS = "curves, dft, genres, image, paper, png, spectrogram, style, table, ticks"


def axes_of(sheet, **look):
    return paper.figure(sheet, Look(**look)).axes[0]


def labels(axes, side):
    axis = getattr(axes, f"{side}axis")
    found = zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
    return {label.get_text(): at for label, at in found}


def test_every_sheet_is_a_png_of_its_size_and_an_svg_with_a_title():
    for name, sheet in sheets_of_a_tone().items():
        size = (paper.WIDTH_PX, len(sheet.plots) * paper.HEIGHT_PX)
        with Image.open(io.BytesIO(paper.png(sheet))) as drawn:
            assert drawn.size == size, name
        svg = ET.fromstring(paper.svg(sheet))
        assert svg.attrib["viewBox"] == f"0 0 {size[0]} {size[1]}"
        assert svg.find(f"{SVG}title").text == sheet.about


def test_every_language_has_every_sheet():
    for language in i18n.LANGUAGES:
        for name, sheet in sheets_of_a_tone(language).items():
            found = texts(paper.svg(sheet))
            if name in (*SOUND, "map") and name != "dft":
                assert i18n.word("viz.time", language) in found, name
            assert sheet.about
            assert "{" not in sheet.about


def test_no_figure_stays_in_pyplot():
    code = (
        "import sys; from viz import paper; from viz.plot import *;"
        "axis = Axis('count', 0, 1, '');"
        "paper.png(Sheet((Plot('a', axis, axis, ()),), ''));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=i18n.FOLDER.parent)


def test_importing_the_pictures_loads_no_matplotlib():
    code = f"import sys; from viz import {OURS}; assert not [m for m in sys.modules if m.startswith(('matplotlib', 'scipy'))]"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=i18n.FOLDER.parent)


def test_hostile_words_stay_words():
    hostile = "<script>alert(1)</script>&\"'$x_{$\x00\x1b\ud800"
    sheet = rows([style_safe(hostile), "b"])
    svg = paper.svg(sheet)
    assert b"<script" not in svg
    assert any(text.startswith("<script>") for text in texts(svg))
    assert ET.fromstring(svg).find(f"{SVG}title").text.startswith("<script>")
    assert paper.png(sheet)


def style_safe(name):
    from viz.wording import plain

    return plain(name, 60)


def test_sheets_can_be_drawn_side_by_side():
    def draw(language):
        return texts(paper.svg(sheets_of_a_tone(language)["waveform"]))

    languages = i18n.LANGUAGES * 4
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(draw, languages))
    for language, seen in zip(languages, drawn, strict=True):
        assert i18n.word("viz.time", language) in seen


def test_svgs_stay_small():
    sizes = {n: len(paper.svg(s)) for n, s in sheets(noise(duration_s=20.0)).items()}
    assert sizes.pop("stft") < 900_000  # noise is what PNG packs worst
    assert sizes.pop("mel") < 900_000
    assert max(sizes.values()) < 120_000, sizes


def test_waveform_is_drawn_where_the_samples_are():
    sheet = sheets(click(0.3, amplitude=0.9))["waveform"]
    axes = axes_of(sheet)
    (shape,) = axes.collections
    points = shape.get_paths()[0].vertices
    time_s, amplitude = points[points[:, 1].argmax()]
    assert amplitude == pytest.approx(0.9)
    assert time_s == pytest.approx(0.3, abs=0.002)
    assert points[:, 1].min() == 0.0  # never mirrored
    assert axes.get_ylim() == (-1.05, 1.05)


def test_time_is_in_seconds_then_in_minutes():
    def times(duration_s, view=None):
        axes = axes_of(sheets(silence(duration_s, 1000), view=view)["waveform"])
        return [*labels(axes, "x")], axes.get_xlabel()

    seconds = ["0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1"]
    assert times(1.0) == (seconds, "Time (s)")
    minutes = ["0:00", "0:30", "1:00", "1:30", "2:00", "2:30", "3:00", "3:30", "4:00"]
    assert times(240.0) == (minutes, "Time (min:s)")
    assert times(240.0, (61.0, 61.5))[0][:3] == ["1:01.00", "1:01.05", "1:01.10"]
    assert times(0.2)[0][:3] == ["0", "0.02", "0.04"]


def test_dft_draws_and_names_the_peak_up_to_nyquist():
    sheet = sheets_of_a_tone()["dft"]
    axes = axes_of(sheet)
    line = axes.lines[0]
    peak = 10 ** line.get_xdata()[line.get_ydata().argmax()]
    assert peak == pytest.approx(1000, abs=5.4)
    assert [10**end for end in axes.get_xlim()] == pytest.approx([20.0, 11_025.0])
    drawn = texts(paper.svg(sheet))
    assert any(text.startswith(("1 · 999.9", "1 · 1,000.")) for text in drawn)
    assert any("Nyquist 11,025 Hz" in text for text in drawn)
    assert "Level (dB relative to peak)" in drawn


def test_dft_on_a_linear_axis_ends_at_nyquist():
    axes = axes_of(sheets_of_a_tone()["dft"], scales={"dft.x": "linear"})
    line = axes.lines[0]
    assert line.get_xdata()[line.get_ydata().argmax()] == pytest.approx(1000, abs=15)
    assert axes.get_xlim() == (20.0, 11_025.0)


def test_image_is_painted_on_the_pixels_of_its_values_only():
    fig, (axes,) = style.figure_of_plots(1, 1000, 320)
    axes.set_xlim(0, 4)
    axes.set_ylim(0, 2)
    levels_db = np.array([[-80.0, 0.0], [-80.0, -80.0]], np.float32)
    image.put(axes, levels_db, (1, 3, 0, 2), (-80, 0), palette.LEVEL_MAP)
    axes.set_axis_off()
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png")
    painted = np.asarray(Image.open(buffer).convert("RGB")) / 255
    bright, dark = (colormaps[palette.LEVEL_MAP](end)[:3] for end in (1.0, 0.0))
    width, height = style.size_px(axes)
    left, bottom = style.LEFT_PX, 320 - style.BOTTOM_PX

    def colour_at(x, y):
        return painted[bottom - round(y * height), left + round(x * width)]

    inside = 0.02
    for y in (inside, 0.5 - inside):
        for x in (0.5 + inside, 0.75 - inside):
            assert colour_at(x, y) == pytest.approx(bright, abs=0.01)
    for x, y in ((0.5 - inside, 0.4), (0.25 + inside, 0.4), (0.6, 0.5 + inside)):
        assert colour_at(x, y) == pytest.approx(dark, abs=0.01)
    for x in (0.25 - inside, 0.75 + inside):
        assert colour_at(x, 0.4) == pytest.approx(to_rgb(palette.PAPER), abs=0.01)


def test_svg_image_has_the_colours_of_the_png():
    sheet = sheets_of_a_tone()["stft"]
    figure = paper.figure(sheet)
    axes = figure.axes[0]
    whole = np.asarray(Image.open(io.BytesIO(paper.png(sheet))).convert("RGB"))
    width, height = style.size_px(axes)
    drawn = whole[style.TOP_PX :][:height, style.LEFT_PX :][:, :width]
    (shown,) = axes.images
    rgba, *_ = shown.make_image(None)
    inner = np.s_[3:-3, 3:-3]  # the axes' own lines lie on the edge
    assert np.array_equal(rgba[::-1, :, :3][inner], drawn[inner])


def test_stft_draws_a_tone_at_its_frequency_and_a_click_at_its_time():
    axes = axes_of(sheets_of_a_tone()["stft"])
    levels_db = np.asarray(axes.images[0].get_array())
    low, high = axes.get_ylim()
    row = levels_db.mean(axis=1).argmax()
    drawn_hz = 10 ** (low + (row + 0.5) / len(levels_db) * (high - low))
    assert drawn_hz == pytest.approx(1000.0, rel=0.02)
    assert (10**low, 10**high) == pytest.approx((32.0, 11_025.0))
    axes = axes_of(sheets(click(0.25))["stft"])
    levels_db = np.asarray(axes.images[0].get_array())
    first_s, stop_s = axes.images[0].get_extent()[:2]
    column = levels_db.mean(axis=0).argmax()
    drawn_s = first_s + (column + 0.5) / levels_db.shape[1] * (stop_s - first_s)
    assert drawn_s == pytest.approx(0.25, abs=512 / 22_050)


def test_rows_of_a_spectrogram_follow_the_scale():
    heights = {"log": 0.589, "linear": 0.091, "mel": 0.296}  # of 1 kHz, up to Nyquist
    for scale, height in heights.items():
        axes = axes_of(sheets_of_a_tone()["stft"], scales={"stft.y": scale})
        levels_db = np.asarray(axes.images[0].get_array())
        row = levels_db.mean(axis=1).argmax()
        assert row / len(levels_db) == pytest.approx(height, abs=0.02), scale
        tick = labels(axes, "y")["2k" if scale == "linear" else "1k"]
        low, high = axes.get_ylim()
        assert low <= tick <= high


def test_mel_labels_bands_at_their_centres():
    axes = axes_of(sheets_of_a_tone()["mel"])
    levels_db = np.asarray(axes.images[0].get_array())
    low, high = axes.get_ylim()
    share = (levels_db.mean(axis=1).argmax() + 0.5) / len(levels_db)
    tick = labels(axes, "y")["1k"]
    assert (tick - low) / (high - low) == pytest.approx(share, abs=0.01)


def test_a_song_wider_than_the_picture_keeps_its_click():
    axes = axes_of(sheets(click(20.0, 40.0, 8000, 0.003))["stft"])
    levels_db = np.asarray(axes.images[0].get_array())
    assert levels_db.shape[1] <= style.size_px(axes)[0]
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
        for name, sheet in sheets(clip).items():
            if name in SOUND:
                ET.fromstring(paper.svg(sheet))
    of_silence = sheets(silence())
    for name in SOUND:
        assert "silence" in texts(paper.svg(of_silence[name])), name
        assert "silence" in of_silence[name].about


def test_level_range_is_what_was_asked():
    sheet = sheets_of_a_tone()["stft"]
    assert axes_of(sheet, range_db=60).images[0].get_clim() == (-60.0, 0.0)
    assert {"−60", "−40"} <= set(texts(paper.svg(sheet, Look(range_db=60))))


def test_part_of_a_sound_is_drawn_at_its_time():
    part = sheets(tone(duration_s=3.0), view=(1.0, 2.0))
    for name in ("waveform", "stft", "mel"):
        assert axes_of(part[name]).get_xlim() == pytest.approx((1.0, 2.0)), name


def test_curves_are_drawn_from_zero_to_the_whole_run():
    loss, accuracy = paper.figure(sheets_of_a_tone()["training"]).axes
    assert loss.lines[0].get_ydata().tolist() == [2.3, 1.9, 1.2]
    assert accuracy.lines[0].get_ydata().tolist() == [40, 70]
    assert loss.get_xlim() == accuracy.get_xlim() == (0, 100)
    assert accuracy.get_ylim() == (0, 100)


def test_picture_of_twice_the_pixels_is_the_same_picture():
    sheet = sheets(tone(1000.0))["stft"]
    one, two = (
        Image.open(io.BytesIO(paper.png(sheet, scale=scale))).convert("RGB")
        for scale in (1, 2)
    )
    assert two.size == (2 * paper.WIDTH_PX, 2 * paper.HEIGHT_PX)
    back = np.asarray(two.resize(one.size, Image.Resampling.BOX), int)
    assert np.abs(back - np.asarray(one, int)).mean() < 4
