"""A share for each address: who it is, what it has taken."""

import pytest

from errors import KnownError
from ui.server.shares import HOUR_S, Share, Shares, network_of


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
