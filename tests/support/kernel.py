"""What this machine's kernel can."""

import ctypes
import sys

import pytest

from audio.decode.sandbox import CREATE_RULESET, RULESET_VERSION


def _landlock():
    """Return the version of Landlock; less than 1 where there is none."""
    if sys.platform != "linux":
        return 0
    return ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, RULESET_VERSION)


needs_landlock = pytest.mark.skipif(
    _landlock() < 6, reason="the kernel has no Landlock 6"
)
