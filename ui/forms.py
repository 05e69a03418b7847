"""A dataclass in, a form out; the form's values in, the dataclass out.

Labels and explanations are the locales' section ``fields``; ranges and choices are
the dataclass's. The components carry no limits of their own: the dataclass refuses what
is out of range, in the visitor's language, wherever the value came from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import gradio as gr

from ui.server.language import text


def component(
    item: dataclasses.Field[Any], value: Any, choices: Sequence[Any] = ()
) -> gr.components.Component:
    """Make the component for one field, showing ``value``.

    Args:
        item: of a dataclass, with ``choices``, ``minimum``, ``maximum`` as metadata.
        value: what it shows at first.
        choices: in place of those of the field; values or (label, value).
    """
    names: dict[str, Any] = {
        "label": text(f"fields.{item.name}"),
        "info": text(f"fields.{item.name}_info"),
    }
    choices = choices or item.metadata.get("choices", ())
    if choices:
        return gr.Dropdown(list(choices), value=value, **names)
    if item.type == "bool":
        return gr.Checkbox(value=value, **names)
    return gr.Number(value=value, precision=0 if item.type == "int" else None, **names)


def values_of(config: Any, names: Sequence[str]) -> list[Any]:
    """List the values of some fields, in the form's order."""
    return [getattr(config, name) for name in names]
