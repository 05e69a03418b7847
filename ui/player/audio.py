"""Players: of the chosen sound, with a script for what Gradio's lacks; of any other."""

from __future__ import annotations

from typing import Literal

import gradio as gr
from gradio.i18n import I18nData

from audio.hubert.preprocessing import SAMPLING_RATE
from ui.server.gradio_patches import player_script
from ui.theme import ACCENT, GREY

QUIETEST_DB, LOUD_DB = -50, -1  # dBFS; of the level meter, and from where it warns
MICROPHONE = (
    '<p role="status"></p><meter hidden aria-hidden="true"'
    f' min="{QUIETEST_DB}" high="{LOUD_DB}" max="0"></meter>'
)


def build(label: I18nData) -> gr.Audio:
    """Lay out the player, and wire what it lacks.

    Args:
        label: of the player.
    """
    player = gr.Audio(
        sources=["microphone"],  # files come by a button that is always there
        type="filepath",
        format=None,  # as it is: decoding is ours
        label=label,
        show_label=False,
        buttons=["download"],
        elem_classes="chosen",
        waveform_options=gr.WaveformOptions(
            waveform_color=GREY.c400,
            waveform_progress_color=ACCENT.c600,
            trim_region_color=f"{ACCENT.c500}40",  # a quarter opaque
            sample_rate=SAMPLING_RATE,  # of the model: a recording needs no more
        ),
    )
    gr.HTML(
        MICROPHONE,
        js_on_load=player_script(),
        elem_classes=["microphone"],
        padding=False,
    )
    return player


def player(label: I18nData, *, visible: bool | Literal["hidden"] = True) -> gr.Audio:
    """Make a player of a sound that a handler will give; not rendered yet."""
    return gr.Audio(
        type="filepath",
        format=None,  # as it is: neither converted nor made louder
        label=label,
        interactive=False,
        buttons=["download"],
        elem_classes="sound",
        min_width=200,
        visible=visible,
        render=False,
    )
