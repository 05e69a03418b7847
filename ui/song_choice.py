"""Which songs: the fields that the tabs Data and Train share, and what they may hold.

Composed songs, GTZAN, the folders of this host, and from whoever sits at it a zip and a
data set of the Hub. A path never comes from a visitor: a folder is one of those that
are listed, a zip is what Gradio itself has just received.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

import i18n
from errors import KnownError
from settings import Settings
from trainer import base_models
from trainer import config as configs
from trainer.config import FOLDER, HUB, ZIP, RunConfig
from trainer.data import sources
from ui import forms
from ui.handlers import QUIETLY
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.templates import paragraphs, render

FIRST_PRESET = "smoke"  # what a newcomer can finish
EXTRAS = ("archive", "repo_id")  # what the form has and RunConfig has not
N_SONGS = {item.name: item for item in dataclasses.fields(RunConfig)}[
    "n_songs_per_genre"
]


HANDED = ((text("data.zip"), ZIP), (text("data.hub"), HUB))  # by a visitor


@dataclass(frozen=True)
class SongChoice:
    """The components.

    Attributes:
        data: composed, GTZAN, a folder, ``ZIP`` or ``HUB``.
        n_songs: to compose of each genre.
        archive: the uploaded zip.
        repo_id: the set's id on the Hub.
        why_not: why a visitor may not hand songs over.
        own: where on this machine songs of one's own belong.
    """

    data: Any
    n_songs: Any
    archive: Any
    repo_id: Any
    why_not: Any
    own: Any

    @property
    def fields(self) -> list[Any]:
        """List the components that choose songs."""
        return [self.data, self.n_songs, *self.extras]

    @property
    def extras(self) -> list[Any]:
        """List those for songs that a visitor hands over, in the order of ``EXTRAS``."""
        return [self.archive, self.repo_id]

    def wire(self, session: Session, tab: gr.Tab, settings: Settings) -> None:
        """Let the fields that belong to the chosen songs appear with them.

        Folders that came since the start are listed whenever the tab opens, and whenever
        the list does.
        """

        def listed(data: str, visitor: Visitor) -> tuple[gr.Dropdown, str]:
            renewed = list_again(data, settings, visitor)
            return renewed, own_folder(settings, visitor)

        places = [self.data, self.own]
        session.at_opening(tab, listed, [self.data], places)
        self.data.focus(session.guarded(listed), self.data, places, **QUIETLY)
        shown = [self.n_songs, self.archive, self.repo_id, self.why_not]
        self.data.change(session.guarded(show_fields), self.data, shown, **QUIETLY)


def build(settings: Settings, data: str, n_songs: int) -> SongChoice:
    """Lay out the fields, with these values at first."""
    choices = [*data_choices(settings), *HANDED]
    chosen = gr.Dropdown(choices, value=data, label=text("fields.data"))
    own = gr.HTML(elem_classes="own-folder")
    number = forms.component(N_SONGS, n_songs)
    number.visible = data == "composed"
    archive = gr.File(
        file_types=[".zip"],
        type="filepath",
        label=text("data.zip_file"),
        visible=False,
        height=160,
    )
    repo_id = gr.Textbox(
        label=text("data.hub_id"), info=text("data.hub_info"), visible=False
    )
    why_not = gr.HTML(visible=False)
    return SongChoice(chosen, number, archive, repo_id, why_not, own)


def data_choices(settings: Settings) -> list[tuple[Any, str]]:
    """List the songs of this host: names that we know, never a path."""
    choices = [(text("train.composed"), "composed"), (text("train.gtzan"), "gtzan")]
    folders = settings.songs_dir.glob("[!.]*/") if settings.songs_dir.is_dir() else ()
    return choices + [(f"songs/{p.name}", f"{FOLDER}{p.name}") for p in sorted(folders)]


def offered(settings: Settings, language: str) -> list[tuple[str, str]]:
    """List all that may be chosen, in a visitor's language."""
    every = [*data_choices(settings), *HANDED]
    return [
        (label if isinstance(label, str) else i18n.word(label.key, language), value)
        for label, value in every
    ]


def own_folder(settings: Settings, visitor: Visitor) -> str:
    """Show where on this machine own songs belong, to those who may train alone."""
    if not visitor.may_train:
        return ""
    return render("own_folder", visitor.language, folder=settings.songs_dir)


def list_again(data: str, settings: Settings, visitor: Visitor) -> gr.Dropdown:
    """List what may be chosen now; leave the choice as it is, unless it is gone.

    The answer names no value that stays: on a busy host it arrives after the visitor has
    chosen something else, and would take that back.
    """
    found = offered(settings, visitor.language)
    is_there = data in [value for _, value in found]
    return gr.Dropdown(found) if is_there else gr.Dropdown(found, value="composed")


def show_fields(data: str, visitor: Visitor) -> list[Any]:
    """Show the fields that belong to the chosen songs, or why they may not be used."""
    is_handed = data in (ZIP, HUB)
    sentence = i18n.sentence(KnownError("may_not_look"), visitor.language)
    return [
        gr.Number(visible=data == "composed"),
        gr.File(visible=data == ZIP and visitor.may_train),
        gr.Textbox(visible=data == HUB and visitor.may_train),
        gr.HTML(
            paragraphs([sentence]),
            visible=is_handed and not visitor.may_train,
        ),
    ]


def resolved(given: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Translate a form's values by field: its songs in RunConfig's words.

    Args:
        given: with ``data``; where that is ``ZIP`` or ``HUB``, with ``archive``, a path
            from Gradio, or ``repo_id``.
        settings: of this host.

    Raises:
        KnownError: ``no_zip``, ``no_set_id``, or ``unknown_data`` for a folder that is
            not one of this host's, and for any path.
    """
    values = {name: value for name, value in given.items() if name not in EXTRAS}
    data = str(given.get("data", ""))
    if data == ZIP:
        if not given.get("archive"):
            raise KnownError("no_zip")
        values["data"] = f"{ZIP}{given['archive']}"
    elif data == HUB:
        repo_id = str(given.get("repo_id") or "").strip()
        if not repo_id:
            raise KnownError("no_set_id")
        values["data"] = f"{HUB}{repo_id}"
    elif data.startswith((FOLDER, ZIP)):
        if data not in [value for _, value in data_choices(settings)]:
            raise KnownError("unknown_data", value=data)
        folder = settings.songs_dir / data.removeprefix(FOLDER)
        values["data"] = f"{FOLDER}{folder}"
    return values


def config_of(given: Mapping[str, Any], settings: Settings) -> RunConfig:
    """Make a RunConfig from a visitor's choices.

    Raises:
        KnownError: ``not_a_choice`` for a base model that this host does not allow;
            what ``resolved`` and RunConfig refuse.
    """
    given = resolved(given, settings)
    base = configs.preset(given.get("preset", FIRST_PRESET))
    config = configs.changed(base, given)
    base_models.admit(config.base_model, settings.base_models)
    return config


def kept(config: RunConfig, settings: Settings) -> RunConfig:
    """Copy a config's zip, if it has one, to where it outlives the page's own copy.

    Raises:
        KnownError: what ``sources.zip_songs`` raises.
    """
    if not config.data.startswith(ZIP):
        return config
    upload = Path(config.data.removeprefix(ZIP))
    # Only what can be read is worth keeping.
    sources.zip_songs(upload, needs_genres=config.needs_genres)
    with upload.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    place = settings.cache_dir / "uploads" / checksum / upload.name
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as folder:
            shutil.copyfile(upload, Path(folder) / "whole.zip").rename(place)
    return dataclasses.replace(config, data=f"{ZIP}{place}")
