"""Songs of two tones in turn, whose clusters and gaps have an answer that is known."""

import numpy as np

from audio.clip import Clip
from support.files import write_audio
from support.signals import tone

LOW_HZ, HIGH_HZ = 300.0, 3000.0
RATE = 16_000


def alternating(n_times=10, each_s=0.16, *, first_s=0.0):
    """Low and high in turn, each of ``each_s``, from ``first_s`` into the pattern on."""
    pair = [tone(hz, each_s, RATE).samples for hz in (LOW_HZ, HIGH_HZ)]
    samples = np.concatenate(pair * n_times)
    return Clip(np.roll(samples, -round(first_s * RATE)), RATE)


def unlabelled_folder(root, n_songs=8):
    """Write songs without folders of genres."""
    root.mkdir(parents=True)
    for number in range(n_songs):
        clip = alternating(first_s=number * 0.037)
        write_audio(root / f"{number}.wav", clip)
    return root
