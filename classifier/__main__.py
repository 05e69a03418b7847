"""Songs in, their genres out, from a shell: ``python -m classifier SONG``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from audio.decode import load
from classifier.models import LoadedModel, Models
from classifier.predict import Prediction, predict
from errors import KnownError
from settings import Settings, from_environment, prepare_environment
from words import sentence, word

DESCRIPTION = """\
Name the genre of songs: one line a song, the likeliest genres first.

examples:
  python -m classifier song.mp3
  python -m classifier ~/Music --json > genres.jsonl
  python -m classifier song.mp3 --model run:20261122-193005-ab12
  python -m classifier --model list
"""
EPILOG = """\
A song that cannot be read is named on standard error, and the rest goes on.
The exit code is 0 when every song got its genre, and 1 when one did not.
"""
N_SHOWN = 3  # genres a line
AUDIO_SUFFIXES = frozenset(
    ".wav .w64 .aif .aiff .flac .mp3 .ogg .oga .opus .m4a .aac .mp4 .webm .wma".split()
)  # what is looked for in a folder; a song that is named is read whatever its suffix


def main(arguments: Sequence[str] | None = None) -> int:
    """Name the genre of each song; the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    models = _models(from_environment(), options.runs_dir)
    if options.model == "list":
        for ref in models.available():
            print(f"{ref.key:<50} {ref.trained_on}".rstrip())
        return 0
    if not options.songs:
        parser.error("name at least one song or folder")
    _silence_transformers()
    try:
        model = models.load(models.ref(options.model))
    except KnownError as error:
        return _failed(error)
    outcomes = [_named(song, model, options.json) for song in options.songs]
    return max(outcomes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m classifier",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "songs",
        nargs="*",
        type=Path,
        metavar="SONG",
        help="an audio file, or a folder: then every audio file inside",
    )
    parser.add_argument(
        "--model",
        default="bundled",
        metavar="KEY",
        help="which model listens (default: %(default)s); 'list' shows all",
    )
    parser.add_argument(
        "--runs-dir",
        type=Path,
        metavar="DIR",
        help="where the models of your own runs are (default: the app's)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line, with every genre and every window",
    )
    return parser


def _models(settings: Settings, runs_dir: Path | None) -> Models:
    return Models(
        bundled_model_dir=settings.bundled_model_dir,
        runs_dir=runs_dir or settings.runs_dir,
        hub_model=settings.hub_model,
        is_offline=settings.is_offline,
    )


def _silence_transformers() -> None:
    """Keep its progress bars and reports from between our lines."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def _named(song: Path, model: LoadedModel, as_json: bool) -> int:
    """Print the genre of a song, or of every song in a folder; the exit code."""
    try:
        if song.is_dir():
            return max(_named(path, model, as_json) for path in _audio_files(song))
        # By its path, since files in different folders may share a name.
        decoded = load(song, name=str(song))
        prediction = predict(replace(decoded.clip, name=str(song)), model)
    except KnownError as error:
        return _failed(error)
    show = _json_line if as_json else _line
    print(show(song, prediction), flush=True)
    if decoded.cut_at_s is not None:
        note = word("classifier.cut", name=str(song), cut_at_s=decoded.cut_at_s)
        print(note, file=sys.stderr)
    return 0


def _audio_files(folder: Path) -> list[Path]:
    """Every file below a folder that is named as audio, in order."""
    found = sorted(
        path
        for path in folder.rglob("[!.]*")
        if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file()
    )
    if not found:
        raise KnownError("folder_without_songs", name=str(folder))
    return found


def _line(song: Path, prediction: Prediction) -> str:
    """The likeliest genres and the song, for people."""
    shown = [f"{genre:<9} {100 * p:3.0f} %" for genre, p in prediction.genres[:N_SHOWN]]
    return "   ".join([*shown, str(song)])


def _json_line(song: Path, prediction: Prediction) -> str:
    """All there is to know, for programs."""
    answer = {
        "song": str(song),
        "model": prediction.model.key,
        "trained_on": prediction.model.trained_on,
        "elapsed_s": round(prediction.elapsed_s, 3),
        "genres": dict(prediction.genres),
        "chunks": [asdict(chunk) for chunk in prediction.chunks],
    }
    return json.dumps(answer, ensure_ascii=False)


def _failed(error: KnownError) -> int:
    print(sentence(error), file=sys.stderr)
    return 1


def _end_without_traceback() -> None:
    """Let Ctrl-C and ``| head`` end this command as they end any other."""
    for name in ("SIGINT", "SIGPIPE"):  # Windows has no SIGPIPE
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


if __name__ == "__main__":
    prepare_environment()
    _end_without_traceback()
    sys.exit(main())
