"""What a lesson tells its reader to try, as links that do it right there.

The words to click are those of the lesson's own text; ``contents.js`` does what they say.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import gradio as gr

import i18n
from ui import page_state

PARAGRAPH = "**"  # "Try" is the first that begins in bold type


@dataclass(frozen=True)
class Try:
    """One thing to try.

    Attributes:
        name: of its words in the section ``tries``.
        sound: id of a built-in sound that it chooses; "" for none.
        settings: of the lesson's knobs.
    """

    name: str
    sound: str = ""
    settings: dict[str, object] = field(default_factory=dict)


SONG, SWEEP = "blues_song", "sweep"
# In the order of each lesson's text.
TRIES: dict[str, tuple[Try, ...]] = {
    "waveform": (
        Try("trumpet", "brass"),
        Try("click", "click"),
        Try("song", SONG),
    ),
    "decibels": tuple(
        Try(f"db_{-db}", "", {"gain_db": db}) for db in (-6, -20, -40, 0, -1)
    ),
    "rate": (
        Try("sweep", SWEEP),
        Try("slow", "", {"rate": 4000}),
        Try("unfiltered", "", {"is_filtered": False}),
        Try("filtered", "", {"is_filtered": True}),
        Try("lower_song", SONG, {"rate": 2000}),
    ),
    "bits": (
        *(Try(f"bits_{n}", "", {"n_bits": n}) for n in (16, 8, 4, 2)),
        Try("dither", "", {"n_bits": 4, "is_dithered": True}),
    ),
    "sines": (
        *(
            Try(f"harmonics_{n}", "", {"shape": "saw", "n_harmonics": n})
            for n in (1, 2, 3, 16)
        ),
        Try("phases", "", {"phases": "lot"}),
    ),
    "dft": (
        Try("more_samples", "", {"n_samples": 16_384}),
        Try("no_window", "", {"window": "rectangular"}),
    ),
    "timbre": (
        Try("trumpet_as_string", "", {"instrument": "trumpet", "envelope": "plucked"}),
        Try("string_as_trumpet", "", {"instrument": "plucked", "envelope": "trumpet"}),
        Try("stiffer", "", {"instrument": "plucked", "stiffness": 0.001}),
    ),
    "stft": (
        Try("long_frames", "", {"n_fft": 8192}),
        Try("short_frames", "", {"n_fft": 256}),
    ),
    "back": (
        *(Try(f"iterations_{n}", "", {"n_iterations": n}) for n in (0, 1, 8, 32)),
        Try("from_mel", "", {"source": "mel"}),
    ),
    "mel": (
        Try("few_bands", "", {"n_mels": 32}),
        Try("lower_end", "", {"fmax_hz": 4000}),
    ),
    "pitch": (Try("some_song", SONG), Try("the_sweep", SWEEP)),
    "rhythm": (
        Try("composed", "disco_song"),
        Try("half_tempo", "", {"octave": 0.5}),
        Try("twice_tempo", "", {"octave": 2.0}),
        Try("the_sweep", SWEEP),
    ),
    "hearing": (
        Try("other_model", "", {"model": "Whisper"}),
        Try("a_click", "click"),
    ),
    "masking": (Try("sweep", SWEEP), Try("composed", "disco_song")),
    "inside": (
        Try("the_trumpet", "brass"),
        Try("steady_song", "disco_song"),
    ),
    "attention": (
        Try("the_trumpet", "brass", {"layer": 1}),
        Try("last_layer", "", {"layer": 3}),
    ),
    "two": (
        Try("trumpet", "brass", {"kind": "dft", "other": "chord"}),
        Try("two_songs", SONG, {"kind": "stft", "other": "disco_song"}),
    ),
}


def link(texts: gr.I18n) -> gr.I18n:
    """Put the links into the lessons' texts, in every language."""
    for language, table in texts.translations.items():
        for lesson in TRIES:
            key = f"see.{lesson}_text"
            table[key] = linked(table[key], lesson, language)
    return texts


def linked(text: str, lesson: str, language: str) -> str:
    """Return a lesson's text with a link at each thing to try.

    Args:
        text: in Markdown.
        lesson: its name.
        language: of the text.
    """
    paragraphs = text.split("\n\n")
    at = next(i for i, each in enumerate(paragraphs) if each.startswith(PARAGRAPH))
    done, rest = "", paragraphs[at]
    for each in TRIES[lesson]:
        words = i18n.word(f"tries.{each.name}", language)
        before, found, after = rest.partition(words)
        if found:
            address = page_state.address(lesson, each.sound, **each.settings)
            done, rest = f"{done}{before}[{words}]({address})", after
    paragraphs[at] = done + rest
    return "\n\n".join(paragraphs)
