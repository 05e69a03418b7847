"""What every test shares."""

import os

import pytest

pytest.register_assert_rewrite("support")
# Each fixture is written beside its helpers.
pytest_plugins = [
    "support.actor",
    "support.browser",
    "support.data_hub",
    "support.hub_server",
    "support.model_hub",
    "support.show",
    "support.tiny",
]

# Threads that wait for one another sleep, as in the app: with two test processes on two
# cores they would spin most of the time. Read once, when torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


@pytest.fixture(scope="session", autouse=True)
def precision():
    """Compute as on another processor where TEST_PRECISION is fp32 or bf16."""
    wanted = os.environ.get("TEST_PRECISION")
    if wanted:
        from networks.cpu import precision

        precision.is_bf16_faster = lambda: wanted == "bf16"


def pytest_collection_modifyitems(items):
    """Start the files that take longest, so that none is left for the end.

    ``-n`` with ``--dist loadfile`` hands out whole files in this order.
    """
    weights = {}
    for item in items:
        weights[item.path] = max(weights.get(item.path, 0), weight(item))
    items.sort(key=lambda item: -weights[item.path])


def weight(item):
    """2 for a test in the browser, 1 for one that takes seconds."""
    if item.get_closest_marker("browser"):
        return 2
    return int(bool(item.get_closest_marker("minute")))
