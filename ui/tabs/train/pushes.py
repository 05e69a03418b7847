"""Pushes to the Hub, each in a thread of its own, so that no page has to stay open."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

from markupsafe import Markup

import i18n
from errors import KnownError
from hub import account
from hub.account import TokenOf
from trainer.publish import push
from trainer.run.events import RunEvent, Stage
from trainer.run.runs import Run
from ui.templates import paragraphs, render

MB = 10**6


@dataclass(frozen=True)
class Push:
    """How far a push is.

    Attributes:
        repo_id: where to.
        stage: the current phase.
        address: of the repository, once it is there.
        error: why it is not.
    """

    repo_id: str
    stage: Stage | None = None
    address: str = ""
    error: KnownError | None = None

    @property
    def is_over(self) -> bool:
        """Return whether it has ended."""
        return bool(self.address or self.error)


class Pushes:
    """The newest push of each run since this server started."""

    def __init__(self) -> None:
        self._pushes: dict[str, Push] = {}
        self._door = threading.Lock()

    def of(self, run_id: str) -> Push | None:
        """Return a run's newest push."""
        return self._pushes.get(run_id)

    def start(
        self, run: Run, repo_id: str, token_of: TokenOf, *, private: bool
    ) -> threading.Thread:
        """Push a run in a thread.

        Raises:
            KnownError: ``push_bad_name``, or ``push_at_work``.
        """
        repo_id = repo_id.strip()
        account.check(repo_id)
        with self._door:
            before = self.of(run.id)
            if before and not before.is_over:
                raise KnownError("push_at_work", id=before.repo_id)
            self._pushes[run.id] = Push(repo_id)

        def work() -> None:
            self._work(run, repo_id, token_of, private)

        thread = threading.Thread(target=work, name="push", daemon=True)
        thread.start()
        return thread

    def _work(self, run: Run, repo_id: str, token_of: TokenOf, private: bool) -> None:
        """Push in a thread of its own; whatever happens, its end is noted."""

        def hear(event: RunEvent) -> None:
            if isinstance(event, Stage):
                self._pushes[run.id] = replace(self._pushes[run.id], stage=event)

        # What a bug in here would leave: a push that can be repeated.
        end = Push(repo_id, error=KnownError("push_lost", id=repo_id))
        try:
            address = push.push(
                run, repo_id, token_of=token_of, emit=hear, private=private
            )
            end = Push(repo_id, address=address)
        except KnownError as error:
            end = Push(repo_id, error=error)
        finally:
            self._pushes[run.id] = end


def as_html(state: Push | None, language: str) -> Markup:
    """Show how far a push is."""
    if state is None:
        return Markup("")
    if state.error:
        return paragraphs([i18n.sentence(state.error, language)])
    if state.address:
        return render("pushed", language, address=state.address)
    stage = state.stage or Stage("ask")
    counts = f"{stage.done / MB:.1f} / {stage.total / MB:.1f} MB" if stage.total else ""
    return render("progress", language, stage=stage, counts=counts)
