import threading

import pytest

from errors import KnownError
from trainer.run.events import Stage, StopRequested
from trainer.training.cancellable import emit_or_stop, interruptible


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


def test_obedient_voice_speaks_until_the_stop_and_then_ends_the_work():
    told, is_stopped = [], threading.Event()
    say = emit_or_stop(told.append, is_stopped.is_set)
    say(Stage("download", 1, 2))
    is_stopped.set()
    with pytest.raises(StopRequested):
        say(Stage("download", 2, 2))
    assert [event.done for event in told] == [1]
