"""What the endpoints answer: types with a description of every field, for programs.

A field's description is written once, in its class's docstring; the API's documentation
and the MCP tools' output schemas are made from it.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import TypeAdapter

import i18n
from classifier import report
from classifier.batch import Row
from classifier.predict import Prediction
from classifier.verdict import Kind, Verdict
from classifier.what_if import Answer
from classifier.where import Found
from trainer import messages
from trainer.run.events import Step
from trainer.run.runs import Run

FIELD = re.compile(r"^(\w+): (.+(?:\n {2,}.+)*)", re.MULTILINE)


@dataclass(frozen=True)
class GenreShare:
    """A genre and how probable it is.

    Attributes:
        genre: the model's own label.
        probability: 0 to 1; those of all genres add up to 1.
    """

    genre: str
    probability: float


@dataclass(frozen=True)
class SongAnswer:
    """The genre of one song, and what that rests on.

    Attributes:
        genres: every genre that the model knows, the likeliest first.
        verdict: sure; unsure where the windows disagree, the lead is small or, of labels
            that do not exclude each other, the likeliest is below 0.5; speech where the
            sound is not music to begin with; unlike where it is unlike anything that
            the model learned from.
        agreement: share of the windows that name the likeliest genre, 0 to 1.
        calibrated: whether the probabilities were adjusted on validation songs, so that
            0.7 should mean right in about 7 of 10 songs like those.
        exclusive: whether one label is right, so that the probabilities sum to 1.
        model: key of the model that listened.
        revision: commit of a model from the Hugging Face Hub, null for others.
        precision: number format of its products: bf16 or fp32.
        device: name of the GPU or processor that computed it.
        trained_on: what the model learned from; empty where that is unknown.
        windows: pieces of the song that were classified.
        elapsed_s: time that listening took (s).
        distance: from what the model learned from; above 1, which 99 in 100 windows of
            such music stay below, it is unlike. Null where the model cannot tell.
    """

    genres: list[GenreShare]
    verdict: Kind
    agreement: float
    calibrated: bool
    exclusive: bool
    model: str
    revision: str | None
    precision: str
    device: str
    trained_on: str
    windows: int
    elapsed_s: float
    distance: float | None


@dataclass(frozen=True)
class SongRow:
    """One song of many: its genre, or the reason why it has none.

    Attributes:
        song: name of the file; of one in a zip, the zip's name, a slash, and its own.
        genre: the likeliest, null where there is no answer.
        confidence: probability of that genre, 0 to 1.
        runner_up: the second genre, null where there is none.
        runner_up_confidence: probability of the second genre.
        verdict: sure, unsure, speech or unlike, as for one song.
        agreement: share of the windows that name the likeliest genre, 0 to 1.
        duration_s: length of what was read of the song (s).
        elapsed_s: time that reading and listening took (s).
        model: key of the model that listened.
        genres: the probability of every genre by its name; empty without an answer.
        reason: why there is no answer, in a sentence; null where there is one.
        distance: from what the model learned from, as for one song.
        cut_at_s: where a longer song was cut (s); null where it was read whole.
    """

    song: str
    genre: str | None
    confidence: float | None
    runner_up: str | None
    runner_up_confidence: float | None
    verdict: Kind | None
    agreement: float | None
    duration_s: float | None
    elapsed_s: float
    model: str | None
    genres: dict[str, float]
    reason: str | None
    distance: float | None
    cut_at_s: float | None


@dataclass(frozen=True)
class SongEmbedding:
    """A song as a vector: the mean of what the model computes of its windows.

    Attributes:
        vector: float32, as many as the model has features: the means over time of its
            middle and of its last layer. Songs that lie near each other are alike to
            the model; compare vectors of one model and revision alone.
        genre: the likeliest, by the same model.
        model: key of the model that computed it.
        revision: commit of a model from the Hugging Face Hub, null for others.
        sampling_rate: of the model's input (Hz).
        window_s: length of the windows (s).
        windows: pieces of the song that were used.
        precision: number format of the model's products: bf16 or fp32.
        device: name of the GPU or processor that computed it.
    """

    vector: list[float]
    genre: str
    model: str
    revision: str | None
    sampling_rate: int
    window_s: float
    windows: int
    precision: str
    device: str


@dataclass(frozen=True)
class SimilarSong:
    """One of the songs that a song was compared with.

    Attributes:
        song: name of the file, of one in a zip its name there, or a name in the NPZ.
        similarity: cosine of the angle between the two songs' standardised embeddings,
            -1 to 1; near 1 they may be copies. Null where the song could not be read.
        label: the genre that a folder of the zip, or the NPZ, gives it; empty without.
        genre: the model's answer; null where the song could not be read.
        reason: why it could not be read, in a sentence; null where it was.
    """

    song: str
    similarity: float | None
    label: str
    genre: str | None
    reason: str | None


@dataclass(frozen=True)
class WhatIfAnswer:
    """The genre of a song's middle as it is, and changed.

    Attributes:
        before: every genre's probability as it is, the likeliest first.
        after: the same of the changed sound; empty where nothing audible is left.
        moved: share of the probability that is with other genres than before, 0 to 1.
        model: key of the model that was asked.
    """

    before: list[GenreShare]
    after: list[GenreShare]
    moved: float
    model: str


@dataclass(frozen=True)
class TileAnswer:
    """A piece of the song's time and frequency, and what it says for the genre.

    Attributes:
        start_s: where it begins in the song (s).
        stop_s: where it ends (s).
        low_hz: its lower edge (Hz).
        high_hz: its upper edge (Hz).
        effect: what the genre's log-odds lose where it is hidden; below 0 it speaks
            against the genre.
        speaks: whether it is one of those that together make most of the case.
    """

    start_s: float
    stop_s: float
    low_hz: float
    high_hz: float
    effect: float
    speaks: bool


@dataclass(frozen=True)
class WhereAnswer:
    """Where in a song's middle the evidence for a genre is.

    Attributes:
        genre: that was asked about.
        probability: of it, of the middle as it is.
        kept: of it, with only the tiles that speak for it; null where that is silent.
        rest: of it, with only all other tiles; null likewise.
        tiles: that cover the middle without overlap.
        windows: pieces that were classified.
        model: key of the model that was asked.
    """

    genre: str
    probability: float
    kept: float | None
    rest: float | None
    tiles: list[TileAnswer]
    windows: int
    model: str


@dataclass(frozen=True)
class RunAnswer:
    """A fine-tuning run.

    Attributes:
        id: names the run.
        preset: the recipe that it began with.
        data: kind of its songs: composed, gtzan or folder.
        state: waiting, running, stopping, finished, stopped or failed.
        code: cause of a failure, empty without one.
        step: the last optimizer step that is done; 0 before the first.
        accuracy: share of the validation songs classified correctly, the best so far; null
            before the first validation.
        test_accuracy: share of the test songs classified correctly, measured once at the end;
            null before that, and where the split keeps no songs for it alone.
        masked_accuracy: share of the hidden frames guessed by a run that learns without
            genres, of the test songs or in the last validation; null of other runs.
    """

    id: str
    preset: str
    data: str
    state: str
    code: str
    step: int
    accuracy: float | None
    test_accuracy: float | None
    masked_accuracy: float | None


def of_song(prediction: Prediction, verdict: Verdict) -> SongAnswer:
    """Describe one song's genre."""
    ref = prediction.model
    return SongAnswer(
        genres=[GenreShare(genre, share) for genre, share in prediction.genres],
        verdict=verdict.kind,
        agreement=round(verdict.agreement, 3),
        calibrated=ref.is_calibrated,
        exclusive=ref.is_exclusive,
        model=ref.key,
        revision=ref.revision,
        precision=prediction.precision,
        device=prediction.device,
        trained_on=ref.trained_on,
        windows=prediction.n_done,
        elapsed_s=round(prediction.elapsed_s, 3),
        distance=_rounded(verdict.distance),
    )


def of_embedding(prediction: Prediction, sampling_rate: int) -> SongEmbedding:
    """Describe one song's embedding; the model has one.

    Args:
        prediction: with an ``embedding``.
        sampling_rate: of the model's input (Hz).
    """
    assert prediction.embedding is not None
    ref = prediction.model
    return SongEmbedding(
        vector=prediction.embedding.tolist(),
        genre=prediction.genres[0][0],
        model=ref.key,
        revision=ref.revision,
        sampling_rate=sampling_rate,
        window_s=ref.window_s,
        windows=prediction.n_done,
        precision=prediction.precision,
        device=prediction.device,
    )


def of_row(row: Row) -> SongRow:
    """Describe the genre of one of many songs, or why it has none."""
    genres = row.prediction.genres if row.prediction else ()
    cells: dict[str, Any] = dict.fromkeys(report.COLUMNS)
    return SongRow(
        **cells | report.cells(row),
        genres={genre: round(share, 6) for genre, share in genres},
        distance=_rounded(row.verdict.distance if row.verdict else None),
    )


def of_change(before: Prediction, answer: Answer) -> WhatIfAnswer:
    """Describe the answers to a sound as it is, and changed."""
    after = answer.prediction.genres if answer.prediction else ()
    return WhatIfAnswer(
        before=[GenreShare(*each) for each in before.genres],
        after=[GenreShare(*each) for each in after],
        moved=round(answer.moved, 6),
        model=before.model.key,
    )


def of_search(found: Found) -> WhereAnswer:
    """Describe where the evidence for a genre was found."""
    check = found.check
    assert check is not None, "asked only when the search has ended"
    genre = check.genre
    kept, rest = (
        dict(each.genres)[genre] if each else None for each in (check.kept, check.rest)
    )
    speaking = set(found.speaking(genre))
    tiles = [
        TileAnswer(
            start_s=round(found.start_s + each.start_s, 4),
            stop_s=round(found.start_s + each.stop_s, 4),
            low_hz=round(each.low_hz, 2),
            high_hz=round(each.high_hz, 2),
            effect=round(each.effect, 6),
            speaks=each in speaking,
        )
        for each in found.pieces(genre)
    ]
    share, key = dict(found.genres)[genre], found.model.key
    return WhereAnswer(genre, share, kept, rest, tiles, found.n_done, key)


def _rounded(distance: float | None) -> float | None:
    return None if distance is None else round(distance, 3)


def of_run(run: Run) -> RunAnswer:
    """Describe a run."""
    state, config = run.state(), run.config()
    events = run.events()[0]
    best = messages.best(events)
    steps = [event.step for event in events if isinstance(event, Step)]
    return RunAnswer(
        id=run.id,
        preset=config.preset,
        data=config.data.split(":")[0],
        state=state.name,
        code=state.code,
        step=max(steps, default=0),
        accuracy=best.accuracy if best else None,
        test_accuracy=messages.test_accuracy(events),
        masked_accuracy=messages.masked_accuracy(events),
    )


DESCRIBED = (
    GenreShare,
    SongAnswer,
    SongRow,
    SongEmbedding,
    SimilarSong,
    RunAnswer,
    WhatIfAnswer,
    TileAnswer,
    WhereAnswer,
)


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the JSON schema of an answer's type, its fields described.

    Args:
        kind: one of the classes above, or a list of one.
    """
    schema = TypeAdapter(kind).json_schema()
    parts = {**schema.get("$defs", {}), schema.get("title"): schema}
    for each in DESCRIBED:
        if each.__name__ in parts:
            _describe(parts[each.__name__], each)
    return schema


def _describe(part: dict[str, Any], kind: type) -> None:
    about, _, attributes = (inspect.getdoc(kind) or "").partition("\n\nAttributes:\n")
    part["description"] = about
    for name, description in FIELD.findall(inspect.cleandoc(attributes)):
        part["properties"][name]["description"] = " ".join(description.split())


def label(name: str) -> str:
    """Return what the API's documentation, in English, calls a parameter or an answer."""
    return i18n.word(f"api.{name}")


def place(kind: Any, name: str) -> gr.JSON:
    """Make a JSON output whose type the API's documentation shows.

    Not by a subclass of ``gr.JSON``: Gradio writes a stub beside the source of each.

    Args:
        kind: one of the classes above, or a list of one.
        name: of what it is called there.
    """
    output, schema = gr.JSON(label=label(name)), schema_of(kind)
    output.api_info_as_output = lambda: schema  # type: ignore[method-assign]
    return output
