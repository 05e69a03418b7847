"""matplotlib's SVG in, an SVG element for the middle of a page out.

The element holds no style sheet and no name that another element of the page may have.
Its text stays text; in a picture for a page it takes on the page's font and colour.
"""

from __future__ import annotations

import base64
import io
import re
import secrets
import xml.etree.ElementTree as ET
from collections.abc import Mapping

INK = "#010203"  # stands for the page's text colour until the SVG is written

NUMBER = re.compile(r"-?\d+\.\d+")
REFERENCE = re.compile(r'(?:url\(|href=")#(\w+)')
PNG_HEADER = "data:image/png;base64,"


def inline(svg: bytes, alt: str) -> str:
    """One self-contained ``<svg>`` as wide as its place, titled ``alt``."""
    picture = ET.fromstring(svg)  # noqa: S314 -- matplotlib wrote it
    mine = secrets.token_hex(4)
    found = dict.fromkeys(REFERENCE.findall(svg.decode()))
    names = {name: f"p{mine}-{i}" for i, name in enumerate(found)}
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": picture.attrib["viewBox"],
            "width": "100%",
            "role": "img",
            "stroke-linejoin": "round",
            "style": "display:block;height:auto",
        },
    )
    if INK.encode() not in svg:  # it may stand alone, where there is no page's font
        root.set("font-family", "system-ui, sans-serif")
    title = ET.SubElement(root, "title")
    title.text = "".join(c for c in alt if c.isprintable())
    root.extend(_tidied(picture, names))
    return ET.tostring(root, encoding="unicode").replace(INK, "currentColor")


def _tidied(parent: ET.Element, names: Mapping[str, str]) -> list[ET.Element]:
    """The children without namespaces, style sheets and groups that do nothing."""
    tidy: list[ET.Element] = []
    for child in parent:
        element = ET.Element(child.tag.rpartition("}")[2])
        element.extend(_tidied(child, names))
        for name, value in child.items():
            _copy(name.rpartition("}")[2], value, element, names)
        if element.tag == "g" and not element.attrib:
            tidy.extend(element)
        elif element.tag not in ("style", "defs") or len(element):
            element.text = child.text if element.tag == "text" else None
            tidy.append(element)
    return tidy


def _copy(name: str, value: str, to: ET.Element, names: Mapping[str, str]) -> None:
    """Write one attribute shorter, or not at all where it says nothing."""
    if name == "id":
        value = names.get(value, "")
    elif name == "style":
        value = _short_style(value)
    elif value.startswith(PNG_HEADER):
        value = _palette_image(value)
    elif name in ("href", "clip-path"):
        value = re.sub(r"#(\w+)", lambda match: f"#{names[match[1]]}", value)
    elif name != "transform":
        value = _short_numbers(value)
    elif value.startswith("rotate(-0 "):
        value = ""
    if value:
        to.set(name, value)


def _short_style(style: str) -> str:
    """The declarations without the font's family, which is the page's."""
    declarations = (part.strip().replace(": ", ":") for part in style.split(";"))
    return ";".join(d for d in declarations if not d.startswith("font-family"))


def _short_numbers(text: str) -> str:
    """Coordinates to a tenth of a pixel, and no space that a path can spare."""
    text = NUMBER.sub(lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), text)
    return re.sub(r"\s*([MLQCz])\s*", r"\1", text)


def _palette_image(data_url: str) -> str:
    """The same picture at half the size: 256 colours are all that a level map has."""
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(data_url.removeprefix(PNG_HEADER))))
    buffer = io.BytesIO()
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG")
    return PNG_HEADER + base64.b64encode(buffer.getvalue()).decode()
