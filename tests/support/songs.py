"""Small sets of songs in the forms that are met in the wild."""

from support.files import write_audio
from support.signals import tone
from trainer.data import dataset
from trainer.run.events import Noted

PITCHES = {"low": 200.0, "high": 3000.0}


def song_folder(root, n_songs=3, genres=PITCHES, sampling_rate=22_050):
    for genre in genres:
        (root / genre).mkdir(parents=True)
        for number in range(n_songs):
            clip = tone(PITCHES.get(genre, 500.0), 1.0 + number / 10, sampling_rate)
            write_audio(root / genre / f"{number}.wav", clip)
    return root


def prepared(source, tmp_path, should_stop=lambda: False):
    told = []
    songs = dataset.prepare(
        source, tmp_path / "cache", emit=told.append, should_stop=should_stop
    )
    return songs, [event for event in told if isinstance(event, Noted)]
