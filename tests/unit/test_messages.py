import dataclasses
import math
import re
from pathlib import Path

import pytest

import i18n
from trainer import config as configs
from trainer import flags, messages
from trainer.config import RunConfig
from trainer.preflight import Preflight
from trainer.run import events
from trainer.run.events import (
    Cancelled,
    Device,
    Evaluated,
    Failed,
    Finished,
    Noted,
    Planned,
    Stage,
    Step,
    Stopped,
)

EVERY_KIND = [
    Stage("decode", 3, 10),
    Planned(0, 10, 5),
    Device("GPU", 2**30, 2**33, 0.5, 60.0),
    Cancelled(),
    Step(1, 2, 2.3, 1e-4, 0.5, 8.0),
    Evaluated(2, 0.75, 1.1, 40),
    Noted("split_two", {"n_train": 8, "n_test": 2}),
    Finished(2, 0.75, 0.7),
    Finished(2, 0.75),
    Finished(2),
    Stopped(1),
    Failed("nan_loss", {"step": 3}),
]


def steps(n, gap_s=2.0, n_steps=100):
    return [
        Step(i, n_steps, 1.0, 1e-4, 1.0, 8.0, at=i * gap_s) for i in range(1, n + 1)
    ]


@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda e: type(e).__name__)
def test_event_comes_back_from_its_line(event):
    assert events.from_line(events.to_line(event)) == event


@pytest.mark.parametrize(
    "line", ["", "{", '{"kind": "step"}', '{"kind": "x"}', "[]", "3"]
)
def test_torn_or_foreign_line_is_no_event(line):
    assert events.from_line(line) is None


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("event", EVERY_KIND, ids=lambda e: type(e).__name__)
def test_every_event_has_words(event, language):
    assert messages.line(event, language)


def test_log_names_a_phase_where_it_begins_and_no_more():
    told = [Stage("decode", n, 3) for n in range(3)]
    told += [Stage("train"), Stage("validate", 1, 2), Stage("validate", 2, 2)]
    told += [Stage("train"), Stage("validate", 1, 2)]
    order = ("decode", "train", "validate", "validate")
    names = [i18n.word(f"stages.{name}") for name in order]
    assert messages.log_lines(told, "en") == names


def test_time_left_is_unknown_for_the_first_three_steps():
    assert messages.progress(steps(3)).left_s is None
    assert messages.progress(steps(4)).left_s is not None


def test_time_left_is_the_median_step_times_the_steps_left_and_one_validation():
    assert messages.progress(steps(40)).left_s == pytest.approx(60 * 2.0)


def test_time_left_is_not_fooled_by_one_slow_step():
    told = steps(30)
    told.append(Step(31, 100, 1.0, 1e-4, 1.0, 8.0, at=told[-1].at + 500))
    assert messages.progress(told).left_s == pytest.approx(69 * 2.0)


def test_time_left_counts_the_validations_to_come():
    told = steps(20, n_steps=100)
    told.insert(10, Evaluated(10, 0.5, 1.0, 9, at=10 * 2.0 + 7.0))
    left_s = messages.progress(told).left_s
    assert left_s == pytest.approx(80 * 2.0 + 8 * 7.0)


def test_time_left_after_a_resumption_looks_at_this_process_alone():
    before = steps(60, gap_s=500.0)
    told = [*before, Planned(60, 100, 25, at=1e6)]
    assert messages.progress(told).left_s is None
    after = [
        Step(60 + i, 100, 1.0, 1e-4, 1.0, 8.0, at=1e6 + 2 * i) for i in range(1, 7)
    ]
    assert messages.progress(told + after).left_s == pytest.approx(34 * 2.0)
    # Two validations are to come, at 75 and 100, and each takes as long as the last one.
    tested = [*told, *after[:5], Evaluated(65, 0.5, 1.0, 9, at=1e6 + 17.0), after[5]]
    assert messages.progress(tested).left_s == pytest.approx(34 * 2.0 + 2 * 7.0)


def test_time_left_outlives_a_clock_that_is_put_back():
    told = steps(10)
    told += [Step(i, 100, 1.0, 1e-4, 1.0, 8.0, at=2 * i - 9e6) for i in range(11, 21)]
    assert messages.progress(told).left_s == pytest.approx(80 * 2.0)


def test_progress_is_the_phase_at_work():
    told = [Stage("decode", 5, 10)]
    assert messages.progress(told).fraction == 0.5
    assert messages.progress([*told, *steps(10)]).stage == "train"
    assert messages.progress([]).stage == ""


def test_phase_tells_its_pieces_a_second():
    told = [Stage("songs", at=0.0)]
    told += [Stage("decode", n, 10, at=5.0 + n / 4) for n in range(9)]
    assert messages.progress(told).per_s == pytest.approx(4.0)
    assert messages.progress(told[:2]).per_s is None


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_preflight_is_one_line(language):
    seen = Preflight("H200", True, (("jazz", 99),), 100, 600.0, 10**9, 10**9, 10**11)
    line = messages.preflight_line(seen, language)
    assert "H200" in line
    assert "99" in line
    assert "10" in line


def test_nan_loss_survives_the_line():
    step = Step(1, 2, math.nan, 0.0, math.inf, 1.0)
    back = events.from_line(events.to_line(step))
    assert math.isnan(back.loss)
    assert math.isinf(back.gradient_norm)


def test_every_phase_that_is_emitted_has_a_name():
    room = Path(messages.__file__).parent
    sources = [path.read_text("utf-8") for path in room.rglob("*.py")]
    emitted = {name for text in sources for name in re.findall(r'Stage\("(\w+)"', text)}
    emitted |= set(re.findall(r'stage(?:: str)? ?= ?"(\w+)"', "".join(sources)))
    assert emitted >= {"validate", "calibrate", "test", "evaluate"}
    for language in i18n.LANGUAGES:
        assert all(f"stages.{name}" in i18n.table(language) for name in emitted)


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_choice_is_explained_with_its_range_and_the_tutorial_s_value(language):
    items = {item.name: item for item in dataclasses.fields(RunConfig)}
    steps = messages.field_help(items["n_steps"], language)
    assert i18n.word("fields.n_steps_info", language) in steps
    assert "100,000" in steps
    assert messages.field_help(items["learning_rate"], language).count("5e-05") == 1


def test_help_of_the_command_line_has_each_flag_s_range_and_every_preset():
    said = flags.parser(Path("runs"), Path("cache"), source="").format_help()
    for text in ("From 1 to 100,000. Tutorial:", *configs.PRESETS, "trainer push"):
        assert text in " ".join(said.split())
    assert "ntu-spml/distilhubert" in said  # not broken at its hyphen


def test_flag_that_is_neither_yes_nor_no_is_refused():
    parser = flags.parser(Path("runs"), Path("cache"), source="")
    assert parser.parse_args(["--augmentation", "yes"]).augmentation is True
    with pytest.raises(SystemExit):
        parser.parse_args(["--augmentation", "maybe"])
