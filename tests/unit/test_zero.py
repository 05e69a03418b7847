"""A GPU that is lent to one call at a time."""

import functools
import pickle
import sys
import types

import pytest

from errors import KnownError
from settings import Host
from ui.handlers import guard
from ui.server import zero

ZERO = Host("zero", "studio/genrescope")


@pytest.fixture
def lent(monkeypatch):
    """The durations that the package ``spaces`` is asked for."""
    asked = []

    def gpu(function, *, duration):
        @functools.wraps(function)
        def on_gpu(*values, **more):
            asked.append(duration)
            return function(*values, **more)

        return on_gpu

    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=gpu))
    return asked


def double(number: int) -> int:
    return 2 * number


def test_function_asks_for_the_gpu_where_it_is_lent(lent):
    assert zero.on_gpu(double, ZERO)(4) == 8
    assert lent == [zero.DURATION_S]


def test_function_is_itself_on_every_other_host(lent):
    for kind in ("local", "cpu", "gpu"):
        assert zero.on_gpu(double, Host(kind)) is double


def test_function_is_itself_where_the_package_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "spaces", None)
    assert zero.on_gpu(double, ZERO) is double


def test_marked_function_can_be_a_handler(lent):
    from settings import Settings

    handler = guard(Settings())(zero.on_gpu(double, ZERO))
    assert handler(None, 4) == 8


def test_page_hears_on_the_processor_where_the_gpu_is_lent():
    assert zero.device(ZERO) == "cpu"
    assert zero.device(Host("gpu")) is zero.device(Host()) is None


def test_known_error_comes_back_from_another_process_as_it_was():
    error = pickle.loads(pickle.dumps(KnownError("silent", name="a.mp3")))
    assert (error.code, error.details) == ("silent", {"name": "a.mp3"})
