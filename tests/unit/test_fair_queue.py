"""The queue: turns, shares, and what nobody listens to."""

import asyncio
import threading
from collections import Counter
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.data_classes import PredictBodyInternal
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ui.server import fair_queue, gradio_patches
from ui.server.fair_queue import FairQueue, Listeners
from ui.server.shares import ADDRESS, Share, Shares

SHARE = Share(n_events=6, n_slow=4, n_batches=2, n_sessions=3)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def page():
    """A page with a quick kind of event (0), a slow one (1) and batches (2)."""
    with gr.Blocks() as demo:
        for kind, limit in ((None, 4), ("asking", 2), ("batch", 2)):
            gr.on([], lambda: None, concurrency_id=kind, concurrency_limit=limit)
    demo.queue(api_open=False)
    return demo


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(page, clock):
    made = FairQueue.of(page._queue, Shares(SHARE, clock=clock))
    made.active_jobs = [None] * 40
    made.server_app = SimpleNamespace(
        iterators={},
        state_holder=SimpleNamespace(
            lock=threading.Lock(), session_data={}, time_last_used={}
        ),
    )
    return made


def ask(queue, address, fn=0, session=None):
    scope = {"type": "http", "headers": [], ADDRESS: address}
    request = Request(scope)
    body = PredictBodyInternal(
        fn_index=fn, data=[], session_hash=session, request=request
    )
    _, event_id, _ = asyncio.run(queue.push(body, request, None))
    return event_id


def start(queue):
    """Start the next event, as Gradio does; return its visitor."""
    found = queue.get_events()
    if found is None:
        return None
    events, _, concurrency_id = found
    queue.active_jobs[queue.active_jobs.index(None)] = events
    queue.event_queue_per_concurrency_id[concurrency_id].current_concurrency += 1
    return events[0].request.scope[ADDRESS]


def end(queue, address):
    for number, job in enumerate(queue.active_jobs):
        if job and job[0].request.scope[ADDRESS] == address:
            line = queue.event_queue_per_concurrency_id[job[0].concurrency_id]
            line.current_concurrency -= 1
            queue.active_jobs[number] = None
            return


def test_who_asks_for_more_than_a_share_is_refused_and_nobody_else(queue):
    for _ in range(SHARE.n_events):
        ask(queue, "greedy")
    with pytest.raises(HTTPException) as refused:
        ask(queue, "greedy")
    assert refused.value.status_code == 429
    assert "address" in refused.value.detail
    ask(queue, "other")
    for _ in range(2 * SHARE.n_events):
        ask(queue, None)


@pytest.mark.parametrize(("fn", "most"), [(1, SHARE.n_slow), (2, SHARE.n_batches)])
def test_slow_kinds_have_shares_of_their_own(queue, fn, most):
    for _ in range(most):
        ask(queue, "greedy", fn)
    with pytest.raises(HTTPException):
        ask(queue, "greedy", fn)
    ask(queue, "greedy", 0)


def test_slow_kind_that_is_full_leaves_room_for_quick_ones(queue, monkeypatch):
    monkeypatch.setattr(fair_queue, "MOST_SLOW", 3)
    for name in "abc":
        ask(queue, name, 2)
    with pytest.raises(HTTPException) as busy:
        ask(queue, "d", 2)
    assert busy.value.status_code == 503
    ask(queue, "d", 1)
    ask(queue, "d", 0)


def test_turns_alternate_between_visitors_however_much_one_has_sent(queue):
    for _ in range(4):
        ask(queue, "greedy", 1)
    ask(queue, "other", 1)
    ask(queue, "third", 1)
    order = []
    for _ in range(6):
        address = start(queue)
        order.append(address)
        end(queue, address)
    assert sorted(order[:3]) == ["greedy", "other", "third"]
    assert Counter(order)["greedy"] == 4


def test_one_visitor_never_takes_the_last_place_of_a_line(queue):
    ask(queue, "greedy", 2)
    ask(queue, "greedy", 2)
    assert start(queue) == "greedy"
    assert start(queue) is None
    ask(queue, "other", 2)
    assert start(queue) == "other"


def test_who_sits_at_the_computer_takes_every_place(queue):
    for _ in range(2):
        ask(queue, None, 2)
    assert [start(queue), start(queue)] == [None, None]
    assert sum(job is not None for job in queue.active_jobs) == 2


def look(queue):
    asyncio.run(queue.give_up())


def test_page_that_was_reloaded_does_not_wait_for_what_the_one_before_asked(queue):
    for _ in range(3):
        ask(queue, "1.1.1.1", session="before")
    ask(queue, "1.1.1.1", session="now")
    with queue.pages.listening("now"):
        events, _, _ = queue.get_events()
    assert [each.session_hash for each in events] == ["now"]
    events, _, _ = queue.get_events()
    assert [each.session_hash for each in events] == ["before"]


def test_waiting_event_that_nobody_listens_to_is_given_up(queue, clock):
    ask(queue, "gone", 1, "session")
    look(queue)
    assert len(queue) == 1
    clock.now = fair_queue.UNHEARD_S + 1
    look(queue)
    assert len(queue) == 0


def test_waiting_event_with_a_listener_stays(queue, clock):
    ask(queue, "here", 1, "session")
    with queue.streams.listening("session"):
        look(queue)
        clock.now = 1000.0
        look(queue)
        assert len(queue) == 1


def test_new_question_after_a_long_silence_is_not_given_up_at_once(queue, clock):
    ask(queue, "here", 1, "session")
    with queue.streams.listening("session"):
        pass
    clock.now = fair_queue.UNREAD_S - 1
    ask(queue, "here", 1, "session")
    look(queue)
    assert len(queue) == 2


def test_answers_that_nobody_reads_are_dropped(queue, clock):
    ask(queue, "gone", 0, "session")
    look(queue)
    assert "session" in queue.pending_messages_per_session
    clock.now = fair_queue.UNREAD_S + 1
    look(queue)
    assert "session" not in queue.pending_messages_per_session


def test_over_its_share_a_visitor_loses_the_oldest_of_its_own_sessions(queue):
    sessions = queue.server_app.state_holder.session_data
    with queue.pages.listening("victim"), queue.pages.listening("open"):
        for address, session in [("victim", "victim"), ("stranger", "open")]:
            ask(queue, address, 0, session)
            sessions[session] = object()
        for number in range(SHARE.n_sessions + 2):
            sessions[f"made up {number}"] = object()
            queue._remember(f"made up {number}", "stranger")
    assert {"victim", "open"} <= set(sessions)
    assert len(sessions) == 1 + SHARE.n_sessions


def test_session_is_forgotten_once_its_page_is_long_closed(queue, clock):
    sessions = queue.server_app.state_holder.session_data
    ask(queue, "a", 0, "session")
    sessions["session"] = object()
    with queue.pages.listening("session"):
        look(queue)
        clock.now = 2 * fair_queue.IDLE_S
        look(queue)
        assert "session" in sessions
    clock.now += fair_queue.IDLE_S + 1
    look(queue)
    assert not sessions


def test_listeners_count_streams_that_overlap():
    clock = Clock()
    listeners = Listeners(clock)
    with listeners.listening("a"):
        with listeners.listening("a"):
            clock.now = 5.0
        assert listeners.silence_s("a") == 0.0
    clock.now = 8.0
    assert listeners.silence_s("a") == 3.0


class Answer:
    """An answer with a picture of so many letters."""

    def __init__(self, n_letters):
        self.output = {"data": ["x" * n_letters, {"value": [0.5] * 10}]}


def answered(queue, session, n_letters):
    """Let a session's answer wait to be read."""
    waiting = queue.pending_messages_per_session
    waiting.setdefault(session, fair_queue.Answers()).put_nowait(Answer(n_letters))


def test_answers_know_how_much_of_them_is_unread():
    answers = fair_queue.Answers()
    answers.put_nowait(Answer(1000))
    answers.put_nowait(Answer(500))
    assert answers.n_bytes == 1500 + 2 * 80
    assert len(answers.get_nowait().output["data"][0]) == 1000
    assert answers.n_bytes == 500 + 80
    answers.get_nowait()
    assert answers.n_bytes == 0


def test_session_whose_answers_are_too_large_loses_them_at_once(queue, monkeypatch):
    monkeypatch.setattr(fair_queue, "MOST_UNREAD_BYTES", 1000)
    answered(queue, "greedy", 1200)
    answered(queue, "other", 900)
    look(queue)
    assert list(queue.pending_messages_per_session) == ["other"]


def test_unread_answers_of_all_have_a_ceiling_and_readers_keep_theirs(
    queue, monkeypatch
):
    monkeypatch.setattr(fair_queue, "MOST_ALL_UNREAD_BYTES", 2000)
    for number in range(8):
        answered(queue, f"made up {number}", 500 + number)
    answered(queue, "reader", 5000)
    with queue.streams.listening("reader"):
        look(queue)
    left = queue.pending_messages_per_session
    assert set(left) == {"reader", "made up 0", "made up 1", "made up 2"}


def test_gradio_keeps_the_answers_of_a_session_in_a_queue_that_knows_its_size(page):
    gradio_patches.share_queue(page, Shares(SHARE))
    ours = gradio_patches.queue_of(page)
    ask(ours, "a", session="session")
    answers = ours.pending_messages_per_session["session"]
    assert isinstance(answers, fair_queue.Answers)


def test_batches_of_one_visitor_come_one_after_the_other(page):
    for line in page._queue.event_queue_per_concurrency_id.values():
        line.concurrency_limit = 4
    queue = FairQueue.of(page._queue, Shares(SHARE))
    queue.active_jobs = [None] * 40
    for address in ("greedy", "greedy", "other"):
        ask(queue, address, 2)
    assert {start(queue), start(queue)} == {"greedy", "other"}
    assert start(queue) is None
    end(queue, "greedy")
    assert start(queue) == "greedy"


def test_one_visitor_leaves_processors_to_others_as_long_as_they_ask(
    queue, clock, monkeypatch
):
    monkeypatch.setattr(fair_queue, "MOST_ALONE", 3)
    monkeypatch.setattr(fair_queue, "MOST_BESIDE", 1)
    for _ in range(4):
        ask(queue, "greedy", 0)
    assert [start(queue) for _ in range(4)] == ["greedy"] * 3 + [None]
    for _ in range(2):
        ask(queue, "other", 0)
    assert [start(queue), start(queue)] == ["other", None]
    end(queue, "other")
    end(queue, "greedy")
    assert [start(queue), start(queue)] == ["other", None]
    clock.now = fair_queue.BESIDE_S + 1
    assert [start(queue), start(queue)] == ["greedy", None]
    ask(queue, "greedy", 1)
    assert start(queue) == "greedy"  # what waits for a model has turns of its own


def test_where_all_have_too_many_sessions_those_without_a_page_go_first(
    queue, monkeypatch
):
    monkeypatch.setattr(fair_queue, "MOST_SESSIONS", 4)
    sessions = queue.server_app.state_holder.session_data
    with queue.pages.listening("victim"):
        for number, name in enumerate(["victim", *"abcdefgh"]):
            sessions[name] = object()
            queue._remember(name, f"address {number}")
    assert set(sessions) == {"victim", "f", "g", "h"}


def test_names_that_somebody_makes_up_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(fair_queue, "MOST_SILENT", 5)
    listeners = Listeners(Clock())
    for number in range(20):
        with listeners.listening(f"{number} {'x' * 10_000}"):
            pass
        listeners.silence_s(f"other {number}")
    assert len(listeners._left_s) == 5
    assert max(map(len, listeners._left_s)) <= fair_queue.KEY_LENGTH
