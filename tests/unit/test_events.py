"""Runs that an earlier version recorded are read in the words of today."""

import json
import shutil

import pytest

import i18n
from support.places import ROOT
from trainer import messages
from trainer.config import RunConfig
from trainer.run import events, runs
from trainer.run.events import Evaluated, Finished, Planned, Stage, Step

# A run with a validation part, as the version recorded it that called validation
# "test" and the test "evaluate".
OLD = ROOT / "tests" / "support" / "old_run.jsonl"


@pytest.fixture
def old(tmp_path):
    run = runs.create(tmp_path, RunConfig(validation_fraction=0.2))
    shutil.copy(OLD, run.events_file)
    return run


def of(run, kind):
    return [event for event in run.events()[0] if isinstance(event, kind)]


def test_every_line_of_an_old_run_is_read(old):
    n_lines = len(OLD.read_text("utf-8").splitlines())
    assert len(old.events()[0]) == n_lines


def test_what_an_old_run_called_test_is_validation_and_its_evaluation_the_test(old):
    names = [stage.name for stage in of(old, Stage)]
    order = ["songs", "decode", "model", "train", "validate", "test", "save"]
    assert list(dict.fromkeys(names)) == order
    # Validation came between the steps, the test after the last one.
    assert names.index("validate") < names.index("test")
    assert "validate" not in names[names.index("test") :]


def test_numbers_of_an_old_run_have_their_names_of_today(old):
    assert of(old, Planned)[0].validate_every_n_steps == 1
    speeds = [step.windows_per_s for step in of(old, Step)]
    assert speeds == pytest.approx([3.875, 32.84], rel=0.001)
    assert [each.accuracy for each in of(old, Evaluated)] == [pytest.approx(1 / 3), 1.0]


@pytest.mark.parametrize("is_final", [True, False])
def test_end_of_an_old_run_tells_test_and_validation_apart(old, is_final):
    # The line itself does not say what its accuracy was measured on; the scores do.
    (old.folder / "scores.json").write_text(json.dumps({"is_final": is_final}))
    (end,) = of(old, Finished)
    assert (end.test_accuracy, end.validation_accuracy) == (
        (1.0, None) if is_final else (None, 1.0)
    )


def test_old_run_without_scores_has_a_validation_only(old):
    assert messages.test_accuracy(old.events()[0]) is None
    assert messages.best(old.events()[0]).step == 2


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_log_of_an_old_run_names_validation_and_test(old, language):
    (old.folder / "scores.json").write_text('{"is_final": true}')
    log = "\n".join(messages.log_lines(old.events()[0], language))
    validation, test = {
        "en": ("Validation after step 2", "Test accuracy: 100.0%"),
        "zh-TW": ("第 2 步後驗證", "測試準確率：100.0%"),
        "zh-CN": ("第 2 步后验证", "测试准确率：100.0%"),
    }[language]
    assert validation in log
    assert test in log


def test_run_of_today_says_test_only_of_the_test():
    stage = Stage("test", 1, 2)
    assert events.from_line(events.to_line(stage)) == stage
