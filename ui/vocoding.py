"""The neural vocoder, fetched when it is first asked for."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from audio import vocoder
from audio.clip import Clip
from hub import client

if TYPE_CHECKING:
    from huggingface_hub import HfApi


def rebuilt(clip: Clip) -> Clip:
    """The clip through the mel spectrogram and back, at 16 kHz.

    Raises:
        KnownError: ``vocoder_broken``, or a code of ``hub.ask`` or ``hub.download``;
            within seconds where there is no network.
    """
    return vocoder.rebuild(clip, _folder())


def _folder() -> Path:
    name, exact = vocoder.MODEL_ID, vocoder.REVISION
    if not client.is_here(name, vocoder.FILES, exact):
        # Only to notice a missing network within seconds.
        client.ask(name, functools.partial(_question, name, exact))
    return client.download(name, vocoder.FILES, exact)[0].parent


def _question(name: str, revision: str, api: HfApi) -> object:
    return api.model_info(name, revision=revision, timeout=client.ANSWER_TIMEOUT_S)
