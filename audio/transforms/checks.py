"""Validate the parameters of transforms; NaN is outside of every range."""

from __future__ import annotations

from collections.abc import Collection

from errors import KnownError

MIN_N_FFT = 64
MAX_N_FFT = 65_536


def check_range(field: str, value: float, minimum: float, maximum: float) -> None:
    """Refuse a value outside of [minimum, maximum].

    Raises:
        KnownError: ``out_of_range``.
    """
    if not minimum <= value <= maximum:
        raise KnownError(
            "out_of_range", field=field, value=value, minimum=minimum, maximum=maximum
        )


def check_length(field: str, n_samples: int) -> None:
    """Refuse a transform's length that is odd, or out of bounds.

    Raises:
        KnownError: ``out_of_range`` or ``odd_length``.
    """
    check_range(field, n_samples, MIN_N_FFT, MAX_N_FFT)
    if n_samples % 2:
        raise KnownError("odd_length", field=field, value=n_samples)


def check_frames(n_fft: int, hop_length: int) -> None:
    """Refuse frames that leave gaps, or overlap so densely that nothing new shows.

    Raises:
        KnownError: ``out_of_range`` or ``odd_length``.
    """
    check_length("n_fft", n_fft)
    check_range("hop_length", hop_length, n_fft // 64, n_fft)


def check_choice(field: str, value: object, choices: Collection[object]) -> None:
    """Refuse a value that is none of ``choices``.

    Raises:
        KnownError: ``not_a_choice``.
    """
    if value not in choices:
        raise KnownError(
            "not_a_choice", field=field, value=value, choices=tuple(choices)
        )
