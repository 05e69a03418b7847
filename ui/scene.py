"""What a lesson draws: a sound, the part of it that is seen; transforms are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import ref

import i18n
from audio.clip import Clip
from audio.transforms import Spectrogram, Spectrum
from cache import Cache
from viz import waveform
from viz.plot import Computed, Plot, Provenance, Sheet, by_name
from viz.wording import joined, phrase, with_minus

Result = TypeVar("Result")

KEPT_BYTES = 200_000_000  # a dozen long songs with all their pictures
SHORTEST_S = 0.002  # of a visible part: some samples of any sound


class Transforms:
    """Results of functions of a clip, each computed once; the clips are not kept.

    Args:
        max_bytes: of arrays kept; the result computed last stays in any case.
    """

    def __init__(self, max_bytes: int = KEPT_BYTES) -> None:
        self._results: Cache[tuple[Any, ...], Any] = Cache(max_bytes, n_bytes)

    def of(
        self, function: Callable[..., Result], clip: Clip, **settings: Any
    ) -> Result:
        """Return ``function(clip, **settings)``.

        Settings are hashable; one that can be called reports progress, and is no part
        of the key.
        """
        key = _key(function, clip, settings)
        result: Result = self._results.compute(key, lambda: function(clip, **settings))
        return result

    def knows(self, function: Callable[..., Any], clip: Clip, **settings: Any) -> bool:
        """Return whether ``of`` would return at once."""
        return self._results.get(_key(function, clip, settings)) is not None

    @property
    def n_bytes(self) -> int:
        """Sum the arrays kept."""
        return self._results.size


def _key(
    function: Callable[..., Any], clip: Clip, settings: Mapping[str, Any]
) -> tuple[Any, ...]:
    counted = sorted(each for each in settings.items() if not callable(each[1]))
    # A reference equals no other clip's, one at the same address included.
    return (ref(clip), function.__module__, function.__qualname__, *counted)


def n_bytes(result: Any) -> int:
    """Count the arrays in a result: a dataclass of arrays, clips and small things."""
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
        """Return start and stop of what is seen (s)."""
        shortest_s = max(self.clip.duration_s, 1 / self.clip.sampling_rate)
        return self.view or (0.0, shortest_s)

    def of(self, function: Callable[..., Result], **settings: Any) -> Result:
        """Return a function of the clip, from memory where it is known."""
        return self.transforms.of(function, self.clip, **settings)

    def knows(self, function: Callable[..., Any], **settings: Any) -> bool:
        """Return whether a function of the clip is in memory."""
        return self.transforms.knows(function, self.clip, **settings)

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
        """Return key numbers, and which part of the sound they belong to."""
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
