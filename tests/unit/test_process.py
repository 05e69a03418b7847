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


SLOW_TORCH = """
import time
time.sleep(0.3)
Tensor = float
"""
FIRST_TWO_THREADS = """
import importlib, sys, threading
import process
threading.Thread(target=importlib.import_module, args=("torch",)).start()
while "torch" not in sys.modules:
    pass
process.settle()
import torch.nn
"""


def test_part_of_torch_is_imported_once_the_whole_is_there(tmp_path):
    """Python gives a second thread the part of a package that is there by then."""
    for name, code in (
        ("torch/__init__.py", SLOW_TORCH),
        ("torch/nn.py", "import sys; sys.modules['torch'].Tensor"),
        ("transformers.py", ""),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(code)
    path = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
    command = [sys.executable, "-c", path + FIRST_TWO_THREADS]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    unsettled = path + FIRST_TWO_THREADS.replace("process.settle()", "")
    done = subprocess.run(
        [sys.executable, "-c", unsettled], capture_output=True, text=True
    )
    assert "partially initialized module 'torch'" in done.stderr
