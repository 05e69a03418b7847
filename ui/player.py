"""The player of the chosen sound: Gradio's, and what it lacks by a script of its own.

The script says in our words why the microphone cannot be heard, shows how loud it is,
and takes sound that the browser calls a video, as it does with every webm.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.i18n import I18nData

from audio.hearing import SAMPLING_RATE
from ui.theme import ACCENT, GREY

SCRIPT = Path(__file__).with_suffix(".js")
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
        sources=["upload", "microphone"],
        type="filepath",
        format=None,  # as it is: decoding is ours
        label=label,
        show_label=False,
        buttons=["download"],
        elem_id="player",
        waveform_options=gr.WaveformOptions(
            waveform_color=GREY.c400,
            waveform_progress_color=ACCENT.c600,
            trim_region_color=f"{ACCENT.c500}40",  # a quarter opaque
            sample_rate=SAMPLING_RATE,  # of the model: a recording needs no more
        ),
    )
    gr.HTML(
        MICROPHONE,
        js_on_load=SCRIPT.read_text("utf-8"),
        elem_classes=["microphone"],
        padding=False,
    )
    return player
