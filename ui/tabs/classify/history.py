"""The songs of this visit with their answers, kept in the visitor's browser alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import gradio as gr
from markupsafe import Markup

from classifier.predict import Prediction
from classifier.verdict import Kind, Verdict
from errors import KnownError
from ui.handlers import QUIETLY
from ui.server.access import Visitor
from ui.server.language import text
from ui.session import Session
from ui.tabs.classify.answer import coloured, verdict_words
from ui.tabs.classify.view import TO_THE_TOP
from ui.templates import render

MAX_SONGS = 50  # a browser keeps a few megabytes for a page
MAX_NAME = 200  # characters
N_RANKED = 10  # genres
N_CELLS = (6, 7)  # of a row; older versions kept six
SCRIPT = Path(__file__).with_suffix(".js")
KEY = "genrescope.songs"
WARN = """try {
  localStorage.setItem("genrescope.probe", "1");
  localStorage.removeItem("genrescope.probe");
  if (localStorage.isForgetful) throw new Error("forbidden");
} catch {
  element.querySelector("p").hidden = false;  // a full storage, or a forbidden one
}"""


@dataclass(frozen=True)
class History:
    """What the browser keeps.

    Attributes:
        songs: state in the browser: rows of (name, verdict, genre, its rival if
            unsure, probability, model's key, more), the newest first. ``more``, which
            rows of older versions lack, has the sound's ``path`` on the server, the
            model's ``title`` and the ``ranking``, pairs of a genre and its probability.
    """

    songs: gr.BrowserState

    @staticmethod
    def with_song(
        songs: Any,
        name: str,
        prediction: Prediction,
        verdict: Verdict,
        path: str = "",
        title: str = "",
    ) -> list[list[Any]]:
        """Add a row; ``songs`` comes from the browser, so is not trusted."""
        ranking = [
            [genre, round(share, 4)] for genre, share in prediction.genres[:N_RANKED]
        ]
        cells = [verdict.kind, verdict.genres[0], verdict.genres[-1]]
        more = {"path": path, "title": title, "ranking": ranking}
        row = [name[:MAX_NAME], *cells, ranking[0][1], prediction.model.key, more]
        return [row, *_rows(songs)][:MAX_SONGS]


def build() -> History:
    """Create the browser's state; ``build_list`` shows it."""
    # Both names are given: those that Gradio makes up are others after a restart.
    return History(gr.BrowserState([], storage_key=KEY, secret=KEY))


def build_list(
    tab: gr.Tab, session: Session, history: History, examples_dir: Path
) -> None:
    """Lay out the list and the button that deletes it, and wire both.

    Args:
        tab: that it is in.
        session: what the tabs share.
        history: what the browser keeps.
        examples_dir: of the built-in sounds.
    """
    with gr.Accordion(text("classify.history"), open=False):
        gr.HTML(
            text("classify.history_forbidden"),
            html_template='<p role="status" hidden>{{{value}}}</p>',
            js_on_load=WARN,
            padding=False,
        )
        shown = gr.HTML(
            js_on_load=SCRIPT.read_text("utf-8"), elem_classes=["song-history"]
        )
        delete = gr.Button(text("classify.delete"), size="sm", min_width=120)
    player = session.bar.player
    held = partial(is_held, folders=(Path(player.GRADIO_CACHE), examples_dir))
    show = _listing(held)
    session.at_opening(tab, show, [history.songs], [shown])
    history.songs.change(session.guarded(show), history.songs, shown, **QUIETLY)
    again = session.guarded(_again(held))
    given = shown.again(again, history.songs, player, **QUIETLY)
    given.success(None, None, None, js=TO_THE_TOP, **QUIETLY)
    delete.click(list, None, history.songs, **QUIETLY)


def is_held(path: str, folders: Sequence[Path]) -> bool:
    """Return whether a sound is still on the server, and one that pages may ask for.

    Args:
        path: of the sound, from a browser, so anything.
        folders: where visitors' sounds and the built-in ones are.
    """
    try:
        found = Path(path).resolve()
        is_ours = any(found.is_relative_to(each.resolve()) for each in folders)
        return bool(path) and is_ours and found.is_file()
    except (OSError, ValueError):  # a name that no system has
        return False


def _listing(held: Callable[[str], bool]) -> Any:
    def show(songs: Any, visitor: Visitor) -> Markup:
        return as_html(songs, visitor, held)

    return show


def _again(held: Callable[[str], bool]) -> Any:
    """Make the handler that gives the player a song of the list.

    It is named by its path: by now the list may have more rows than the page shows.
    """

    def again(songs: Any, event: gr.EventData) -> str:
        path = str(event.path)
        names = [row[0] for row in _rows(songs) if _more(row)["path"] == path]
        if not names or not held(path):
            raise KnownError("clip_gone", name=names[0] if names else "")
        return path

    return again


def as_html(
    songs: Any, visitor: Visitor, held: Callable[[str], bool] = lambda path: False
) -> Markup:
    """Show the rows as a list; each opens to its answer.

    Args:
        songs: from the browser.
        visitor: who asks.
        held: tells whether the server still has a path's sound.
    """
    rows = [_shown(row, visitor.language, held) for row in _rows(songs)]
    return render("history", visitor.language, rows=rows)


def _shown(
    row: list[Any], language: str, held: Callable[[str], bool]
) -> dict[str, Any]:
    name, kind, genre, rival, share, key, *_ = row
    head, caveat = verdict_words(kind, (genre, rival), language)
    more = _more(row)
    return {
        "name": name,
        "head": head,
        "caveat": caveat,
        "share": share,
        "model": more["title"] or key,
        "shares": coloured(more["ranking"] or [(genre, share)]),
        "is_held": held(more["path"]),
        "path": more["path"],
    }


def _rows(songs: Any) -> list[list[Any]]:
    """Pick the rows of ours from a value that the browser sent."""
    rows = songs if isinstance(songs, list) else []
    return [row for row in rows if _is_row(row)][:MAX_SONGS]


def _is_row(row: Any) -> bool:
    if not (isinstance(row, list) and len(row) in N_CELLS):
        return False
    *texts, share, model = row[:6]
    are_texts = all(isinstance(each, str) for each in (*texts, model))
    return are_texts and texts[1] in get_args(Kind) and _is_share(share)


def _more(row: list[Any]) -> dict[str, Any]:
    """Read the last cell of a row: what of it is ours; empty values where it is not."""
    given = row[6] if len(row) > 6 and isinstance(row[6], dict) else {}
    texts = {name: given.get(name) for name in ("path", "title")}
    ranking = given.get("ranking")
    pairs = [
        (pair[0], pair[1])
        for pair in (ranking if isinstance(ranking, list) else [])[:N_RANKED]
        if isinstance(pair, list) and len(pair) == 2
        if isinstance(pair[0], str) and _is_share(pair[1])
    ]
    known = {
        name: each if isinstance(each, str) else "" for name, each in texts.items()
    }
    return {**known, "ranking": pairs}


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1
