"""Predictions in, the song as a map out: its waveform, and genre along its time."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace

import i18n
import viz.genres
from audio.levels import loudness
from classifier.predict import Prediction
from classifier.report import harmless
from classifier.song_map import song_map
from errors import KnownError
from i18n import genre_name, short_name
from ui.model_choice import title
from ui.scene import Scene
from ui.tabs.classify.answer import N_SHOWN
from viz import palette, paper, png, waveform
from viz.plot import Axis, Plot, Rows, Sheet, rounded, time_axis
from viz.wording import joined, plain

WAVE_RATIO = 0.2  # height to width
UNSAFE = re.compile(r"[^\w.-]+")  # in a file's name
ROW_RATIO, AXIS_RATIO = 0.036, 0.09  # of a row, and of what is around them


def sheet(scene: Scene, predictions: Sequence[Prediction]) -> Sheet:
    """Draw the waveform, and below it a map for each model, on the same time axis."""
    language = scene.language
    loud = scene.of(loudness)
    wave = waveform.plot(scene.clip, scene.shown_s, loud, language)
    bare = replace(wave.y, label="")  # too low for words beside it
    plots = [replace(wave, name="song", y=bare, ratio=WAVE_RATIO, facts=())]
    is_pair = len(predictions) > 1
    for each in predictions:
        name = plain(title(each.model, language)) if is_pair else ""
        plots.append(replace(_map(each, scene.shown_s, language), title=name))
    about = [_described(each, language) for each in predictions]
    if is_pair:
        about = [
            i18n.word("see.of_sound", language, name=plot.title, about=each)
            for plot, each in zip(plots[1:], about, strict=True)
        ]
    return scene.sheet(tuple(plots), scene.seen(joined(about, language)))


def content(prediction: Prediction, kind: str, language: str) -> bytes:
    """Write the map as a file.

    Args:
        prediction: what it shows.
        kind: "png", "svg", or "csv": a row a window, with every probability.
        language: of the drawings.

    Raises:
        KnownError: ``not_a_choice``.
    """
    if kind == "csv":
        return _table(prediction)
    if kind not in ("png", "svg"):
        choices = "png, svg, csv"
        raise KnownError("not_a_choice", field="format", value=kind, choices=choices)
    if kind == "png":
        language = png.language_for(language)
    stop_s = max((chunk.stop_s for chunk in prediction.chunks), default=0.0)
    plot = _map(prediction, (0.0, stop_s), language)
    drawn = Sheet((plot,), _described(prediction, language))
    if kind == "png":
        return paper.png(drawn, language=language)
    return paper.svg(drawn)


def contents(predictions: Sequence[Prediction], kind: str, language: str) -> bytes:
    """Pack several models' maps: a zip of the files of ``content``, with its errors."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
        for number, each in enumerate(predictions, 1):
            title = UNSAFE.sub("-", each.model.title)
            folder.writestr(f"{number}-{title}.{kind}", content(each, kind, language))
    return packed.getvalue()


def _table(prediction: Prediction) -> bytes:
    labels = [label for label, _ in prediction.genres]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["start_s", "stop_s", *map(harmless, labels)])
    for chunk in prediction.chunks:
        shares = [round(chunk.probabilities[label], 6) for label in labels]
        writer.writerow([round(chunk.start_s, 3), round(chunk.stop_s, 3), *shares])
    return file.getvalue().encode()


def _map(prediction: Prediction, shown_s: tuple[float, float], language: str) -> Plot:
    """Draw a row for each genre, the likeliest on top."""
    found = song_map(prediction)
    labels = found.genres[:N_SHOWN][::-1]
    shares = found.probabilities[:N_SHOWN][::-1]
    names = tuple(plain(short_name(label, language)) for label in labels)
    return Plot(
        name="song_map",
        x=time_axis(shown_s, language),
        y=Axis("row", 0, len(labels), "", names=names),
        layers=(
            Rows(
                rounded(found.starts_s, 3),
                rounded(found.stops_s, 3),
                [rounded(row, 3) for row in shares],
                [palette.genre_colour(label) for label in labels],
            ),
        ),
        facts=(i18n.word("classify.map_facts", language),),
        ratio=AXIS_RATIO + ROW_RATIO * len(labels),
        is_sound=True,
    )


def _described(prediction: Prediction, language: str) -> str:
    named = []
    for chunk in prediction.chunks:
        shares = {
            genre_name(label, language): share
            for label, share in chunk.probabilities.items()
        }
        named.append((chunk.start_s, chunk.stop_s, shares))
    return viz.genres.describe_along(named, language)
