"""Read a page's address, and restore the page from it.

``?view=stft&sound=brass&stft.n_fft=4096&stft.window=hann``: the clip bar reads
``sound``, this module the rest. Only what a knob offers is accepted; a position is not
kept, because each new sound sets it to its loudest passage. ``view`` is a lesson, to
which the page scrolls, or a tab, which it opens.

The page writes the same into its own address, so that a reload, or another language,
brings back what was there. A visitor's own sound is in no address: its path on the
server, which nobody can guess, stays in this tab of the browser (``sessionStorage``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import gradio as gr
from gradio.components import Component

from ui.handlers import QUIETLY, Guarded
from ui.session import Session

if TYPE_CHECKING:
    from ui.tabs.see.lesson import Lesson

LINK = """() => {
  const asked = new URLSearchParams(location.search);
  const isLink = asked.has("view") || asked.has("sound");
  return isLink || Genrescope.kept.own() ? location.search || "?" : "";
}"""
TABS = ("see", "live", "data", "train", "classify", "map", "teach")
# Parts above the place may still grow: it is held until somebody moves.
SCROLL = """() => {
  const name = new URLSearchParams(location.search).get("view");
  const end = performance.now() + 5000;
  let isLeft = !name;
  for (const event of ["wheel", "touchstart", "pointerdown", "keydown", "click"])
    addEventListener(event, () => { isLeft = true; }, { once: true, passive: true });
  const hold = () => {
    if (isLeft || performance.now() > end) return;
    document.getElementById(`lesson-${name}`)?.scrollIntoView({ behavior: "instant" });
    setTimeout(hold, 100);
  };
  hold();
}"""

# A page selects tabs by itself as well; only a person's click counts. Of the lessons, the
# one at the top of the screen does, once somebody scrolls.
KEEP = """() => {
  document.addEventListener("click", (event) => {
    const name = event.target.closest?.("[role=tab][data-tab-id]")?.dataset.tabId;
    if (name) Genrescope.kept.write({ view: name });
  });
  let timer = 0, isMoved = false;
  for (const event of ["wheel", "touchmove", "keydown", "pointerdown"])
    addEventListener(event, () => { isMoved = true; }, { passive: true });
  const look = () => {
    const lessons = [...document.querySelectorAll(".lesson[id^=lesson-]")]
      .filter((lesson) => lesson.checkVisibility());
    if (!isMoved || !lessons.length) return;
    const above = lessons.filter((lesson) => lesson.getBoundingClientRect().top < innerHeight / 3);
    const name = above.at(-1)?.id.replace("lesson-", "") ?? "see";
    Genrescope.kept.write({ view: name });
  };
  addEventListener("scroll", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 300);
  }, { passive: true });
}"""
KEEP_KNOBS = """(...values) => {{
  const known = {known};
  const changed = Object.entries(known).map(([name, usual], number) =>
    [name, String(values[number]) === usual ? null : String(values[number])]);
  Genrescope.kept.write(Object.fromEntries(changed));
}}"""


def build_link() -> gr.Textbox:
    """Make a hidden text that changes once the page has loaded, if it was opened by a link.

    So what a link restores costs other pages nothing: Gradio's page draws every output
    of a load event again each time that any of them moves.
    """
    link = gr.Textbox("", visible=False)
    gr.on(None, None, None, link, js=LINK, api_visibility="private")
    return link


def restore_knobs(session: Session, lessons: Sequence[Lesson]) -> None:
    """Set the knobs to what the page's address names."""
    knobs = [knob for lesson in lessons for knob in lesson.knobs.values()]

    @session.guarded
    def restore(page: gr.Request) -> list[Any]:
        return restored(lessons, page.query_params)

    session.link.change(restore, None, knobs, **QUIETLY)
    gr.on(None, None, None, None, js=SCROLL, **QUIETLY)
    keep_knobs(lessons)


def keep_knobs(lessons: Sequence[Lesson]) -> None:
    """Write each knob that a visitor turns into the address, unless it is at its default."""
    kept = {
        f"{lesson.name}.{name}": knob
        for lesson in lessons
        for name, knob in lesson.knobs.items()
        if offers(knob)
    }
    usual = {name: as_browsers_write(knob.value) for name, knob in kept.items()}
    fields: list[Any] = list(kept.values())  # they get their events at run time
    turned = [knob.input for knob in fields]
    js = KEEP_KNOBS.format(known=json.dumps(usual))
    gr.on(turned, None, fields, None, js=js, **QUIETLY)


def open_named_tab(guarded: Guarded, link: gr.Textbox, tabs: gr.Tabs) -> None:
    """Open the tab that the page's address names."""

    @guarded
    def open_tab(page: gr.Request) -> Any:
        view = page.query_params.get("view")
        return gr.Tabs(selected=view) if view in TABS else gr.skip()

    link.change(open_tab, None, tabs, **QUIETLY)


def keep_tab() -> None:
    """Write the tab that a visitor opens into the address, so that a reload finds it.

    Gradio reloads the page by itself where its server was started anew.
    """
    gr.on(None, None, None, None, js=KEEP, **QUIETLY)


def address(view: str, sound: str = "", **settings: object) -> str:
    """Write the query of an address, from its question mark on.

    Args:
        view: name of a lesson or of a tab.
        sound: id of a built-in sound; "" for none.
        **settings: of that lesson's knobs, by name.
    """
    named = {f"{view}.{name}": value for name, value in settings.items()}
    chosen = {"sound": sound} if sound else {}
    return f"?{urlencode({'view': view, **chosen, **named})}"


def query(lesson: Lesson, sound: str, values: Sequence[Any]) -> str:
    """Write the query of an address that restores a lesson, from its question mark on.

    Args:
        lesson: whose knobs are written.
        sound: id of a built-in sound.
        values: of the lesson's knobs.
    """
    named = zip(lesson.knobs.items(), values, strict=True)
    settings = {name: value for (name, knob), value in named if offers(knob)}
    return address(lesson.name, sound, **settings)


def restored(lessons: Sequence[Lesson], given: Mapping[str, str]) -> list[Any]:
    """Read a value, or none, for each knob of each lesson in turn.

    Args:
        lessons: with the knobs.
        given: an address's parameters; unknown ones are ignored.
    """
    updates = []
    for lesson in lessons:
        for name, knob in lesson.knobs.items():
            text = given.get(f"{lesson.name}.{name}")
            found = [
                value
                for value in offers(knob)
                if text in (str(value), as_browsers_write(value))
            ]
            updates.append(gr.update(value=found[0]) if found else gr.skip())
    return updates


def as_browsers_write(value: object) -> str:
    """Write a knob's value as JavaScript's ``String`` does: "true", "1" for 1.0."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def offers(knob: Component) -> list[Any]:
    """List the values that a knob lets choose from; none for a position."""
    if isinstance(knob, gr.Checkbox):
        return [False, True]
    if isinstance(knob, gr.Slider) and float(knob.step).is_integer():
        low, high, step = (
            round(each) for each in (knob.minimum, knob.maximum, knob.step)
        )
        return list(range(low, high + 1, step))
    return [value for _, value in getattr(knob, "choices", None) or ()]
