"""Windows: what they can tell apart."""

import pytest

from audio.transforms.windows import resolution_bins


@pytest.mark.parametrize(
    ("window", "n_bins"), [("rectangular", 1.21), ("hann", 2.00), ("hamming", 1.81)]
)
def test_window_tells_apart_what_harris_says(window, n_bins):
    assert resolution_bins(window) == pytest.approx(n_bins, abs=0.01)
