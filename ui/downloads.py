"""What visitors take away of a picture: a drawing, numbers, a script, a link."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import gradio as gr

import i18n
from audio.clip import Clip
from audio.dsp import MAX_N_COLUMNS, Spectrogram, Spectrum
from errors import KnownError
from ui import clip_bar, examples, files, numbers, page_state, prints, recipes
from ui.handlers import QUIETLY
from ui.lessons.frame import Lesson
from ui.pictures.plot import Sheet
from ui.scene import Scene, Transforms
from ui.scripts import TAKE
from ui.server.access import Visitor
from ui.session import Session, View
from viz import png, style

Result = TypeVar("Result")

N_VALUES = 2**23  # of a spectrogram in a file, 34 MB before they are packed
LINK = "link"  # in place of a format


@dataclass(frozen=True, eq=False)
class Call:
    """A transform of a clip that a lesson has asked for.

    Attributes:
        function: ``dsp.dft``, ``dsp.stft`` and others.
        clip: its sound.
        settings: all of the function's, defaults included.
        result: what came of it.
    """

    function: Callable[..., Any]
    clip: Clip
    settings: Mapping[str, Any]
    result: Any

    def in_full(self) -> Any:
        """The result; of a spectrogram every frame, as far as a file can hold them."""
        if not isinstance(self.result, Spectrogram):
            return self.result
        n_columns = min(N_VALUES // len(self.result.levels_db), MAX_N_COLUMNS)
        return self.function(self.clip, **{**self.settings, "n_columns": n_columns})


class Recorder(Transforms):
    """Transforms that are known already, and a note of each that was asked for."""

    def __init__(self, known: Transforms) -> None:
        super().__init__()
        self._known = known
        self.calls: list[Call] = []

    def of(
        self, function: Callable[..., Result], clip: Clip, **settings: Any
    ) -> Result:
        """As ``Transforms.of``."""
        result = self._known.of(function, clip, **settings)
        bound = inspect.signature(function).bind(clip, **settings)
        bound.apply_defaults()
        _, *names = bound.arguments
        known = {name: bound.arguments[name] for name in names}
        self.calls.append(Call(function, clip, known, result))
        return result


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture, and all that went into it.

    Attributes:
        scene: what was to be drawn.
        sheet: the picture.
        spectra: the transforms behind it, in the order of its plots.
        settings: of the lesson's knobs and of the first transform.
        name: of its script: which picture it is.
        colours: matplotlib's name of the colour map.
    """

    scene: Scene
    sheet: Sheet
    spectra: tuple[Call, ...]
    settings: Mapping[str, Any]
    name: str
    colours: str = style.LEVEL_MAP


def build(session: Session, lessons: Sequence[Lesson]) -> None:
    """Wire what each lesson's picture offers to save."""
    file, query = gr.File(visible=False), gr.Textbox(visible=False)
    for lesson in lessons:
        inputs = [session.bar.path, session.view, *lesson.knobs]
        save = session.guarded(_saving(session, lesson, file.GRADIO_CACHE))
        saved = lesson.picture.save(save, inputs, [file, query], **QUIETLY)
        saved.success(None, [file, query], None, js=TAKE, **QUIETLY)


def drawn(lesson: Lesson, scene: Scene, values: Sequence[Any]) -> Drawn:
    """A lesson's picture of a scene."""
    recorder = Recorder(scene.transforms)
    scene = replace(scene, transforms=recorder)
    knobs = dict(zip(page_state.knob_names(lesson), values, strict=True))
    sheet = lesson.draw(scene, *values)
    spectra = tuple(
        call
        for call in recorder.calls
        if isinstance(call.result, Spectrum | Spectrogram)
    )
    start_s, stop_s = scene.shown_s
    settings = {"start_s": start_s, **knobs, "stop_s": stop_s}
    if spectra:
        settings |= _known(spectra[0], scene)
    plain = {
        k: v for k, v in settings.items() if isinstance(v, str | bool | int | float)
    }
    return Drawn(scene, sheet, spectra, plain, knobs.get("kind", lesson.name))


def seen(picture: Drawn, look: prints.Chosen) -> Drawn:
    """The picture as it looks on the visitor's page."""
    sheet = prints.as_chosen(picture.sheet, look)
    return replace(picture, sheet=sheet, colours=look.colours)


def content(picture: Drawn, kind: str) -> bytes:
    """The file of one kind.

    Raises:
        KnownError: ``not_a_choice``, or ``no_recipe`` for a picture without a script.
    """
    if kind not in CONTENTS:
        choices = tuple(CONTENTS)
        raise KnownError("not_a_choice", field="format", value=kind, choices=choices)
    return CONTENTS[kind](picture)


def _png(picture: Drawn) -> bytes:
    language = picture.scene.language
    figure = prints.figure(picture.sheet, language, picture.colours)
    return style.png(figure, language)


def _svg(picture: Drawn) -> bytes:
    figure = prints.figure(picture.sheet, picture.scene.language, picture.colours)
    return style.svg(figure, picture.sheet.about).encode()


def _csv(picture: Drawn) -> bytes:
    return numbers.table(picture.sheet)


def _npz(picture: Drawn) -> bytes:
    results = [call.in_full() for call in picture.spectra]
    if picture.name == "waveform":
        results.append(picture.scene.clip.slice(*picture.scene.shown_s))
    return numbers.arrays(results, picture.sheet, picture.settings)


def _py(picture: Drawn) -> bytes:
    return recipes.recipe(picture.name, picture.settings).encode()


CONTENTS: dict[str, Callable[[Drawn], bytes]] = {
    "png": _png,
    "svg": _svg,
    "csv": _csv,
    "npz": _npz,
    "py": _py,
}


def _saving(session: Session, lesson: Lesson, cache_dir: str) -> Callable[..., Any]:
    """A handler that gives a file, or the query of a link."""

    def save(
        asked: gr.EventData,
        path: str | None,
        view: View,
        *values: Any,
        visitor: Visitor,
    ) -> tuple[str | None, str | None]:
        if path is None:
            raise KnownError("no_clip")
        if asked.format == LINK:
            return None, _query(lesson, path, values, visitor.language)
        language = visitor.language
        if asked.format == "png":
            language = png.language_for(language)
        scene = session.scene(path, view, language)
        look = prints.chosen(asked.scales, asked.range, asked.map)
        data = content(seen(drawn(lesson, scene, values), look), asked.format)
        stem = examples.id_of(path) or clip_bar.title_of(path, language)
        name = f"{stem}-{lesson.name}.{asked.format}"
        return files.kept(data, name, cache_dir), None

    return save


def _query(lesson: Lesson, path: str, values: Sequence[Any], language: str) -> str:
    """What to add to the page's address; it is copied, and shown there."""
    sound = examples.id_of(path)
    if sound is None:
        raise KnownError("link_needs_example")
    gr.Info(i18n.word("see.link_copied", language))
    return page_state.query(lesson, sound, values)


def _known(call: Call, scene: Scene) -> dict[str, Any]:
    """A transform's settings as they came out: where its passage starts and ends."""
    settings = {k: v for k, v in call.settings.items() if k != "n_columns"}
    if isinstance(call.result, Spectrum):
        settings["start_s"] = call.result.start_s
    elif settings["stop_s"] is None:
        settings["stop_s"] = scene.clip.duration_s
    return settings
