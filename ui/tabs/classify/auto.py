"""Name the model that answers where nobody chose one; offer a better one once it is here."""

from __future__ import annotations

import gradio as gr
from gradio.events import Dependency
from markupsafe import Markup

import i18n
from classifier.models import AUTO, Models
from networks.checkpoint import ModelRef
from ui import waiting
from ui.handlers import QUIETLY
from ui.model_choice import title
from ui.server.access import Visitor
from ui.session import Session
from ui.tabs.classify.view import HIDDEN, Answered

# Between two looks (s); a page with the last answer looks no more.
POLL_S = {"coming": 2.0, "unreachable": 15.0}


class AutoLine:
    """The line below the choice of models, and a button that asks the better one.

    Nothing changes by itself on a page that somebody reads: an answer by the bundled
    model stays, and the button renews it.

    Args:
        session: what the tabs share.
        models: what this host has.

    Attributes:
        line: who answers.
        again: asks the Hub's model about the sound that the bundled one answered.
    """

    def __init__(self, session: Session, models: Models) -> None:
        self._session = session
        self._models = models
        # Offline the one sentence stays, and needs no room of longer ones.
        classes = ["classify-status", "auto", *["settled"] * models.is_offline]
        self.line = gr.HTML(elem_classes=classes, render=False)
        self.again = gr.Button("", size="sm", visible=HIDDEN, render=False)
        self._timer = gr.Timer(POLL_S["coming"], active=False, render=False)

    def render(self) -> None:
        """Render the line, and the timer that looks at it."""
        self.line.render()
        self._timer.render()

    def wire(
        self, tab: gr.Tab, model: gr.Dropdown, answered: gr.State, asking: Dependency
    ) -> None:
        """Describe it as the tab opens, a model or sound is chosen, and an answer is complete.

        Args:
            tab: the one that it is in.
            model: the chosen model's key.
            answered: state, an ``Answered`` or None.
            asking: the event that answers.
        """
        path = self._session.bar.path
        look = self._session.guarded(self._look)
        given, shown = [model, path, answered], [self.line, self.again, self._timer]
        self._session.at_opening(tab, self._look, given, shown)
        model.change(look, given, shown, **QUIETLY)
        self._session.at_new_sound(self._look, given, shown)
        asking.then(look, given, shown, **QUIETLY)
        self._timer.tick(look, given, shown, **QUIETLY)

    def _look(
        self,
        key: str | None,
        path: str | None,
        answered: Answered | None,
        visitor: Visitor,
    ) -> tuple[Markup, gr.Button, gr.Timer]:
        language = visitor.language
        is_auto = not key or key == AUTO
        better = better_than(self._models, answered) if is_auto else None
        is_of_this = answered is not None and answered.path == path
        again = gr.Button(visible=HIDDEN)
        if better and is_of_this:
            name = title(better, language)
            label = i18n.word("classify.auto_again", language, title=name)
            again = gr.Button(label, visible=True)
        poll_s = POLL_S.get(self._models.arrival.progress.state) if is_auto else None
        timer = gr.Timer(poll_s or POLL_S["coming"], active=poll_s is not None)
        said = line(self._models, language) if is_auto else Markup("")
        return said, again, timer


def better_than(models: Models, answered: Answered | None) -> ModelRef | None:
    """Find the Hub's model, where it has come since the bundled one answered alone."""
    if answered is None or len(answered.predictions) != 1:
        return None
    (told,) = answered.predictions
    now = models.auto()
    return now if now.source == "hub" and told.model.source == "bundled" else None


def line(models: Models, language: str) -> Markup:
    """Describe who answers, and whether a better model is on its way; "" without a choice."""
    listed = models.available()
    if not listed or not models.hub_model:
        return Markup("")
    now, progress = models.auto(), models.arrival.progress
    if now.source == "hub":
        return waiting.status("auto_here", language, title=title(now, language))
    if models.is_offline:
        return waiting.status("auto_offline", language)
    if progress.state == "refused" and progress.error:
        reason = i18n.sentence(progress.error, language)
        return waiting.status("auto_refused", language, reason=reason)
    if progress.state == "idle":
        return Markup("")
    name = title(listed[-1], language)  # the Hub's is last
    if progress.state == "unreachable":
        return waiting.status("auto_unreachable", language, title=name)
    if not progress.n_all:
        return waiting.status("auto_coming", language, title=name)
    done, total = progress.n_bytes, progress.n_all
    counts = {"mb": done / 1e6, "all_mb": total / 1e6}
    bar = done, total
    return waiting.status("auto_counted", language, bar=bar, title=name, **counts)
