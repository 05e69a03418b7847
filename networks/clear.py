"""Answers about held-out songs in, the rule by which an answer is called clear out.

A rule is chosen for a stated precision: of the answers that it calls clear, so many are
right; the share of songs that get one is its coverage. Source: R. El-Yaniv and Y.
Wiener, "On the foundations of noise-free selective classification", JMLR 11 (2010).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

PRECISION = 0.85  # of the answers called clear, asked for
MIN_SONGS = 20  # fewer choose no rule
MIN_CLEAR = 5  # songs that a rule calls clear; fewer are right by luck
AGREEMENTS = (0.5, 0.75)  # tried; a finer grid would fit the songs that choose


@dataclass(frozen=True)
class ClearRule:
    """When an answer is called clear.

    Attributes:
        lead: probability of the first genre, less that of the second: at least this.
        agreement: share of the windows that name the song's genre: more than this.
        precision: share of right answers among the clear ones, on the songs that chose
            the rule; None where no songs did.
        coverage: share of those songs that got a clear answer; None as before.
        distance: of ``Novelty``, at most this; 1 is the 99 % quantile.
        leads: genre and lead of those that need a larger one, because the model names
            them wrongly more often.
    """

    lead: float = 0.15
    agreement: float = 0.5
    precision: float | None = None
    coverage: float | None = None
    distance: float = 1.0
    leads: tuple[tuple[str, float], ...] = ()

    def to_config(self) -> dict[str, Any]:
        """Return what ``config.json`` keeps, under ``genrescope.clear``."""
        given = vars(self) | {"leads": dict(self.leads) or None}
        return {name: value for name, value in given.items() if value is not None}

    def lead_for(self, genre: str) -> float:
        """Return the lead from which an answer that names a genre is clear."""
        return max(self.lead, dict(self.leads).get(genre, self.lead))

    def allows(
        self,
        leads: Numbers,
        agreements: Numbers,
        distances: Numbers | None = None,
        genres: Sequence[str] | None = None,
    ) -> NDArray[np.bool_]:
        """(n_songs,) whether each answer is clear.

        Args:
            leads: (n_songs,).
            agreements: (n_songs,).
            distances: (n_songs,) the median of each song's windows; None where the
                model has no such measure.
            genres: (n_songs,) that the answers name; without them ``lead`` counts for
                all.
        """
        is_near = True if distances is None else distances <= self.distance
        least: Numbers | float = self.lead
        if genres is not None:
            least = np.array([self.lead_for(genre) for genre in genres])
        return (leads >= least) & (agreements > self.agreement) & is_near


USUAL = ClearRule()  # of a model whose rule nobody chose


@dataclass(frozen=True)
class ClearScore:
    """How good the answers are that a rule calls clear.

    Attributes:
        lead: of the rule.
        agreement: of the rule.
        asked: the precision that the rule was chosen for.
        n_songs: asked about.
        n_clear: answers called clear.
        n_right: of those.
        precision: share of right answers among the clear ones; None where there are
            none.
        coverage: share of the songs that get a clear answer.
        is_held_out: the songs did not choose the rule.
        curve: (coverage, precision) of the songs with the largest leads, from few to
            all: what could be had by another lead.
    """

    lead: float
    agreement: float
    asked: float
    n_songs: int
    n_clear: int
    n_right: int
    precision: float | None
    coverage: float
    is_held_out: bool
    curve: tuple[tuple[float, float], ...] = ()

    def rule(self) -> ClearRule:
        """Return the rule with the precision and coverage that were measured."""
        return ClearRule(self.lead, self.agreement, self.precision, self.coverage)


def of_config(facts: Mapping[str, Any]) -> ClearRule | None:
    """Read the rule from a checkpoint's facts; None where it has none that is whole."""
    values = facts.get("clear")
    if not isinstance(values, Mapping):
        return None
    names = ("lead", "agreement", "precision", "coverage", "distance")
    given = {name: values[name] for name in names if name in values}
    leads = values.get("leads") or {}
    if not isinstance(leads, Mapping) or not {"lead", "agreement"} <= set(given):
        return None
    if not all(map(_is_share, (*given.values(), *leads.values()))):
        return None
    pairs = tuple((str(genre), float(lead)) for genre, lead in leads.items())
    shares: dict[str, Any] = {name: float(value) for name, value in given.items()}
    return ClearRule(**shares, leads=pairs)


def measures(
    windows: Numbers, songs: Numbers, owners: NDArray[np.int64]
) -> tuple[Numbers, Numbers]:
    """Compute the lead and the agreement of songs.

    Args:
        windows: (n_windows, n_genres) probabilities.
        songs: (n_songs, n_genres) their means by song.
        owners: (n_windows,) the song of each window.

    Returns:
        Both (n_songs,).
    """
    ranked = np.sort(songs, axis=1)
    leads = ranked[:, -1] - (ranked[:, -2] if songs.shape[1] > 1 else 0.0)
    is_named = windows.argmax(axis=1) == songs.argmax(axis=1)[owners]
    n_windows = np.bincount(owners, minlength=len(songs))
    n_named = np.bincount(owners, is_named, minlength=len(songs))
    return leads, n_named / np.maximum(n_windows, 1)


def choose(
    leads: Numbers,
    agreements: Numbers,
    is_right: NDArray[np.bool_],
    distances: Numbers | None = None,
    precision: float = PRECISION,
) -> ClearRule | None:
    """Choose the rule that calls the most answers clear at a precision.

    Args:
        leads: (n_songs,) of songs that the model did not learn from.
        agreements: (n_songs,).
        is_right: (n_songs,) whether each was classified correctly.
        distances: (n_songs,) as of ``ClearRule.allows``.
        precision: to reach.

    Returns:
        None where the songs are too few. A rule that calls nothing clear, of coverage
        0, where the precision is out of reach.
    """
    if len(leads) < MIN_SONGS:
        return None
    found = []
    for agreement in AGREEMENTS:
        may_be = ClearRule(0.0, agreement).allows(leads, agreements, distances)
        found.append(_rule(leads, is_right, agreement, may_be, precision))
    return max(found, key=lambda rule: rule.coverage or 0.0)


def _rule(
    leads: Numbers,
    is_right: NDArray[np.bool_],
    agreement: float,
    may_be: NDArray[np.bool_],
    precision: float,
) -> ClearRule:
    """Find the smallest lead that reaches the precision among the songs that may be clear."""
    order = np.flatnonzero(may_be)
    order = order[np.argsort(-leads[order], kind="stable")]
    ranked = leads[order]
    n_clear = np.arange(1, len(order) + 1)
    reached = np.cumsum(is_right[order]) / n_clear
    # A lead takes all songs of the same lead.
    is_last = np.append(ranked[:-1] > ranked[1:], True)[: len(order)]
    enough = np.flatnonzero((reached >= precision) & is_last & (n_clear >= MIN_CLEAR))
    if not len(enough):
        return ClearRule(1.0, agreement, None, 0.0)
    last = enough[-1]
    lead = float(ranked[last])
    return ClearRule(
        lead, agreement, float(reached[last]), float((last + 1) / len(leads))
    )


def score(
    rule: ClearRule,
    leads: Numbers,
    agreements: Numbers,
    is_right: NDArray[np.bool_],
    distances: Numbers | None = None,
    *,
    is_held_out: bool,
    asked: float = PRECISION,
    genres: Sequence[str] | None = None,
) -> ClearScore:
    """Score a rule on songs.

    Args:
        rule: which one.
        leads: (n_songs,).
        agreements: (n_songs,).
        is_right: (n_songs,).
        distances: (n_songs,) or None.
        is_held_out: the songs did not choose the rule.
        asked: the precision that it was chosen for.
        genres: (n_songs,) that the answers name, as of ``ClearRule.allows``.
    """
    is_clear = rule.allows(leads, agreements, distances, genres)
    n_clear = int(np.count_nonzero(is_clear))
    n_right = int(np.count_nonzero(is_clear & is_right))
    return ClearScore(
        rule.lead,
        rule.agreement,
        asked,
        len(leads),
        n_clear,
        n_right,
        n_right / n_clear if n_clear else None,
        n_clear / len(leads),
        is_held_out,
        risk_coverage(leads, is_right),
    )


def risk_coverage(
    leads: Numbers, is_right: NDArray[np.bool_], n_points: int = 20
) -> tuple[tuple[float, float], ...]:
    """(coverage, precision) of the songs with the largest leads, from few to all."""
    n = len(leads)
    right = np.cumsum(is_right[np.argsort(-leads, kind="stable")])
    counts = np.unique(np.ceil(np.linspace(0, n, n_points + 1)[1:]).astype(int))
    return tuple((float(k / n), float(right[k - 1] / k)) for k in counts)


def _is_share(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value < float("inf")  # type: ignore[operator]
