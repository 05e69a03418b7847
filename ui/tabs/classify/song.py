"""One song: its genre at once, better as it goes; the song as a map; the passages with the most evidence."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import gradio as gr
from markupsafe import Markup

from audio.clip import Clip
from classifier.models import Models
from classifier.predict import Effort, Prediction, listen
from classifier.queue import InferenceQueue
from classifier.verdict import Verdict, judge
from errors import KnownError
from networks.checkpoint import LoadedModel
from ui import waiting
from ui.handlers import QUIETLY
from ui.model_choice import EFFORTS, chosen_pair, effort_of, full_title
from ui.player.clip_bar import name_of
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.tabs.classify import answer, known, song_map, view
from ui.tabs.classify.auto import AutoLine
from ui.tabs.classify.history import History
from ui.tabs.classify.picker import FORM, Picker
from ui.tabs.classify.view import Answered, Places, nothing
from ui.waiting import Update

PAUSE_S = 0.3  # between two answers on a page; more often than that is restless
ASK = "ask"  # the button, for the script that presses it when a sound arrives
# A press counts once for all that ask the same; a click that comes too early comes again.
TAKEN = """(...all) => {{
  Genrescope.bar.taken();
  Genrescope.choice?.take(...all.slice(1, 4));
  return all.slice(0, {n_inputs});
}}"""
ANSWERED = "() => Genrescope.bar.answered()"
SETTLE = f"(kept) => Genrescope.bar.settle('{ASK}', kept)"
LISTED = f"() => Genrescope.bar.listed('{ASK}')"
CHOSEN = f"""(model, other, effort) => {{
  Genrescope.kept.form("{FORM}", {{ model, other, effort }});
  Genrescope.choice?.change(model, other, effort);
}}"""
AGAIN = f"() => Genrescope.bar.again('{ASK}')"
GIVE_EFFORT = f"() => Genrescope.kept.fill('{FORM}', ['effort'])[0]"
# So many pages that all wait in our own queue, which shows one's place in every language;
# half of Gradio's threads at most, which they wait in.
PAGE_QUEUE: dict[str, Any] = {"concurrency_id": "asking", "concurrency_limit": 20}


def build(
    tab: gr.Tab,
    session: Session,
    models: Models,
    picker: Picker,
    history: History,
) -> None:
    """Lay out the question and its answer, and wire both."""
    auto = AutoLine(session, models)
    with gr.Row(elem_classes=["lesson", "classify"]):
        with gr.Column(scale=1, min_width=260):
            gr.Markdown(text("classify.text"))
            picker.render()
            auto.render()
            efforts = [(text(f"classify.{each}"), each) for each in EFFORTS]
            effort = gr.Radio(efforts, value="whole", label=text("classify.effort"))
            with gr.Row():
                button = gr.Button(
                    text("classify.button"), variant="primary", elem_id=ASK
                )
                cancel = waiting.cancel_button()
            status = gr.HTML(elem_classes=["classify-status"])
            known.build()
            picker.render_hub()
            auto.again.render()
        with gr.Column(scale=2, min_width=320):
            places = view.lay_out(status)
    ask = _asking(session, models, places, history)
    ask = waiting.in_line(models.queue.line, places.status, ask)
    ask = session.guarded(waiting.tidied(places.status, ask))
    question = [session.bar.path, picker.model, picker.other, effort, history.songs]
    asking = gr.on(
        [button.click, auto.again.click],
        ask,
        question,
        [*places.all, history.songs],
        js=TAKEN.format(n_inputs=len(question)),
        show_progress="minimal",
        show_progress_on=places.status,
        api_visibility="private",
        **PAGE_QUEUE,
    )
    auto.wire(tab, picker.model, places.answered, asking)
    cancelled = session.guarded(waiting.cancelled)
    cancel.click(
        cancelled,
        places.status,
        places.status,
        cancels=[asking, picker.fetching],
        **QUIETLY,
    )
    asking.success(None, None, None, js=ANSWERED, **QUIETLY)
    _wire_clearing(session, places, asking)
    choices = [picker.model, picker.other, effort]
    chosen = [picker.model.change, picker.other.input, effort.input]
    gr.on(chosen, None, choices, None, js=CHOSEN, **QUIETLY)
    session.link.change(None, None, effort, js=GIVE_EFFORT, **QUIETLY)
    view.wire_map(session, places)


def _wire_clearing(session: Session, places: Places, asking: Any) -> None:
    """Empty the answer for another sound, and before the same one is asked about again."""
    seen = [place for place in nothing(places) if not isinstance(place, gr.State)]
    event: dict[str, Any] = {
        **QUIETLY,
        "outputs": seen,
        "js": _clearing(places),
        "cancels": [asking],
    }
    cleared = session.bar.path.change(None, None, **event)
    cleared.then(None, session.bar.kept, None, js=SETTLE, **QUIETLY)
    renewed = places.answer.renew(None, None, **event)
    renewed.then(None, None, None, js=AGAIN, **QUIETLY)


def _asking(session: Session, models: Models, places: Places, history: History) -> Any:
    """Make the handler that answers after each window, until the last."""

    def ask(
        path: str | None,
        key: str | None,
        other: str | None,
        effort: str,
        songs: Any,
        visitor: Visitor,
    ) -> Iterator[Update]:
        language = visitor.language
        clip, wanted = session.clip(path), effort_of(effort)
        loaded: list[LoadedModel] = []
        pair = chosen_pair(models, (key, other), visitor)
        for ref in pair:
            place = places.status
            loaded.append((yield from waiting.loaded(place, models, ref, language)))
        shown = partial(_shown, session, places, str(path), language)
        try:
            answers = together(clip, loaded, models.queue, wanted)
            for predictions, is_last in calmly(answers):
                verdicts = [judge(each, clip) for each in predictions if is_last]
                yield shown(predictions, verdicts)
        except KnownError as error:
            if error.code != "silent":
                raise
            yield {
                **nothing(places),
                places.answer: answer.silent(language),
                places.answered: Answered(str(path), ()),
            }
            return
        name = name_of(str(path), language)
        named = full_title(predictions[0].model, language)
        rows = history.with_song(
            songs, name, predictions[0], verdicts[0], str(path), named
        )
        yield {history.songs: rows}

    return ask


def _shown(
    session: Session,
    places: Places,
    path: str,
    language: str,
    predictions: tuple[Prediction, ...],
    verdicts: Sequence[Verdict],
) -> Update:
    """Show an answer; it is the last one if there are verdicts."""
    scene = session.scene(path, None, language)
    shown: Update = {
        places.status: "" if verdicts else _progress(predictions, language),
        places.answer: answer.answers(predictions, verdicts, language, path),
        places.song_map: song_map.sheet(scene, predictions).as_json(),
        places.answered: Answered(path, predictions),
    }
    return shown


def _progress(predictions: Sequence[Prediction], language: str) -> Markup:
    done = sum(each.n_done for each in predictions)
    total = sum(each.n_total for each in predictions)
    bar = done, total
    return waiting.status("progress", language, bar=bar, done=done, total=total)


def _clearing(places: Places) -> str:
    """Write the script that empties the page by itself, long before a server can."""
    emptied = [
        {"__type__": "update", **value.constructor_args}
        if isinstance(value, gr.Button)
        else value and str(value)
        for place, value in nothing(places).items()
        if not isinstance(place, gr.State)
    ]
    return f"() => {json.dumps(emptied)}"


def together(
    clip: Clip, models: Sequence[LoadedModel], queue: InferenceQueue, effort: Effort
) -> Iterator[tuple[Prediction, ...]]:
    """Iterate over the answers of several models, which take turns: a window each.

    Closing the generator stops inference.

    Raises:
        KnownError: a code of ``listen``.
    """
    every = [listen(clip, each, queue, effort=effort) for each in models]
    listening = dict(enumerate(every))
    latest: dict[int, Prediction] = {}
    while listening:
        for number, answers in list(listening.items()):
            answer = next(answers, None)
            if answer is None:
                del listening[number]
            else:
                latest[number] = answer
        if listening:
            yield tuple(latest[number] for number in sorted(latest))


def calmly(
    answers: Iterator[tuple[Prediction, ...]], pause_s: float = PAUSE_S
) -> Iterator[tuple[tuple[Prediction, ...], bool]]:
    """Yield the first answer, the last one, and in between no more than a page can show.

    Yields:
        The predictions, and whether they are the last.
    """
    shown_at = -pause_s
    latest: tuple[Prediction, ...] = ()
    for latest in answers:
        now = time.monotonic()
        if now - shown_at >= pause_s:
            shown_at = now
            yield latest, False
    yield latest, True
