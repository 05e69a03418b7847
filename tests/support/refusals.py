"""What a call refuses with."""

from __future__ import annotations

import pytest

import i18n
from errors import KnownError


def code_of(call, *arguments, **choices):
    """The code of the KnownError that a call raises; it has a sentence."""
    with pytest.raises(KnownError) as caught:
        call(*arguments, **choices)
    assert i18n.sentence(caught.value)
    return caught.value.code
