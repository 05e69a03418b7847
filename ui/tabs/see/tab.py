"""The tab See: lessons in the order of the tutorial."""

from __future__ import annotations

from settings import Settings
from ui import page_state
from ui.export import downloads
from ui.session import Session
from ui.tabs.see import (
    comparison,
    hubert_input,
    inversion,
    masking,
    mel,
    sampling,
    selection,
    source,
    spectrogram,
    spectrum,
    waveform,
)
from ui.tabs.see.lesson import Lesson


def build(session: Session, settings: Settings) -> tuple[Lesson, ...]:
    """Lay out the lessons and wire them."""
    lessons = (
        waveform.build(session),
        source.build(session),
        sampling.build_rate(session),
        sampling.build_bits(session),
        moment := spectrum.build(session),
        spectrogram.build(session),
        inversion.build(session, is_offline=settings.is_offline),
        *mel.build(session),
        hubert_input.build(session),
        masking.build(session, settings),
        comparison.build(session),
    )
    selection.build(session, lessons, moment)
    downloads.build(session, lessons)
    page_state.restore_knobs(session, lessons)
    return lessons
