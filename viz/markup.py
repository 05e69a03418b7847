"""matplotlib's SVG in, an SVG element for the middle of a page out.

The element holds no style sheet, no name that another element of the page may have, and
no font of its own: its text is the page's, in the visitor's fonts.
"""

from __future__ import annotations

import base64
import io
import re
import secrets
import xml.etree.ElementTree as ET

INK = "#010203"  # stands for the page's text colour until the SVG is written

NUMBER = re.compile(r"-?\d+\.\d+")
DRAWN = ("d", "x", "y", "width", "height", "transform")
PNG_HEADER = "data:image/png;base64,"


def inline(svg: bytes, alt: str) -> str:
    """One self-contained ``<svg>`` as wide as its place, titled ``alt``."""
    picture = ET.fromstring(svg)  # noqa: S314: matplotlib wrote it, not a visitor
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": picture.attrib["viewBox"],
            "width": "100%",
            "role": "img",
            "style": "display:block;height:auto",
            "stroke-linejoin": "round",
        },
    )
    ET.SubElement(root, "title").text = "".join(filter(_is_text, alt))
    root.extend(_tidied(picture))
    _rename(root)
    return ET.tostring(root, encoding="unicode").replace(INK, "currentColor")


def _tidied(parent: ET.Element) -> list[ET.Element]:
    """The children without namespaces, groups for nothing and style sheets."""
    tidy: list[ET.Element] = []
    for child in parent:
        tag = child.tag.rpartition("}")[2]
        inner = _tidied(child)
        attributes = _attributes(tag, child)
        if tag == "style" or (tag == "defs" and not inner):
            continue
        if tag == "g" and not attributes:
            tidy.extend(inner)
            continue
        element = ET.Element(tag, attributes)
        element.text = child.text if tag == "text" else None
        element.extend(inner)
        tidy.append(element)
    return tidy
