"""Who may train: the person at this machine, and nobody that a relay may hide."""

import time

import pytest

import settings
from errors import KnownError
from settings import Host, Settings
from support.visits import HERE, TOKEN, login, request
from ui.server.access import (
    Visitor,
    _is_of_own_page,
    is_relayed,
    key_of,
    knows_secret,
    visitor_of,
)
from ui.server.hub_roles import Account, Members

SPACE = Host("cpu", "studio/genrescope", has_login=True)
LATER = round(time.time()) + 3600
SECRET = "a long secret of this host"


def on_a_space(account, headers=None, signed_in=None, of_host=None):
    """Whether somebody of whom the Hub says this may change the Space."""
    at_space = {"host": "studio-genrescope.hf.space", "x-forwarded-for": "203.0.113.5"}
    asked = request({**at_space, **(headers or {})}, login=signed_in or login())
    members = Members(SPACE.owner, account=lambda token: account)
    return visitor_of(asked, of_host or Settings(host=SPACE), members).may_train


def may_train(headers=HERE, client="127.0.0.1", **options):
    return visitor_of(request(headers, client), Settings(**options)).may_train


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("127.0.0.1:7860", "127.0.0.1"),
        ("localhost:7860", "127.0.0.1"),
        ("localhost", "127.0.0.2"),
        ("[::1]:7860", "::1"),
    ],
)
def test_person_at_this_machine_may_train(host, client):
    assert may_train({"host": host, "origin": f"http://{host}"}, client)


def test_program_at_this_machine_sends_no_origin_and_may_train():
    assert may_train({"host": "127.0.0.1:7860"})


def test_nobody_may_train_on_a_space_without_signing_in():
    assert not may_train(host=SPACE)
    assert not may_train(host=SPACE, secret=SECRET)


@pytest.mark.parametrize(
    "account",
    [Account("studio"), Account("ann", frozenset({"others", "studio"}))],
    ids=["owner", "writing member"],
)
def test_owner_and_writing_members_may_train_on_their_space(account):
    assert on_a_space(account)


@pytest.mark.parametrize(
    "account",
    [
        Account("ann"),
        Account("ann", frozenset({"others"})),
        Account(""),
        Account("Studi"),
    ],
)
def test_others_who_signed_in_may_not(account):
    assert not on_a_space(account)


def test_space_that_does_not_know_its_owner_belongs_to_nobody():
    nobodys = Settings(host=Host("cpu", ""))
    members = Members("", account=lambda token: Account(""))
    assert not visitor_of(request(login=login()), nobodys, members).may_train


def test_login_that_has_expired_is_none():
    assert not on_a_space(Account("studio"), signed_in=login(lasts_s=-1))
    asked = request(login=login(lasts_s=-1))
    assert not visitor_of(asked, Settings(host=SPACE)).is_signed_in


def test_secret_opens_no_space():
    headers = {"authorization": f"Bearer {SECRET}"}
    host = Settings(host=SPACE, secret=SECRET)
    assert not on_a_space(Account("ann"), headers, of_host=host)


def test_login_counts_for_nothing_outside_a_space():
    asked = request({"host": "example.org"}, "8.8.8.8", login())
    members = Members("studio", account=lambda token: Account("studio"))
    visitor = visitor_of(asked, Settings(), members)
    assert visitor == Visitor("en", may_train=False, is_signed_in=False)


def test_silent_hub_lets_nobody_in():
    def silent(token):
        raise KnownError("hub_unreachable", id="whoami")

    members = Members("studio", account=silent)
    assert not members.may_write(TOKEN)


def test_role_counts_for_five_minutes_and_its_token_is_not_kept():
    now, asked = [1000.0], []

    def account(token):
        asked.append(token)
        return Account("studio" if len(asked) == 1 else "ann")

    members = Members("studio", account=account, clock=lambda: now[0])
    assert members.may_write(TOKEN)
    now[0] += 299
    assert members.may_write(TOKEN)
    assert TOKEN not in repr([vars(members), members._answers.items()])
    now[0] += 2
    assert not members.may_write(TOKEN)
    assert asked == [TOKEN, TOKEN]


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": "https://studio-genrescope.hf.space"}, True),
        ({"origin": "https://evil.hf.space"}, False),
        ({"origin": "null"}, False),
    ],
)
def test_foreign_page_cannot_use_its_visitor_s_login(headers, may):
    assert on_a_space(Account("studio"), headers) is may


def test_once_there_is_a_secret_this_machine_needs_it_as_well():
    """A relay on this machine that adds no header looks just like it."""
    assert not may_train(HERE, secret=SECRET)
    assert may_train(HERE | {"authorization": f"Bearer {SECRET}"}, secret=SECRET)


def test_request_from_this_machine_opens_nothing_unless_the_host_trusts_it():
    own = settings.with_start_key(settings.from_environment({}))
    default_nginx = {"host": "127.0.0.1:7860"}
    for headers in (HERE, default_nginx):
        assert not visitor_of(request(headers), own).may_train
        key = {"authorization": f"Bearer {own.secret}"}
        assert visitor_of(request(headers | key), own).may_train
    trusting = settings.from_environment({"GENRESCOPE_TRUST_THIS_MACHINE": "1"})
    assert visitor_of(request(HERE), settings.with_start_key(trusting)).may_train


def test_each_start_has_a_key_of_its_own_that_cannot_be_guessed():
    usual = settings.from_environment({})
    keys = {settings.with_start_key(usual).secret for _ in range(3)}
    assert len(keys) == 3
    assert min(map(len, keys)) >= 32
    chosen = settings.from_environment({"GENRESCOPE_SECRET": SECRET})
    assert settings.with_start_key(chosen) == chosen
    assert not chosen.is_key_of_start
    space = settings.from_environment({"SPACE_ID": "studio/genrescope"})
    assert settings.with_start_key(space).secret == ""


@pytest.mark.parametrize(
    ("client", "host"),
    [("172.17.0.1", "localhost:7860"), ("127.0.0.1", "127.0.0.1:7860")],
    ids=["Docker", "ssh -L"],
)
def test_owner_behind_a_relay_of_his_own_is_known_by_the_key(client, host):
    own = settings.with_start_key(settings.from_environment({}))
    port = host.partition(":")[2]
    headers = {
        "host": host,
        "cookie": f"genrescope_key_{port}={key_of(own.secret, LATER)}",
    }
    assert visitor_of(request(headers, client), own).may_train
    other = {"host": f"localhost:{int(port) + 1}", "cookie": headers["cookie"]}
    assert not visitor_of(request(other, client), own).may_train


FROM_AFAR = {"host": "genrescope.example", "x-forwarded-for": "203.0.113.5"}


@pytest.mark.parametrize(
    ("header", "may"),
    [
        ({"authorization": f"Bearer {SECRET}"}, True),
        ({"cookie": f"genrescope_key={key_of(SECRET, LATER)}"}, True),
        ({"authorization": f"Bearer {SECRET[:-1]}"}, False),
        ({"authorization": "Bearer \u00e9"}, False),
        ({"authorization": "Bearer"}, False),
        ({"cookie": f"genrescope_key={SECRET}"}, False),
        ({"cookie": "genrescope_key="}, False),
        ({"referer": f"https://genrescope.example/?secret={SECRET}"}, False),
        (
            {
                "cookie": f"genrescope_key={key_of(SECRET, LATER)}",
                "sec-fetch-site": "cross-site",
            },
            False,
        ),
        ({}, False),
    ],
)
def test_from_elsewhere_only_the_secret_opens(header, may):
    assert may_train(FROM_AFAR | header, "203.0.113.5", secret=SECRET) is may


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer x"])
def test_host_without_a_secret_opens_to_nobody(given):
    cookie = {"authorization": given, "cookie": f"genrescope_key={key_of('', LATER)}"}
    assert not may_train(FROM_AFAR | cookie, "203.0.113.5")


def test_secret_is_in_no_print_of_the_settings():
    assert SECRET not in repr(Settings(secret=SECRET))


@pytest.mark.parametrize("client", ["192.168.1.5", "8.8.8.8", "", "testclient", None])
def test_visitor_from_elsewhere_may_not_train(client):
    assert not may_train(client=client)


@pytest.mark.parametrize(
    "header",
    [
        {"x-forwarded-for": "127.0.0.1"},
        {"X-Forwarded-For": "8.8.8.8"},
        {"x-forwarded-host": "genrescope.example"},
        {"forwarded": "for=127.0.0.1"},
        {"via": "1.1 proxy"},
        {"x-real-ip": "127.0.0.1"},
    ],
)
def test_relayed_visitor_may_not_train_though_the_relay_is_local(header):
    assert not may_train(HERE | {name.lower(): v for name, v in header.items()})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": ""},
        {"host": "abc.gradio.live"},
        {"host": "evil.example:7860"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost@evil.example"},
        {"host": "[::1"},
    ],
)
def test_host_with_a_foreign_name_may_not_train(headers):
    assert not may_train(headers)


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "file://"])
def test_foreign_page_that_posts_to_us_may_not_train(origin):
    assert not may_train(HERE | {"origin": origin})


def test_no_request_means_nobody_in_particular():
    assert visitor_of(None, Settings()) == Visitor("en", may_train=False)


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "en"),
        ({"accept-language": "zh-HK,zh;q=0.9,en;q=0.8"}, "zh-TW"),
        ({"accept-language": "zh,en;q=0.5"}, "zh-CN"),
        ({"accept-language": "fr-FR,de;q=0.7"}, "en"),
        ({"accept-language": "en", "cookie": "genrescope_language=zh-CN"}, "zh-CN"),
        ({"accept-language": "zh-TW", "cookie": "genrescope_language=<b>"}, "zh-TW"),
        (
            {
                "cookie": "a=1; genrescope_language=zh-CN",
                "referer": "http://127.0.0.1:7860/?lang=zh-TW",
            },
            "zh-TW",
        ),
        ({"referer": "http://127.0.0.1:7860/?lang=xx"}, "en"),
    ],
)
def test_language_is_the_chosen_one_else_the_browser_s(headers, language):
    assert visitor_of(request(headers), Settings()).language == language


def test_browsers_key_ends_with_its_time_and_cannot_be_made_to_last():
    def knows(cookie):
        return knows_secret({"cookie": f"genrescope_key={cookie}"}, SECRET)

    good = key_of(SECRET, LATER)
    assert knows(good)
    assert not knows(key_of(SECRET, round(time.time()) - 1))
    longer = good.replace(str(LATER), str(LATER + 10**6))
    for forged in (longer, good.partition(".")[2], "", ".", f"{'9' * 5000}.x", "٣.x"):
        assert not knows(forged)


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("http://127.0.0.1:7860", True),
        ("http://127.0.0.1:9999", False),  # another server of this machine
        ("http://127.0.0.1", False),
        ("http://[::1", False),
    ],
)
def test_page_of_another_port_may_not_act_where_a_browser_tells_no_more(origin, may):
    headers = {"host": "127.0.0.1:7860", "origin": origin}
    assert _is_of_own_page(headers) is may


@pytest.mark.parametrize(
    "name",
    [
        "true-client-ip",
        "x-client-ip",
        "fly-client-ip",
        "x-original-host",
        "x_forwarded_for",
        "tailscale-user-login",
        "via",
        "cf-ray",
        "x-forwarded-for",
    ],
)
def test_what_a_relay_adds_makes_a_stranger(name):
    assert is_relayed({"host": "localhost", name: "x"})
    assert not is_relayed({"host": "localhost", "accept": "x"})
