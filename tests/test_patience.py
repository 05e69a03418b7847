import threading

import pytest

from errors import KnownError
from trainer.events import StopRequested
from trainer.patience import interruptible


def test_answer_of_the_work_comes_back():
    assert interruptible(lambda: 42, lambda: False) == 42


def test_error_of_the_work_comes_back():
    def fail():
        raise KnownError("hub_unreachable", id="x")

    with pytest.raises(KnownError, match="hub_unreachable"):
        interruptible(fail, lambda: False)


def test_stop_leaves_behind_what_does_not_end():
    never = threading.Event()
    with pytest.raises(StopRequested):
        interruptible(never.wait, lambda: True)
    never.set()
