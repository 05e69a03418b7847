"""Share between the tabs: one sound, its visible part, one wrapper of handlers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components import Component

from audio.clip import Clip
from ui.handlers import QUIETLY, Guarded, Handler
from ui.newest import Newest as Newest
from ui.player.clip_bar import ClipBar
from ui.player.clips import ClipShelf
from ui.player.first_picture import FirstPicture, Position
from ui.scene import Scene, Transforms, seen
from ui.server.access import Visitor

View = tuple[str, float, float] | None  # a sound's path, start and stop (s)


@dataclass(frozen=True)
class Renewal:
    """What a part of the page does at each new sound, or whenever its tab opens.

    Attributes:
        handler: as for an event; what it returns stands in the order of ``outputs``.
        inputs: of the handler.
        outputs: that no other renewal has.
        after: ``js`` that runs once all renewals are there; "" for none.
    """

    handler: Handler
    inputs: Sequence[Component]
    outputs: Sequence[Component]
    after: str = ""


@dataclass(frozen=True)
class Session:
    """Given to each tab that works with the chosen sound.

    Attributes:
        guarded: wraps every handler.
        shelf: the sounds in memory.
        bar: where the sound is chosen.
        link: hidden text that changes where the page was opened by a link.
        view: state, the visible part of a sound as a ``View``; it counts for that
            sound alone.
        newest: state, a ``Newest``.
        transforms: of the sounds in memory.
        model: state, the key of the model chosen in Classify; None before there is one.
        renewals: what the parts of the page do at each new sound, in one event.
        pictures: those that may come with a new sound.
        positions: the knobs that a new sound sets, by their ids.
        openings: what the parts of a tab do whenever it opens, in one event a tab.
    """

    guarded: Guarded
    shelf: ClipShelf
    bar: ClipBar
    link: gr.Textbox
    view: gr.State = field(default_factory=lambda: gr.State(None))
    newest: gr.State = field(default_factory=lambda: gr.State(Newest()))
    transforms: Transforms = field(default_factory=Transforms)
    model: gr.State = field(default_factory=lambda: gr.State(None))
    renewals: list[Renewal] = field(default_factory=list)
    pictures: list[FirstPicture] = field(default_factory=list)
    positions: dict[int, Position] = field(default_factory=dict)
    openings: list[tuple[gr.Tab, Renewal]] = field(default_factory=list)

    def at_new_sound(
        self,
        handler: Handler,
        inputs: Sequence[Component],
        outputs: Sequence[Component],
        after: str = "",
    ) -> None:
        """Let a handler, not wrapped yet, run at each new sound: see ``Renewal``."""
        self.renewals.append(Renewal(handler, inputs, outputs, after))

    def at_opening(
        self,
        tab: gr.Tab,
        handler: Handler,
        inputs: Sequence[Component],
        outputs: Sequence[Component],
    ) -> None:
        """Let a handler, not wrapped yet, run whenever a tab opens: see ``Renewal``."""
        self.openings.append((tab, Renewal(handler, inputs, outputs)))

    def wire_openings(self) -> None:
        """Wire all that ``at_opening`` was given, in one event a tab."""
        for tab in dict.fromkeys(tab for tab, _ in self.openings):
            mine = [each for of, each in self.openings if of is tab]
            tab.select(**self._in_one(mine))

    def _in_one(self, renewals: Sequence[Renewal]) -> dict[str, Any]:
        """Return the event that runs several handlers."""
        inputs = list(
            {each._id: each for of in renewals for each in of.inputs}.values()
        )
        outputs = [each for of in renewals for each in of.outputs]
        renew = self.guarded(renewing(renewals, inputs))
        return {"fn": renew, "inputs": inputs, "outputs": outputs, **QUIETLY}

    def wire_new_sound(self) -> None:
        """Wire the choice of a sound, and all that ``at_new_sound`` was given, in one event.

        An event each would keep the browser from the picture that is looked at: it
        takes a message to the server and four back, whatever little there is to do.
        """
        self.bar.wire(self.newest, self.pictures)
        renewed = self.bar.path.change(**self._in_one(self.renewals))
        for each in self.renewals:
            if each.after:
                renewed.then(None, None, None, js=each.after, **QUIETLY)

    def clip(self, path: str | None) -> Clip:
        """Return the chosen sound.

        Raises:
            KnownError: the codes of ``ClipShelf.take``.
        """
        return self.shelf.take(path).clip

    def scene(self, path: str | None, view: View, language: str) -> Scene:
        """Return what to draw of the chosen sound; raises as ``clip`` does."""
        clip = self.clip(path)
        shown = seen(clip, *view[1:]) if view and view[0] == path else None
        return Scene(clip, self.transforms, language, shown)


def renewing(renewals: Sequence[Renewal], inputs: Sequence[Component]) -> Handler:
    """Make one handler of all: of the values of ``inputs``, in their order."""
    places = {each._id: number for number, each in enumerate(inputs)}

    def renew(*values: Any, visitor: Visitor) -> list[Any]:
        found: list[Any] = []
        for each in renewals:
            given = [values[places[one._id]] for one in each.inputs]
            wants_visitor = "visitor" in inspect.signature(each.handler).parameters
            made = each.handler(*given, **{"visitor": visitor} if wants_visitor else {})
            found += made if len(each.outputs) > 1 else [made]
        return found

    return renew
