"""What a host cannot do is said, with the reason and the way to get it."""

import pytest

import words
from settings import Host, Settings
from ui.access import Visitor
from ui.notice import notice

SPACE = "studio/genrescope"
DUPLICATE = "https://huggingface.co/spaces/studio/genrescope?duplicate=true"
MEMBER = Visitor(may_train=True, is_signed_in=True)


def said(host=None, visitor=None, **settings):
    """The keys of the section "host" whose words the notice has, and the notice."""
    host, visitor = host or Host(), visitor or Visitor()
    text = notice(visitor, Settings(host=host, **settings))
    table = words.table(visitor.language)
    keys = set()
    for key, value in table.items():
        shown = value.replace("{owner}", host.owner)
        if key.startswith("host.") and shown in text:
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


@pytest.mark.parametrize("language", words.LANGUAGES)
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


def test_name_of_a_space_is_shown_as_text():
    _, text = said(Host("gpu", '"><script>/x', True, True))
    assert "<script>" not in text
