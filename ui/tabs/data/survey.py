"""A survey of songs as HTML: counts with bars, the tutorial's three looks, faults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

import i18n
from audio.hubert.preprocessing import SAMPLING_RATE
from i18n import clock, genre_name
from trainer.data.faults import SHORT_S, Fault, Kind
from trainer.data.splits import PARTS
from trainer.data.survey import Share, Survey
from trainer.evaluation import report
from ui.tabs.data.inspection import InspectedSongs, hertz
from ui.templates import render
from viz.wording import joined

N_NAMES = 6  # of songs with one fault, before "and more"
DRAWN = ("random", "stratified", "group")  # splits that a seed decides
KINDS: tuple[Kind, ...] = (
    "unreadable",
    "silent",
    "clipped",
    "short",
    "copy",
    "near_copy",
)


def survey_html(inspected: InspectedSongs, language: str) -> Markup:
    """Show a survey; what spoils learning and score comes first.

    That is a recording under two labels, and a copy on both sides of the split.
    """
    found, parts = inspected.survey(), _parts(inspected)
    most = max(share.n_songs for share in found.shares)
    split = [
        _split(inspected, language),
        *_untested(found, language),
        means(inspected, language),
        *([_word("gtzan_faults", language)] if _is_gtzan(inspected) else []),
    ]
    return render(
        "survey",
        language,
        conflicts=[_conflict(*each, language) for each in conflicts(inspected)],
        leaks=_named(found.leaks, language) if found.leaks else None,
        parts=parts,
        genres=[_genre(share, parts, most) for share in found.shares],
        total=_numbers(found.shares, parts),
        rate_bars=_rate_bars(found),
        rates=_rates(found, language),
        labels=[_labels(found, language)],
        split=split,
        faults=[
            (kind, _named(those, language))
            for kind in KINDS
            if (those := [fault for fault in found.faults if fault.kind == kind])
        ],
        short_s=SHORT_S,
    )


def conflicts(inspected: InspectedSongs) -> list[tuple[Fault, str, str]]:
    """List copies whose label is another than their original's, with both labels."""
    genres = {song.name: song.genre for song in inspected.songs.songs}
    pairs = [each for each in inspected.faults if each.other]
    found = [(each, genres[each.other], genres[each.name]) for each in pairs]
    return [(each, of, named) for each, of, named in found if of != named]


def _conflict(fault: Fault, of: str, named: str, language: str) -> str:
    about = {"first": genre_name(of, language), "second": genre_name(named, language)}
    names = {"copy": fault.name, "other": fault.other}
    return _word("conflict", language, **about, **names)


def means(inspected: InspectedSongs, language: str) -> str:
    """Explain what a score on this split means, and what it does not."""
    kind = inspected.songs.group_kind
    sentences = [_word(report.of_split(inspected.config.split, kind), language)]
    if not inspected.split.is_honest:
        sentences.append(_word("means_chosen", language))
    return joined(sentences, language)


def _is_gtzan(inspected: InspectedSongs) -> bool:
    return inspected.config.data == "gtzan"


def _word(name: str, language: str, **details: object) -> str:
    return i18n.word(f"data.{name}", language, **details)


def _parts(inspected: InspectedSongs) -> tuple[str, ...]:
    """List the parts that differ: without validation songs, two."""
    return PARTS if inspected.split.is_honest else ("train", "test")


def _genre(share: Share, parts: Sequence[str], most: int) -> dict[str, Any]:
    """Return one genre's numbers, and its bar, which ``most`` songs fill."""
    bar = [(part, f"{getattr(share, f'n_{part}') / most:.1%}") for part in parts]
    return {"label": share.genre, "numbers": _numbers([share], parts), "bar": bar}


def _numbers(shares: Sequence[Share], parts: Sequence[str]) -> list[int | str]:
    """Count the songs, those of each part, and add up their durations."""
    counts = [sum(getattr(share, f"n_{part}") for share in shares) for part in parts]
    n_songs = sum(share.n_songs for share in shares)
    return [n_songs, *counts, clock(sum(share.duration_s for share in shares))]


def _rates(found: Survey, language: str) -> list[str]:
    """Describe whether the sampling rates agree, and how long the songs last."""
    rate, n_songs = found.rates[0]
    if len(found.rates) > 1:
        each = (f"{hertz(rate)} × {n}" for rate, n in found.rates)
        listed = i18n.listed(each, language)
        sentences = [_word("rates_mixed", language, rates=listed)]
    else:
        kept = "rates_as_heard" if rate == SAMPLING_RATE else "rates_converted"
        same = _word("rates_same", language, n=n_songs, rate=hertz(rate))
        sentences = [joined([same, _word(kept, language)], language)]
    shortest, middle, longest = (clock(each) for each in found.durations_s)
    name = "durations_same" if shortest == longest else "durations"
    lengths = {"shortest": shortest, "middle": middle, "longest": longest}
    return [*sentences, _word(name, language, **lengths)]


def _rate_bars(found: Survey) -> list[tuple[str, str, int]]:
    """List each sampling rate, its bar's width and its number of songs, the most first."""
    most = found.rates[0][1]
    return [(hertz(rate), f"{n / most:.1%}", n) for rate, n in found.rates]


def _labels(found: Survey, language: str) -> str:
    """Describe how many songs each label has, and how often guessing would be right."""
    most = max(found.shares, key=lambda share: share.n_songs)
    fewest = min(share.n_songs for share in found.shares)
    return _word(
        "labels_even" if fewest == most.n_songs else "labels_uneven",
        language,
        n_genres=len(found.shares),
        fewest=fewest,
        most=most.n_songs,
        genre=genre_name(most.genre, language),
        share=most.n_songs / found.n_songs,
    )


def _split(inspected: InspectedSongs, language: str) -> str:
    """Describe how many songs are in each part, and how they were split."""
    split, n_songs = inspected.split, len(inspected.songs.songs)
    counts = {part: len(getattr(split, part)) for part in _parts(inspected)}
    shares = {part: n / n_songs for part, n in counts.items()}
    numbers = {f"n_{part}": n for part, n in counts.items()}
    name = "split_three" if split.is_honest else "split_two"
    sentences = [_word(name, language, **shares, **numbers)]
    if inspected.config.split in DRAWN:
        sentences.append(_word("split_seed", language, seed=inspected.config.seed))
    n_left = n_songs - sum(counts.values())
    if n_left:
        sentences.append(_word("split_left", language, n=n_left))
    return joined(sentences, language)


def _untested(found: Survey, language: str) -> list[str]:
    """Name the genres without a test song, if there are any."""
    genres = [
        genre_name(share.genre, language) for share in found.shares if not share.n_test
    ]
    listed = i18n.listed(genres, language)
    return [_word("untested", language, genres=listed)] if genres else []


def _named(faults: Sequence[Fault], language: str) -> dict[str, Any]:
    """Count songs and list their names; a copy's with that of its original."""
    names = [
        f"{each.name} = {each.other}" if each.other else each.name
        for each in faults[:N_NAMES]
    ]
    if len(faults) > N_NAMES:
        names.append(_word("more_names", language, n=len(faults) - N_NAMES))
    return {"n": len(faults), "names": names}
