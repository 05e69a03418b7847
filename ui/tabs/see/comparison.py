"""Two sounds beside each other: the same picture, axes and range of levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import gradio as gr

import i18n
import viz.dft
import viz.waveform
from audio import transforms
from audio.clip import Clip
from audio.levels import loudness
from audio.synth.examples import EXAMPLES, example
from audio.transforms import Frames, MelBands
from audio.transforms.partials import peaks
from ui import canvas
from ui.player import clip_bar
from ui.scene import Scene
from ui.server.language import text
from ui.session import Session
from ui.sheets import N_SAMPLES
from ui.tabs.see.lesson import Lesson, draws, lesson, loudest_s
from viz import spectrogram
from viz.plot import N_COLUMNS, Axis, Computed, Plot, Sheet, time_axis
from viz.spectrogram import Cut
from viz.wording import joined, plain

BEFORE = "before"  # a choice, for the sound that was chosen before
History = tuple[str | None, str | None]  # paths of the chosen sound and the one before
Drawn = tuple[Plot, str, Computed]  # with its key numbers, and where it came from


def build(session: Session) -> Lesson:
    """Lay out the lesson and wire it."""
    history = gr.State((None, None))
    with lesson("two", waits=False) as picture:
        kinds = [(text(f"see.kind_{name}"), name) for name in PICTURES]
        kind = gr.Radio(kinds, value="stft", label=text("see.kind"))
        others = [(text(f"examples.{each.id}"), each.id) for each in EXAMPLES]
        others.append((text("see.before"), BEFORE))
        other = gr.Dropdown(others, value="chord", label=text("see.other"))

    def remember(path: str | None, history: History) -> History:
        return (path, history[0]) if path != history[0] else history

    once_remembered = canvas.waiting(["two"])
    session.at_new_sound(
        remember, [session.bar.path, history], [history], once_remembered
    )
    knobs = {"kind": kind, "other": other, "history": history}
    here = Lesson("two", picture, knobs, Pair(session).draw)
    return draws(session, here)


@dataclass(frozen=True)
class Pair:
    """Draws the chosen sound and another one.

    Attributes:
        session: where sounds are looked up.
        made: the built-in ones that were asked for.
    """

    session: Session
    made: dict[str, Clip] = field(default_factory=dict)

    def draw(self, scene: Scene, kind: str, other: str, history: History) -> Sheet:
        """Both sounds, or the one where there was none before."""
        language = scene.language
        sounds = [(_name_of(history[0], language), scene.clip)]
        clip, title = self._other(other, history[1], language)
        if clip is not None:
            sounds.append((title, clip))
        scenes = [Scene(each, scene.transforms, language) for _, each in sounds]
        length_s = max(each.shown_s[1] for each in scenes)
        drawn = [PICTURES[kind](each, length_s) for each in scenes]
        titled = [
            replace(plot, title=name, is_sound=False)
            for (plot, _, _), (name, _) in zip(drawn, sounds, strict=True)
        ]
        sentences = [
            i18n.word("see.of_sound", language, name=name, about=about)
            for (_, about, _), (name, _) in zip(drawn, sounds, strict=True)
        ]
        if clip is None:
            sentences.append(i18n.word("see.none_before", language))
        about = joined(sentences, language)
        computed = [each for _, _, each in drawn]
        made = scene.provenance(kind, *computed, kind=kind, other=other)
        return scene.sheet(on_the_same_axes(titled), about, (), made)

    def _other(
        self, other: str, before: str | None, language: str
    ) -> tuple[Clip | None, str]:
        """Return the second sound and its name; None where there was none before."""
        if other != BEFORE:
            if other not in self.made:
                self.made[other] = example(other)
            return self.made[other], i18n.word(f"examples.{other}", language)
        return self.session.clip(before) if before else None, _name_of(before, language)


def waveform(scene: Scene, length_s: float) -> Drawn:
    """Draw amplitude over time."""
    loud = scene.of(loudness)
    about = viz.waveform.describe(scene.clip, scene.language, loud)
    plot = viz.waveform.plot(scene.clip, scene.shown_s, loud, scene.language)
    plot = replace(plot, x=time_axis((0.0, length_s), scene.language))
    return plot, about, scene.part()


def dft(scene: Scene, length_s: float) -> Drawn:
    """Draw the spectrum of the loudest passage (dBFS)."""
    start_s = loudest_s(scene.clip, N_SAMPLES)
    found = scene.computed(
        transforms.dft, start_s=start_s, n_samples=N_SAMPLES, reference="full_scale"
    )
    about = viz.dft.describe(found.result, scene.language)
    partials = peaks(found.result, viz.dft.N_PEAKS)
    return viz.dft.plot(found.result, partials, scene.language), about, found


def stft(scene: Scene, length_s: float) -> Drawn:
    """Draw levels over time and frequency (dBFS)."""
    found = scene.computed(transforms.stft, frames=Frames(n_columns=N_COLUMNS))
    about = spectrogram.describe(found.result, scene.language)
    cut = Cut((0.0, length_s), scene.language)
    return spectrogram.stft(found.result, cut), about, found


def mel(scene: Scene, length_s: float) -> Drawn:
    """Draw levels over time in mel bands (dBFS)."""
    # Bands of height 1 have a level of their own, not only one beside the loudest.
    bands = MelBands(norm="peak", reference="full_scale")
    found = scene.computed(
        transforms.mel, bands=bands, frames=Frames(n_columns=N_COLUMNS)
    )
    about = spectrogram.describe(found.result, scene.language)
    cut = Cut((0.0, length_s), scene.language)
    return spectrogram.mel(found.result, cut), about, found


PICTURES: dict[str, Callable[[Scene, float], Drawn]] = {
    "waveform": waveform,
    "dft": dft,
    "stft": stft,
    "mel": mel,
}


def on_the_same_axes(plots: Sequence[Plot]) -> tuple[Plot, ...]:
    """Return the plots, each axis as wide as the widest."""
    x, y = _widest([plot.x for plot in plots]), _widest([plot.y for plot in plots])
    return tuple(replace(plot, x=x, y=y) for plot in plots)


def _widest(axes: Sequence[Axis]) -> Axis:
    start, stop = min(axis.start for axis in axes), max(axis.stop for axis in axes)
    return replace(axes[0], start=start, stop=stop)


def _name_of(path: str | None, language: str) -> str:
    """Return what a sound is called above its picture."""
    return plain(clip_bar.name_of(path, language)) if path else ""
