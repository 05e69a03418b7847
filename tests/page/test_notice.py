"""What a host cannot do is said, with the reason and the way to get it."""

import html
import re

import pytest

import app
import i18n
from errors import KnownError
from hub import account
from settings import Host, Settings
from support.endpoints import filling
from support.visits import request
from ui.notice import notice
from ui.server.access import Visitor
from ui.tabs.train import actions

SPACE = "studio/genrescope"
DUPLICATE = "https://huggingface.co/spaces/studio/genrescope?duplicate=true"
MEMBER = Visitor(may_train=True, is_signed_in=True)


def said(host=None, visitor=None, **settings):
    """The keys of the section "host" whose words the notice has, and the notice."""
    host, visitor = host or Host(), visitor or Visitor()
    text = notice(visitor, Settings(host=host, **settings))
    table = i18n.table(visitor.language)
    keys = set()
    for key, value in table.items():
        shown = value.replace("{owner}", host.owner)
        if key.startswith("host.") and shown in html.unescape(text):
            keys.add(key.removeprefix("host."))
    return keys, text


def test_person_at_their_own_computer_misses_nothing():
    assert said(visitor=Visitor(may_train=True)) == (set(), "")


def test_visitor_from_elsewhere_is_told_why():
    keys, text = said()
    assert keys == {"elsewhere"}
    assert "<form" not in text


def test_visitor_from_elsewhere_can_give_the_secret_where_there_is_one():
    keys, text = said(secret="x" * 16)
    assert keys == {"secret", "secret_label", "secret_button"}
    assert 'method="post"' in text
    assert "x" * 16 not in text


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize(
    ("host", "visitor", "keys"),
    [
        (Host("gpu", SPACE, True, True), (True, True), {"sign_out"}),
        (Host("gpu", SPACE, True, True), (False, False), {"members", "sign_in"}),
        (Host("gpu", SPACE, True, True), (False, True), {"not_a_member", "sign_out"}),
        (Host("gpu", SPACE, True, False), (False, False), {"no_login"}),
        (Host("cpu", SPACE, True, True), (True, True), {"cpu", "sign_out"}),
        (Host("zero", SPACE, True, True), (True, True), {"zero", "sign_out"}),
        (Host("gpu", SPACE, False, True), (True, True), {"gone", "sign_out"}),
        (Host("cpu", SPACE, False, False), (False, False), {"no_login", "cpu", "gone"}),
    ],
)
def test_each_face_of_a_space_is_explained(host, visitor, keys, language):
    found, text = said(host, Visitor(language, *visitor))
    has_more = bool(keys - {"sign_out"})
    assert found == keys | ({"duplicate"} if has_more else set())
    assert (DUPLICATE in text) is has_more
    assert text.count("<p>") == text.count("</p>") > 0


def test_sign_in_leaves_the_frame_of_another_site():
    """Where a browser blocks the cookies of frames, a login in one would never be known."""
    _, text = said(Host("gpu", SPACE, True, True))
    assert re.search(r'<a href="login/huggingface" target="_blank"', text)


def test_name_of_a_space_is_shown_as_text():
    _, text = said(Host("gpu", '"><script>/x', True, True))
    assert "<script>" not in text


@pytest.mark.parametrize(
    ("host", "keys"),
    [
        (Host("cpu", SPACE, is_lasting=False), ("no_login", "cpu", "gone")),
        (Host("gpu", SPACE), ("no_login", "duplicate")),
        (Host("zero", SPACE), ("no_login", "zero", "duplicate")),
    ],
)
def test_app_starts_with_each_face_and_shows_it_on_the_tab_train(tmp_path, host, keys):
    folders = {"runs_dir": tmp_path, "cache_dir": tmp_path, "songs_dir": tmp_path}
    demo = app.create_app(Settings(host=host, is_offline=True, **folders))
    opened, number = filling(demo, "host-notice")
    given = [getattr(each, "value", None) for each in opened.inputs]
    asked = request({"host": "studio-genrescope.hf.space"}, "10.0.0.1")
    shown = opened.fn(asked, *given)[number]
    for key in keys:
        assert i18n.table("en")[f"host.{key}"] in html.unescape(shown)


@pytest.mark.parametrize("act", [actions.start, actions.resume])
def test_zero_gpu_says_plainly_that_a_run_needs_a_gpu_of_its_own(tmp_path, act):
    settings = Settings(host=Host("zero", SPACE), runs_dir=tmp_path)
    with pytest.raises(KnownError, match="needs_permanent_gpu"):
        act({} if act is actions.start else "run", settings, MEMBER)
    with pytest.raises(KnownError, match="may_not_train"):
        act({} if act is actions.start else "run", settings, Visitor())


def test_push_of_a_space_goes_with_the_visitor_s_login_only():
    settings = Settings(host=Host("gpu", SPACE))
    assert actions.token_of(settings, "theirs")() == "theirs"
    assert actions.token_of(settings, None)() is None


def test_push_from_a_computer_takes_no_login_that_gradio_only_plays():
    assert actions.token_of(Settings(), "mock-oauth-token") is account.host_token
