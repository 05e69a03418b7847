import importlib.util
import sys
from types import ModuleType

import pytest

import i18n
from errors import KnownError
from networks.device import Device
from support.small_runs import config_for
from trainer.config import RunConfig
from trainer.training import dashboards
from trainer.training.recipe import Batches, training_arguments
from trainer.training.train import train


def stub(monkeypatch, name):
    """A module by that name that can be found, and does nothing."""
    module = ModuleType(name)
    module.__spec__ = importlib.util.spec_from_loader(name, loader=None)
    monkeypatch.setitem(sys.modules, name, module)


def arguments_of(config, run_dir):
    return training_arguments(config, run_dir, Batches(2, 4), Device("cpu", "CPU"))


def test_no_dashboard_is_told_unless_chosen(tmp_path):
    assert RunConfig().report_to == "none"
    assert arguments_of(RunConfig(), tmp_path).report_to == []
    dashboards.check("none")


@pytest.mark.parametrize("name", ["tensorboard", "trackio"])
def test_dashboard_that_is_not_installed_is_refused_at_once(
    tmp_path, name, monkeypatch
):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    told = []
    with pytest.raises(KnownError) as caught:
        train(
            config_for(tmp_path / "no songs", report_to=name),
            tmp_path,
            cache_dir=tmp_path,
            emit=told.append,
            should_stop=lambda: False,
        )
    assert caught.value.code == "no_dashboard"
    assert f"pip install {name}" in i18n.sentence(caught.value)
    assert not told


@pytest.mark.parametrize("name", ["tensorboard", "trackio"])
def test_installed_dashboard_is_told_and_publishes_nothing(tmp_path, monkeypatch, name):
    stub(monkeypatch, name)
    dashboards.check(name)
    arguments = arguments_of(RunConfig(report_to=name), tmp_path / "run-1")
    assert arguments.report_to == [name]
    assert arguments.run_name == "run-1"
    assert arguments.trackio_space_id is None
    assert arguments.trackio_static_space_id is False


def test_unknown_dashboard_is_not_among_the_choices():
    with pytest.raises(KnownError, match="not_a_choice"):
        RunConfig(report_to="wandb")
