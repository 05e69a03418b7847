"""A share for each address: who it is, what it has taken."""

import pytest

from errors import KnownError
from ui.server.shares import (
    BESIDE_S,
    FORGIVEN_S,
    HOUR_S,
    LONGEST_REFUSAL_S,
    REFUSAL_S,
    Pace,
    Share,
    Shares,
    network_of,
)


def scope(client="127.0.0.1", **headers):
    named = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return {"type": "http", "client": (client, 1), "headers": named}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_who_sits_at_this_computer_has_no_share():
    assert Shares().address_of(scope()) is None
    assert Shares().address_of(scope("::1")) is None


def test_visitor_of_a_relay_on_this_computer_is_who_the_relay_saw():
    shares = Shares()
    seen = scope(x_forwarded_for="192.168.1.7")
    assert shares.address_of(seen) == "192.168.1.7"
    assert shares.address_of(scope(via="1.1 relay")) is not None


def test_address_that_a_visitor_writes_before_the_relays_own_counts_for_nothing():
    made_up = scope("10.0.0.1", x_forwarded_for="8.8.8.8, 203.0.113.9, 93.184.216.34")
    assert Shares(is_space=True).address_of(made_up) == "93.184.216.34"


def test_inner_relay_of_a_space_does_not_become_everybody():
    relayed = scope("10.0.0.1", x_forwarded_for="93.184.216.34, 10.9.9.9")
    assert Shares(is_space=True).address_of(relayed) == "93.184.216.34"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("93.184.216.34", "93.184.216.34"),
        ("::ffff:93.184.216.34", "93.184.216.34"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("<script>", "unknown"),
        ("", "unknown"),
    ],
)
def test_household_is_one_visitor(address, network):
    assert network_of(address) == network


def test_bytes_are_counted_for_an_hour_and_for_each_address():
    clock = Clock()
    shares = Shares(Share(bytes_per_hour=100), clock=clock)
    shares.write("a", 60)
    shares.write("b", 60)
    with pytest.raises(KnownError, match="share_spent"):
        shares.write("a", 41)
    shares.write("a", 40)
    clock.now = HOUR_S + 1
    shares.write("a", 100)
    shares.write(None, 10**12)


def test_requests_are_counted_while_they_are_answered():
    shares = Shares(Share(n_requests=1))
    with (
        shares.request("a"),
        shares.request("b"),
        shares.request(None),
        pytest.raises(KnownError, match="too_much_at_once"),
        shares.request("a"),
    ):
        pass
    with shares.request("a"):
        pass


def test_posts_are_refilled_with_time():
    clock = Clock()
    shares = Shares(Share(n_posts=3, posts_per_s=2.0), clock=clock)
    for _ in range(3):
        shares.post("a")
    with pytest.raises(KnownError, match="too_much_at_once"):
        shares.post("a")
    shares.post("b")
    clock.now = 0.5
    shares.post("a")
    with pytest.raises(KnownError):
        shares.post("a")
    clock.now = 100.0
    for _ in range(3):
        shares.post("a")
    with pytest.raises(KnownError):
        shares.post("a")


def test_seconds_of_sound_are_counted_and_grow_back():
    clock = Clock()
    shares = Shares(Share(sound_s=100.0, sound_s_per_s=2.0), clock=clock)
    shares.sound("a", 90.0)
    shares.sound("a", 60.0)  # there was something left
    with pytest.raises(KnownError, match="too_much_sound"):
        shares.sound("a", 1.0)
    shares.sound("b", 1.0)
    shares.sound(None, 10**9)
    clock.now = 24.0
    with pytest.raises(KnownError):
        shares.sound("a", 1.0)
    clock.now = 26.0
    shares.sound("a", 1.0)


def test_class_behind_one_address_has_sound_enough():
    shares = Shares(clock=lambda: 0.0)
    for _ in range(30 * 4):  # songs of four minutes, decoded and analysed
        shares.sound("school", 2 * 240.0)


def test_address_that_is_alone_waits_for_no_turn():
    shares = Shares(clock=Clock())
    shares.ask("a")
    assert {shares.turn_s("a", "post", Pace(1.0)) for _ in range(50)} == {0.0}


def test_turns_of_an_address_come_at_an_even_pace_beside_others():
    clock = Clock()
    shares = Shares(clock=clock)
    shares.ask("other")
    shares.ask("a")
    waits = [shares.turn_s("a", "post", Pace(10.0, 2)) for _ in range(5)]
    assert waits == pytest.approx([0, 0, 0.1, 0.2, 0.3])
    assert shares.turn_s("a", "get", Pace(10.0, 2)) == 0
    assert shares.turn_s("other", "post", Pace(10.0, 2)) == 0
    assert shares.turn_s(None, "post", Pace(10.0)) == 0
    clock.now = 0.5
    assert shares.turn_s("a", "post", Pace(10.0, 2)) == 0
    clock.now = BESIDE_S + 1  # the other one has gone
    assert {shares.turn_s("a", "post", Pace(10.0)) for _ in range(9)} == {0.0}


def test_each_refusal_waits_longer_and_is_forgiven_in_time():
    clock = Clock()
    shares = Shares(clock=clock)
    waits = [shares.refusal_s("a") for _ in range(300)]
    assert waits[:3] == pytest.approx([REFUSAL_S, 2 * REFUSAL_S, 3 * REFUSAL_S])
    assert waits[-1] == LONGEST_REFUSAL_S
    assert shares.refusal_s("b") == REFUSAL_S
    assert shares.refusal_s(None) == 0
    clock.now = FORGIVEN_S + 1
    assert shares.refusal_s("a") == REFUSAL_S


def test_bytes_of_many_small_pieces_are_counted_in_few_steps():
    clock = Clock()
    shares = Shares(Share(bytes_per_hour=10_000), clock=clock)
    for _ in range(10_000):
        shares.write("a", 1)
        clock.now += 0.01
    assert len(shares._written["a"].pieces) <= 101
    with pytest.raises(KnownError, match="share_spent"):
        shares.write("a", 1)
    clock.now = HOUR_S + 102
    shares.write("a", 10_000)
