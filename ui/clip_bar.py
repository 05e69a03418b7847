"""The clip bar above the tabs: one sound, chosen once, for all of them."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

import words
from audio.decode import Decoded, SourceFacts
from audio.examples import EXAMPLES
from settings import Settings
from ui import examples
from ui.access import Visitor
from ui.clips import ClipShelf
from ui.handlers import QUIETLY, Guarded, Handler
from ui.language import text
from ui.theme import ACCENT, GREY

MODEL_RATE = 16_000  # Hz; what HuBERT hears, so a recording needs no more
RECORDING = "audio.wav"  # Gradio's name for what the microphone gave
CHANNELS = {1: "clip.mono", 2: "clip.stereo"}
CONTAINERS = {"ogg": "Ogg", "matroska": "WebM"}  # the others are abbreviations
CODECS = {"vorbis": "Vorbis", "opus": "Opus"}


@dataclass(frozen=True)
class ClipBar:
    """What the tabs need of the bar.

    Attributes:
        path: of the chosen sound, None before the first. It changes once a new sound
            has been read; a file that cannot be read leaves it as it was.
        player: where a handler puts a sound to choose it.
        first_example: the handler that gives the player the first built-in sound.
    """

    path: gr.State
    player: gr.Audio
    first_example: Handler


def build(settings: Settings, guarded: Guarded, shelf: ClipShelf) -> ClipBar:
    """Lay out the bar and wire it."""
    path = gr.State(None)
    with gr.Row(elem_classes="clip-bar"):
        with gr.Column(scale=2, min_width=320, elem_classes="player-place"):
            player = _player()
        with gr.Column(scale=1, min_width=280):
            facts = gr.HTML(text("clip.empty"), elem_classes="clip-facts")
            buttons = _example_buttons()

    @guarded
    def read(chosen: str | None, visitor: Visitor) -> tuple[Any, Any]:
        if chosen is None:  # cleared to make room for another: what is drawn stays
            return gr.skip(), gr.skip()
        decoded = shelf.take(chosen)
        return chosen, facts_line(decoded, chosen, visitor.language)

    reading = player.change(read, player, [path, facts], **QUIETLY)
    reading.failure(None, None, player, js="() => null", **QUIETLY)
    players = {name: guarded(_giving(name, settings)) for name in buttons}
    for name, button in buttons.items():
        button.click(players[name], None, player, **QUIETLY)
    return ClipBar(path, player, next(iter(players.values())))


def examples_dir(settings: Settings) -> Path:
    """Where the built-in sounds are written; Gradio may serve what lies there."""
    return settings.cache_dir / "examples"


def facts_line(decoded: Decoded, path: str, language: str) -> str:
    """What the chosen sound is, as HTML: name, format, rate, channels, duration."""
    facts = decoded.facts
    details = [
        *([] if examples.id_of(path) else [_format(facts)]),
        f"{facts.sampling_rate / 1000:g} kHz",
        _channels(facts.n_channels, language),
        clock(decoded.clip.duration_s),
    ]
    if decoded.cut_at_s is not None:
        minutes = decoded.cut_at_s / 60
        details.append(words.word("clip.cut", language, minutes=minutes))
    return (
        f"<p><strong>{html.escape(name_of(path, language))}</strong> "
        f"<span>{html.escape(' · '.join(details))}</span></p>"
    )


def name_of(path: str, language: str) -> str:
    """What screens call the sound in a file of the player's."""
    example_id = examples.id_of(path)
    if example_id:
        return words.word(f"examples.{example_id}", language)
    file_name = Path(path).name
    return (
        words.word("clip.recording", language) if file_name == RECORDING else file_name
    )


def clock(duration_s: float) -> str:
    """A duration as people write it: 0.50 s, 5.3 s, 1:02."""
    if duration_s < 1:
        return f"{duration_s:.2f} s"
    if duration_s < 60:
        return f"{duration_s:.1f} s"
    return f"{int(duration_s) // 60}:{int(duration_s) % 60:02}"


def _player() -> gr.Audio:
    return gr.Audio(
        sources=["upload", "microphone"],
        type="filepath",
        format=None,  # as it is: decoding is ours
        label=text("clip.player"),
        show_label=False,
        buttons=["download"],
        elem_id="player",
        waveform_options=gr.WaveformOptions(
            waveform_color=GREY.c400,
            waveform_progress_color=ACCENT.c600,
            trim_region_color=f"{ACCENT.c500}40",  # a quarter opaque
            sample_rate=MODEL_RATE,
        ),
    )


def _example_buttons() -> dict[str, gr.Button]:
    gr.HTML(text("clip.examples"), elem_classes="chips-title")
    with gr.Row(elem_classes="chips"):
        return {
            each.id: gr.Button(text(f"examples.{each.id}"), size="sm", min_width=0)
            for each in EXAMPLES
        }


def _giving(example_id: str, settings: Settings) -> Handler:
    def give() -> str:
        return str(examples.file_of(example_id, examples_dir(settings)))

    return give


def _format(facts: SourceFacts) -> str:
    """Such as "MP3", "Ogg Vorbis", "WAV 24 bit"."""
    container = CONTAINERS.get(facts.container, facts.container.upper())
    if facts.bit_depth:
        return f"{container} {facts.bit_depth} bit"
    codec = CODECS.get(facts.codec, facts.codec.upper())
    return container if codec == container else f"{container} {codec}"


def _channels(n_channels: int, language: str) -> str:
    key = CHANNELS.get(n_channels, "clip.channels")
    return words.word(key, language, n=n_channels)
