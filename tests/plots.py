"""What the page's script reads out of a plot, for tests."""

import base64
import zlib

import numpy as np


def unpacked(image):
    """Levels (n_rows, n_columns) of an image, in dB; or powers."""
    steps = zlib.decompress(base64.b64decode(image.levels))
    shape = (len(image.frequencies_hz), image.n_columns)
    return image.bottom + image.step * np.frombuffer(steps, np.uint8).reshape(shape)
