"""The scripts that visitors take away make the same numbers as the app."""

import runpy
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile

from audio import gain, transforms
from audio.clip import Clip
from audio.coding import coded
from audio.hubert import layers
from audio.hubert.masking import clusters, hidden
from audio.hubert.preprocessing import model_input
from audio.synth import timbres
from audio.synth.examples import example
from audio.transforms import Frames, MelBands
from audio.transforms.mel_scale import mel_filters
from audio.transforms.pitch import pitches
from audio.transforms.quantization import quantised
from audio.transforms.resampling import resampled
from audio.transforms.rhythm import beats, rhythm
from audio.transforms.separation import separated
from errors import KnownError
from networks import front_end
from networks import inside as network
from support.knobs import MODELS, SETTINGS
from support.places import ROOT
from support.signals import chord, noise, silence, sweep, tone
from ui.export import downloads, recipes
from ui.scene import Scene, Transforms
from ui.tabs.see import (
    hubert_input,
    inversion,
    sampling,
    states,
)
from viz import learning
from viz.plot import Provenance

# librosa's loader imports what Python is about to lose, at its first call.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

LOWEST_DB = -100.0  # below, float32 and librosa's floor differ
CLOSE_DB = 0.01


def way_back(scene, *values):
    return inversion.draw(scene, inversion.Way(*values))


def busy(duration_s=1.0, rate=22_050):
    """A chord in noise: something at every frequency."""
    both = chord(duration_s=duration_s, sampling_rate=rate).samples * 0.5
    return Clip(both + noise(duration_s=duration_s, sampling_rate=rate).samples, rate)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a lesson's script on a clip, and return what the script has made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))

    def run(name, clip, *values, view=None):
        draw, usual = SETTINGS[name]
        scene = Scene(clip, Transforms(), view=view)
        picture = draw(scene, *(values or usual))
        script, sound = tmp_path / f"{name}.py", tmp_path / "sound.wav"
        script.write_bytes(downloads.content(picture, "py"))
        soundfile.write(sound, clip.samples, clip.sampling_rate, "FLOAT")
        monkeypatch.setattr(sys, "argv", [str(script), str(sound)])
        with mpl.rc_context({"backend": "agg"}):
            return runpy.run_path(str(script), run_name="__main__")

    return run


def assert_close_levels(theirs, ours):
    assert theirs.shape == ours.shape
    is_loud = ours > LOWEST_DB
    assert is_loud.any()
    assert np.abs(theirs - ours)[is_loud].max() < CLOSE_DB


@pytest.fixture
def beside_the_models(tmp_path):
    """Where scripts look for the bundled model: they name it as the app's folder does."""
    (tmp_path / "assets").symlink_to(ROOT / "assets")


@pytest.mark.minute
@pytest.mark.usefixtures("beside_the_models")
def test_scripts_run_as_they_are(run):
    for name in SETTINGS:
        assert run(name, busy()), name
    names = {path.stem for path in recipes.FOLDER.glob("*.py")}
    assert names == set(SETTINGS)


@pytest.mark.parametrize(
    ("start_s", "n_samples", "window", "padding", "reference"),
    [
        (0.2, 4096, "hann", 1, "peak"),
        (0.0, 256, "rectangular", 8, "full_scale"),
        (5.0, 8192, "flattop", 2, "full_scale"),  # past the end: moved back
        (0.0, 65_536, "blackmanharris", 1, "peak"),  # longer than the clip
    ],
)
def test_dft_script_makes_the_same_levels(
    run, start_s, n_samples, window, padding, reference
):
    clip = busy()
    found = run("dft", clip, start_s, n_samples, window, padding, reference)
    ours = transforms.dft(
        clip,
        start_s=start_s,
        n_samples=n_samples,
        window=window,
        padding=padding,
        reference=reference,
    )
    assert_close_levels(found["levels_db"], ours.levels_db)
    assert np.allclose(found["frequencies_hz"], ours.frequencies_hz)


@pytest.mark.parametrize(
    ("n_fft", "n_starts", "window", "view"),
    [
        (2048, 4, "hann", None),
        (512, 2, "rectangular", None),
        (4096, 8, "blackman", (0.3, 0.7)),
        (8192, 1, "hamming", (0.0, 0.01)),
    ],
)
def test_stft_script_makes_the_same_levels(run, n_fft, n_starts, window, view):
    clip = busy()
    found = run("stft", clip, n_fft, 0, n_starts, window, "mean", view=view)
    start_s, stop_s = view or (0.0, None)
    ours = transforms.stft(
        clip,
        Frames(
            n_fft=n_fft,
            hop_length=found["HOP_LENGTH"],
            window=window,
            start_s=start_s,
            stop_s=stop_s,
        ),
    )
    assert_close_levels(found["levels_db"], ours.levels_db)
    assert np.allclose(found["frequencies_hz"], ours.frequencies_hz)
    assert np.allclose(found["times_s"], ours.times_s)


@pytest.mark.parametrize(
    ("rate", "n_mels", "formula", "fmin_hz", "fmax_hz", "view"),
    [
        (22_050, 128, "slaney", 0, 8000, None),
        (22_050, 64, "htk", 100, 0, (0.3, 0.7)),
        (44_100, 256, "slaney", 20, 4000, None),  # bands narrower than bins
        (8000, 32, "htk", 0, 8000, None),  # above Nyquist
    ],
)
def test_mel_script_makes_the_same_levels(
    run, rate, n_mels, formula, fmin_hz, fmax_hz, view
):
    clip = busy(rate=rate)
    values = (n_mels, formula, fmin_hz, fmax_hz, False, "power")
    found = run("mel", clip, *values, view=view)
    start_s, stop_s = view or (0.0, None)
    ours = transforms.mel(
        clip,
        MelBands(
            n_mels=n_mels, formula=formula, fmin_hz=fmin_hz, fmax_hz=fmax_hz or rate / 2
        ),
        Frames(hop_length=found["HOP_LENGTH"], start_s=start_s, stop_s=stop_s),
    )
    assert_close_levels(found["levels_db"], ours.levels_db)
    assert np.allclose(found["times_s"], ours.times_s)
    assert np.allclose(found["shown"], 10 ** (ours.levels_db / 10), atol=1e-4)


def test_mel_script_reads_full_scale_as_the_app_does(run, tmp_path):
    clip = busy()
    settings = {"norm": "peak", "reference": "full_scale", "stop_s": 1.0}
    script = tmp_path / "script.py"
    script.write_text(recipes.recipe(Provenance("mel", settings)), "utf-8")
    run("waveform", clip)  # writes the sound
    found = runpy.run_path(str(script))
    ours = transforms.mel(clip, MelBands(norm="peak", reference="full_scale"))
    assert_close_levels(found["levels_db"], ours.levels_db)


def test_waveform_script_shows_the_same_samples(run):
    clip = tone()
    found = run("waveform", clip, False, view=(0.25, 0.5))
    assert np.array_equal(found["amplitudes"], clip.slice(0.25, 0.5).samples)
    assert found["times_s"][0] == pytest.approx(0.25, abs=1e-4)


def test_other_scripts_make_the_same_numbers(run):
    clip = busy()
    found = run("bits", clip, 0.2, 6, True)
    assert found["snr_db"] == pytest.approx(
        quantised(clip, 6, is_dithered=True).snr_db, abs=0.01
    )
    found = run("rate", clip, 0.2, 11_025, False)
    ours = resampled(clip, 11_025, is_filtered=False)
    assert np.allclose(found["resampled"], ours.samples, atol=1e-3)
    n_fft = sampling.frame_length(11_025)
    levels_db = transforms.stft(
        ours, Frames(n_fft=n_fft, hop_length=n_fft // 4)
    ).levels_db
    is_loud = levels_db > -60
    assert np.abs(found["levels_db"] - levels_db)[is_loud].max() < 0.1
    found = run("filters", clip, 64, "htk", 100, 4000)
    ours, _ = mel_filters(22_050, 2048, 64, 4000, fmin_hz=100, formula="htk")
    assert np.allclose(found["filters"], ours, atol=1e-6)
    found, ours = run("hearing", clip), model_input(clip)
    assert np.allclose(found["values"], ours.samples, atol=1e-3)
    assert found["n_frames"] == ours.n_frames
    for name in ("AST", "Whisper", "chosen"):
        found = run("hearing", clip, 0.2, name, None)
        shown = hubert_input.PUBLISHED.get(name) or front_end_of_bundled()
        ours = model_input(clip, shown, 0, round(shown.window_s * 16_000))
        assert np.allclose(found["values"], ours.samples, atol=1e-3), name
        assert found["n_frames"] == ours.n_frames, name
        assert found["starts"][0] / 16_000 == ours.starts_s[0], name


def front_end_of_bundled():
    ref, folder = MODELS.at_hand("bundled")
    return front_end.of_model(ref, folder)


def test_decibels_script_makes_the_same_pair(run):
    clip = busy()
    found = run("decibels", clip, 12, "chosen", 0.2)
    ours = gain.pair(clip, 12)
    assert np.allclose(found["before"], ours.before.samples, atol=1e-5)
    assert np.allclose(found["after"], ours.after.samples, atol=1e-5)


def test_sines_script_finds_the_same_levels(run):
    draw, values = SETTINGS["sines"]
    found = run("sines", silence())
    sheet = draw(Scene(silence(), Transforms()), *values)
    told = {int(row[0]): row for row in sheet.table[1:]}
    for number, level_db in zip(found["numbers"], found["levels_db"], strict=True):
        if number in told:
            assert float(told[number][3].replace("−", "-")) == pytest.approx(
                level_db, abs=0.01
            )
    assert len(told) == 6  # 1, 3, 5, 7, 9, and 2, which was added


def test_learning_script_has_the_same_loss(run):
    found = run("learning", silence())
    assert found["loss"] == pytest.approx(learning.loss((3, -1, 0), 2))
    assert np.allclose(found["probabilities"], learning.softmax((3, -1, 0)))


def test_timbre_script_makes_the_same_note(run):
    found = run("timbre", silence())
    ours = timbres.note("plucked", 220.0, envelope="clarinet", stiffness=0.001)
    assert np.allclose(found["sound"], ours.samples, atol=1e-5)
    levels = timbres.spectrum(ours)
    assert_close_levels(found["spectrum_db"], levels.levels_db)
    assert np.allclose(found["amplitude"], timbres.envelope(ours, 220.0)[1], atol=1e-5)


def test_pitch_script_makes_the_same_rows_and_chroma(run):
    clip = busy(duration_s=3.0)
    found = run("pitch", clip, 0.0, 442, 7)
    ours = pitches(clip, start_s=0.0, stop_s=3.0, a4_hz=442)
    is_loud = ours.levels_db > -60
    assert np.abs(found["levels_db"] - ours.levels_db)[is_loud].max() < CLOSE_DB
    assert np.allclose(found["chroma"], ours.chroma, atol=1e-4)
    assert found["cents"] == pytest.approx(-31.17, abs=0.01)


def test_rhythm_script_finds_the_same_tempo_and_beats(run):
    clip = example("disco_song")
    found = run("rhythm", clip, 0.0, 10, 2.0)
    ours = rhythm(clip, start_s=0.0, stop_s=10.0)
    assert found["tempo_bpm"] == pytest.approx(ours.tempo_bpm)
    times_s = beats(clip, start_s=0.0, stop_s=10.0, octave=2.0)
    assert np.allclose(found["beats_s"], times_s)


def test_separation_script_makes_the_same_parts(run):
    clip = example("disco_song")
    found = run("separation", clip, 1.0, 5, 200, 800, 2)
    ends = {"start_s": 1.0, "stop_s": 6.0}
    ours = separated(clip, **ends, kernel_ms=200, kernel_hz=800, margin=2.0)
    assert (found["n_frames"], found["n_bins"]) == (ours.n_frames, ours.n_bins)
    for name in ours.names:
        assert found["levels_db"][name] == pytest.approx(ours.level_db(name), abs=0.01)


def test_codec_script_makes_the_same_sounds_and_numbers(run):
    clip = example("disco_song")
    found = run("codec", clip, 1.0, 10, "mp3", 32, "opus", 64, 0)
    ends = {"start_s": 1.0, "stop_s": 11.0}
    wanted = (("mp3", 32_000), ("opus", 64_000))
    for (codec, bit_rate), result in zip(wanted, found["results"], strict=True):
        ours = coded(clip, **ends, codec=codec, bit_rate=bit_rate)
        samples, rate, n_bytes, error_db = result
        assert (rate, n_bytes) == (ours.sampling_rate, ours.n_bytes), codec
        assert error_db == pytest.approx(ours.error_db, abs=0.02), codec
        assert np.allclose(samples, ours.coded, atol=1e-3), codec


def test_masking_script_finds_the_same_clusters_and_hides_the_same_frames(run):
    clip = sweep()
    found, ours = run("masking", clip), clusters(clip, n_clusters=8)
    assert np.mean(found["labels"] == ours.labels) > 0.98
    assert np.array_equal(found["is_hidden"], hidden(len(ours.labels), 3))


def test_silence_has_a_script_that_runs(run):
    for name in ("dft", "stft", "mel"):
        assert np.isfinite(run(name, silence())["levels_db"]).all(), name


def test_a_picture_without_a_script_says_so():
    with pytest.raises(KnownError, match="no_recipe"):
        recipes.recipe(Provenance("source", {}))


@pytest.mark.usefixtures("beside_the_models")
def test_scripts_of_a_model_s_layers_compute_the_same_frames_and_weights(run):
    clip = example("disco_song")
    found = run("inside", clip, None)
    look = states.look(MODELS, Scene(clip, Transforms()), None)
    assert found["frames"].shape == look.block.frames.shape
    # The page's products may be of bf16.
    off = found["frames"] - look.block.frames
    assert off.std() < 0.02 * look.block.frames.std()
    shares = layers.colours(look.block.frames).shares.sum(axis=1)
    assert np.allclose(found["shares"], shares, atol=0.01)
    found = run("repeats", clip, 2, 1, None)
    n = round(1 / look.block.hop_s)
    ours = layers.smoothed(look.block.frames[2], n)
    assert np.allclose(found["cosines"], layers.similarity(ours, len(ours)), atol=0.02)
    found = run("attention", clip, 2, 3, 12.0, None)
    frame = look.block.nearest(12.0)
    own = look.block.owners == look.block.owners[frame]
    ours = network.attention(look.block, look.model, 2, 2).weights[frame, own]
    columns = look.block.columns[own]
    theirs = found["weights"][look.block.columns[frame], columns]
    assert np.allclose(ours, theirs, atol=0.01)
