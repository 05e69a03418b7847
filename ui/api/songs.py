"""The named endpoints: what the page shows, for programs. A song in, PNG or JSON out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from typing import Any

import gradio as gr
from gradio.components import Component

import i18n
from audio.clip import Sound
from audio.transforms import FRAMES, MEL_BANDS, Frames, MelBands
from audio.transforms.mel_scale import FORMULAS, Formula
from audio.transforms.spectrum import Reference
from audio.transforms.windows import WINDOWS
from classifier.models import AUTO, Models
from classifier.predict import Effort, Prediction, predict
from classifier.verdict import judge
from networks.checkpoint import LoadedModel
from settings import Host
from ui import sheets
from ui.api import answers, embeddings
from ui.api.answers import SongAnswer, SongRow, label
from ui.api.embeddings import MODEL_QUEUE
from ui.export import downloads
from ui.model_choice import EFFORTS, chosen, effort_of
from ui.scene import Scene
from ui.server import files, zero
from ui.server.access import Visitor
from ui.session import Session
from ui.tabs.classify.batch import BATCH_QUEUE, batches
from viz.plot import Sheet

REFERENCES = ("peak", "full_scale")


def build(session: Session, models: Models, host: Host) -> None:
    """Add the endpoints; their parameters are components that no page shows.

    Args:
        session: what the tabs share.
        models: what they may ask.
        host: where the app runs.
    """
    with gr.Column(visible=False):
        song = gr.Audio(type="filepath", label=label("song"))
        png = gr.Image(type="filepath", format="png", label=label("png"))
        answer = answers.place(SongAnswer, "answer")
        key = gr.Textbox(AUTO, label=label("model"))
        whole = _choice("effort", reversed(EFFORTS))
        songs = gr.File(file_count="multiple", label=label("songs"))
        effort = _choice("effort", EFFORTS)
        table = answers.place(list[SongRow], "table")
        knobs: dict[str, list[Component]] = {
            "waveform": [],
            "dft": [
                gr.Number(0, label=label("start_s")),
                gr.Number(sheets.N_SAMPLES, precision=0, label=label("n_samples")),
                _choice("window", WINDOWS),
                gr.Number(1, precision=0, label=label("padding")),
                _choice("reference", REFERENCES),
            ],
            "stft": [
                gr.Number(FRAMES.n_fft, precision=0, label=label("n_fft")),
                gr.Number(FRAMES.hop_length, precision=0, label=label("hop_length")),
                _choice("window", WINDOWS),
            ],
            "mel": [
                gr.Number(MEL_BANDS.n_mels, precision=0, label=label("n_mels")),
                gr.Number(MEL_BANDS.fmax_hz, label=label("fmax_hz")),
                gr.Number(MEL_BANDS.fmin_hz, label=label("fmin_hz")),
                _choice("formula", FORMULAS),
            ],
        }
    endpoints = Endpoints(session, models, zero.LentGpu(host), png.GRADIO_CACHE)
    for name, values in knobs.items():
        draw = session.guarded(getattr(endpoints, name))
        gr.on([], draw, [song, *values], png, api_name=name)
    classify = session.guarded(endpoints.classify)
    gr.on([], classify, [song, key, whole], answer, api_name="classify", **MODEL_QUEUE)
    embeddings.build(session, models, (song, key, whole))
    many, given = session.guarded(endpoints.classify_many), [songs, key, effort]
    gr.on([], many, given, table, api_name="classify_many", **BATCH_QUEUE)


def _choice(name: str, choices: Iterable[str]) -> gr.Dropdown:
    """Make a parameter with a few values, the first of them by default."""
    first, *others = choices
    return gr.Dropdown([first, *others], value=first, label=label(name))


class Endpoints:
    """The endpoints' functions; names and docstrings are the API's documentation.

    Args:
        session: what the tabs share.
        models: what ``classify`` may ask.
        gpu: one that is lent to ``classify``, if any.
        cache_dir: where pictures are written; Gradio deletes them with the uploads.
    """

    def __init__(
        self, session: Session, models: Models, gpu: zero.LentGpu, cache_dir: str
    ) -> None:
        self._session = session
        self._models = models
        self._gpu = gpu
        self._cache_dir = cache_dir

    def waveform(self, song: str | None) -> str:
        """Draw the waveform of a song: amplitude over time, as a PNG."""
        return self._png(sheets.waveform(self._scene(song)))

    def dft(
        self,
        song: str | None,
        start_s: float,
        n_samples: int,
        window: str,
        padding: int,
        reference: Reference,
    ) -> str:
        """Draw the DFT of one passage, in dB relative to its peak or dBFS, as a PNG."""
        return self._png(
            sheets.spectrum(
                self._scene(song), start_s, n_samples, window, padding, reference
            )
        )

    def stft(self, song: str | None, n_fft: int, hop_length: int, window: str) -> str:
        """Draw the STFT spectrogram of a song, in dBFS, as a PNG."""
        frames = Frames(n_fft, hop_length, window)
        return self._png(sheets.spectrogram(self._scene(song), [frames]))

    def mel(
        self,
        song: str | None,
        n_mels: int,
        fmax_hz: float,
        fmin_hz: float,
        formula: Formula,
    ) -> str:
        """Draw the mel spectrogram of a song, in dB re its loudest band, as a PNG."""
        bands = MelBands(n_mels, fmin_hz, fmax_hz, formula)
        return self._png(sheets.mel(self._scene(song), bands))

    def classify(
        self, song: str | None, model: str, effort: str, visitor: Visitor
    ) -> dict[str, Any]:
        """Classify a song by genre, from all of its windows or from some.

        Every genre comes with its probability, and with a verdict on how far the answer
        can be trusted.
        """
        loaded = self._models.load(chosen(self._models, model, visitor))
        turn = self._models.queue.line.turn()
        with turn, self._session.shelf.passing(song) as sound:
            prediction = self._predicted(sound, loaded, effort_of(effort))
            return asdict(answers.of_song(prediction, judge(prediction, sound)))

    def _predicted(
        self, sound: Sound, loaded: LoadedModel, effort: Effort
    ) -> Prediction:
        """Predict on the models' own device, or on the GPU that is lent."""
        if not self._gpu.is_lent:
            return predict(sound, loaded, self._models.queue, effort=effort)
        # In this thread, by which ``spaces`` knows whose minutes they are.
        compute = self._gpu.of(loaded.ref, self._models.folder(loaded.ref))
        prediction = predict(sound, loaded, effort=effort, compute=compute)
        return replace(prediction, device=zero.NAME)

    def classify_many(
        self, songs: list[str], model: str, effort: str, visitor: Visitor
    ) -> Iterator[list[dict[str, Any]]]:
        """Classify many songs, or zips of songs, by genre: a row for each.

        A song that cannot be read has the reason in its row; the others go on.
        """
        loaded = self._models.load(chosen(self._models, model, visitor))
        limits = self._session.shelf.limits_of(visitor.may_train)
        queue = self._models.queue
        for batch in batches(
            songs, loaded, queue, effort_of(effort), limits, visitor.language
        ):
            yield [asdict(answers.of_row(entry.row)) for entry in batch.entries]

    def _scene(self, song: str | None) -> Scene:
        """Return a song to draw, in English, like the API's documentation."""
        return self._session.scene(song, None, i18n.DEFAULT_LANGUAGE)

    def _png(self, sheet: Sheet) -> str:
        return files.kept(
            downloads.content(sheet, "png"), "picture.png", self._cache_dir
        )
