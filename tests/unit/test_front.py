"""The numbers of the first view: those of the trumpet phrase, and not older than it."""

import base64
import json
import zlib

import numpy as np
import pytest

import i18n
from audio.notes import hz_of
from audio.synth import trumpet
from audio.synth.examples import example
from ui.front import front, phrase

CENT = 2 ** (1 / 1200)


@pytest.fixture(scope="module")
def stored():
    return json.loads(phrase.FILE.read_text("utf-8"))


def levels_of(numbers):
    image = numbers["image"]
    unpacked = zlib.decompress(base64.b64decode(image["levels"]))
    shape = len(image["frequencies_hz"]), image["n_columns"]
    return np.frombuffer(unpacked, np.uint8).reshape(shape).astype(int)


def test_stored_numbers_are_those_of_the_trumpet_phrase(stored):
    computed = phrase.computed()  # else: python -m ui.front.phrase
    assert stored["partials"] == computed["partials"]
    assert stored["notes"] == computed["notes"]
    assert stored["duration_s"] == computed["duration_s"] == trumpet.DURATION_S
    assert np.abs(levels_of(stored) - levels_of(computed)).max() <= 1


def test_partials_named_are_where_a_dft_has_its_peaks(stored):
    clip = example(phrase.PHRASE)
    start = round((trumpet.NOTES[-1][0] + phrase.STEADY_S) * clip.sampling_rate)
    part = clip.samples[start : start + phrase.N_SAMPLES_LAST]
    powers = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
    bin_hz = clip.sampling_rate / len(part)
    strongest = []
    for _ in stored["partials"]:  # each without what its neighbours leak
        at = int(powers.argmax())
        strongest.append(at * bin_hz)
        powers[max(at - 30, 0) : at + 30] = 0
    named = [each["hz"] for each in stored["partials"]]
    assert named == pytest.approx(sorted(strongest), abs=bin_hz)
    harmonics = np.array(named) / named[0]
    assert harmonics == pytest.approx(np.rint(harmonics), abs=0.01)


def test_notes_named_are_those_that_are_played(stored):
    played = [440 * 2 ** ((midi - 69) / 12) for _, _, midi, *_ in trumpet.NOTES]
    named = [hz_of(each["name"]) for each in stored["notes"]]
    assert named == pytest.approx(played)
    measured = np.array([each["hz"] for each in stored["notes"]])
    # A tongued note rises into its pitch, a short one never settles.
    assert np.abs(np.log(measured / played) / np.log(CENT)).max() < 30


def test_levels_are_highest_in_the_rows_of_the_partials(stored):
    image, levels = stored["image"], levels_of(stored)
    rows_hz = np.array(image["frequencies_hz"])
    assert rows_hz[[0, -1]] == pytest.approx([phrase.FMIN_HZ, phrase.FMAX_HZ])
    assert np.diff(np.log(rows_hz)) == pytest.approx(
        np.log(rows_hz[1] / rows_hz[0]), abs=2e-3
    )
    column_s = (image["stop_s"] - image["start_s"]) / image["n_columns"]
    column = round((3.95 - image["start_s"]) / column_s)
    for each in stored["partials"]:
        row = int(np.abs(np.log(rows_hz / each["hz"])).argmin())
        near = levels[max(row - 4, 0) : row + 5, column]
        assert near.argmax() + max(row - 4, 0) == pytest.approx(row, abs=1)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_script_of_the_first_view_has_its_words_and_stays_small(language):
    script = front.script(language)
    assert json.dumps(i18n.word("front.title", language)) in script
    assert len(zlib.compress(script.encode())) < 40_000


def test_style_sheet_uses_tokens_that_there_are():
    import re

    from ui import theme

    tokens = theme.TOKENS.read_text("utf-8")
    light, dark = tokens.split(".dark {")
    known = set(re.findall(r"--([\w-]+):", light))
    assert set(re.findall(r"--([\w-]+):", dark)) < known
    assert set(theme.VARIABLES.values()) < known
    used = set(re.findall(r"var\(--([\w-]+)\)", front.STYLE.read_text("utf-8")))
    assert used - known == {"sign"}


def test_texts_have_contrast_on_every_paper():
    import re

    from ui import theme

    def luminance(colour):
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(
            channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return linear @ [0.2126, 0.7152, 0.0722]

    def contrast(one, other):
        low, high = sorted(map(luminance, (one, other)))
        return (high + 0.05) / (low + 0.05)

    for part in theme.TOKENS.read_text("utf-8").split(".dark {"):
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", part))
        for paper in ("paper", "card", "well"):
            for ink in ("ink", "ink-soft", "link", "good", "warn", "bad"):
                assert contrast(colours[ink], colours[paper]) > 4.5, (ink, paper)
        for fill in ("accent", "accent-more"):
            assert contrast(colours["on-accent"], colours[fill]) > 4.5, fill
