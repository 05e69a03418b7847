"""The lessons' own functions: what they draw, say and let hear."""

import io
import threading
import wave
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest

import i18n
from audio import transforms
from audio.clip import Clip
from audio.synth.examples import example
from settings import Settings
from support.knobs import MODELS
from support.plots import unpacked
from support.scenes import scene_of
from support.signals import chord, noise, silence, tone
from ui import sheets
from ui.player import sound_files
from ui.session import Newest, Renewal, renewing
from ui.tabs.see import (
    comparison,
    hubert_input,
    inversion,
    lesson,
    masking,
    mel,
    sampling,
    spectrogram,
    waveform,
)

AS_AT_FIRST = {
    "dft": (0.0, 4096, "hann", 1, "peak"),
    "stft": (2048, 0, 4, "hann", "peak"),
    "mel": (128, "slaney", 0, 8000, False, "level"),
}
ODD = [silence(), Clip([], 8000), Clip([0.5], 8000), tone(duration_s=0.004)]


def test_sound_file_is_as_loud_as_its_clip():
    quiet = tone(440.0, amplitude=0.01)
    with wave.open(io.BytesIO(sound_files.wav(quiet))) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
        assert file.getframerate() == quiet.sampling_rate
    assert np.abs(samples - quiet.samples).max() < 1 / 32767


def test_passage_of_a_new_sound_is_its_loudest():
    clip = Clip(np.r_[np.zeros(1000), 1.0, np.zeros(1000)], 1000)
    assert lesson.loudest_s(clip, 100) == pytest.approx(0.95)
    assert lesson.loudest_s(clip, 4096) == 0.0
    assert lesson.loudest_s(Clip([], 1000), 10) == 0.0
    low = Clip([0.0, 0.5, -0.9, 0.9], 2)  # the first of two that are as loud
    assert lesson.loudest_s(low, 1) == 1.0


def test_first_picture_of_a_long_sound_weighs_no_more_than_a_short_one_s():
    """It is the screen's, not the song's: it comes along with the sound."""
    short, long = (
        waveform.draw(scene_of(noise(duration_s=each)), False).as_json()
        for each in (5.0, 120.0)
    )
    assert len(long) < 1.1 * len(short) < 100_000


def test_older_picture_that_is_drawn_late_never_covers_the_newer_one():
    is_begun, may_end = threading.Event(), threading.Event()

    def draw(scene, name):
        if name == "older":
            is_begun.set()
            assert may_end.wait(30)
        return SimpleNamespace(as_json=lambda: name)

    session = SimpleNamespace(
        guarded=lambda handler: handler,
        scene=lambda *_: None,
        view=None,
        newest=None,
        bar=SimpleNamespace(path=None),
    )
    here = lesson.Lesson("mel", gr.HTML(render=False), {}, draw)
    redraw = lesson.redrawing(session, here)["fn"]
    newest, visitor = Newest(), SimpleNamespace(language="en")
    with ThreadPoolExecutor() as pool:
        older = pool.submit(redraw, "path", None, newest, "older", visitor=visitor)
        assert is_begun.wait(30)
        assert redraw("path", None, newest, "newer", visitor=visitor) == "newer"
        may_end.set()
    assert older.result() == gr.skip()


def test_all_that_a_new_sound_renews_comes_in_one_answer():
    path, knob, slow = (gr.State(None, render=False) for _ in range(3))
    places = [gr.HTML(render=False) for _ in range(4)]
    renewals = [
        Renewal(lambda: None, [], places[:1]),
        Renewal(lambda knob, path: [f"{path} {knob}", "b"], [knob, path], places[1:3]),
        Renewal(lambda path, visitor: visitor.language, [path], places[3:]),
    ]
    renew = renewing(renewals, [path, slow, knob])
    found = renew("song", "unused", 7, visitor=SimpleNamespace(language="zh-TW"))
    assert found == [None, "song 7", "b", "zh-TW"]


@pytest.mark.parametrize(
    ("at_s", "start_s"), [(0.0, 0.0), (12.0, 7.0), (29.9, 20.0), (30.0, 20.0)]
)
def test_excerpt_is_ten_seconds_around_the_position(at_s, start_s):
    clip = noise(duration_s=30.0, sampling_rate=1000)
    start, part = lesson.excerpt(clip, at_s)
    assert (start, part.duration_s) == (start_s, 10.0)
    first = round(start_s * 1000)
    assert np.array_equal(part.samples, clip.samples[first : first + 10_000])


def test_excerpt_of_a_short_sound_is_all_of_it():
    clip = noise(duration_s=3.0)
    assert lesson.excerpt(clip, 2.0)[1].n_samples == clip.n_samples


def test_spectrum_names_the_notes_of_its_peaks():
    clip = chord((440.0, 880.0))
    sheet = sheets.spectrum(scene_of(clip), 0.2, 4096, "hann", 1, "full_scale")
    _, first, second = sheet.table
    assert first[0] == "1"
    assert first[1].startswith(("440.", "439.9"))
    assert first[2].endswith(" dBFS")
    assert first[3:] == ("A4", "0", "1 ×")
    assert second[3:] == ("A5", "0", "2 ×")
    assert "If this is one tone, its fundamental is 44" in sheet.about
    assert sheet.plots[0].y.label == "Level (dBFS)"


def test_spectrum_of_the_trumpet_s_first_note_has_its_second_harmonic_strongest():
    sheet = sheets.spectrum(scene_of(example("brass")), 0.5, 4096, "hann", 1, "peak")
    rows = sheet.table[1:]
    assert [row[5] for row in rows] == [f"{n} ×" for n in range(1, len(rows) + 1)]
    assert [row[2] for row in rows][1] == "0.0 dB"
    assert rows[0][3] == "D♯5/E♭5"
    marks = sheet.plots[0].layers[1]
    assert marks.words[0] == "1"
    assert marks.words[1].startswith("2 · 1,244.")


@pytest.mark.parametrize("clip", [silence(), noise()], ids=["silence", "noise"])
def test_spectrum_without_peaks_has_no_table(clip):
    sheet = sheets.spectrum(scene_of(clip), 0.0, 4096, "hann", 1, "peak")
    assert sheet.table == ()
    assert len(sheet.plots) == 1


def test_zeros_behind_a_passage_draw_a_finer_curve_and_resolve_no_more():
    scene = scene_of(chord((440.0, 446.0)))
    plain, finer = (
        sheets.spectrum(scene, 0.0, 1024, "hann", padding, "peak") for padding in (1, 8)
    )
    steps_hz = [np.diff(each.plots[0].layers[0].xs)[0] for each in (plain, finer)]
    assert steps_hz[0] == pytest.approx(8 * steps_hz[1], rel=1e-3)
    assert finer.plots[0].facts[3] == plain.plots[0].facts[3]  # resolution
    assert len(finer.table) == len(plain.table) == 2  # the head, and one peak for both


def test_long_sound_s_hop_is_called_coarser_than_asked():
    short, long = (
        spectrogram.draw(scene_of(noise(duration_s=n)), *AS_AT_FIRST["stft"])
        for n in (1.0, 240.0)
    )
    assert not any("coarser" in fact for fact in short.plots[0].facts)
    assert "coarser for a long sound" in long.plots[0].facts[1]


def test_waveform_shows_a_single_wave_beside_the_whole_sound_until_it_is_zoomed():
    clip = tone(440.0, duration_s=2.0)
    whole, close = waveform.draw(scene_of(clip), False).plots
    assert (whole.x.start, whole.x.stop) == (0.0, 2.0)
    assert close.x.stop - close.x.start == pytest.approx(0.02)
    assert not close.is_sound
    assert len(waveform.draw(scene_of(clip, view=(0.5, 0.51)), False).plots) == 1


def test_two_frame_lengths_stand_on_the_same_axes():
    sheet = spectrogram.draw(scene_of(tone()), 2048, 256, 4, "hann", "peak")
    one, other = sheet.plots
    assert (one.x, one.y.stop) == (other.x, other.y.stop)
    assert (one.title, other.title) == (
        "2,048 samples: 92.9 ms, 10.8 Hz",
        "256 samples: 11.6 ms, 86.1 Hz",
    )


def test_zoom_gives_each_column_a_frame_and_says_so():
    clip = noise(duration_s=20.0)
    whole = spectrogram.draw(scene_of(clip), *AS_AT_FIRST["stft"])
    part = spectrogram.draw(scene_of(clip, view=(4.0, 5.0)), *AS_AT_FIRST["stft"])
    assert "hop 512 (23.2 ms)" in whole.plots[0].facts
    assert any("finer for this zoom" in fact for fact in part.plots[0].facts)
    assert part.about.startswith("Shown: 4.000 s to 5.000 s.")
    assert (part.plots[0].x.start, part.plots[0].x.stop) == (4.0, 5.0)
    (image,) = part.plots[0].layers
    assert image.n_columns > 600
    assert image.start_s == pytest.approx(4.0, abs=0.01)
    assert image.stop_s == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize("length_s", [0.002, 0.0049, 0.03])
def test_zoom_to_a_few_frames_fills_the_picture(length_s):
    view = (1.0, 1.0 + length_s)
    sheet = spectrogram.draw(
        scene_of(noise(duration_s=2.0), view=view), *AS_AT_FIRST["stft"]
    )
    (image,) = sheet.plots[0].layers
    assert image.start_s <= view[0]
    assert image.stop_s >= view[1] - 0.02 * length_s


def there_and_back(clip, source, n_iterations, window="hann", n_starts=4):
    way = inversion.Way(0.0, 1.0, window, n_starts, source, n_iterations)
    return inversion.there_and_back(clip, way)


def test_sound_comes_back_exactly_with_phase_and_nearly_without():
    clip = chord(duration_s=1.0)
    few = there_and_back(clip, "stft", 1)
    many = there_and_back(clip, "stft", 32).found
    assert few.exact.is_cola
    assert few.exact.error_db < -120
    assert len(many.convergence_db) == 33
    assert many.convergence_db[-1] < few.found.convergence_db[-1] - 5
    banded = there_and_back(clip, "mel", 8).found
    assert banded.target_error_db > many.target_error_db


@pytest.mark.parametrize(
    ("window", "n_starts", "is_cola"),
    [("hann", 4, True), ("hann", 1, False), ("rectangular", 1, True)],
)
def test_way_back_says_where_the_windows_do_not_add_up(window, n_starts, is_cola):
    scene = scene_of(noise())
    sheet = inversion.draw(scene, inversion.Way(0.0, 1, window, n_starts, "stft", 0))
    assert ("COLA fails" in sheet.about) == (not is_cola)
    total = sheet.plots[1].layers[0].ys
    assert (np.ptp(total) < 1e-3) == is_cola


def test_search_tells_of_every_iteration():
    told = []
    way = inversion.Way(0.0, 1, "hann", 4, "stft", 3)
    scene = scene_of(noise())
    for _ in range(2):  # the second time it is known
        scene.of(inversion.there_and_back, way=way, on_progress=told.append)
    assert told == [0, 1, 2, 3]


def test_tone_sampled_too_slowly_is_heard_as_another():
    clip = tone(5000.0, duration_s=1.0)
    about = sampling.draw_rate(scene_of(clip), 0.3, 4000, False).about
    assert "1.00 s × 4,000 Hz = 4,000 samples" in about
    assert "5,000 Hz (too high: heard as 1,000 Hz)" in about
    heard = sampling.hear_rate(clip, 0.3, 4000, False)
    assert heard.sampling_rate == sampling.PLAYED_RATE
    peak = transforms.strongest(transforms.dft(heard, start_s=0.3))
    assert peak.frequency_hz == pytest.approx(1000.0, abs=2)
    assert np.abs(heard.samples).max() == pytest.approx(0.5, abs=0.05)
    filtered = sampling.draw_rate(scene_of(clip), 0.3, 4000, True).about
    assert "filtered out" in filtered
    silent = sampling.hear_rate(clip, 0.3, 4000, True).slice(0.2, 0.8)
    assert np.abs(silent.samples).max() < 1e-3


def test_sweep_is_seen_to_fold_at_nyquist_or_to_end_there():
    t = np.arange(4 * 16_000) / 16_000
    rising = Clip(0.5 * np.sin(np.pi * 750 * t**2), 16_000)  # 0 to 3 kHz in 4 s

    def seen(is_filtered):
        sheet = sampling.draw_rate(scene_of(rising), 0.0, 4000, is_filtered)
        image = sheet.plots[1].layers[0]
        levels_db = image.values
        assert sheet.plots[1].y.stop == 4000
        assert image.frequencies_hz[-1] == pytest.approx(2000, abs=20)
        return image, levels_db

    image, levels_db = seen(False)
    strongest = np.array(image.frequencies_hz)[levels_db.argmax(axis=0)]
    share = (np.arange(image.n_columns) + 0.5) / image.n_columns
    at_s = image.start_s + share * (image.stop_s - image.start_s)
    inside = (at_s > 0.1) & (at_s < 3.9)
    asked_hz = 2000 - np.abs(2000 - 750 * at_s)
    assert np.abs(strongest - asked_hz)[inside].max() < 40
    _, filtered_db = seen(True)
    assert filtered_db[:, (at_s > 2.8) & (at_s < 3.8)].max() < -60


def test_tone_below_nyquist_stays():
    about = sampling.draw_rate(scene_of(tone(1000.0)), 0.3, 8000, False).about
    assert "1,000 Hz (kept)" in about


def test_full_scale_sine_in_few_bits_keeps_the_rule():
    clip = tone(997.0, duration_s=2.0, amplitude=0.99)  # 1 is cut
    about = sampling.draw_bits(scene_of(clip), 0.5, 8, False).about
    assert "8 bits give 256 values" in about
    assert "6.02 × 8 + 1.76 = 49.9 dB" in about
    measured_db = float(about.split("The signal is ")[1].split(" dB")[0])
    assert measured_db == pytest.approx(49.9, abs=0.3)
    assert len(np.unique(sampling.hear_bits(clip, 0.5, 2, False).samples)) == 4


@pytest.mark.parametrize("is_on", [False, True])
@pytest.mark.parametrize("clip", ODD)
def test_odd_sounds_have_their_lessons(clip, is_on):
    scene = scene_of(clip)
    drawn = [
        sheets.waveform(scene, is_on),
        sampling.draw_rate(scene, 0.0, 2000, is_on),
        sampling.draw_bits(scene, 0.0, 4, is_on),
        sheets.spectrum(scene, *AS_AT_FIRST["dft"]),
        spectrogram.draw(scene, *AS_AT_FIRST["stft"]),
        mel.draw(scene, 128, "slaney", 0, 8000, is_on, "level"),
        hubert_input.draw(MODELS, scene, 0.0, "chosen", None),
        masking.draw(MODELS, scene, 8, 1, None),
    ]
    for sheet in drawn:
        assert "NaN" not in sheet.as_json()
        assert sheet.about
    assert sound_files.wav(sampling.hear_rate(clip, 0.0, 2000, is_on))
    assert sound_files.wav(sampling.hear_bits(clip, 0.0, 4, is_on))
    assert sound_files.wav(masking.hear(clip, 1))


def test_model_hears_16_khz_and_says_so():
    clip = tone(1000.0, duration_s=2.0, sampling_rate=44_100)
    about = hubert_input.draw(MODELS, scene_of(clip), 1.0, "HuBERT", None).about
    assert "32,000 values" in about
    assert "99 frames" in about
    assert hubert_input.hear(tone(), 0.0).sampling_rate == 16_000


def test_each_frame_is_in_one_row_seen_or_hidden():
    clip = noise(duration_s=30.0, sampling_rate=16_000)
    sheet = masking.draw(MODELS, scene_of(clip), 8, 1, None)
    seen, hidden = (np.array(rows.shares) for rows in sheet.plots[0].layers)
    assert not seen[0].any()
    assert np.allclose(hidden[0], hidden[1:].sum(axis=0), atol=0.05)
    assert np.allclose(seen.sum(axis=0) + hidden[0], 1.0, atol=0.05)
    assert f"The {1499:,} frames" in sheet.about


def test_shipped_model_that_guesses_says_what_it_learned_from(tmp_path):
    guessers = masking.Guessers(Settings().pretrained_model_dir, tmp_path)
    assert guessers.first == masking.SHIPPED
    scene = scene_of(example("disco_song"))
    sheet = masking.draw(MODELS, scene, 8, 1, None, masking.SHIPPED, guessers=guessers)
    assert [plot.name for plot in sheet.plots] == ["masking", "guesses"]
    assert i18n.word("viz.guesser_shipped", scene.language) in sheet.about
    nothing = scene_of(silence())
    draw = (8, 1, None, masking.SHIPPED)
    sheet = masking.draw(MODELS, nothing, *draw, guessers=guessers)
    assert i18n.word("viz.guesser_shipped", scene.language) not in sheet.about


def test_masking_follows_the_zoom():
    clip = noise(duration_s=30.0, sampling_rate=16_000)
    whole, part = (
        masking.draw(MODELS, scene_of(clip, view=view), 8, 1, None).plots[0].layers[1]
        for view in (None, (10.0, 12.0))
    )
    assert (part.starts_s[0], part.stops_s[-1]) == (10.0, 12.0)
    assert np.mean(part.shares[0]) == pytest.approx(
        np.mean(whole.shares[0][125:150]), abs=0.03
    )


@pytest.mark.parametrize("kind", comparison.PICTURES)
def test_two_sounds_share_their_axes(kind):
    pair = comparison.Pair(session=None)
    sheet = pair.draw(scene_of(tone(duration_s=1.0)), kind, "chord", ("a.wav", None))
    one, other = sheet.plots
    assert (one.x, one.y) == (other.x, other.y)
    assert (one.title, other.title) == ("a.wav", "Octave")
    assert not one.is_sound  # the other's time is not the chosen sound's
    assert "Octave: " in sheet.about


def test_two_sounds_without_a_sound_before_say_so():
    pair = comparison.Pair(session=None)
    sheet = pair.draw(scene_of(tone()), "dft", comparison.BEFORE, ("a.wav", None))
    assert len(sheet.plots) == 1
    assert "no earlier sound" in sheet.about


def test_two_equal_sounds_40_db_apart_read_40_db_apart_in_mel_bands():
    loud, quiet = (
        comparison.mel(scene_of(tone(amplitude=amplitude)), 1.0)[0].layers[0]
        for amplitude in (0.5, 0.005)
    )
    difference_db = unpacked(loud).max() - unpacked(quiet).max()
    assert difference_db == pytest.approx(40.0, abs=0.5)
