"""The short scripts that make the pictures' numbers again, outside of this app.

Each is a file of ``assets/recipes`` that runs as it is, with the tutorial's settings as
constants; here they become the visitor's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from errors import KnownError
from settings import ROOT
from viz.plot import Provenance

FOLDER = ROOT / "assets" / "recipes"
# What librosa and SciPy call our choices.
FOREIGN: Mapping[tuple[str, Any], Any] = {
    ("window", "rectangular"): "boxcar",
    ("norm", "area"): "slaney",
    ("norm", "peak"): None,
}


def recipe(provenance: Provenance) -> str:
    """Return a picture's script, with its settings as constants.

    Args:
        provenance: of a sheet. A script has only those settings that its numbers
            depend on, in capitals.

    Raises:
        KnownError: ``no_recipe`` for a picture without one.
    """
    path = FOLDER / f"{provenance.picture}.py"
    if not path.is_file():
        raise KnownError("no_recipe")
    script = path.read_text("utf-8")
    for setting, value in provenance.settings.items():
        line = f"{setting.upper()} = {_written(setting, value)}"
        pattern = rf"^{setting.upper()} = [^#\n]*?(?=  #|$)"
        script = re.sub(pattern, lambda _, line=line: line, script, flags=re.MULTILINE)  # type: ignore[misc]
    return script


def _written(setting: str, value: Any) -> str:
    value = FOREIGN.get((setting, value), value)
    text = repr(round(value, 6) if isinstance(value, float) else value)
    return text.replace("'", '"')
