"""What a plot holds, for tests."""


def unpacked(image):
    """Levels (n_rows, n_columns) of an image, in dB; or powers."""
    return image.bottom + image.step * image.levels
