"""The clip bar above the tabs: one sound, chosen once, for all of them.

It is one line that stays at the top of the screen once there is a sound; what is used
now and then, other sounds, the player with its waveform, a part, folds out below it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.utils import get_upload_folder
from markupsafe import Markup

import i18n
from audio.decode import Decoded, SourceFacts
from audio.synth.examples import EXAMPLES
from errors import KnownError
from i18n import clock
from settings import Settings
from ui.handlers import QUIETLY, Guarded, Handler
from ui.newest import Newest
from ui.player import audio as sound_player
from ui.player import examples, excerpt, recordings, sound_files
from ui.player.clips import ClipShelf, existing
from ui.player.first_picture import FirstPicture, drawn, knobs_of, sliders_of
from ui.server import files
from ui.server.access import Visitor
from ui.server.language import text
from ui.templates import render
from viz.channels import codec_of, container_of

STYLE = Path(__file__).with_name("bar.css")
PLAY = '<button type="button" class="bar-play" disabled></button>'
TOOLS = """<span class="bar-time"></span>
<button type="button" class="bar-sounds" aria-expanded="false"></button>
<button type="button" class="bar-record"></button>"""
SCRIPT = Path(__file__).with_name("bar.js").read_text("utf-8")
ARRIVE = "(file, kept) => Genrescope.bar.arrive(file, kept)"
# A new sound is kept for a reload, and drawn: by its picture, or once lessons ask for theirs.
TAKE_SOUND = 'watch("value", () => Genrescope.bar.take(props.value));'
GIVE_SOUND = "() => Genrescope.kept.files()"
FORGET_SOUND = "() => Genrescope.kept.forget()"
REFUSE = "() => Genrescope.bar.refuse()"
# An uploaded file, in place of what the player has.
BRING = "(...all) => Genrescope.bar.file(...all)"
BROUGHT = "() => Genrescope.bar.brought()"
# Their places in the row of what a sound that was read fills in.
PLAYER, COPY, TAKEN = 4, 5, 7
RECORDING = "audio.wav"  # Gradio's name for what the microphone gave
CHANNELS = {1: "clip.mono", 2: "clip.stereo"}


@dataclass(frozen=True)
class ClipBar:
    """What the tabs need of the bar.

    Attributes:
        path: of the chosen sound, None before the first. It changes once a new sound
            has been read; a file that cannot be read leaves it as it was.
        player: where a handler puts a sound to choose it.
        first_example: the handler that gives the player the first built-in sound.
        use_part: gives the player a part of the sound, of the path and an event with
            ``start_s`` and ``stop_s``: ``picture.use(use_part, path, player)``.
        whole: state, the path of the sound that the chosen one is a part of; None
            where that is a whole.
        kept: hidden text about the chosen sound, with which the browser gives it back
            after a reload: ``handle_of``.
        wire: wires what chooses and reads a sound, of a state with a ``Newest`` and the
            pictures that may come with the sound; once, when those are there.
    """

    path: gr.State
    player: gr.Audio
    first_example: Handler
    use_part: Handler
    whole: gr.State
    kept: gr.Textbox
    wire: Callable[[gr.State, Sequence[FirstPicture]], None]


@dataclass(frozen=True)
class PartFields:
    """Where the visitor types which part.

    Attributes:
        start: what is typed, as ``length``; see ``excerpt.seconds``.
        length: of the part.
        button: uses the part.
        back: leads back to the whole; visible while a part is chosen.
    """

    start: gr.Textbox
    length: gr.Textbox
    button: gr.Button
    back: gr.Button


def build(
    settings: Settings, guarded: Guarded, shelf: ClipShelf, link: gr.Textbox
) -> ClipBar:
    """Lay out the bar and wire it.

    Args:
        settings: of this host.
        guarded: wraps every handler.
        shelf: the sounds in memory.
        link: hidden text that changes where the page was opened by a link.
    """
    path, whole = gr.State(None), gr.State(None)
    kept = gr.Textbox("", visible=False)
    with gr.Column(elem_id="player", elem_classes="clip-bar"):
        with gr.Row(elem_classes="bar-line"):
            gr.HTML(PLAY, elem_classes="bar-part", padding=False)
            facts = gr.HTML(text("clip.empty"), elem_classes="clip-facts")
            tools = gr.HTML(
                TOOLS, js_on_load=SCRIPT, elem_classes="bar-part", padding=False
            )
            label: Any = text("clip.upload")  # Gradio translates it, its hint says str
            # The bar's script takes the file: see ``bar.js``.
            gr.UploadButton(label, size="sm", min_width=0, elem_classes="bar-upload")
        with gr.Column(elem_classes="bar-panel"):
            _example_buttons(examples_dir(settings))
            with gr.Column(elem_classes="player-place"):
                player = sound_player.build(text("clip.player"))
            part = _part_fields()
        taken = gr.HTML(
            None, html_template="", js_on_load=TAKE_SOUND, elem_classes="bar-taken"
        )

    copy = gr.State("")  # what is played in place of the chosen file
    places = [path, facts, whole, part.back, player, copy, kept, taken]
    tools.start(None, None, player, js="() => null", **QUIETLY)  # a recording
    tools.back(guarded(_same), path, player, **QUIETLY)
    player.change(None, [player, kept], None, js=ARRIVE, **QUIETLY)
    _restoring(guarded, link, [player, whole])
    named = guarded(_giving_what_the_address_names(settings))
    link.change(named, None, player, **QUIETLY)
    cut, use_part = _cutting(shelf, player.GRADIO_CACHE)
    asked = [part.button.click, part.start.submit, part.length.submit]
    gr.on(asked, guarded(cut), [path, part.start, part.length], player, **QUIETLY)
    part.back.click(guarded(_same), whole, player, **QUIETLY)
    first = guarded(_giving_the_first(settings))

    def wire(newest: gr.State, pictures: Sequence[FirstPicture]) -> None:
        places.extend(sliders_of(pictures))
        read = _reading(shelf, player, pictures)
        choose = _choosing(settings, read, player, len(places))
        given = [newest, path, whole, copy, *knobs_of(pictures)]
        # Whoever clicks one sound after the other waits for the last one alone.
        event = {**QUIETLY, "trigger_mode": "multiple"}
        bring = _bringing(read)
        chosen = [player, *given]
        brought = tools.bring(guarded(bring), chosen, places, js=BRING, **event)
        brought.success(None, None, None, js=BROUGHT, **QUIETLY)
        for asked in (
            tools.read(guarded(read), chosen, places, **QUIETLY),
            tools.choose(guarded(choose), given, places, **event),
            brought,
        ):
            asked.failure(None, None, player, js=REFUSE, **QUIETLY)

    return ClipBar(path, player, first, guarded(use_part), whole, kept, wire)


def _reading(
    shelf: ClipShelf, player: gr.Audio, pictures: Sequence[FirstPicture]
) -> Handler:
    """Make the handler that reads a sound as soon as the player has it.

    What browsers do not play gets a copy as wav, which the player is given in its place.
    A sound that another one was chosen after, while it was read, changes nothing. The
    event names the lessons in view, ``seen``: their pictures come along, with the
    positions that they begin at; and its ``turn`` among the choices of this page.
    """
    cache_dir = player.GRADIO_CACHE
    still = [gr.skip() for _ in sliders_of(pictures)]

    def read(
        chosen: str | None,
        newest: Newest,
        before: str | None,
        whole: str | None,
        copy: str,
        event: gr.EventData,
        *values: Any,
        visitor: Visitor,
    ) -> list[Any]:
        # Cleared to make room for another: what is drawn stays. And a copy is played
        # only, the file that it is of was read.
        if chosen is None or chosen == copy:
            return [gr.skip()] * 8 + still
        is_newest = newest.ask(player, turn=_turn(event))
        decoded = shelf.take(chosen)
        if not is_newest(player):
            return [gr.skip()] * 8 + still
        line = facts_line(decoded, chosen, visitor.language)
        if chosen != before:
            cut_from = whole if before is None or excerpt.is_part(before) else before
            whole = cut_from if excerpt.is_part(chosen) else None
        back = gr.Button(visible=whole is not None)
        played: Any = gr.skip()
        copy = ""
        if not sound_files.is_playable(decoded.facts, chosen):
            name = f"{Path(chosen).stem}.wav"
            played = copy = files.kept(sound_files.wav(decoded.clip), name, cache_dir)
        kept = handle_of(chosen, whole, copy)
        row = [chosen, line, whole, back, played, copy, kept, gr.skip()]
        positions = still
        # The answer with a sound in between may be on its way, ``before`` not know of it.
        if chosen != before or not newest.is_of(chosen):
            seen, language = _told(event, "seen"), visitor.language
            first = drawn(pictures, seen, values, newest, chosen, language)
            row[TAKEN] = f"{kept}\n{first.text}"
            positions = [*first.positions]
        if not is_newest(player):
            return [gr.skip()] * 8 + still
        newest.choose(chosen)
        return row + positions

    return read


def _choosing(
    settings: Settings, read: Handler, player: gr.Audio, n_places: int = 8
) -> Handler:
    """Make the handler that gives the player a sound of ours and reads it at once.

    The player would ask for that only once it has the sound, one answer later. The event
    names the sound; the rest is as for ``_reading``, which fills in ``n_places``.
    """

    def choose(
        newest: Newest,
        path: str | None,
        whole: str | None,
        copy: str,
        event: gr.EventData,
        *values: Any,
        visitor: Visitor,
    ) -> list[Any]:
        # Before its file is there: a small one that was asked for earlier is no newer.
        is_newest = newest.ask(player, turn=_turn(event))
        given = _given(_told(event, "sound"), settings, visitor.language)
        # Where Gradio would copy it to, for the player.
        file = processing_utils.save_file_to_cache(given, player.GRADIO_CACHE)
        if not is_newest(player):
            return [gr.skip()] * n_places
        row: list[Any] = read(
            file, newest, path, whole, copy, event, *values, visitor=visitor
        )
        if row[0] == file:
            row[PLAYER] = file
        return row

    return choose


def _bringing(read: Handler) -> Handler:
    """Make the handler that reads an uploaded file, and gives it to the player.

    Drawn by the player first, it would be read a tenth of a second later; one that
    cannot be read never comes there. All is as for ``_reading``.
    """

    def bring(
        chosen: str | None,
        newest: Newest,
        path: str | None,
        whole: str | None,
        copy: str,
        event: gr.EventData,
        *values: Any,
        visitor: Visitor,
    ) -> list[Any]:
        row: list[Any] = read(
            chosen, newest, path, whole, copy, event, *values, visitor=visitor
        )
        if row[0] == chosen and not row[COPY]:
            row[PLAYER] = chosen
        return row

    return bring


def _turn(event: gr.EventData) -> int:
    """Read which of a page's choices of a sound an event is; 0 for a program's."""
    turn = _sent(event, "turn")
    return turn if isinstance(turn, int) else 0


def _told(event: gr.EventData, name: str) -> str:
    """Read what an event of the page tells; "" where a program sends none."""
    return str(_sent(event, name) or "")


def _sent(event: gr.EventData, name: str) -> Any:
    return getattr(event, name, None) if vars(event).get("_data", True) else None


def handle_of(path: str, whole: str | None, copy: str = "") -> str:
    """Write, as JSON, what a browser needs to choose the same sound once more.

    Args:
        path: of the sound; only who knows it can use it.
        whole: of the sound that it is a part of.
        copy: what is played in its place.
    """
    sound = examples.id_of(path) or ""
    return json.dumps({"path": path, "whole": whole, "sound": sound, "copy": copy})


def prepare(shelf: ClipShelf, folder: Path) -> None:
    """Decode the sound of a first visit before somebody asks for it.

    Args:
        shelf: where it stays, as the player's.
        folder: of the built-in sounds.
    """
    first = examples.first_of(folder)
    shelf.take(processing_utils.save_file_to_cache(first, get_upload_folder()))


def examples_dir(settings: Settings) -> Path:
    """Return the folder of the built-in sounds, from which Gradio may serve files."""
    return settings.cache_dir / "examples"


def facts_line(decoded: Decoded, path: str, language: str) -> Markup:
    """Describe the chosen sound as HTML: name, format, rate, channels, duration."""
    facts = decoded.facts
    details = [
        *([] if examples.id_of(path) in examples.IDS else [_format(facts)]),
        f"{facts.sampling_rate / 1000:g} kHz",
        _channels(facts.n_channels, language),
        clock(decoded.clip.duration_s),
        *_notes(decoded, language),
    ]
    if decoded.cut_at_s is not None:
        minutes = decoded.cut_at_s / 60
        details.append(i18n.word("clip.cut", language, minutes=minutes))
    name = name_of(path, language)
    credit = recordings.BY_ID.get(examples.id_of(path) or "")
    duration_s = round(decoded.clip.duration_s, 2)
    return render(
        "clip_facts",
        language,
        name=name,
        facts=details,
        credit=credit,
        duration_s=duration_s,
    )


def title_of(path: str, language: str) -> str:
    """Return a sound's name on screens, without the suffix that a file has."""
    name = name_of(path, language)
    return Path(name).stem if name == files.name_of(path) else name


def name_of(path: str, language: str) -> str:
    """Return the name on screens of the sound in a file of the player's."""
    example_id = examples.id_of(path)
    if example_id:
        return i18n.word(f"examples.{example_id}", language)
    name = files.name_of(path)
    return i18n.word("clip.recording", language) if name == RECORDING else name


def offer_recordings(demo: gr.Blocks, settings: Settings) -> None:
    """Offer the recordings that are here on every page that is opened from now on.

    A page is a copy of ``config``; pages that are open do not change under their reader.
    """
    folder = examples_dir(settings)
    buttons = {button_id(each.id): each.id for each in recordings.RECORDINGS}
    for block in demo.blocks.values():
        recording = buttons.get(block.elem_id or "")
        if recording:
            block.visible = recordings.is_here(recording, folder)
    demo.config = demo.get_config_file()


def _example_buttons(folder: Path) -> None:
    """Lay out a button a sound; the bar's script knows by its id what it chooses."""
    gr.HTML(text("clip.examples"), elem_classes="chips-title")
    with gr.Row(elem_classes="chips"):
        for each in recordings.RECORDINGS:
            example_button(each.id, visible=recordings.is_here(each.id, folder))
        for example in EXAMPLES:
            example_button(example.id)


def example_button(id: str, label: str = "", *, visible: bool = True) -> gr.Button:
    """Lay out a button that chooses a built-in sound, by its name or another label."""
    named: Any = label or text(f"examples.{id}")
    elem_id = button_id(id)
    return gr.Button(named, size="sm", min_width=0, elem_id=elem_id, visible=visible)


def button_id(id: str) -> str:
    """Name the button of a built-in sound, for the page's scripts."""
    return f"sound-{id}"


def _part_fields() -> PartFields:
    with gr.Column(elem_classes="part"):
        with gr.Accordion(text("clip.part"), open=False), gr.Row():
            start = gr.Textbox("0", label=text("clip.part_start"), min_width=140)
            length = gr.Textbox("10", label=text("clip.part_length"), min_width=140)
            button = gr.Button(text("clip.use_part"), min_width=140, size="md")
        back = gr.Button(
            text("clip.whole"), size="sm", visible=False, elem_classes="whole"
        )
    return PartFields(start, length, button, back)


def _cutting(shelf: ClipShelf, cache_dir: str) -> tuple[Handler, Handler]:
    """Make the handlers that give the player a part: of what is typed, and of an event."""

    def file_of(path: str | None, start_s: float, stop_s: float, language: str) -> str:
        clip = shelf.take(path).clip
        part = excerpt.part_of(clip, start_s, stop_s, shelf.limits.min_duration_s)
        if part.is_clamped:
            facts = {"start_s": part.start_s, "stop_s": part.stop_s}
            end = clock(clip.duration_s)
            gr.Info(i18n.word("clip.part_clamped", language, duration=end, **facts))
        assert path is not None  # the shelf has refused it
        return excerpt.file_of(path, part, shelf, title_of(path, language), cache_dir)

    def cut(path: str | None, start: str, length: str, visitor: Visitor) -> str:
        start_s, length_s = excerpt.seconds(start), excerpt.seconds(length)
        return file_of(path, start_s, start_s + length_s, visitor.language)

    def use(path: str | None, event: gr.EventData, visitor: Visitor) -> str:
        start_s, stop_s = excerpt.seconds(event.start_s), excerpt.seconds(event.stop_s)
        return file_of(path, start_s, stop_s, visitor.language)

    return cut, use


def _restoring(guarded: Guarded, link: gr.Textbox, outputs: list[Any]) -> None:
    """Give a visitor's own sound back that this tab of the browser had before a reload.

    Its path comes as a file of Gradio's, which is refused unless it was uploaded here.
    """

    def restore(path: str | None, whole: str | None) -> list[Any]:
        if path is None:
            return [gr.skip(), gr.skip()]
        existing(path)  # the shelf may remember what the disk has no more
        return [path, whole if whole and Path(whole).exists() else None]

    files = [gr.Audio(type="filepath", format=None, visible=False) for _ in outputs]
    given = link.change(None, None, files, js=GIVE_SOUND, **QUIETLY)
    restored = given.then(guarded(restore), files, outputs, **QUIETLY)
    restored.failure(None, None, None, js=FORGET_SOUND, **QUIETLY)


def _same(path: str) -> str:
    return path


def _giving_what_the_address_names(settings: Settings) -> Handler:
    def give(page: gr.Request, visitor: Visitor) -> Any:
        example_id = page.query_params.get("sound", "")
        if not example_id:
            return gr.skip()
        if example_id not in examples.IDS | recordings.BY_ID.keys():
            ids = [each.id for each in EXAMPLES]
            raise KnownError("unknown_example", id=example_id, ids=ids)
        return _given(example_id, settings, visitor.language)

    return give


def _giving_the_first(settings: Settings) -> Handler:
    def give() -> str:
        return str(examples.first_of(examples_dir(settings)))

    return give


def _given(id: str, settings: Settings, language: str) -> str:
    """Return a sound's file; warn where a recording has not been fetched."""
    path = examples.named(id, examples_dir(settings))
    if examples.id_of(str(path)) != id:
        name = i18n.word(f"examples.{id}", language)
        gr.Info(i18n.word("clip.recording_away", language, name=name))
    return str(path)


def _format(facts: SourceFacts) -> str:
    """Name a format, such as "MP3", "Ogg Vorbis", "WAV 24 bit"."""
    container, codec = container_of(facts), codec_of(facts)
    if facts.bit_depth:
        return f"{container} {facts.bit_depth} bit"
    return container if codec == container else f"{container} {codec}"


def _notes(decoded: Decoded, language: str) -> Iterator[str]:
    """Describe what of the file is not in the clip."""
    facts = decoded.facts
    if facts.n_tracks > 1:
        numbers = {"n": facts.track, "total": facts.n_tracks}
        yield i18n.word("clip.track", language, **numbers)
    if decoded.levels.is_bass_cancelled:
        yield i18n.word("clip.no_bass", language)


def _channels(n_channels: int, language: str) -> str:
    key = CHANNELS.get(n_channels, "clip.channels")
    return i18n.word(key, language, n=n_channels)
