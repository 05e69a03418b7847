"""Pictures as files: the right size, compact, and safe inside a page."""

import base64
import dataclasses
import io
import re
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from gallery import PAGE, SVG, pictures, pictures_of_a_tone, texts
from PIL import Image
from signals import noise, tone

import i18n
from viz import genres, markup, style, waveform
from viz.style import Look


def test_every_picture_is_a_png_of_its_size_and_an_svg_of_its_width():
    for theme in ("dark", "page"):
        look = Look(500, 240, theme)
        for name, (figure, alt) in pictures_of_a_tone(look).items():
            image = Image.open(io.BytesIO(style.png(figure)))
            assert image.size == (500, 240), name
            svg = ET.fromstring(style.svg(figure, alt))
            assert svg.attrib["viewBox"] == "0 0 500 240"
            assert svg.attrib["width"] == "100%"
            assert svg.attrib["role"] == "img"
            assert svg.find(f"{SVG}title").text == alt


def test_page_svg_takes_the_pages_colour_and_font():
    for name, (figure, alt) in pictures_of_a_tone().items():
        svg = style.svg(figure, alt)
        assert "currentColor" in svg, name
        assert markup.INK not in svg
        assert "font-family" not in svg
        assert "<style" not in svg
        for element in ET.fromstring(svg).iter(f"{SVG}text"):
            assert "fill:" in element.attrib["style"], element.text


def test_an_svg_that_may_stand_alone_brings_a_font():
    figure, alt = pictures_of_a_tone(Look(theme="dark"))["waveform"]
    root = ET.fromstring(style.svg(figure, alt))
    assert root.attrib["font-family"].endswith("sans-serif")


def test_svgs_share_no_name_and_refer_only_to_their_own():
    seen = set()
    for picture in [*pictures_of_a_tone().values(), *pictures_of_a_tone().values()]:
        svg = style.svg(*picture)
        names = {e.attrib["id"] for e in ET.fromstring(svg).iter() if "id" in e.attrib}
        assert names == set(re.findall(r'(?:url\(|href=")#([\w-]+)', svg))
        assert not names & seen
        seen |= names
    assert seen


def test_svgs_are_compact():
    clip = noise(duration_s=20.0)
    sizes = {
        n: len(style.svg(*p)) for n, p in pictures(clip, Look(theme="page")).items()
    }
    assert sizes.pop("stft") < 400_000  # noise is what PNG packs worst
    assert sizes.pop("mel") < 400_000
    assert max(sizes.values()) < 50_000, sizes


def test_svg_image_keeps_every_colour():
    figure, alt = pictures_of_a_tone()["stft"]
    svg = ET.fromstring(style.svg(figure, alt))
    href = max((e.attrib["href"] for e in svg.iter(f"{SVG}image")), key=len)
    packed = base64.b64decode(href.removeprefix(markup.PNG_HEADER))
    image = Image.open(io.BytesIO(packed))
    assert image.mode == "P"
    shown = np.asarray(image.convert("RGB").transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    whole = np.asarray(Image.open(io.BytesIO(style.png(figure))).convert("RGB"))
    width, height = style.size_px(figure.axes[0])
    left, top = style.LEFT_PX, style.TOP_PX
    drawn = whole[top : top + height, left : left + width]
    assert shown.shape == drawn.shape
    inner = np.s_[3:-3, 3:-3]  # the axes' own lines lie on the edge
    assert np.array_equal(shown[inner], drawn[inner])


def test_hostile_words_stay_words():
    hostile = "<script>alert(1)</script>&\"'$x_{$\x00\x1b\ud800"
    figure = genres.figure([(hostile, 1.0)], PAGE)
    svg = style.svg(figure, hostile)
    assert "<script" not in svg
    parsed = ET.fromstring(svg)
    assert parsed.find(f"{SVG}title").text.startswith("<script>alert(1)</script>&\"'$")
    assert any(text.startswith("<script>") for text in texts(svg))
    assert style.png(genres.along([(0.0, 1.0, {hostile: 1.0})]))


def test_pictures_can_be_drawn_side_by_side():
    def draw(language):
        look = dataclasses.replace(PAGE, language=language)
        return texts(style.svg(waveform.figure(tone(), look), ""))

    languages = i18n.LANGUAGES * 4
    with ThreadPoolExecutor(4) as threads:
        drawn = list(threads.map(draw, languages))
    for language, seen in zip(languages, drawn, strict=True):
        assert i18n.word("viz.time", language) in seen
