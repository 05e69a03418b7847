"""Pictures that visitors save: drawn, as numbers, with the numbers of the app."""

import csv
import io
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from audio import transforms
from audio.transforms import Frames
from errors import KnownError
from support.knobs import SETTINGS
from support.signals import click, noise, silence, tone
from ui.export import downloads
from ui.scene import Scene, Transforms
from ui.tabs.see import mel, spectrogram
from viz import paper, plot


def picture(name, clip, *values, view=None, language="en"):
    draw, usual = SETTINGS[name]
    return draw(Scene(clip, Transforms(), language, view), *(values or usual))


def table(drawn):
    text = downloads.content(drawn, "csv").decode()
    return list(csv.reader(io.StringIO(text)))


def arrays(drawn):
    return np.load(io.BytesIO(downloads.content(drawn, "npz")), allow_pickle=False)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_picture_is_drawn_in_every_language(name):
    for language in ("en", "zh-TW", "zh-CN"):
        drawn = picture(name, tone(), language=language)
        svg = ET.fromstring(downloads.content(drawn, "svg"))
        assert drawn.about.startswith(svg[0].text[:20])
        words = {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
        label = drawn.plots[0].x.label  # none where rows have names
        assert not label or label in words
    with Image.open(io.BytesIO(downloads.content(drawn, "png"))) as image:
        n_plots = len(drawn.plots)
        assert image.size == (2 * paper.WIDTH_PX, 2 * n_plots * paper.HEIGHT_PX)


def test_pictures_of_silence_and_of_next_to_nothing_can_be_saved():
    for clip in (silence(), tone(duration_s=0.01)):
        for name in ("waveform", "dft", "stft", "mel", "masking"):
            drawn = picture(name, clip)
            for kind in downloads.CONTENTS:
                assert downloads.content(drawn, kind), (name, kind)


def test_printed_spectrogram_has_a_tone_at_its_height_and_a_click_at_its_time():
    axes = paper.figure(picture("stft", tone(1000.0))).axes[0]
    levels_db = np.asarray(axes.images[0].get_array())
    low, high = axes.get_ylim()
    share = (levels_db.mean(axis=1).argmax() + 0.5) / len(levels_db)
    assert 10 ** (low + share * (high - low)) == pytest.approx(1000, rel=0.02)
    axes = paper.figure(picture("stft", click(0.25))).axes[0]
    levels_db = np.asarray(axes.images[0].get_array())
    start_s, stop_s = axes.images[0].get_extent()[:2]
    share = (levels_db.mean(axis=0).argmax() + 0.5) / levels_db.shape[1]
    assert start_s + share * (stop_s - start_s) == pytest.approx(0.25, abs=0.03)


def test_rows_are_saved_as_they_are_seen():
    drawn = picture("masking", noise(duration_s=3.0, sampling_rate=16_000))
    head, *rows = table(drawn)
    assert head[:4] == ["start_s", "stop_s", "? seen", "1 seen"]
    saved = arrays(drawn)
    assert np.allclose(np.array(rows[:149], float)[:, 2:].T, saved["shares"])
    hidden = saved["shares_2"][0]
    image = paper.figure(drawn).axes[0].images[1]
    assert np.array_equal(np.asarray(image.get_array())[0, :, 3], hidden)


def looking(name, clip, *values, **look):
    asked = {"scales": {}, "range_db": "", "colours": "magma"} | look
    return picture(name, clip, *values), paper.look_of(**asked)


def first_axes(drawn):
    return paper.figure(*drawn).axes[0]


@pytest.mark.parametrize(("name", "side"), [("dft", "x"), ("stft", "y")])
def test_saved_axis_of_notes_is_labelled_with_notes(name, side):
    look = {"scales": {f"{name}.{side}": "note"}}
    axes = first_axes(looking(name, tone(440.0), **look))
    axis = getattr(axes, f"{side}axis")
    places = {
        text.get_text(): at
        for text, at in zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
    }
    assert places["C4"] == pytest.approx(np.log10(261.6256))
    assert set(places) == {f"C{octave}" for octave in range(1, 10)}


def test_saved_spectrogram_looks_as_it_does_on_the_page():
    look = {"scales": {"stft.y": "linear"}, "range_db": 60, "colours": "grey"}
    axes = first_axes(looking("stft", tone(1000.0), **look))
    assert axes.get_ylim()[1] == pytest.approx(11_025)
    assert axes.images[0].get_clim() == (-60, 0)
    assert axes.images[0].get_cmap().name == "gray"
    levels_db = np.asarray(axes.images[0].get_array())
    share = (levels_db.mean(axis=1).argmax() + 0.5) / len(levels_db)
    low, high = axes.get_ylim()
    assert low + share * (high - low) == pytest.approx(1000, abs=50)


A_NOTE = {"start_s": 0.2, "stop_s": 0.4, "text": "the $5 reed 嗩吶"}


def test_notes_are_saved_on_the_spectrogram_that_they_are_on():
    later = {"start_s": 7.0, "stop_s": 7.0, "text": "after the end"}
    drawn = looking("stft", tone(), given_notes=[A_NOTE, later])
    axes = first_axes(drawn)
    assert "the $5 reed 嗩吶" in [text.get_text() for text in axes.texts]
    assert "after the end" not in [text.get_text() for text in axes.texts]
    edges = {float(line.get_xdata()[0]) for line in axes.lines}
    assert {0.2, 0.4} <= edges
    assert paper.svg(*drawn).count(b"#ffffff") > paper.svg(drawn[0]).count(b"#ffffff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        noted = paper.png(*drawn)
    assert noted != paper.png(drawn[0])
    other = first_axes(looking("dft", tone(), given_notes=[A_NOTE]))
    assert not any("reed" in text.get_text() for text in other.texts)


def test_notes_at_one_moment_are_written_below_each_other():
    same = [A_NOTE | {"text": f"note {n}"} for n in range(3)]
    axes = first_axes(looking("stft", tone(), given_notes=same))
    places = [t.get_position() for t in axes.texts if t.get_text().startswith("note")]
    assert len({y for _, y in places}) == 3


@pytest.mark.parametrize(
    "given",
    [
        None,
        "notes",
        [None, 3, "x", {}],
        [A_NOTE | {"start_s": 0.5}],
        [A_NOTE | {"start_s": float("nan")}],
        [A_NOTE | {"stop_s": 10**400}],
        [A_NOTE | {"text": ["a"]}],
        [A_NOTE | {"text": " \x07 "}],
    ],
)
def test_what_is_no_note_is_not_drawn(given):
    assert looking("stft", tone(), given_notes=given)[1].notes == ()


@pytest.mark.parametrize(
    "odd",
    [
        {"scales": {"stft.y": "cubic", "stft.x": "log"}},
        {"scales": ["linear"], "range_db": 61},
        {"scales": None, "range_db": [60], "colours": "jet"},
        {"range_db": True, "colours": {"a": 1}},
    ],
)
def test_a_look_that_is_not_offered_changes_nothing(odd):
    sheet, look = looking("stft", tone(), **odd)
    (plot,) = sheet.plots
    assert paper.as_seen(plot, look) == paper.as_seen(plot, paper.AS_IT_COMES)
    assert look.colours == "magma"


def test_saved_power_runs_from_0_to_1_and_its_numbers_are_shares():
    usual = SETTINGS["mel"][1]
    drawn = looking("mel", tone(1000.0), *usual[:-1], "power", range_db=60)
    assert first_axes(drawn).images[0].get_clim() == (0, 1)
    drawn, look = drawn
    _, *rows = table(drawn)
    shares = np.array(rows, float)[:, 1:]
    assert (shares.min(), shares.max()) == (0, 1)
    found = arrays(drawn)
    assert found["power"].max() == 1
    assert np.allclose(found["power"], 10 ** (found["levels_db"] / 10))
    words = downloads.content(drawn, "svg", look).decode()
    assert "Power (share of the loudest)" in words
    assert b'QUANTITY = "power"' in downloads.content(drawn, "py")


def test_saved_image_ends_where_its_frequencies_do():
    sheet = picture("rate", tone(1000.0), 0.2, 4000, True)
    axes = paper.figure(sheet).axes[1]
    assert axes.get_ylim()[1] == 4000
    assert axes.images[0].get_extent()[3] == pytest.approx(2000, abs=20)


def test_two_spectrograms_stand_on_the_same_axes():
    scene = Scene(tone(1000.0), Transforms())
    drawn = mel.draw(scene, 64, "slaney", 0, 8000, True, "level")
    axes = [each for each in paper.figure(drawn).axes if each.images]
    assert len(axes) == 2
    heights = [np.asarray(a.images[0].get_array()).mean(axis=1).argmax() for a in axes]
    assert abs(heights[0] - heights[1]) < 10
    assert axes[0].get_ylim() == axes[1].get_ylim()


def test_table_of_a_waveform_has_the_extremes_of_each_column():
    head, *rows = table(picture("waveform", click(0.25, amplitude=0.9)))
    assert head == ["time_s", "lowest", "highest"]
    times_s, _, highest = np.array(rows, float).T
    assert times_s[highest.argmax()] == pytest.approx(0.25, abs=0.002)
    assert highest.max() == pytest.approx(0.9, abs=1e-4)


def test_table_of_a_spectrum_has_its_peak():
    drawn = picture("dft", tone(1000.0))
    head, *rows = table(drawn)
    assert head == ["frequency_hz", "level_db"]
    numbers = np.array([row for row in rows[: rows.index([])]], float)
    assert numbers[numbers[:, 1].argmax(), 0] == pytest.approx(1000, abs=5.4)


def test_table_of_a_spectrogram_has_a_row_for_each_time():
    head, *rows = table(picture("stft", tone(1000.0)))
    frequencies_hz, numbers = np.array(head[1:], float), np.array(rows, float)
    loudest = numbers[len(rows) // 2, 1:].argmax()
    assert frequencies_hz[loudest] == pytest.approx(1000, rel=0.02)
    assert numbers[:, 1:].max() == pytest.approx(-6, abs=2)
    assert np.all(np.diff(numbers[:, 0]) > 0)


def test_arrays_of_a_spectrogram_are_those_of_the_app():
    clip = tone()
    found = arrays(picture("stft", clip, 1024, 0, 2, "hamming", "peak"))
    ours = transforms.stft(clip, Frames(n_fft=1024, hop_length=512, window="hamming"))
    assert np.array_equal(found["levels_db"], ours.levels_db)
    assert np.array_equal(found["times_s"], ours.times_s)
    assert found["n_fft"] == 1024
    assert found["window"] == "hamming"


def test_arrays_of_a_waveform_are_the_samples_that_are_seen():
    clip = tone()
    found = arrays(picture("waveform", clip, view=(0.25, 0.5)))
    assert np.array_equal(found["samples"], clip.slice(0.25, 0.5).samples)
    assert found["sampling_rate"] == clip.sampling_rate


def test_arrays_of_two_frame_lengths_are_both_there():
    scene = Scene(tone(), Transforms())
    found = arrays(spectrogram.draw(scene, 512, 4096, 4, "hann", "peak"))
    assert len(found["levels_db"]) == 257
    assert len(found["levels_db_2"]) == 2049


def test_a_long_song_s_arrays_stay_small(monkeypatch):
    monkeypatch.setattr(plot, "N_VALUES", 10 * 1025)
    found = arrays(picture("stft", tone(duration_s=5.0)))
    assert found["levels_db"].shape[1] <= 10
    assert found["n_frames_per_column"] > 1


def test_a_transform_that_is_known_is_not_computed_again(monkeypatch):
    clip, kept = tone(), Transforms()
    for _ in range(2):
        _, values = SETTINGS["stft"]
        spectrogram.draw(Scene(clip, kept), *values)
        monkeypatch.setattr(transforms.spectrogram, "pooled_power", None)


def test_a_sheet_knows_which_transform_of_which_clip_gave_its_numbers():
    clip = tone()
    (found,) = picture("dft", clip).provenance.computed
    assert (found.function, found.clip) == (transforms.dft, clip)
    assert found.settings["n_samples"] == 4096
    scene = Scene(clip, Transforms())
    made = mel.draw(scene, 64, "htk", 0, mel.NYQUIST, True, "level").provenance
    assert [each.function for each in made.computed] == [
        transforms.mel,
        transforms.stft,
    ]
    assert made.settings["n_mels"] == 64
    assert made.settings["fmax_hz"] == clip.sampling_rate / 2
    assert made.settings["stop_s"] == clip.duration_s


def test_script_of_filters_up_to_nyquist_names_its_frequency():
    sheet = picture("filters", tone(), 64, "htk", 100, mel.NYQUIST)
    assert b"FMAX_HZ = 11025.0" in downloads.content(sheet, "py")


def test_an_unknown_format_is_refused():
    with pytest.raises(KnownError, match="not_a_choice"):
        downloads.content(picture("waveform", tone()), "exe")
