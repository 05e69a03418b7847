"""The words of pictures, in one language; below zero with a true minus sign."""

from __future__ import annotations

import i18n
from viz.style import MINUS


def said(name: str, language: str, **details: object) -> str:
    """A text of the section ``viz``."""
    return MINUS.sub("−", i18n.word(f"viz.{name}", language, **details))
