"""PNG files: every pixel as it was, and characters that can be read."""

import io

import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image

from support.gallery import sheets
from support.signals import tone
from viz import paper, png


def test_png_holds_the_pixels_that_it_was_given():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (5, 7, 4), np.uint8)
    for alpha in (255, 100):
        pixels[..., 3] = alpha
        with Image.open(io.BytesIO(png.encoded(pixels))) as image:
            assert image.mode == ("RGB" if alpha == 255 else "RGBA")
            assert np.array_equal(np.asarray(image.convert("RGBA")), pixels)


def test_png_is_written_in_a_font_that_has_the_characters():
    if png.language_for("zh-TW") == "en":
        pytest.skip("no font of this system has Chinese characters")
    sheet = sheets(tone(), "zh-TW")["waveform"]
    chinese, squares = (
        paper.png(sheet, language=language) for language in ("zh-TW", "en")
    )
    assert chinese != squares


def test_png_is_in_english_where_no_font_has_the_characters(monkeypatch):
    assert png.language_for("en") == "en"
    monkeypatch.setattr(font_manager, "get_font_names", lambda: ["DejaVu Sans"])
    assert png.language_for("zh-TW") == "en"
    names = ["DejaVu Sans", "PingFang TC"]
    monkeypatch.setattr(font_manager, "get_font_names", lambda: names)
    assert png.language_for("zh-TW") == "zh-TW"
    assert png.font_for("zh-CN") == "PingFang TC"  # better than squares
