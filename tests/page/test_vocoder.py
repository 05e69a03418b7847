"""The neural vocoder, with random weights."""

import runpy
import sys

import gradio as gr
import numpy as np
import pytest
import soundfile

import app
import i18n
from audio import vocoder
from audio.clip import Clip
from errors import KnownError
from settings import Settings
from support import model_hub
from support.signals import silence, tone
from ui.export import downloads, recipes
from ui.scene import Scene, Transforms
from ui.tabs.see import inversion
from viz.plot import Provenance

INFO = b'{"id": "microsoft/speecht5_hifigan", "sha": "%s"}' % (b"0" * 40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A vocoder of the real one's shape, but narrow."""
    import torch
    from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

    torch.manual_seed(0)
    config = SpeechT5HifiGanConfig(
        upsample_initial_channel=16,
        resblock_kernel_sizes=(3,),
        resblock_dilation_sizes=((1,),),
        initializer_range=0.5,
    )
    folder = tmp_path_factory.mktemp("vocoder")
    SpeechT5HifiGan(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_rebuilt_sound_is_as_long_and_at_16_khz(folder, rate):
    found = vocoder.rebuild(tone(440.0, 0.5, rate), folder)
    assert found.sampling_rate == 16_000
    assert found.n_samples == 8000
    assert np.isfinite(found.samples).all()
    assert np.abs(found.samples).max() > 0


@pytest.mark.parametrize("n_samples", [0, 1, 100])
def test_a_few_samples_and_none_come_back(folder, n_samples):
    few = Clip(np.zeros(n_samples), 16_000)
    assert vocoder.rebuild(few, folder).n_samples == n_samples


def test_bands_are_the_log_of_slaney_s_mel_magnitudes():
    import librosa

    samples = tone(440.0, 0.5, 16_000).samples
    power = librosa.feature.melspectrogram(
        y=samples,
        sr=16_000,
        n_fft=1024,
        hop_length=256,
        power=1.0,
        n_mels=80,
        fmin=80,
        fmax=7600,
        pad_mode="reflect",
    )
    bands = vocoder._bands(samples)
    assert bands.shape == (32, 80)
    assert np.allclose(bands, np.log10(np.maximum(power, 1e-10)).T, atol=1e-3)


def test_a_vocoder_that_lacks_weights_is_refused(folder, tmp_path):
    from safetensors.numpy import load_file, save_file

    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(KnownError, match="vocoder_broken"):
        vocoder.rebuild(silence(0.1), tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights.pop("conv_post.bias")
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(KnownError, match="vocoder_broken"):
        vocoder.rebuild(silence(0.1), tmp_path)


def test_vocoder_comes_from_the_hub_at_the_revision_with_safetensors(serve, folder):
    server = serve(folder, info=INFO)
    assert inversion.vocoded(tone(440.0, 0.2)).n_samples == 3200
    files = {path for path in server.asked if "/resolve/" in path}
    place = f"/{vocoder.MODEL_ID}/resolve/{vocoder.REVISION}"
    assert files == {f"{place}/{name}" for name in vocoder.FILES}


def test_a_pickle_is_not_asked_for(serve, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    serve(tmp_path, info=INFO)
    with pytest.raises(KnownError, match="hub_file_missing"):
        inversion.vocoded(silence(0.1))


def test_a_missing_network_is_said(monkeypatch):
    model_hub.use_hub(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(KnownError, match="hub_unreachable"):
        inversion.vocoded(silence(0.1))


def test_lesson_lets_the_vocoder_rebuild_and_says_its_limits(serve, folder):
    serve(folder, info=INFO)
    clip = tone(440.0, 1.0)
    scene = Scene(clip, Transforms())
    sheet = inversion.draw(scene, inversion.Way(0.0, 1, "hann", 4, "vocoder", 32))
    before, found, _ = sheet.plots
    assert (before.x, before.y) == (found.x, found.y)
    assert found.title == "Rebuilt by the neural vocoder"
    assert "trained on speech, so music suffers" in sheet.about
    assert "16 kHz" in sheet.about
    for kind in downloads.CONTENTS:
        assert downloads.content(sheet, kind)
    assert b'SOURCE = "vocoder"' in downloads.content(sheet, "py")


def test_lesson_says_that_the_hub_is_silent_and_can_be_asked_again(serve, folder):
    server = serve(folder, info=INFO, status=503)
    scene = Scene(tone(440.0, 1.0), Transforms())
    way = inversion.Way(0.0, 1, "hann", 4, "vocoder", 32)
    with pytest.raises(KnownError, match="hub_unreachable") as caught:
        inversion.draw(scene, way)
    assert vocoder.MODEL_ID in i18n.sentence(caught.value)
    server.status = 200
    assert inversion.draw(scene, way).plots


def test_fetched_vocoder_needs_the_hub_no_more(serve, folder):
    server = serve(folder, info=INFO)
    clip = tone(440.0, 0.2)
    first = inversion.vocoded(clip)
    server.status = 503
    assert np.allclose(inversion.vocoded(clip).samples, first.samples)


# librosa's loader imports what Python is about to lose, at its first call.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_script_s_vocoder_makes_the_same_sound(folder, tmp_path, monkeypatch):
    clip = tone(440.0, 0.5, 16_000)
    script, sound = tmp_path / "back.py", tmp_path / "sound.wav"
    settings = {"source": "vocoder", "vocoder": str(folder)}
    script.write_text(recipes.recipe(Provenance("back", settings)), "utf-8")
    soundfile.write(sound, clip.samples, clip.sampling_rate, "FLOAT")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script), str(sound)])
    found = runpy.run_path(str(script))["without_phase"]
    assert np.allclose(found, vocoder.rebuild(clip, folder).samples, atol=1e-4)


@pytest.mark.parametrize("is_offline", [False, True])
def test_vocoder_is_a_choice_only_where_the_hub_may_be_asked(tmp_path, is_offline):
    home = Settings(
        runs_dir=tmp_path, cache_dir=tmp_path, songs_dir=tmp_path, is_offline=is_offline
    )
    blocks = app.create_app(home).blocks.values()
    radios = [each for each in blocks if isinstance(each, gr.Radio)]
    offered = {value for radio in radios for _, value in radio.choices}
    assert ("vocoder" in offered) == (not is_offline)
    assert {"stft", "mel"} <= offered
