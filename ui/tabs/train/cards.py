"""A run in words and bars, as HTML: its state, its result, its log."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

import i18n
from errors import KnownError
from trainer import base_models, board, messages
from trainer.evaluation import evaluate, metrics, report
from trainer.messages import Progress
from trainer.process import jobs
from trainer.run import runs
from trainer.run.events import Device, Guessed, Noted, RunEvent, Step
from trainer.run.runs import Run, RunState
from ui.server.access import Visitor
from ui.templates import paragraphs, render

N_LOG_LINES = 400  # the newest; all of them are in the download
DONE = "✓"
SIGNS = {
    "waiting": "○",
    "running": "●",
    "stopping": "◐",
    "finished": "✓",
    "stopped": "■",
    "cancelled": "–",
    "failed": "✕",
}  # of states, so that colour alone says nothing
MB = 10**6
LEVELS = {
    "all": ("step", "news", "problem"),
    "news": ("news", "problem"),
    "problem": ("problem",),
}


def name_of(run: Run) -> str:
    """Name a run: its title, or its recipe and its songs."""
    config = run.config()
    return run.title or f"{config.preset} · {board.songs_of(config)}"


def at_work(
    run: Run | None,
    events: Sequence[RunEvent],
    waiting: Sequence[Run],
    visitor: Visitor,
) -> Markup:
    """Show the running run and the queue, whichever run the page shows."""
    language = visitor.language
    sentences = [] if visitor.may_train else [i18n.word("train.why_not", language)]
    if run:
        sentences.append(_at(run, messages.progress(events), language))
    if waiting:
        places = (f"{n}. {name_of(run)}" for n, run in enumerate(waiting, 1))
        names = i18n.listed(places, language)
        sentences.append(i18n.word("train.waiting", language, names=names))
    if visitor.may_train and len(waiting) >= jobs.N_WAITING:
        full = KnownError("queue_full", n_waiting=jobs.N_WAITING)
        sentences.append(i18n.sentence(full, language))
    return paragraphs(sentences)


def _at(run: Run, progress: Progress, language: str) -> str:
    """Describe how far the running run is."""
    name, left = name_of(run), _left(progress, language)
    if run.state().name == "stopping":
        return i18n.word("train.at_stop", language, name=name)
    if progress.stage == "train":
        step, n_steps = progress.done, progress.total
        details = {"name": name, "left": left, "step": step, "n_steps": n_steps}
        return i18n.word("train.at_step", language, **details)
    stage = i18n.word(f"stages.{progress.stage or 'songs'}", language)
    return i18n.word("train.at_stage", language, name=name, left=left, stage=stage)


def standing(
    run: Run | None,
    events: Sequence[RunEvent],
    visitor: Visitor,
    place: int = 0,
    story: Sequence[RunEvent] = (),
    every: Sequence[Run] = (),
) -> Markup:
    """Show a run's state: its place in the queue, its phases, and in the end its result.

    Args:
        run: the one that is shown, if any.
        events: of it.
        visitor: who reads.
        place: in the queue behind the active run, from 1 on; 0 outside of it.
        story: its events after those of the runs that it continues.
        every: all runs, among which are those that it continues, or that continue it.
    """
    language = visitor.language
    if run is None:
        return render("no_runs", language)
    state = run.state()
    badge = _badge(state, language)
    if place:
        return badge + paragraphs([i18n.word("notes.waiting", language, n=place)])
    lines = badge + paragraphs(
        [
            _more(run, state, language),
            *_kin(run, every, language),
            _skipped(events, language),
        ]
    )
    if not state.is_ended:
        is_stopping = state.name == "stopping"
        return lines + phases(events, language, is_stopping=is_stopping)
    return lines + result(run, state, events, visitor, story or events)


def _kin(run: Run, every: Sequence[Run], language: str) -> list[str]:
    """Name the run that this one continues, and the newest that continues this one."""
    sentences = []
    parent = next((each for each in every if each.id == run.parent_id), None)
    if parent:
        step = (runs.read_json(run.parent_file) or {}).get("step", 0)
        about: dict[str, Any] = {"name": name_of(parent), "id": parent.id[-4:]}
        sentences.append(i18n.word("train.continued", language, **about, step=step))
    child = next((each for each in every if each.parent_id == run.id), None)
    if child:
        about = {"name": name_of(child), "id": child.id[-4:]}
        sentences.append(i18n.word("train.continued_here", language, **about))
    return sentences


def _skipped(events: Sequence[RunEvent], language: str) -> str:
    """Count the songs that were left out, which the log names; "" for none."""
    notes = (event for event in events if isinstance(event, Noted))
    skipped = next((note for note in notes if note.code == "songs_skipped"), None)
    return messages.line(skipped, language) if skipped else ""


def _badge(state: RunState, language: str) -> Markup:
    """Name a state, in its colour and with its sign."""
    return render("run_state", language, state=state.name, sign=SIGNS[state.name])


def _more(run: Run, state: RunState, language: str) -> str:
    """Describe how long a stop takes, or why a run failed; "" of other states."""
    if state.name == "stopping":
        n = round(jobs.stops_within_s(run))
        return i18n.word("notes.stopping", language, n=n)
    if state.name == "failed":
        return messages.failure(state.code, state.details, language)
    return ""


def question(act: str, run: Run, language: str) -> Markup:
    """Ask whether a run shall be discarded or deleted with all it holds, by name and size."""
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    about = {"name": name_of(run), "mb": sum(p.stat().st_size for p in files) / MB}
    key = "delete_sure" if act == "delete" else f"cancel_sure_{_began(run)}"
    return paragraphs([i18n.word(f"train.{key}", language, **about)])


def _began(run: Run) -> str:
    return "running" if run.started_file.exists() else "waiting"


def code(text: str) -> Markup:
    """Show what can be copied into a terminal."""
    return render("code", i18n.DEFAULT_LANGUAGE, text=text)


def phases(
    events: Sequence[RunEvent], language: str, *, is_stopping: bool = False
) -> Markup:
    """Show the current phase with a bar, the device, and every other phase with its count."""
    every = messages.phases(events)
    now = messages.progress(events)
    # A phase is done once another has begun: all but what a validation, or a stop, interrupts.
    interrupted = {now.stage, "train", "validate" if is_stopping else ""}
    rows = [
        (
            phase,
            _counts(phase, phase.stage not in interrupted, language),
            phase.stage == now.stage,
        )
        for phase in every
    ]
    left = "" if is_stopping or not every else _left(now, language)
    speed = next((e.windows_per_s for e in events[::-1] if isinstance(e, Step)), None)
    if speed and now.stage == "train":
        pace = i18n.word("train.speed", language, per_s=speed)
        left = f"{left} · {pace}" if left else pace
    device = next((e for e in events[::-1] if isinstance(e, Device)), None)
    left = left[:1].upper() + left[1:]  # it begins a line of its own
    lines = [
        messages.line(each, language) for each in (*_of_device(events), device) if each
    ]
    texts = [left, *lines]
    return render("run_phases", language, phases=rows, texts=texts)


def _of_device(events: Sequence[RunEvent]) -> list[Noted]:
    """Find the notes of where the run trains, and why not on a GPU that is there."""
    codes = ("trains_on", "gpu_unused")
    notes = [e for e in events if isinstance(e, Noted) and e.code in codes]
    return notes[-2:]


def _counts(phase: Progress, is_done: bool, language: str) -> str:
    """Describe how much of a phase is done, and while songs are decoded how fast."""
    # The last song, or batch, is not announced, only the next phase.
    done = phase.total if is_done else phase.done
    counts = messages.amounts(phase.stage, done, phase.total, language)
    if phase.per_s and phase.stage == "decode":
        speed = i18n.word("train.songs_per_s", language, per_s=phase.per_s)
        counts += f" · {speed}"
    return f"{counts} {DONE}".strip() if is_done else counts


def _left(progress: Progress, language: str) -> str:
    return messages.time_words(progress.left_s, language)


def result(
    run: Run,
    state: RunState,
    events: Sequence[RunEvent],
    visitor: Visitor,
    story: Sequence[RunEvent],
) -> Markup:
    """Show the card of a run that has ended: score, model, time, command."""
    language = visitor.language
    sentences = score(run, story, language)
    if state.name in ("finished", "stopped") and run.model_dir.is_dir():
        base_model = f"{base_models.RUN}{run.id}"
        made = "made" if run.config().needs_genres else "made_base"
        sentences.append(i18n.word(f"train.{made}", language, base_model=base_model))
    if len(events) > 1:
        time = messages.span(events[-1].at - events[0].at, language)
        sentences.append(i18n.word("train.took", language, time=time))
    # Paths of this machine are shown to those who may train, no one else.
    has_model = visitor.may_train and run.model_dir.is_dir()
    return render(
        "run_result",
        language,
        texts=sentences,
        model_dir=run.model_dir if has_model else "",
        command=run.config().command() if visitor.may_train else "",
    )


def score(run: Run, events: Sequence[RunEvent], language: str) -> list[str]:
    """Return the run's test score; without one, its best validation and at which step."""
    if guessed := messages.guessed(events):
        part = "validation" if isinstance(guessed, Guessed) else "test"
        return [i18n.word(f"train.guessed_{part}", language, **vars(guessed))]
    scores = evaluate.load_scores(run.folder)
    if scores and scores.is_final:
        return [report.of_run(scores, language), *report.clear(scores, language)]
    best = messages.best(events)
    if best is None:
        return []
    n_right = round(best.accuracy * best.n_songs)
    low, high = metrics.wilson_interval(n_right, best.n_songs)
    about = {"accuracy": best.accuracy, "n_songs": best.n_songs, "step": best.step}
    return [i18n.word("train.best", language, **about, low=low, high=high)]


def log_html(
    events: Sequence[RunEvent], language: str, level: str = "all", search: str = ""
) -> Markup:
    """Show the log's newest lines of a level that contain a text, whatever its case.

    The CSS keeps the end in sight while it grows.
    """
    wanted, text = LEVELS.get(level, LEVELS["all"]), (search or "").strip().lower()
    events_of_level = (
        event for kind, event in reversed(messages.log(events)) if kind in wanted
    )
    every = (messages.line(event, language) for event in events_of_level)
    found = (line for line in every if text in line.lower())
    lines = list(itertools.islice(found, N_LOG_LINES))[::-1]
    if not lines:
        key = "train.no_lines" if events else "train.no_log"
        return paragraphs([i18n.word(key, language)])
    return render("run_log", language, lines=lines)
