"""A survey of songs as HTML: counts with bars, the tutorial's three looks, faults."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import words
from audio.hearing import SAMPLING_RATE
from trainer.faults import SHORT_S, Fault, Kind
from trainer.splits import PARTS
from trainer.survey import Share, Survey
from ui.classifying.answer import genre_name
from ui.clip_bar import clock
from ui.looking import Looked
from viz.style import joined

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


def survey_html(looked: Looked, language: str) -> str:
    """All that a survey says; copies across the split come first, because they spoil."""
    found = looked.survey()
    split = [
        _split(looked, language),
        *_untested(found, language),
        means(looked, language),
    ]
    return "".join(
        [
            _leaks(found.leaks, language),
            _table(found, _parts(looked), language),
            _look("rates", _rates(found, language), language, _rate_bars(found)),
            _look("labels", [_labels(found, language)], language),
            _look("split", split, language),
            _faults(found.faults, language),
        ]
    )


def means(looked: Looked, language: str) -> str:
    """What a score on this split says, and what it does not."""
    said = [_said(f"means_{looked.config.split}", language)]
    if not looked.split.is_honest:
        said.append(_said("means_chosen", language))
    return joined(said, language)


def hertz(sampling_rate: int) -> str:
    """A sampling rate as people write it."""
    return f"{sampling_rate:,} Hz"


def _said(name: str, language: str, **details: object) -> str:
    return words.word(f"data.{name}", language, **details)


def _parts(looked: Looked) -> tuple[str, ...]:
    """The parts that differ: without validation songs, two."""
    return PARTS if looked.split.is_honest else ("train", "test")


def _look(name: str, sentences: Iterable[str], language: str, picture: str = "") -> str:
    """One of the tutorial's three looks."""
    title = html.escape(_said(f"{name}_title", language))
    texts = "".join(f"<p>{html.escape(each)}</p>" for each in sentences)
    return f"<h3>{title}</h3>{picture}{texts}"


def _table(found: Survey, parts: Sequence[str], language: str) -> str:
    """Songs by genre and part; a genre's bar is as long as its songs are many."""
    most = max(share.n_songs for share in found.shares)
    heads = [f'<th scope="col">{_said("genre", language)}</th>']
    heads.append(f'<th scope="col">{_said("n_songs", language)}</th>')
    heads += [
        f'<th scope="col" class="part-{part}">{_said(part, language)}</th>'
        for part in parts
    ]
    heads.append(f'<th scope="col">{_said("duration", language)}</th>')
    rows = [
        _row(genre_name(share.genre, language), [share], parts, most)
        for share in found.shares
    ]
    total = _row(_said("total", language), found.shares, parts, 0)
    return (
        f'<table class="counts"><caption>{_said("counts", language)}</caption>'
        f"<thead><tr>{''.join(heads)}</tr></thead><tbody>{''.join(rows)}</tbody>"
        f"<tfoot>{total}</tfoot></table>"
    )


def _row(name: str, shares: Sequence[Share], parts: Sequence[str], most: int) -> str:
    """One genre's numbers, or those of all; ``most`` songs fill the bar, 0 for none."""
    counts = {part: sum(getattr(s, f"n_{part}") for s in shares) for part in parts}
    bar = ""
    if most:
        pieces = "".join(
            f'<i class="part-{part}" style="width:{n / most:.1%}"></i>'
            for part, n in counts.items()
        )
        bar = f'<span class="bar" aria-hidden="true">{pieces}</span>'
    n_songs = sum(share.n_songs for share in shares)
    duration = clock(sum(share.duration_s for share in shares))
    cells = "".join(
        f"<td>{each}</td>" for each in (n_songs, *counts.values(), duration)
    )
    return f'<tr><th scope="row">{html.escape(name)}{bar}</th>{cells}</tr>'


def _rates(found: Survey, language: str) -> list[str]:
    """Whether the sampling rates agree, and how long the songs last."""
    rate, n_songs = found.rates[0]
    if len(found.rates) > 1:
        each = (f"{hertz(rate)} × {n}" for rate, n in found.rates)
        listed = words.listed(each, language)
        said = [_said("rates_mixed", language, rates=listed)]
    else:
        kept = "rates_as_heard" if rate == SAMPLING_RATE else "rates_converted"
        same = _said("rates_same", language, n=n_songs, rate=hertz(rate))
        said = [joined([same, _said(kept, language)], language)]
    shortest, middle, longest = (clock(each) for each in found.durations_s)
    name = "durations_same" if shortest == longest else "durations"
    lengths = {"shortest": shortest, "middle": middle, "longest": longest}
    return [*said, _said(name, language, **lengths)]


def _rate_bars(found: Survey) -> str:
    """A bar for each sampling rate; that of most songs is the longest."""
    most = found.rates[0][1]
    rows = "".join(
        f'<span>{hertz(rate)}</span><i style="width:{n / most:.1%}"></i><span>{n}</span>'
        for rate, n in found.rates
    )
    return f'<div class="rates">{rows}</div>'


def _labels(found: Survey, language: str) -> str:
    """How many labels with how many songs, and what guessing would give."""
    most = max(found.shares, key=lambda share: share.n_songs)
    fewest = min(share.n_songs for share in found.shares)
    return _said(
        "labels_even" if fewest == most.n_songs else "labels_uneven",
        language,
        n_genres=len(found.shares),
        fewest=fewest,
        most=most.n_songs,
        genre=genre_name(most.genre, language),
        share=most.n_songs / found.n_songs,
    )


def _split(looked: Looked, language: str) -> str:
    """How many songs stand in each part, and what put them there."""
    split, n_songs = looked.split, len(looked.songs.songs)
    counts = {part: len(getattr(split, part)) for part in _parts(looked)}
    shares = {part: n / n_songs for part, n in counts.items()}
    numbers = {f"n_{part}": n for part, n in counts.items()}
    name = "split_three" if split.is_honest else "split_two"
    said = [_said(name, language, **shares, **numbers)]
    if looked.config.split in DRAWN:
        said.append(_said("split_seed", language, seed=looked.config.seed))
    n_left = n_songs - sum(counts.values())
    if n_left:
        said.append(_said("split_left", language, n=n_left))
    return joined(said, language)


def _untested(found: Survey, language: str) -> list[str]:
    """The genres without a test song, if there are such."""
    genres = [
        genre_name(share.genre, language) for share in found.shares if not share.n_test
    ]
    listed = words.listed(genres, language)
    return [_said("untested", language, genres=listed)] if genres else []


def _leaks(leaks: Sequence[Fault], language: str) -> str:
    """Copies across the split, loudly."""
    if not leaks:
        return ""
    sentence = html.escape(_said("leaks", language, n=len(leaks)))
    return f'<div class="leaks" role="alert"><p>{sentence}</p>{_names(leaks, language)}</div>'


def _faults(faults: Sequence[Fault], language: str) -> str:
    """What is wrong, by kind, with the songs' names."""
    title = f"<h3>{_said('faults_title', language)}</h3>"
    if not faults:
        return f"{title}<p>{_said('no_faults', language, s=SHORT_S)}</p>"
    by_kind = [[f for f in faults if f.kind == kind] for kind in KINDS]
    items = "".join(
        f"<li>{_said(f'fault_{found[0].kind}', language, s=SHORT_S)} "
        f"({len(found)}){_names(found, language)}</li>"
        for found in by_kind
        if found
    )
    return f"{title}<ul>{items}</ul>"


def _names(faults: Sequence[Fault], language: str) -> str:
    """The songs' names; a copy's with that of what it is a copy of."""
    names = [
        f"{each.name} = {each.other}" if each.other else each.name
        for each in faults[:N_NAMES]
    ]
    if len(faults) > N_NAMES:
        names.append(_said("more_names", language, n=len(faults) - N_NAMES))
    return f'<p class="names">{"<br>".join(html.escape(name) for name in names)}</p>'
