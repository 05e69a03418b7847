"""What a lesson draws: a sound, the part of it that is seen; transforms are kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import ref

import i18n
from audio.clip import Clip
from audio.transforms import Spectrogram, Spectrum
from viz import waveform
from viz.plot import Computed, Plot, Provenance, Sheet, by_name
from viz.wording import joined, phrase, with_minus

Result = TypeVar("Result")

KEPT_BYTES = 200_000_000  # a dozen long songs with all their pictures
SHORTEST_S = 0.002  # of a visible part: some samples of any sound


@dataclass(frozen=True)
class _Kept:
    clip: ref[Clip]
    result: Any
    n_bytes: int


class Transforms:
    """Results of functions of a clip; those unused for longest leave first.

    Two that ask at once for the same both compute it: that costs time, never truth.

    Args:
        max_bytes: of arrays kept.
    """

    def __init__(self, max_bytes: int = KEPT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[Any, ...], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def of(
        self, function: Callable[..., Result], clip: Clip, **settings: Any
    ) -> Result:
        """``function(clip, **settings)``, computed once.

        Settings are hashable; one that can be called is told of progress, and does not
        count.
        """
        counted = sorted(each for each in settings.items() if not callable(each[1]))
        key = (id(clip), function.__module__, function.__qualname__, *counted)
        with self._lock:
            kept = self._kept.get(key)
            if kept and kept.clip() is clip:  # not another one at the same address
                self._kept.move_to_end(key)
                return kept.result  # type: ignore[no-any-return]
        result = function(clip, **settings)
        with self._lock:
            self._kept[key] = _Kept(ref(clip), result, n_bytes(result))
            while self.n_bytes > self._max_bytes and self._kept:
                self._kept.popitem(last=False)
        return result

    @property
    def n_bytes(self) -> int:
        """Of all arrays kept."""
        return sum(kept.n_bytes for kept in self._kept.values())


def n_bytes(result: Any) -> int:
    """Of the arrays in a result: a dataclass of arrays, clips and small things."""
    if hasattr(result, "nbytes"):
        return int(result.nbytes)
    return sum(n_bytes(value) for value in getattr(result, "__dict__", {}).values())


@dataclass(frozen=True, eq=False)
class Scene:
    """What a lesson is asked to draw.

    Attributes:
        clip: the chosen sound.
        transforms: those known already.
        language: of the visitor.
        view: start and stop (s) of the part that is seen; None for all of it.
    """

    clip: Clip
    transforms: Transforms
    language: str = i18n.DEFAULT_LANGUAGE
    view: tuple[float, float] | None = None

    @property
    def shown_s(self) -> tuple[float, float]:
        """Start and stop of what is seen (s)."""
        shortest_s = max(self.clip.duration_s, 1 / self.clip.sampling_rate)
        return self.view or (0.0, shortest_s)

    def of(self, function: Callable[..., Result], **settings: Any) -> Result:
        """Return a function of the clip, from memory where it is known."""
        return self.transforms.of(function, self.clip, **settings)

    def computed(self, function: Callable[..., Any], **settings: Any) -> Computed:
        """Return a function of the clip with what it was given, for ``provenance``."""
        result = self.of(function, **settings)
        return Computed(function, self.clip, settings, result)

    def part(self) -> Computed:
        """Return the samples that are seen, for ``provenance``."""
        start_s, stop_s = self.shown_s
        settings = {"start_s": start_s, "stop_s": stop_s}
        result = waveform.part(self.clip, **settings)
        return Computed(waveform.part, self.clip, settings, result)

    def provenance(
        self, picture: str, *computed: Computed, **settings: Any
    ) -> Provenance:
        """Return where the numbers of a sheet came from.

        Args:
            picture: which one it is: the name of its script.
            *computed: the results that it shows, in the order of its plots.
            **settings: of the lesson; those of the first result count more.
        """
        start_s, stop_s = self.shown_s
        named = {"start_s": start_s, **settings, "stop_s": stop_s}
        if computed:
            named |= self._as_it_came(computed[0])
        return Provenance(picture, named, computed)

    def _as_it_came(self, first: Computed) -> dict[str, Any]:
        """Return settings with where its passage, or its frames, begin and end."""
        named = by_name(first.settings)
        named.pop("n_columns", None)
        if isinstance(first.result, Spectrum):
            named["start_s"] = first.result.start_s
        elif isinstance(first.result, Spectrogram) and named["stop_s"] is None:
            named["stop_s"] = self.clip.duration_s
        return named

    def seen(self, about: str) -> str:
        """Key numbers, and which part of the sound they belong to."""
        if self.view is None:
            return about
        start_s, stop_s = self.view
        part = phrase("about_part", self.language, start_s=start_s, stop_s=stop_s)
        return joined([part, about], self.language)

    def sheet(
        self,
        plots: tuple[Plot, ...],
        about: str,
        table: tuple[tuple[str, ...], ...] = (),
        provenance: Provenance | None = None,
    ) -> Sheet:
        """Return what the page shows; numbers below zero get a true minus sign."""
        about = with_minus(about)
        return Sheet(plots, about, table, self.clip.duration_s, provenance)


def seen(clip: Clip, start_s: float, stop_s: float) -> tuple[float, float] | None:
    """Return the part of a clip that a visitor may see, within it and not too short.

    Returns:
        None where that is all of it.
    """
    shortest_s = min(SHORTEST_S, clip.duration_s)
    start_s = min(max(start_s, 0.0), clip.duration_s - shortest_s)
    stop_s = min(max(stop_s, start_s + shortest_s), clip.duration_s)
    is_all = start_s <= 0 and stop_s >= clip.duration_s
    return None if is_all else (start_s, stop_s)
