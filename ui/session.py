"""Share between the tabs: one sound, its visible part, one wrapper of handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import gradio as gr
from gradio.components import Component

from audio.clip import Clip
from ui.handlers import Guarded
from ui.player.clip_bar import ClipBar
from ui.player.clips import ClipShelf
from ui.scene import Scene, Transforms, seen

View = tuple[str, float, float] | None  # a sound's path, start and stop (s)


@dataclass(frozen=True)
class Newest:
    """Which request for each place of a page came last.

    Gradio answers several requests of one page side by side, so that an older one may
    end last; what it brings is out of date, and must not cover the newer answer.
    """

    requests: dict[int, object] = field(default_factory=dict)

    def ask(self, *places: Component) -> Callable[[Component], bool]:
        """Begin a request; return what tells whether it is a place's newest still."""
        request = object()
        self.requests.update((place._id, request) for place in places)
        return lambda place: self.requests[place._id] is request


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
    """

    guarded: Guarded
    shelf: ClipShelf
    bar: ClipBar
    link: gr.Textbox
    view: gr.State = field(default_factory=lambda: gr.State(None))
    newest: gr.State = field(default_factory=lambda: gr.State(Newest()))
    transforms: Transforms = field(default_factory=Transforms)
    model: gr.State = field(default_factory=lambda: gr.State(None))

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
