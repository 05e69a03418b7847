"""The form of a new run, made from RunConfig, and what is beside its start.

Recipe, songs, the estimate and Start come first; every other field is folded.
"""

from __future__ import annotations

import dataclasses
import json
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
from ui.handlers import QUIETLY
from ui.server.language import text
from ui.song_choice import FIRST_PRESET, SongChoice, config_of
from ui.tabs.train import cards
from ui.templates import paragraphs, render

OF_SONGS = ("data", "n_songs_per_genre")  # which the tab Data has as well
FIRST = ("base_model", "n_epochs", "n_steps")  # of the folded ones
FOLDED_FIELDS = FIRST + tuple(
    item.name
    for item in dataclasses.fields(RunConfig)
    if item.name not in (*OF_SONGS, *FIRST, "preset")
)
FIELDS = (*OF_SONGS, *FOLDED_FIELDS)
N_GENRES_NAMED = 20
# What can always start, by the code of what cannot: the field, and its value.
INSTEAD = {
    "model_not_here": ("base_model", base_models.BUNDLED),
    "songs_not_here": ("data", "composed"),
}
# Songs of one's own stay, whatever the recipe: it only names songs to begin with.
FILL = """(name, data, nSongs) => {
  const values = %s[name];
  if (/^(folder|zip|hub):/.test(data)) values.splice(0, 2, data, nSongs);
  return values;
}"""
NAME = "train"  # where the browser keeps what was filled in
KEEP = """(...values) => Genrescope.kept.form("{form}",
  Object.fromEntries({names}.map((name, number) => [name, values[number]])))"""
GIVE = """() => Genrescope.kept.fill("{form}", {names})"""
SHOW_COMMAND = """() => {
  const form = document.querySelector(".run-form");
  form.toggleAttribute("data-command");
}"""


@dataclass(frozen=True)
class Form:
    """The components of a new run.

    Attributes:
        preset: fills all the others.
        fields: in the order of ``FIELDS``.
        songs: the fields ``OF_SONGS``, and those that belong to them.
        ahead: what the run would need, or why it could not start.
        instead: buttons that choose what can start, by the code of what cannot.
        start: starts the run.
        show: shows the command.
        command: that starts the same run in a terminal.
        is_refused: state, whether the choices cannot start here.
    """

    preset: Any  # the components have their events from Gradio at run time
    fields: tuple[Any, ...]
    songs: SongChoice
    ahead: gr.HTML
    instead: Mapping[str, gr.Button]
    start: gr.Button
    show: gr.Button
    command: gr.HTML
    is_refused: gr.State

    @property
    def by_name(self) -> dict[str, Any]:
        """Map the names of ``config_of`` to the components."""
        fields = dict(zip(FIELDS, self.fields, strict=True))
        extras = dict(zip(song_choice.EXTRAS, self.songs.extras, strict=True))
        return {"preset": self.preset, **fields, **extras}

    def keep(self, link: gr.Textbox) -> None:
        """Let the browser keep what is filled in, and fill it in again after a reload.

        Args:
            link: hidden text that changes where the page was opened by a link.
        """
        # A file that was handed over is chosen again.
        kept = {name: one for name, one in self.by_name.items() if name != "archive"}
        script = {"form": NAME, "names": json.dumps([*kept])}
        fields, quick = [*kept.values()], {**QUIETLY, "fn": None}
        changed = [one.change for one in fields]
        gr.on(changed, inputs=fields, js=KEEP.format(**script), **quick)
        link.change(outputs=fields, js=GIVE.format(**script), **quick)

    def given(self, values: Mapping[Component, Any]) -> dict[str, Any]:
        """Pick the visitor's choices, by name, from an event's values."""
        return {name: values[component] for name, component in self.by_name.items()}


def build(settings: Settings) -> Form:
    """Lay out the form."""
    config = configs.preset(FIRST_PRESET)
    items = {item.name: item for item in dataclasses.fields(RunConfig)}
    recipes = [(text(f"train.recipe_{name}"), name) for name in configs.PRESETS]
    preset = gr.Dropdown(recipes, value=FIRST_PRESET, label=text("fields.preset"))

    def made(name: str) -> Component:
        is_base = name == "base_model"
        every = runs.every(settings.runs_dir)
        choices = base_choices(every, settings) if is_base else ()
        return forms.component(items[name], getattr(config, name), choices)

    songs = song_choice.build(settings, config.data, config.n_songs_per_genre)
    beside = _beside_start()
    with gr.Accordion(text("train.more"), open=False, elem_classes="run-more"):
        folded = [made(name) for name in FOLDED_FIELDS]
    fields = (songs.data, songs.n_songs, *folded)
    return Form(preset, fields, songs, **beside)


def _beside_start() -> dict[str, Any]:
    """Lay out the estimate, Start and the command, by their names in ``Form``."""
    ahead = gr.HTML(elem_classes="run-ahead")
    instead = {
        code: gr.Button(text(f"train.{code}"), visible=False, size="sm")
        for code in INSTEAD
    }
    with gr.Row(elem_classes="run-start"):
        start = gr.Button(text("train.start"), variant="primary", min_width=140)
        show = gr.Button(text("train.show_command"), min_width=140)
    command = gr.HTML(elem_classes="run-command")
    return {
        "ahead": ahead,
        "instead": instead,
        "start": start,
        "show": show,
        "command": command,
        "is_refused": gr.State(False),
    }


def base_choices(every: Sequence[Run], settings: Settings) -> list[tuple[str, str]]:
    """List the base models: those that the host allows, and runs that made one."""
    listed = [(name, name) for name in base_models.choices(settings.base_models)]
    made = [
        (f"{cards.name_of(run)} · {run.id}", f"{base_models.RUN}{run.id}")
        for run in every
        if masked_prediction.is_pretrained(run.model_dir)
    ]
    return [*listed, *made]


def fill() -> str:
    """Write the script that fills the fields from a recipe, in the browser.

    There it takes no time, so that no late answer covers what is chosen next.
    """
    recipes = {name: recipe(name) for name in configs.PRESETS}
    return FILL % json.dumps(recipes)


def recipe(preset: str) -> list[Any]:
    """List the values of a preset, a field each."""
    return forms.values_of(configs.preset(preset), FIELDS)


@dataclass(frozen=True)
class LookAhead:
    """What a run would need.

    Attributes:
        html: the estimate, or why the run could not start.
        refused: codes of what is out of reach, and of whatever else refuses the choices.
        command: that starts it in a terminal; "" where it could not.
    """

    html: Markup
    refused: tuple[str, ...] = ()
    command: str = ""


def look_ahead(
    given: Mapping[str, Any], settings: Settings, language: str
) -> LookAhead:
    """Estimate what the run would need, or find why it could not start."""
    env = child_environment()
    try:
        config = config_of(given, settings)
        if missing := preflight.out_of_reach(config, env):
            return _refused(missing, language)
        seen = preflight.preflight(
            config, settings.runs_dir, settings.cache_dir, env=env
        )
    except KnownError as error:
        return _refused([error], language)
    lines = [messages.preflight_line(seen, language)]
    is_named = any(name for name, _ in seen.genres)
    if str(given.get("data", "")).startswith(FOLDER) and is_named:
        named = (f"{name} {n}" for name, n in seen.genres[:N_GENRES_NAMED])
        lines.append(" · ".join(named))
    return LookAhead(paragraphs(lines), command=config.command())


def _refused(errors: Sequence[KnownError], language: str) -> LookAhead:
    sentences = [i18n.sentence(error, language) for error in errors]
    html = render("refused", language, sentences=sentences)
    return LookAhead(html, tuple(error.code for error in errors))
