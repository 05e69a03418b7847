"""The lesson on learning: softmax and loss in closed form, recorded runs, a run here."""

from math import exp, log

import numpy as np
import pytest

import i18n
from support.scenes import scene_of
from support.signals import silence
from trainer.config import preset
from trainer.run import events, losses, runs
from ui.tabs.see import learning as lesson
from viz import learning


def test_softmax_is_the_share_of_each_power_of_e():
    assert np.allclose(learning.softmax([0, 0, 0]), 1 / 3)
    shares = learning.softmax([2, 1, 0])
    assert np.allclose(shares, np.array([exp(2), exp(1), 1]) / (exp(2) + exp(1) + 1))
    assert np.allclose(learning.softmax([1002, 1001, 1000]), shares)


def test_loss_is_minus_the_log_of_the_true_one():
    assert learning.loss([0, 0, 0], 1) == pytest.approx(log(3))
    assert learning.loss([2, 1, 0], 0) == pytest.approx(log(1 + exp(-1) + exp(-2)))
    assert learning.loss([-8, 8, 8], 0) == pytest.approx(16 + log(2), abs=1e-6)


def test_slope_of_the_loss_is_the_one_that_differences_show():
    logits, step = [2.0, 1.0, 0.0], 1e-5
    rows = learning.table(logits, 1, ("a", "b", "c"), "en")[1:]
    for i, row in enumerate(rows):
        up, down = ([*logits] for _ in range(2))
        up[i] += step
        down[i] -= step
        slope = (learning.loss(up, 1) - learning.loss(down, 1)) / (2 * step)
        assert float(row[-1].replace("−", "-")) == pytest.approx(slope, abs=1e-3)


def test_answer_is_drawn_with_its_loss():
    sheet = lesson.draw(scene_of(silence()), 2, 1, 0, "blues")
    assert "The true genre, Blues, gets 66.5%: a loss of 0.41." in sheet.about
    assert "The answer is correct." in sheet.about
    wrong = lesson.draw(scene_of(silence()), 2, 1, 0, "disco")
    assert "The answer, Blues, is wrong." in wrong.about
    assert sheet.plots[1].layers[-1].words == ["0.41"]


def test_recorded_runs_part_or_stay_together():
    found = losses.recorded(lesson.RECORDED)
    assert set(found) == {"all", "head"}
    assert found["all"].has_parted and not found["head"].has_parted
    assert found["all"].training[-1] < 0.01 < found["all"].validation[-1]
    for name, each in found.items():
        frozen = {part.name for part in each.parts if not part.is_trained}
        assert frozen == (set() if name == "all" else {"front_end", "encoder"})
        assert len(each.steps) == len(each.training) <= losses.N_POINTS
        assert each.validation_steps[-1] == each.n_steps == 240


@pytest.mark.parametrize("name", ["all", "head"])
def test_recorded_run_is_drawn_with_what_rests(name, tmp_path):
    sheet = lesson.draw_run(tmp_path, scene_of(silence()), name)
    assert ("lowest after step 80, 0.52" in sheet.about) == (name == "all")
    assert len(sheet.table) == 4
    assert {row[2] for row in sheet.table[1:]} <= {"learns", "frozen"}
    assert "40 songs, validated on 10" in sheet.about


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_question_on_the_interval_tells_the_figures_of_the_recorded_run(language):
    found = losses.recorded(lesson.RECORDED)["all"]
    assert max(found.accuracies) * found.n_validation_songs == pytest.approx(8)
    assert found.n_validation_songs == 10
    told = i18n.word("teach.interval_aha", language)
    assert f"{found.test_accuracy:.0%}" in told
    assert f"{max(found.accuracies):.0%}" in told


def test_recorded_runs_are_read_as_they_were_written(tmp_path):
    found = losses.recorded(lesson.RECORDED)
    path = tmp_path / "runs.json"
    path.write_text(losses.written(found), "utf-8")
    assert losses.recorded(path) == found


def test_newest_run_here_is_drawn_once_it_has_been_validated(tmp_path):
    scene = scene_of(silence())
    assert "No run here" in lesson.draw_run(tmp_path, scene, "newest").about
    run = runs.create(tmp_path, preset("smoke"))
    lines = [events.Step(s, 20, 1 / s, 0.1, 0.1, 1.0) for s in range(1, 11)]
    lines.append(events.Evaluated(10, 0.5, 0.7, 4))
    write = [events.to_line(line) + "\n" for line in lines]
    run.events_file.write_text("".join(write[:-1]), "utf-8")
    assert losses.newest(tmp_path) is None
    run.events_file.write_text("".join(write), "utf-8")
    sheet = lesson.draw_run(tmp_path, scene, "newest")
    assert "No run here" not in sheet.about
    assert sheet.table == ()  # its model's parts are not known
    assert sheet.plots[0].x.stop == 20


def test_long_run_is_thinned_to_means():
    steps, values = losses._thinned(range(1, 601), [1.0] * 300 + [2.0] * 300)
    assert len(steps) == losses.N_POINTS
    assert (steps[-1], values[0], values[-1]) == (600, 1.0, 2.0)
