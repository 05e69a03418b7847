"""Which model answers: those of this host, two at once, or one from the Hub."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import gradio as gr
from gradio.events import Dependency

import i18n
from classifier.models import AUTO, Models
from errors import KnownError
from ui import waiting
from ui.handlers import QUIETLY
from ui.model_choice import chosen, full_title
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.tabs.classify.answer import REVISION_LENGTH

FORM = "classify"  # its name where the browser keeps what was chosen
HELD = f"""(model, other, fetched) =>
  [model, other, fetched, JSON.stringify(Genrescope.kept.held("{FORM}"))]"""
Listed = tuple[list[tuple[str, str]], str | None]  # a list's choices, and its value


class Picker:
    """The controls, placed where they are rendered.

    Args:
        session: what the tabs share.
        models: what this host has.

    Attributes:
        model: the chosen model's key.
        other: of a second one, "" for none.
        fetching: the event that fetches a model from the Hub; of ``render_hub``.
    """

    fetching: Dependency

    def __init__(self, session: Session, models: Models) -> None:
        self._session = session
        self._models = models
        none = [(text("classify.no_other"), "")]
        self.model = gr.Dropdown([], label=text("classify.model"), render=False)
        self.other = gr.Dropdown(
            none, value="", label=text("classify.compare"), render=False
        )
        self._fetched = gr.State(())  # keys of the Hub's models that this visitor has

    def render(self) -> None:
        """Render both lists."""
        self.model.render()
        self.other.render()

    def render_hub(self) -> None:
        """Render a field for any model's id, for those who may use it, and wire it."""
        with gr.Accordion(
            text("classify.hub_title"), open=False, visible=False
        ) as self._hub:
            hub_id = gr.Textbox(
                label=text("classify.hub_id"),
                info=text("classify.hub_info"),
                placeholder="MIT/ast-finetuned-audioset-10-10-0.4593",
                max_lines=1,
            )
            fetch = gr.Button(text("classify.hub_button"), size="md")
            status = gr.HTML(elem_classes=["classify-status"])
        self.fetching = gr.on(
            [fetch.click, hub_id.submit],
            self._session.guarded(waiting.tidied(status, self._fetching(status))),
            [hub_id, self._fetched, self.other],
            [status, self._fetched, self.model, self.other],
            show_progress="hidden",
            api_visibility="private",
            concurrency_id="fetch",
            concurrency_limit=1,
        )

    def wire(self, tab: gr.Tab, listed: str) -> None:
        """Fill the lists whenever the tab opens, at first with what was chosen before.

        Args:
            tab: the one that it is in.
            listed: script that runs once they are filled.
        """
        key = self._session.guarded(lambda key: key)
        self.model.change(key, self.model, self._session.model, **QUIETLY)
        held = gr.Textbox(visible=False)  # by the browser
        filled = tab.select(
            self._session.guarded(self._refreshed),
            [self.model, self.other, self._fetched, held],
            [self.model, self.other, self._fetched, self._hub],
            js=HELD,
            **QUIETLY,
        )
        filled.then(None, None, None, js=listed, **QUIETLY)

    def with_run(self, run_id: str, visitor: Visitor) -> gr.Dropdown:
        """List the models, with a run's chosen where it has one."""
        (choices, chosen), _ = self._lists(f"run:{run_id}", "", (), visitor)
        return gr.Dropdown(choices, value=chosen)

    def _refreshed(
        self,
        key: str | None,
        other: str | None,
        fetched: tuple[str, ...],
        held: str,
        visitor: Visitor,
    ) -> tuple[Any, Any, Any, gr.Accordion]:
        """List again; where nothing is chosen yet, choose what the browser holds."""
        wanted, compared = (key, other) if key else _held(held)
        more = tuple(
            each
            for each in (wanted, compared)
            if each and self._is_brought(each, fetched, visitor)
        )
        first, second = self._lists(wanted, compared, (*fetched, *more), visitor)
        return (
            _unless_kept(*first, key),
            _unless_kept(*second, other),
            (*fetched, *more) if more else gr.skip(),
            gr.Accordion(visible=visitor.may_train),
        )

    def _is_brought(self, key: str, fetched: tuple[str, ...], visitor: Visitor) -> bool:
        """Return whether a model of the Hub, listed nowhere, is here for this visitor."""
        if key in fetched or not (key.startswith("hub:") and visitor.may_train):
            return False
        try:
            return self._models.at_hand(key) is not None
        except KnownError:
            return False

    def _lists(
        self,
        key: str | None,
        other: str | None,
        fetched: tuple[str, ...],
        visitor: Visitor,
    ) -> tuple[Listed, Listed]:
        """Return the choices of both lists, and what is chosen."""
        listed = {ref.key: ref for ref in self._models.available()}
        more = {key: chosen(self._models, key, visitor) for key in fetched}
        language = visitor.language
        choices = [
            (full_title(ref, language), key) for key, ref in (listed | more).items()
        ]
        keys = [key for _, key in choices]
        none = [(i18n.word("classify.no_other", language), "")]
        auto = [(i18n.word("classify.auto", language), AUTO)] if choices else []
        first = key if key in keys else AUTO if choices else None
        second = other if other in keys else ""
        return ([*auto, *choices], first), ([*none, *choices], second)

    def _fetching(self, status: gr.HTML) -> Any:
        def fetch(
            hub_id: str, fetched: tuple[str, ...], other: str | None, visitor: Visitor
        ) -> Iterator[dict[Any, Any]]:
            language = visitor.language
            ref = chosen(self._models, f"hub:{hub_id.strip()}", visitor)
            model = yield from waiting.loaded(status, self._models, ref, language)
            fetched = tuple(dict.fromkeys([*fetched, ref.key]))
            lists = self._lists(ref.key, other, fetched, visitor)
            ready = waiting.status(
                "hub_ready",
                language,
                title=ref.title,
                revision=(model.ref.revision or "")[:REVISION_LENGTH],
                n=len(model.labels),
            )
            yield {
                status: ready,
                self._fetched: fetched,
                self.model: gr.Dropdown(lists[0][0], value=lists[0][1]),
                self.other: gr.Dropdown(lists[1][0], value=lists[1][1]),
            }

        return fetch


def _held(text: str) -> tuple[str | None, str | None]:
    """Read the keys of two models from what a browser holds, which may be anything."""
    try:
        held = json.loads(text)
    except ValueError:
        held = None
    if not isinstance(held, Mapping):
        return None, ""
    key, other = held.get("model"), held.get("other")
    return (
        key if isinstance(key, str) else None,
        other if isinstance(other, str) else "",
    )


def _unless_kept(
    choices: list[tuple[str, str]], value: str | None, kept: str | None
) -> Any:
    """Leave the value out where it stays: a visitor may have chosen another meanwhile."""
    changed: dict[str, Any] = {} if value == kept else {"value": value}
    return gr.update(choices=choices, **changed)
