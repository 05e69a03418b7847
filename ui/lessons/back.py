"""Back to sound: with phase exactly, without it by a search that takes its time.

Or, where the Hub may be asked, by a network that has learned how speech goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

import i18n
from audio.back import Rebuilt, RoundTrip, from_mel, griffin_lim, inverse_stft
from audio.clip import Clip
from audio.phases import Search, Tell, silently
from ui import sounds, vocoding
from ui.handlers import QUIETLY
from ui.lessons.frame import Lesson, lesson, placed, player, position
from ui.lessons.spectrogram import STARTS_PER_FRAME
from ui.lessons.spectrum import windows
from ui.lessons.two import mel, on_the_same_axes
from ui.pictures import rebuilding
from ui.pictures.plot import Plot, Sheet
from ui.scene import Scene, Transforms
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session

LENGTHS_S = (2, 5, 10)
SEARCHED = ("stft", "mel")
VOCODER = "vocoder"  # a source that comes from the Hub
ITERATIONS = (0, 1, 8, 32, 100)
KNOBS = ("start_s", "length_s", "window", "n_starts", "source", "n_iterations")
N_FFT = 2048
QUEUE: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "rebuild"}


def build(session: Session, *, is_offline: bool) -> Lesson:
    """Lay out the lesson and wire it; offline without the neural vocoder."""
    names = ("before", "exact", "found")
    heard = [player(text(f"see.heard_{name}"), visible=False) for name in names]
    with lesson("back", empty="back_empty", heard=heard) as picture:
        knobs = _knobs(SEARCHED if is_offline else (*SEARCHED, VOCODER))
        button = gr.Button(text("see.rebuild"), variant="primary")
    start_s, length_s, *_ = knobs

    @session.guarded
    def rebuild(
        path: str | None,
        start_s: float,
        length_s: float,
        window: str,
        n_starts: int,
        source: str,
        n_iterations: int,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (there Gradio finds it)
        *,
        visitor: Visitor,
    ) -> list[Any]:
        def tell(n_done: int) -> None:
            said = i18n.word("see.searching", visitor.language, n=n_done)
            progress((n_done, n_iterations), said, unit="")

        if source == VOCODER:
            progress(0.0, i18n.word("see.vocoding", visitor.language))
        scene = session.scene(path, None, visitor.language)
        values = (start_s, length_s, window, n_starts, source, n_iterations)
        three = _there_and_back(scene, *values, tell=tell)
        players = _filled(heard, three, visitor.language)
        return [draw(scene, *values).as_json(), *players]

    @session.guarded
    def forget() -> list[Any]:
        return [None, *(gr.Audio(None, visible=False) for _ in heard)]

    session.bar.path.change(forget, None, [picture, *heard], **QUIETLY)
    placed(session, start_s, lambda clip, s: round(s * clip.sampling_rate), length_s)
    button.click(
        rebuild,
        [session.bar.path, *knobs],
        [picture, *heard],
        show_progress_on=picture,
        api_visibility="private",
        **QUEUE,
    )
    return Lesson("back", picture, knobs, draw)


def _knobs(offered: Sequence[str]) -> tuple[Any, ...]:
    """The controls, in the order of ``KNOBS``; sources are those that are offered."""
    start_s = position()
    lengths = [(f"{n} s", n) for n in LENGTHS_S]
    length_s = gr.Dropdown(lengths, value=5, label=text("see.length_s"))
    window = windows()
    hops = [(text(f"see.hop_{n}"), n) for n in STARTS_PER_FRAME]
    n_starts = gr.Dropdown(hops, value=4, label=text("see.hop"))
    sources = [(text(f"see.from_{name}"), name) for name in offered]
    source = gr.Radio(sources, value="stft", label=text("see.source"))
    counts = [(str(n), n) for n in ITERATIONS]
    n_iterations = gr.Radio(counts, value=32, label=text("see.iterations"))
    return start_s, length_s, window, n_starts, source, n_iterations


def _filled(
    heard: Sequence[gr.Audio], three: ThereAndBack, language: str
) -> list[gr.Audio]:
    """The players with their sounds; the last is called after what made it."""
    clips = (three.before, three.exact.clip, three.found_clip)
    pairs = zip(clips, heard, strict=True)
    files = [sounds.file_of(clip, each.GRADIO_CACHE) for clip, each in pairs]
    is_network = isinstance(three.found, Clip)
    name = "see.heard_vocoder" if is_network else "see.heard_found"
    last = gr.Audio(files[2], visible=True, label=i18n.word(name, language))
    return [*(gr.Audio(file, visible=True) for file in files[:2]), last]


def draw(
    scene: Scene,
    start_s: float,
    length_s: float,
    window: str,
    n_starts: int,
    source: str,
    n_iterations: int,
) -> Sheet:
    """How near the search came, or what the vocoder made; how the windows add up."""
    values = (start_s, length_s, window, n_starts, source, n_iterations)
    three = _there_and_back(scene, *values)
    language = scene.language
    sums = rebuilding.overlap(three.exact, N_FFT, N_FFT // n_starts, window, language)
    if isinstance(three.found, Clip):
        pair = _compared(three.before, three.found, language)
        about = i18n.word("see.about_vocoder", language, s=three.before.duration_s)
        return scene.sheet((*pair, sums), about)
    plots = (rebuilding.convergence(three.found, language), sums)
    about = rebuilding.describe(three.exact, three.found, language)
    return scene.sheet(plots, about)


def _compared(before: Clip, found: Clip, language: str) -> tuple[Plot, ...]:
    """The mel bands of an excerpt, and of what the vocoder made of it."""
    titles = {"see.heard_before": before, "see.heard_vocoder": found}
    plots = []
    for title, clip in titles.items():
        # The lesson's own transforms are of the sound itself.
        plot, _ = mel(Scene(clip, Transforms(), language), clip.duration_s)
        named = replace(plot, title=i18n.word(title, language), is_sound=False)
        plots.append(named)
    return on_the_same_axes(plots)


@dataclass(frozen=True, eq=False)
class ThereAndBack:
    """An excerpt, and what comes back of it with its phase and without.

    Attributes:
        before: the excerpt.
        exact: phase kept.
        found: by search; the vocoder's answer is a clip alone.
    """

    before: Clip
    exact: RoundTrip
    found: Rebuilt | Clip

    @property
    def found_clip(self) -> Clip:
        """What came back without phase."""
        return self.found if isinstance(self.found, Clip) else self.found.clip


def there_and_back(
    clip: Clip,
    *,
    start_s: float,
    length_s: float,
    window: str,
    n_starts: int,
    source: str,
    n_iterations: int,
    tell: Tell = silently,
) -> ThereAndBack:
    """An excerpt through its picture and back: phase kept, and phase thrown away.

    Window and hop are those of the way with phase; the others have their own.

    Raises:
        KnownError: those of ``vocoding.rebuilt``.
    """
    before = clip.slice(start_s, start_s + length_s)
    exact = inverse_stft(
        before, n_fft=N_FFT, hop_length=N_FFT // n_starts, window=window
    )
    if source == VOCODER:
        return ThereAndBack(before, exact, vocoding.rebuilt(before))
    rebuild = from_mel if source == "mel" else griffin_lim
    found = rebuild(before, search=Search(n_iterations=n_iterations), tell=tell)
    return ThereAndBack(before, exact, found)


def _there_and_back(scene: Scene, *values: Any, tell: Tell = silently) -> ThereAndBack:
    """``there_and_back`` of the scene's clip with the knobs' values, kept."""
    settings = dict(zip(KNOBS, values, strict=True))
    return scene.of(there_and_back, tell=tell, **settings)
