"""What is kept, for how long, and what leaves first."""

import threading

import pytest

from cache import Cache


def keys(cache):
    return [key for key, _ in cache.items()]


def test_least_recently_used_leaves_first():
    cache = Cache(max_size=2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert keys(cache) == ["a", "c"]
    assert cache.get("b") is None


def test_size_is_that_of_the_values_and_is_never_above_the_limit():
    cache = Cache(max_size=10, size_of=len)
    for value in ("four", "seven", "six"):
        cache.put(value, value)
        assert cache.size <= 10
    assert keys(cache) == ["seven", "six"]


def test_value_put_last_stays_whatever_its_size():
    cache = Cache(max_size=3, size_of=len)
    cache.put("small", "abc")
    cache.put("large", "abcdef")
    assert keys(cache) == ["large"]


def test_value_put_again_counts_once():
    cache = Cache(max_size=8, size_of=len)
    cache.put("a", "abc")
    cache.put("b", "abc")
    cache.put("a", "abcde")
    assert keys(cache) == ["b", "a"]
    assert cache.size == 8


def test_value_is_forgotten_at_an_age_however_often_it_is_used():
    now = [100.0]
    cache = Cache(max_size=9, max_age_s=5.0, clock=lambda: now[0])
    cache.put("a", 1)
    now[0] += 4.9
    assert cache.get("a") == 1
    now[0] += 0.2
    assert cache.get("a") is None
    assert cache.compute("a", lambda: 2) == 2
    assert cache.get("a") == 2


def test_falsy_value_is_a_value():
    cache = Cache(max_size=9)
    assert cache.compute("a", lambda: False) is False
    assert cache.compute("a", lambda: pytest.fail("it is known")) is False


def test_threads_that_ask_at_once_share_one_call():
    cache, calls = Cache(max_size=9), []
    barrier = threading.Barrier(8)

    def compute():
        calls.append(1)
        return len(calls)

    def ask():
        barrier.wait()
        answers.append(cache.compute("a", compute))

    answers = []
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1] * 8


def test_other_keys_do_not_wait_for_a_slow_one():
    cache, is_slow, may_end = Cache(max_size=9), threading.Event(), threading.Event()

    def slow():
        is_slow.set()
        assert may_end.wait(10)
        return 1

    thread = threading.Thread(target=cache.compute, args=("slow", slow))
    thread.start()
    assert is_slow.wait(10)
    assert cache.compute("quick", lambda: 2) == 2
    may_end.set()
    thread.join()
    assert cache.get("slow") == 1


def test_call_that_fails_keeps_nothing_and_is_tried_again():
    cache = Cache(max_size=9)
    with pytest.raises(ZeroDivisionError):
        cache.compute("a", lambda: 1 // 0)
    assert keys(cache) == []
    assert cache.compute("a", lambda: 1) == 1
