"""The tab See: lessons in the order of the tutorial."""

from __future__ import annotations

from settings import Settings
from ui import downloads, page_state
from ui.lessons import (
    back,
    hearing,
    masking,
    mel,
    sampling,
    selection,
    source,
    spectrogram,
    spectrum,
    two,
    waveform,
)
from ui.lessons.frame import Lesson
from ui.session import Session


def build(session: Session, settings: Settings) -> tuple[Lesson, ...]:
    """Lay out the lessons and wire them."""
    lessons = (
        waveform.build(session),
        source.build(session),
        sampling.build_rate(session),
        sampling.build_bits(session),
        moment := spectrum.build(session),
        spectrogram.build(session),
        back.build(session, is_offline=settings.is_offline),
        *mel.build(session),
        hearing.build(session),
        masking.build(session),
        two.build(session),
    )
    selection.build(session, lessons, moment)
    downloads.build(session, lessons)
    page_state.restore_knobs(session, lessons)
    return lessons
