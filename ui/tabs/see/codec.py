"""What a codec takes away: an excerpt before and after, and the difference to hear."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import gradio as gr
import numpy as np

import i18n
from audio import coding
from audio.clip import Clip
from audio.coding import Coded, RoundTrip
from ui import canvas
from ui.player.audio import player
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.tabs.see.comparison import on_the_same_axes
from ui.tabs.see.inversion import QUEUE
from ui.tabs.see.lesson import (
    Choices,
    Lesson,
    PlayerSound,
    draws,
    lesson,
    middle_s,
    placed,
    plays_each,
    position,
)
from ui.tabs.see.rhythm import excerpt_s
from viz import coding as pictures
from viz.plot import Computed, Sheet
from viz.wording import phrase

NAME = "codec"
LENGTHS_S = (10, 20, 30)
NONE = "none"  # a choice, for no second coding
GAINS_DB = (0, 10, 20, 30)
MOST_PLAYERS = 5  # the original, two codings, two differences


@dataclass(frozen=True)
class Knobs:
    """Which excerpt is coded, and how.

    Attributes:
        start_s: of the excerpt (s).
        length_s: of the excerpt (s).
        codec: a key of ``coding.CODECS``.
        kbits: kbit/s of it.
        other: a second codec, or ``NONE``.
        other_kbits: kbit/s of that.
        gain_db: by which the difference is played louder.
    """

    start_s: float
    length_s: float
    codec: str
    kbits: int
    other: str
    other_kbits: int
    gain_db: float

    @property
    def wanted(self) -> tuple[tuple[str, int], ...]:
        """Each codec with its kbit/s."""
        first, second = (self.codec, self.kbits), (self.other, self.other_kbits)
        return (first,) if self.other == NONE else (first, second)


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    sounds = [
        player(text("see.coding_original"), visible=False) for _ in range(MOST_PLAYERS)
    ]
    switch = canvas.switch()
    with lesson(NAME, players=sounds, switch=switch) as picture:
        made = _knobs()
    start_s, length_s, *_ = made
    at_middle = placed(
        session, start_s, _n_shown, length_s, when=picture.near, where=middle_s
    )
    knobs = dict(zip((each.name for each in fields(Knobs)), made, strict=True))
    decoder = session.shelf.limits.decoder
    through = coding.round_trip if decoder is None else decoder.round_trip

    def hear(clip: Clip, language: str, *values: Any) -> list[PlayerSound]:
        scene = Scene(clip, session.transforms, language)
        chosen = Knobs(*values)
        codings = [each.result for each in computed(scene, chosen, through)]
        return heard(codings, chosen.gain_db, language)

    plays_each(session, picture, sounds, hear, *made, after=at_middle, **QUEUE)
    here = Lesson(NAME, picture, knobs, partial(draw, through))
    return draws(session, here, after=at_middle, **QUEUE)


def _knobs() -> tuple[Any, ...]:
    """Make the controls, a field of ``Knobs`` each."""
    offered = coding.offered()
    codecs: Choices = [(text(f"see.codec_{name}"), name) for name in offered]
    rates = [(f"{n} kbit/s", n) for n in coding.KBITS]
    lengths = [(f"{n} s", n) for n in LENGTHS_S]
    start_s = position()
    length_s = gr.Radio(lengths, value=10, label=text("see.length_s"))
    codec = gr.Dropdown(codecs, value=offered[0], label=text("see.codec"))
    kbits = gr.Dropdown(rates, value=64, label=text("see.kbits"))
    none: Choices = [(text("see.codec_none"), NONE)]
    other = gr.Dropdown(none + codecs, value=NONE, label=text("see.other_codec"))
    other_kbits = gr.Dropdown(rates, value=192, label=text("see.other_kbits"))
    gains = [(f"+{n} dB" if n else "0 dB", n) for n in GAINS_DB]
    gain_db = gr.Radio(gains, value=0, label=text("see.difference_gain"))
    return (start_s, length_s, codec, kbits, other, other_kbits, gain_db)


def draw(through: RoundTrip, scene: Scene, *values: Any) -> Sheet:
    """Draw an excerpt, each coding of it, and what each has changed."""
    chosen, language = Knobs(*values), scene.language
    found = computed(scene, chosen, through)
    codings = [each.result for each in found]
    shown_s = excerpt_s(scene.clip, chosen.start_s, chosen.length_s)
    top_hz = (
        min(scene.clip.sampling_rate, *(each.sampling_rate for each in codings)) / 2
    )
    plots = on_the_same_axes(pictures.plots(codings, shown_s[0], top_hz, language))
    kbits = [kbits for _, kbits in chosen.wanted]
    about = pictures.describe(codings, shown_s, kbits, chosen.gain_db, language)
    settings = {
        "length_s": round(shown_s[1] - shown_s[0], 3),
        "other": chosen.other,
        "other_bit_rate": codings[1].bit_rate if len(codings) > 1 else 0,
        "bit_rate": codings[0].bit_rate,
    }
    made = scene.provenance(NAME, *found, **settings)
    return scene.sheet(plots, about, pictures.table(codings, language), made)


def computed(scene: Scene, chosen: Knobs, through: RoundTrip) -> list[Computed]:
    """Return the codings of an excerpt, from memory where they are known."""
    ends = excerpt_s(scene.clip, chosen.start_s, chosen.length_s)
    found = []
    for codec, kbits in chosen.wanted:
        asked = dict(zip(("start_s", "stop_s"), ends, strict=True))
        settings = {**asked, "codec": codec, "bit_rate": 1000 * int(kbits)}
        result: Coded = scene.of(coding.coded, through=through, **settings)
        settings["bit_rate"] = result.bit_rate
        found.append(Computed(coding.coded, scene.clip, settings, result))
    return found


def heard(codings: list[Coded], gain_db: float, language: str) -> list[PlayerSound]:
    """Return the original, then each coding and its difference, for players."""
    first = codings[0]
    original = Clip(first.original, first.sampling_rate)
    sounds = [PlayerSound(original, i18n.word("see.coding_original", language))]
    for each in codings:
        name = pictures.title(each, language)
        sounds.append(PlayerSound(Clip(each.coded, each.sampling_rate), name))
        sounds.append(_difference(each, gain_db, name, language))
    return sounds


def _difference(found: Coded, gain_db: float, name: str, language: str) -> PlayerSound:
    """Return a difference, louder by ``gain_db`` or by as much as fits."""
    used_db = pictures.playable_gain_db(found, gain_db)
    label = i18n.word("see.coding_difference", language, name=name)
    if used_db:
        label = phrase("gain_said", language, name=label, db=used_db)
    louder = np.clip(found.difference * np.float32(10 ** (used_db / 20)), -1, 1)
    return PlayerSound(Clip(louder, found.sampling_rate), label)


def _n_shown(clip: Clip, length_s: float) -> int:
    return round(length_s * clip.sampling_rate)
