"""Two threads are the first to use the same library."""

import subprocess
import sys

import pytest

from support.places import ROOT

WHILE_ANOTHER_THREAD_IMPORTS = """
import importlib, sys, threading
import datasets, numpy as np
import process
from networks import small_hubert
from trainer.data import splits
threading.Thread(target=importlib.import_module, args=("transformers",)).start()
while "transformers" not in sys.modules:
    pass
"""


@pytest.mark.minute
@pytest.mark.parametrize(
    "use",
    [
        "process.settle(); import transformers; transformers.Trainer",
        "small_hubert.feature_extractor()",
        "splits.split(np.arange(20) % 2, splits.SplitOptions('random'))",
    ],
)
def test_library_is_whole_although_another_thread_imports_it(use):
    command = [sys.executable, "-c", WHILE_ANOTHER_THREAD_IMPORTS + use]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
