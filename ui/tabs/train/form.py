"""The form of a new run, made from RunConfig, and the line before its start."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from markupsafe import Markup

import i18n
from errors import KnownError
from networks import masked_prediction
from settings import Settings, child_environment
from trainer import base_models, messages, preflight
from trainer import config as configs
from trainer.config import FOLDER, RunConfig
from trainer.run import runs
from trainer.run.runs import Run
from ui import forms, song_choice
from ui.server.language import text
from ui.song_choice import FIRST_PRESET, SongChoice, config_of
from ui.tabs.train import cards
from ui.templates import paragraphs

OPEN_FIELDS = ("data", "n_songs_per_genre", "base_model", "n_epochs", "n_steps")
FOLDED_FIELDS = tuple(
    item.name
    for item in dataclasses.fields(RunConfig)
    if item.name not in (*OPEN_FIELDS, "preset")
)
FIELDS = (*OPEN_FIELDS, *FOLDED_FIELDS)
OF_SONGS = ("data", "n_songs_per_genre")  # which the tab Data has as well
N_GENRES_NAMED = 20


@dataclass(frozen=True)
class Form:
    """The components of a new run.

    Attributes:
        preset: fills all the others.
        fields: in the order of ``FIELDS``.
        songs: the fields ``OF_SONGS``, and those that belong to them.
    """

    preset: Any  # the components have their events from Gradio at run time
    fields: tuple[Any, ...]
    songs: SongChoice

    @property
    def by_name(self) -> dict[str, Any]:
        """Map the names of ``config_of`` to the components."""
        fields = dict(zip(FIELDS, self.fields, strict=True))
        extras = dict(zip(song_choice.EXTRAS, self.songs.extras, strict=True))
        return {"preset": self.preset, **fields, **extras}

    def given(self, values: Mapping[Component, Any]) -> dict[str, Any]:
        """Pick the visitor's choices, by name, from an event's values."""
        return {name: values[component] for name, component in self.by_name.items()}


def build(settings: Settings) -> Form:
    """Lay out the form."""
    config = configs.preset(FIRST_PRESET)
    items = {item.name: item for item in dataclasses.fields(RunConfig)}
    preset = forms.component(items["preset"], FIRST_PRESET, list(configs.PRESETS))

    def made(name: str) -> Component:
        is_base = name == "base_model"
        every = runs.every(settings.runs_dir)
        choices = base_choices(every, settings) if is_base else ()
        return forms.component(items[name], getattr(config, name), choices)

    songs = song_choice.build(settings, config.data, config.n_songs_per_genre)
    fields = [songs.data, songs.n_songs]
    fields += [made(name) for name in OPEN_FIELDS if name not in OF_SONGS]
    with gr.Accordion(text("train.more"), open=False):
        fields += [made(name) for name in FOLDED_FIELDS]
    return Form(preset, tuple(fields), songs)


def base_choices(every: Sequence[Run], settings: Settings) -> list[tuple[str, str]]:
    """List the base models: those that the host allows, and runs that made one."""
    listed = [(name, name) for name in base_models.choices(settings.base_models)]
    made = [
        (f"{cards.name_of(run)} · {run.id}", f"{base_models.RUN}{run.id}")
        for run in every
        if masked_prediction.is_pretrained(run.model_dir)
    ]
    return [*listed, *made]


def recipe(preset: str) -> list[Any]:
    """List the values of a preset, a field each."""
    return forms.values_of(configs.preset(preset), FIELDS)


def look_ahead(given: Mapping[str, Any], settings: Settings, language: str) -> Markup:
    """Show what the run would need, or why it could not start."""
    try:
        seen = preflight.preflight(
            config_of(given, settings),
            settings.runs_dir,
            settings.cache_dir,
            env=child_environment(),
        )
    except KnownError as error:
        return paragraphs([i18n.sentence(error, language)])
    line = messages.preflight_line(seen, language)
    is_named = any(name for name, _ in seen.genres)
    if not str(given.get("data", "")).startswith(FOLDER) or not is_named:
        return paragraphs([line])
    named = " · ".join(f"{name} {n}" for name, n in seen.genres[:N_GENRES_NAMED])
    return paragraphs([line, named])
