"""bfloat16 against float32 over many songs and steps, with models of full size.

Two CPU minutes each, in parts that can be run alone: ``-k "bundled and 3"``.
"""

import pytest
import torch

import settings
from audio.synth.composer import STYLES, compose
from bench.tutorial import model_and_extractor
from networks import checkpoint
from networks.cpu import precision, training

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]  # on a busy machine
N_SONGS, N_PARTS = 200, 4
N_STEPS = 100


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
    ref = checkpoint.describe("folder", "songs", folder)
    exact, quick = (
        checkpoint.load(ref, folder, device="cpu", precision=kind)
        for kind in ("fp32", "bf16")
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
    assert worst < 2e-3


def test_hundred_steps_lose_the_same_and_gradients_point_the_same_way():
    """DistilHuBERT's shape on windows of a second, without the chance of dropout."""
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
        told[kind] = steps(model, kind)
    for exact, found in zip(told["fp32"][0], told["bf16"][0], strict=True):
        assert found == pytest.approx(exact, rel=0.01, abs=0.002)
    for exact, found in zip(told["fp32"][1], told["bf16"][1], strict=True):
        assert torch.cosine_similarity(exact, found, 0) > 0.999


def steps(model, kind):
    """Train; return the losses, and the gradients at steps 1 and 50."""
    optimizer = torch.optim.AdamW(model.parameters(), 5e-5)
    generator = torch.Generator().manual_seed(3)
    losses, gradients = [], []
    for step in range(1, N_STEPS + 1):
        labels = torch.randint(0, 10, (2,), generator=generator)
        tones = torch.sin(torch.arange(16_000) * 0.03 * (1 + labels[:, None]))
        given = tones + 0.1 * torch.randn(2, 16_000, generator=generator)
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
