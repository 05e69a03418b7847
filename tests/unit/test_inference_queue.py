"""Windows are computed in fair turns by few threads; callers know their position."""

import os
import sys
import threading

import pytest

from classifier.queue import InferenceQueue, WaitingLine
from process import NICENESS


def test_all_is_heard_by_one_thread_whoever_asks():
    queue, names = InferenceQueue(), set()

    def visit():
        for _ in range(5):
            names.add(queue.run(lambda: threading.current_thread().name))

    visitors = [threading.Thread(target=visit) for _ in range(10)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert len(names) == 1
    assert threading.current_thread().name not in names


def test_queue_are_fair():
    """Nobody is heard twice in a row while another waits."""
    queue, order = InferenceQueue(), []

    def hear(number):
        order.append(number)
        while order.count(1 - number) < 4 and not queue._pool._work_queue.qsize():
            pass  # until the other has asked for its next window

    def visit(number):
        for _ in range(4):
            queue.run(lambda: hear(number))

    visitors = [threading.Thread(target=visit, args=(number,)) for number in (0, 1)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert order in ([0, 1] * 4, [1, 0] * 4)


def test_error_while_listening_reaches_who_asked_and_nobody_else():
    queue = InferenceQueue()

    def fail():
        raise ValueError("this window")

    with pytest.raises(ValueError, match="this window"):
        queue.run(fail)
    assert queue.run(lambda: 7) == 7


def test_first_visitors_are_seated_and_the_others_are_numbered():
    line = WaitingLine(2)
    with line.ticket() as a, line.ticket() as b, line.ticket() as c, line.ticket() as d:
        assert [each.position for each in (a, b, c, d)] == [0, 0, 1, 2]


def test_places_count_down_as_visitors_leave():
    line, told = WaitingLine(1), []
    came = threading.Event()

    def stand():
        with line.ticket() as ticket:
            for place in ticket.positions(3600.0):
                told.append(place)
                came.set()
            told.append(ticket.position)

    with line.ticket():
        with line.ticket():
            visitor = threading.Thread(target=stand)
            visitor.start()
            assert came.wait(20)
        while told[-1] != 1:
            pass
    visitor.join()
    assert told == [2, 1, 0]


def test_who_gives_up_leaves_the_line():
    line = WaitingLine(1)
    with line.ticket() as seated:
        with pytest.raises(GeneratorExit), line.ticket() as given_up:
            assert given_up.position == 1
            raise GeneratorExit
        with line.ticket() as waiting:
            assert (seated.position, waiting.position) == (0, 1)


def test_place_is_told_again_while_nothing_moves():
    line = WaitingLine(1)
    with line.ticket(), line.ticket() as waiting:
        places = waiting.positions(0.01)
        assert [next(places) for _ in range(3)] == [1, 1, 1]


def test_who_is_seated_does_not_wait():
    with WaitingLine(1).ticket() as ticket:
        ticket.acquire()
        assert list(ticket.positions(3600.0)) == []


def test_who_can_wait_is_seated_when_it_is_time():
    line, seated = WaitingLine(1), threading.Event()

    def stand():
        with line.ticket() as ticket:
            ticket.acquire()
            seated.set()

    with line.ticket() as first:
        visitor = threading.Thread(target=stand)
        visitor.start()
        assert first.position == 0
        assert not seated.is_set()
    assert seated.wait(20)
    visitor.join()


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has no niceness there")
def test_listening_steps_aside_and_nobody_else_does():
    before = os.getpriority(os.PRIO_PROCESS, 0)
    heard = InferenceQueue().run(lambda: os.getpriority(os.PRIO_PROCESS, 0))
    assert heard == max(before, NICENESS)
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
