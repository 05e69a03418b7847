"""The wrapper of every handler: sentences for people, tracebacks for the log."""

import logging
from collections.abc import Iterator
from contextvars import copy_context

import gradio as gr
import pytest

from errors import KnownError
from support.handlers import guarded, run
from ui.server.access import Visitor
from ui.server.shares import Shares, Writer, writer


def test_handler_answers_with_what_it_was_given():
    @guarded
    def double(number: int) -> int:
        return 2 * number

    assert run(double, 21) == 42


def test_handler_may_ask_for_the_visitor():
    @guarded
    def whose(number: int, visitor: Visitor) -> tuple[int, str]:
        return number, visitor.language

    assert run(whose, 1, language="zh-TW") == (1, "zh-TW")


def test_handler_may_ask_for_progress_and_visitor_at_once():
    @guarded
    def both(
        number: int,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
        *,
        visitor: Visitor,
    ) -> tuple[int, bool, str]:
        return number, isinstance(progress, gr.Progress), visitor.language

    assert run(both, 1, language="zh-CN") == (1, True, "zh-CN")


def test_handler_may_yield_and_what_goes_wrong_is_said():
    @guarded
    def count(number: int, visitor: Visitor) -> Iterator[str]:
        for each in range(number):
            yield f"{visitor.language} {each}"
        raise KnownError("no_clip")

    told = run(count, 2, language="zh-TW")
    assert [next(told), next(told)] == ["zh-TW 0", "zh-TW 1"]
    with pytest.raises(gr.Error, match="還沒有聲音"):
        next(told)


def test_each_step_of_a_handler_is_at_its_visitors_expense():
    """Gradio calls each in a context of its own."""
    paid_by = Writer(Shares(), "93.184.216.34")

    @guarded
    def count() -> Iterator[Writer | None]:
        for _ in range(3):
            yield writer.get()

    told = run(count, writer=paid_by)
    assert [copy_context().run(next, told) for _ in range(3)] == [paid_by] * 3
    assert writer.get() is None


def test_handler_that_yields_is_told_when_the_page_is_left():
    left = []

    @guarded
    def count() -> Iterator[int]:
        try:
            yield 1
        finally:
            left.append(True)

    told = run(count)
    next(told)
    told.close()
    assert left == [True]


def test_handler_may_take_any_number_of_values():
    @guarded
    def count(*values: int, visitor: Visitor) -> int:
        return len(values)

    assert run(count, 1, 2, 3) == 3


def test_handler_may_answer_again_and_again():
    closed = []

    @guarded
    def count(first: int, visitor: Visitor) -> Iterator[int | str]:
        try:
            yield first
            yield visitor.language
            raise KnownError("no_clip")
        finally:
            closed.append(first)

    answers = run(count, 1, language="zh-TW")
    assert [next(answers), next(answers)] == [1, "zh-TW"]
    with pytest.raises(gr.Error, match="還沒有聲音"):
        next(answers)
    answers = run(count, 2)
    next(answers)
    answers.close()  # what Gradio does when the page is left
    assert closed == [1, 2]


def test_api_names_only_the_handler_s_own_parameters():
    @guarded
    def draw(song: str, n_fft: int, visitor: Visitor) -> str:
        """Draw."""
        return song

    names = [name for name, *_ in gr.utils.get_function_params(draw)]
    assert names == ["song", "n_fft"]
    assert draw.__doc__ == "Draw."


def test_known_error_becomes_its_sentence_in_the_visitor_s_language():
    @guarded
    def refuse() -> None:
        raise KnownError("no_clip")

    with pytest.raises(gr.Error, match="There is no sound yet"):
        run(refuse)
    with pytest.raises(gr.Error, match="還沒有聲音"):
        run(refuse, language="zh-HK")


def test_names_in_a_sentence_are_escaped():
    @guarded
    def refuse() -> None:
        raise KnownError("clip_gone", name="<img src=x onerror=alert(1)>.wav")

    with pytest.raises(gr.Error) as caught:
        run(refuse)
    assert "<img" not in caught.value.message
    assert "&lt;img" in caught.value.message


def test_bug_is_logged_under_the_id_that_the_visitor_sees(caplog):
    @guarded
    def fail() -> None:
        raise ValueError("a secret of /home/someone")

    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as caught:
        run(fail)
    (record,) = caplog.records
    bug_id = record.args[0]
    assert len(bug_id) == 6
    assert bug_id in caught.value.message
    assert "secret" not in caught.value.message
    assert record.exc_info[0] is ValueError


def test_error_without_a_sentence_is_a_bug_too():
    @guarded
    def refuse() -> None:
        raise KnownError("clip_gone")  # its sentence asks for a name

    with pytest.raises(gr.Error) as caught:
        run(refuse)
    assert "KeyError" not in caught.value.message


def test_unresolvable_hint_fails_at_start_not_silently_later():
    def draw(song):
        return song

    draw.__annotations__ = {"song": "NoSuchType"}
    with pytest.raises(NameError):
        guarded(draw)
