"""A GPU that is lent to one call at a time."""

import functools
import pickle
import sys
import types

import pytest

from classifier.predict import predict
from errors import KnownError
from networks import checkpoint, device, forward
from settings import Host
from support import tiny
from support.signals import silence, sweep
from support.tiny import SAMPLING_RATE
from ui.server import zero

ZERO = Host("zero", "studio/genrescope")


@pytest.fixture
def lent(monkeypatch):
    """The calls that the package ``spaces`` carries out: seconds asked, and values.

    As in the real one, what goes there and comes back crosses to another process, and of
    an error only the name of its class does.
    """
    asked = []

    def gpu(function, *, duration):
        @functools.wraps(function)
        def on_gpu(*values):
            asked.append((duration(*values), values))
            try:
                found = function(*pickle.loads(pickle.dumps(values)))
            except Exception as error:  # noqa: BLE001 - as `spaces` does
                raise RuntimeError(f"worker error: {type(error).__name__}") from None
            return pickle.loads(pickle.dumps(found))

        return on_gpu

    real = checkpoint.load
    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=gpu))
    monkeypatch.setattr(
        checkpoint,
        "load",
        lambda ref, folder, device=None, **more: real(ref, folder, device="cpu"),
    )
    zero._loaded.cache_clear()
    yield asked
    zero._loaded.cache_clear()


@pytest.fixture
def models(tiny_model_dir, tmp_path):
    return tiny.models_of(tiny_model_dir, tmp_path, device="cpu")


def asked_for(models, gpu, song, **options):
    loaded = models.load(models.ref("bundled"))
    compute = gpu.of(loaded.ref, models.folder(loaded.ref))
    return predict(song, loaded, compute=compute, **options)


def song(duration_s):
    return sweep(duration_s=duration_s, sampling_rate=SAMPLING_RATE)


def test_lent_gpu_gives_the_same_answer_in_one_call(lent, models):
    expected = predict(song(3.3), models.load(models.ref("bundled")))
    found = asked_for(models, zero.LentGpu(ZERO), song(3.3))
    assert len(lent) == 1
    assert dict(found.genres) == pytest.approx(dict(expected.genres), abs=1e-6)
    assert len(found.chunks) == len(expected.chunks)


def test_only_the_forward_pass_is_in_the_lent_seconds(lent, models):
    """No decoding, no waiting, no download: windows go in, logits come out."""
    gpu = zero.LentGpu(ZERO)
    with pytest.raises(KnownError, match="too_short"):
        asked_for(models, gpu, song(0.04))
    with pytest.raises(KnownError, match="silent"):
        asked_for(models, gpu, silence(duration_s=2.0))
    assert not lent
    asked_for(models, gpu, song(2.0))
    ((_, (ref, folder, values, with_features)),) = lent
    assert (ref.key, values.shape, with_features) == ("bundled", (4, 8000), False)
    assert (folder / "model.safetensors").is_file()


def test_seconds_are_asked_for_by_the_length_of_the_song(lent, models):
    gpu = zero.LentGpu(ZERO)
    for duration_s in (2.0, 200.0):
        asked_for(models, gpu, song(duration_s), effort="whole")
    short, long = (seconds for seconds, _ in lent)
    assert short == 9  # to start, and 0.04
    assert long == 12  # and 4
    ref = models.ref("bundled")
    hours = zero.np.broadcast_to(zero.np.float32(0), (100_000, 8000))
    assert zero._duration_s(ref, None, hours, False) == 60


def test_known_error_of_the_lent_gpu_is_whole(lent, models, monkeypatch):
    """Else only the name of its class would come back."""

    def broken(*given, **named):
        raise KnownError("model_broken", title="model")

    monkeypatch.setattr(forward, "outputs", broken)
    with pytest.raises(KnownError) as caught:
        asked_for(models, zero.LentGpu(ZERO), song(2.0))
    assert caught.value.code == "model_broken"
    assert caught.value.details == {"title": "model"}


def test_model_is_loaded_once_for_many_calls(lent, models, monkeypatch):
    n_loaded, real = [], checkpoint.load

    def load(*given, **named):
        n_loaded.append(1)
        return real(*given, **named)

    gpu = zero.LentGpu(ZERO)
    models.load(models.ref("bundled"))
    monkeypatch.setattr(checkpoint, "load", load)
    for _ in range(2):
        asked_for(models, gpu, song(2.0))
    assert len(n_loaded) == 1


def test_full_memory_of_the_lent_gpu_halves_the_batch(lent, models, monkeypatch):
    real, sizes = forward.outputs, []

    def compute(model, values, *given, **named):
        sizes.append(len(values))
        if len(values) > 1:
            raise RuntimeError("CUDA out of memory")
        return real(model, values, *given, **named)

    monkeypatch.setattr(device, "free_memory", lambda: None)
    monkeypatch.setattr(forward, "batch_size", lambda model, window_s: 4)
    monkeypatch.setattr(forward, "outputs", compute)
    assert asked_for(models, zero.LentGpu(ZERO), song(2.0)).n_done == 4
    assert sizes == [4, 2, 1, 1, 1, 1]


def test_no_gpu_is_lent_on_every_other_host(lent):
    for kind in ("local", "cpu", "gpu"):
        assert not zero.LentGpu(Host(kind)).is_lent


def test_no_gpu_is_lent_where_the_package_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert not zero.LentGpu(ZERO).is_lent


def test_page_hears_on_the_processor_where_the_gpu_is_lent():
    assert zero.device(ZERO) == "cpu"
    assert zero.device(Host("gpu")) is zero.device(Host()) is None


def test_known_error_comes_back_from_another_process_as_it_was():
    error = pickle.loads(pickle.dumps(KnownError("silent", name="a.mp3")))
    assert (error.code, error.details) == ("silent", {"name": "a.mp3"})
