"""The tab See: lessons in the order of the tutorial."""

from __future__ import annotations

from settings import Settings
from ui import downloads
from ui import page_state as links
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
from ui.session import Session as Desk


def build(desk: Desk, settings: Settings) -> tuple[Lesson, ...]:
    """Lay out the lessons and wire them."""
    lessons = (
        waveform.build(desk),
        source.build(desk),
        sampling.build_rate(desk),
        sampling.build_bits(desk),
        moment := spectrum.build(desk),
        spectrogram.build(desk),
        back.build(desk, is_offline=settings.is_offline),
        *mel.build(desk),
        hearing.build(desk),
        masking.build(desk),
        two.build(desk),
    )
    selection.build(desk, lessons, moment)
    downloads.build(desk, lessons)
    links.restore_knobs(desk, lessons)
    return lessons
