"""Every text in every language, and a sentence for every error."""

import ast
import json
import re
import string
from pathlib import Path

import pytest

import words
from errors import KnownError

ROOT = Path(__file__).parents[1]
SOURCES = [
    path
    for folder in (ROOT, *(ROOT / n for n in "audio viz trainer classifier ui".split()))
    for path in (folder.glob if folder == ROOT else folder.rglob)("*.py")
]
KEY = re.compile(r"[a-z]+\.\w+")
OTHERS = [language for language in words.LANGUAGES if language != "en"]


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def calls(name):
    """Every call of a function by that name in the source."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                if getattr(called, "id", getattr(called, "attr", None)) == name:
                    yield node


def first_texts(name):
    """The literal first arguments of a function's calls, both sides of an ``if``."""
    for call in calls(name):
        nodes = [*ast.walk(call.args[0])] if call.args else []
        if not any(isinstance(node, ast.JoinedStr) for node in nodes):
            constants = [node for node in nodes if isinstance(node, ast.Constant)]
            yield from (node.value for node in constants)


@pytest.mark.parametrize("language", OTHERS)
def test_locales_have_the_same_keys_and_placeholders(language):
    english, other = words.table("en"), words.table(language)
    assert set(english) == set(other)
    for key, text in english.items():
        assert placeholders(text) == placeholders(other[key]), key


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_no_text_is_empty_or_repeated_in_its_file(language):
    assert all(text.strip() for text in words.table(language).values())

    def unique(pairs):
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys))
        return dict(pairs)

    text = (words.FOLDER / f"{language}.json").read_text("utf-8")
    json.loads(text, object_pairs_hook=unique)


@pytest.mark.parametrize(
    ("language", "foreign"),
    [("zh-TW", "这声图频训练选择"), ("zh-CN", "這聲圖頻訓練選擇")],
)
def test_chinese_locales_do_not_mix_their_scripts(language, foreign):
    for key, text in words.table(language).items():
        assert not set(text) & set(foreign), key


def test_every_error_in_the_source_has_a_sentence():
    codes = set(first_texts("KnownError"))
    assert {"not_audio", "no_clip", "out_of_range"} <= codes  # the search works
    assert not codes - {key.removeprefix("errors.") for key in words.table("en")}


def test_sentences_name_only_what_their_errors_carry():
    given = {}
    for call in calls("KnownError"):
        if call.args and isinstance(call.args[0], ast.Constant):
            names = {keyword.arg for keyword in call.keywords}
            if None not in names:
                given.setdefault(call.args[0].value, []).append(names)
    for code, all_names in given.items():
        wanted = placeholders(words.table("en")[f"errors.{code}"])
        for names in all_names:
            assert wanted <= names, code


def test_every_text_that_a_component_asks_for_exists():
    keys = {key for key in first_texts("text") if KEY.fullmatch(str(key))}
    assert {"app.see", "see.start_s"} <= keys  # the search works
    assert not keys - set(words.table("en"))


def test_every_word_that_the_source_asks_for_exists():
    keys = {key for key in first_texts("word") if KEY.fullmatch(str(key))}
    assert {"classify.cancelled", "clip.cut"} <= keys
    assert not keys - set(words.table("en"))


def test_sentence_is_filled_with_the_error_s_details():
    error = KnownError("clip_gone", name="a.wav")
    assert "“a.wav”" in words.sentence(error)
    assert "「a.wav」" in words.sentence(error, "zh-TW")
