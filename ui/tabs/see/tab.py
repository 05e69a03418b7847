"""The tab See: lessons in the order of the tutorial."""

from __future__ import annotations

from classifier.models import Models
from settings import Settings
from ui import page_state
from ui.export import downloads
from ui.session import Session
from ui.tabs.see import (
    codec,
    comparison,
    contents,
    decibels,
    hubert_input,
    inside,
    inversion,
    learning,
    masking,
    mel,
    pitch,
    readings,
    rhythm,
    sampling,
    selection,
    separation,
    sines,
    source,
    spectrogram,
    spectrum,
    timbre,
    waveform,
)
from ui.tabs.see.lesson import Lesson, comes_with_sound

STYLE = contents.STYLE
# Their pictures come with a sound. Not those that take longer, of which most wait in a
# lane of the queue: of a model, of parts of the sound that are computed first.
WITH_SOUND = (
    "waveform decibels source rate bits sines dft timbre stft mel filters pitch rhythm"
    " hearing"
).split()


def build(session: Session, settings: Settings, models: Models) -> tuple[Lesson, ...]:
    """Lay out the lessons and wire them."""
    with contents.beside():
        lessons = _lessons(session, settings, models)
    moment = next(each for each in lessons if each.name == "dft")
    for each in lessons:
        if each.name in WITH_SOUND:
            comes_with_sound(session, each)
    contents.build(session, lessons)
    selection.build(session, lessons, moment)
    downloads.build(session, lessons)
    page_state.restore_knobs(session, lessons)
    return lessons


def _lessons(
    session: Session, settings: Settings, models: Models
) -> tuple[Lesson, ...]:
    return (
        waveform.build(session),
        decibels.build(session),
        source.build(session),
        sampling.build_rate(session),
        sampling.build_bits(session),
        sines.build(session),
        spectrum.build(session),
        timbre.build(session),
        spectrogram.build(session),
        inversion.build(session, is_offline=settings.is_offline),
        *mel.build(session),
        pitch.build(session),
        rhythm.build(session),
        separation.build(session),
        codec.build(session),
        hubert_input.build(session, models),
        masking.build(session, settings, models),
        *inside.build(session, models),
        readings.build(session, settings, models),
        *learning.build(session, settings.runs_dir),
        comparison.build(session),
    )
