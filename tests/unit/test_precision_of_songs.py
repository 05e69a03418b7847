"""bfloat16 against float32 over many songs and steps, with models of full size.

Two CPU minutes each, in parts that can be run alone: ``-k "bundled and 3"``.
"""

import pytest
import torch

import settings
from audio.synth.composer import STYLES, compose
from bench.tutorial import model_and_extractor
from networks import checkpoint
from networks.cpu import frontend, precision, training

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]  # on a busy machine
N_SONGS, N_PARTS = 200, 4
N_STEPS, N_SAMPLES = 100, 8_000


def clips(part, duration_s):
    """Composed songs of a part of all, as many of each style."""
    n_each = N_SONGS // len(STYLES)
    for seed in range(part, n_each, N_PARTS):
        for genre in STYLES:
            song = compose(genre, 2_000_000 + seed, duration_s=duration_s)
            yield song.resampled(16_000)


@pytest.fixture
def folder(request, tmp_path):
    if request.param == "bundled":
        return settings.Settings().bundled_model_dir
    model, extractor = model_and_extractor(genrescope={"window_s": 5.0})
    extractor.return_attention_mask = False
    for part in (model, extractor):
        part.save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("part", range(N_PARTS))
@pytest.mark.parametrize("folder", ["bundled", "distilhubert"], indirect=True)
def test_songs_get_the_same_genre_and_nearly_the_same_probabilities(folder, part):
    """What ``auto`` chooses keeps 0.002, what the page says of bf16 is true of all."""
    ref = checkpoint.describe("folder", "songs", folder)
    exact, auto, quick = (
        checkpoint.load(ref, folder, device="cpu", precision=kind)
        for kind in ("fp32", "auto", "bf16")
    )
    n_window, worst = round(ref.window_s * 16_000), 0.0
    for clip in clips(part, ref.window_s):
        samples = clip.samples[:n_window]
        values = exact.feature_extractor(samples, sampling_rate=16_000)
        given = torch.as_tensor(values["input_values"][0])[None]
        with torch.inference_mode():
            theirs, ours = (each.model(given).logits[0] for each in (exact, quick))
        theirs, ours = theirs.softmax(0), ours.softmax(0)
        worst = max(worst, float((ours - theirs).abs().max()))
        first, second = theirs.topk(2).values
        assert first - second <= 0.01 or ours.argmax() == theirs.argmax()
    assert worst < (2e-3 if auto.precision == "bf16" else 3e-3)


def test_hundred_steps_lose_the_same_and_gradients_point_the_same_way():
    """DistilHuBERT's shape on windows of half a second, without the chance of dropout."""
    told = {}
    for kind in ("fp32", "bf16"):
        off = dict.fromkeys(
            ("hidden_dropout", "attention_dropout", "activation_dropout"), 0.0
        )
        model, _ = model_and_extractor(
            **off,
            feat_proj_dropout=0.0,
            final_dropout=0.0,
            layerdrop=0.0,
            apply_spec_augment=False,
        )
        training.optimize_for_cpu(model.train())
        told[kind] = (*steps(model, kind), model.eval())
    (exact, directions, theirs), (found, others, ours) = told.values()
    assert found == pytest.approx(exact, rel=0.01, abs=0.002)
    for there, here in zip(directions, others, strict=True):
        cosine = torch.cosine_similarity(there.double(), here.double(), 0)
        assert cosine > 0.999
    given, labels = tones(torch.Generator().manual_seed(4), 40)
    frontend.optimize_for_cpu(theirs, "fp32")
    frontend.optimize_for_cpu(ours, "bf16")
    with torch.inference_mode():
        expected, probabilities = (
            model(given).logits.softmax(-1) for model in (theirs, ours)
        )
    accuracies = [
        float((each.argmax(-1) == labels).float().mean())
        for each in (expected, probabilities)
    ]
    assert accuracies[0] == accuracies[1] > 0.5


def tones(generator, n_clips):
    """Draw tones of ten pitches in noise, half a second each, and their numbers."""
    labels = torch.randint(0, 10, (n_clips,), generator=generator)
    sines = torch.sin(torch.arange(N_SAMPLES) * 0.03 * (1 + labels[:, None]))
    return sines + 0.1 * torch.randn(n_clips, N_SAMPLES, generator=generator), labels


def steps(model, kind):
    """Train; return the losses, and the gradients at steps 1 and 50."""
    optimizer = torch.optim.AdamW(model.parameters(), 5e-5, fused=True)
    generator = torch.Generator().manual_seed(3)
    losses, gradients = [], []
    for step in range(1, N_STEPS + 1):
        given, labels = tones(generator, 2)
        model.train()  # as a trainer does; the weights are laid out anew
        with precision.autocast(kind):
            loss = model(given, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        if step in (1, 50):
            found = [w.grad.flatten() for w in model.parameters() if w.grad is not None]
            gradients.append(torch.cat(found))
        optimizer.step()
        losses.append(loss.item())
    return losses, gradients
