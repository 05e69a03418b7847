"""Wait for a condition, never for a time."""

import time

PATIENCE_S = 120  # where a broken build gives up


def wait_until(claim, what, patience_s=PATIENCE_S):
    """Wait until a claim is true; return what it returned."""
    end = time.monotonic() + patience_s
    while not (found := claim()):
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.02)
    return found
