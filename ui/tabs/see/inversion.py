"""Back to sound: with phase exactly, without it by a search that takes its time.

Or, where the Hub may be asked, by a network that has learned how speech goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import gradio as gr

import i18n
from audio import vocoder
from audio.clip import Clip
from audio.transforms import FRAMES
from audio.transforms.griffin_lim import OnProgress, Search, ignore
from audio.transforms.inversion import (
    Rebuilt,
    RoundTrip,
    from_mel,
    griffin_lim,
    inverse_stft,
)
from hub import client
from ui import canvas
from ui.player import sound_files
from ui.player.audio import player
from ui.scene import Scene, Transforms
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Newest, Session
from ui.tabs.see.comparison import mel, on_the_same_axes
from ui.tabs.see.lesson import Lesson, finding, lesson, placing, position
from ui.tabs.see.spectrogram import STARTS_PER_FRAME
from ui.tabs.see.spectrum import windows
from viz import rebuilding
from viz.plot import Plot, Sheet

LENGTHS_S = (2, 5, 10)
SEARCHED = ("stft", "mel")
VOCODER = "vocoder"  # a source that comes from the Hub
ITERATIONS = (0, 1, 8, 32, 100)
N_FFT = FRAMES.n_fft
QUEUE: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "rebuild"}


@dataclass(frozen=True)
class Way:
    """Which way an excerpt goes to a picture and back.

    Attributes:
        start_s: of the excerpt (s).
        length_s: of the excerpt (s).
        window: of the way with phase.
        n_starts: of that way: how many frames begin in one's length.
        source: what the way without phase starts from: "stft", "mel" or "vocoder".
        n_iterations: of the search for the phase.
    """

    start_s: float
    length_s: float
    window: str
    n_starts: int
    source: str
    n_iterations: int

    @property
    def hop_length(self) -> int:
        """Samples from one frame to the next."""
        return N_FFT // self.n_starts


def build(session: Session, *, is_offline: bool) -> Lesson:
    """Lay out the lesson and wire it; offline without the neural vocoder."""
    names = ("before", "exact", "found")
    sounds = [player(text(f"see.heard_{name}"), visible=False) for name in names]
    switch = canvas.switch()
    with lesson(
        "back", empty="back_empty", players=sounds, switch=switch, waits=False
    ) as picture:
        knobs = _knobs(SEARCHED if is_offline else (*SEARCHED, VOCODER))
        button = gr.Button(text("see.rebuild"), variant="primary")

    @session.guarded
    def rebuild(
        path: str | None,
        newest: Newest,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (there Gradio finds it)
        *values: Any,
        visitor: Visitor,
    ) -> list[Any]:
        way = Way(*values)
        is_newest = newest.ask(picture)

        def on_progress(n_done: int) -> None:
            sentence = i18n.word("see.searching", visitor.language, n=n_done)
            progress((n_done, way.n_iterations), sentence, unit="")

        if way.source == VOCODER:
            progress(0.0, i18n.word("see.vocoding", visitor.language))
        scene = session.scene(path, None, visitor.language)
        three = scene.of(there_and_back, way=way, on_progress=on_progress)
        answer = [draw(scene, way).as_json(), *_filled(sounds, three, visitor.language)]
        return answer if is_newest(picture) else [gr.skip() for _ in answer]

    def forget(newest: Newest) -> list[Any]:
        newest.ask(picture)
        return [None, *(gr.Audio(None, visible=False) for _ in sounds)]

    session.at_new_sound(forget, [session.newest], [picture, *sounds])
    session.at_new_sound(
        placing(finding(session, _n_shown)),
        [session.bar.path, knobs["length_s"]],
        [knobs["start_s"]],
    )
    asked: dict[str, Any] = {
        "inputs": [session.bar.path, session.newest, *knobs.values()],
        "outputs": [picture, *sounds],
        "show_progress_on": picture,
        "api_visibility": "private",
        **QUEUE,
    }
    button.click(rebuild, **asked)
    picture.turned(rebuild, trigger_mode="always_last", **asked)  # by a word to try
    return Lesson(
        "back",
        picture,
        knobs,
        lambda scene, *values: draw(scene, Way(*values)),
    )


def _knobs(offered: Sequence[str]) -> dict[str, Any]:
    """Make the controls, a field of ``Way`` each, with the sources that are offered."""
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
    made = (start_s, length_s, window, n_starts, source, n_iterations)
    return dict(zip((each.name for each in fields(Way)), made, strict=True))


def _filled(
    sounds: Sequence[gr.Audio], three: ThereAndBack, language: str
) -> list[gr.Audio]:
    """Return the players with their sounds; the last is called after what made it."""
    clips = (three.before, three.exact.clip, three.found_clip)
    pairs = zip(clips, sounds, strict=True)
    files = [sound_files.file_of(clip, each.GRADIO_CACHE) for clip, each in pairs]
    is_network = isinstance(three.found, Clip)
    name = "see.heard_vocoder" if is_network else "see.heard_found"
    last = gr.Audio(files[2], visible=True, label=i18n.word(name, language))
    return [*(gr.Audio(file, visible=True) for file in files[:2]), last]


def draw(scene: Scene, way: Way) -> Sheet:
    """Draw how near the search came, or what the vocoder made; how the windows add up."""
    three = scene.of(there_and_back, way=way)
    language = scene.language
    sums = rebuilding.overlap(three.exact, N_FFT, way.hop_length, way.window, language)
    made = scene.provenance("back", **asdict(way))
    if isinstance(three.found, Clip):
        pair = _compared(three.before, three.found, language)
        about = i18n.word("see.about_vocoder", language, s=three.before.duration_s)
        return scene.sheet((*pair, sums), about, (), made)
    plots = (rebuilding.convergence(three.found, language), sums)
    about = rebuilding.describe(three.exact, three.found, language)
    return scene.sheet(plots, about, (), made)


def _compared(before: Clip, found: Clip, language: str) -> tuple[Plot, ...]:
    """Return the mel bands of an excerpt, and of what the vocoder made of it."""
    titles = {"see.heard_before": before, "see.heard_vocoder": found}
    plots = []
    for title, clip in titles.items():
        # The lesson's own transforms are of the sound itself.
        plot, *_ = mel(Scene(clip, Transforms(), language), clip.duration_s)
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
    clip: Clip, way: Way, on_progress: OnProgress = ignore
) -> ThereAndBack:
    """Take an excerpt to its picture and back: phase kept, and phase thrown away.

    Raises:
        KnownError: those of ``vocoded``.
    """
    before = clip.slice(way.start_s, way.start_s + way.length_s)
    exact = inverse_stft(
        before, n_fft=N_FFT, hop_length=way.hop_length, window=way.window
    )
    if way.source == VOCODER:
        return ThereAndBack(before, exact, vocoded(before))
    rebuild = from_mel if way.source == "mel" else griffin_lim
    search = Search(n_iterations=way.n_iterations)
    return ThereAndBack(
        before, exact, rebuild(before, search=search, on_progress=on_progress)
    )


def vocoded(clip: Clip) -> Clip:
    """Rebuild a clip from its mel spectrogram by the neural vocoder, at 16 kHz.

    Fetch the vocoder first where it is not on this disk.

    Raises:
        KnownError: ``vocoder_broken``, or a code of ``client.ask`` or
            ``client.download``; within seconds where there is no network.
    """
    name, exact = vocoder.MODEL_ID, vocoder.REVISION
    if not client.is_here(name, vocoder.FILES, exact):
        # Only to notice a missing network within seconds.
        timeout = client.ANSWER_TIMEOUT_S
        client.ask(
            name, lambda api: api.model_info(name, revision=exact, timeout=timeout)
        )
    weights, *_ = client.download(name, vocoder.FILES, exact)
    return vocoder.rebuild(clip, weights.parent)


def _n_shown(clip: Clip, length_s: float) -> int:
    return round(length_s * clip.sampling_rate)
