"""Change what Gradio does inside, one function a change, written for Gradio 6.31.

Each has in its docstring what goes wrong without it, and what is known upstream.
``tests/page/test_gradio_patches.py`` shows the same on an unpatched Gradio, and fails where
it no longer goes wrong: then the patch can go. ``docs/gradio.md`` is the list to walk
through before another version is pinned.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import networking, processing_utils, queueing, route_utils, routes, utils
from gradio.blocks import BlocksConfig
from gradio.exceptions import InvalidPathError
from gradio.route_utils import GradioMultiPartParser
from gradio_client.utils import is_http_url_like
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.responses import Response

import i18n
from errors import KnownError
from ui.server import gradio_scripts
from ui.server.fair_queue import Answers, FairQueue
from ui.server.files import BROKEN_S, safe_name
from ui.server.mcp import ToolServer
from ui.server.shares import Shares

GRADIO_VERSION = "6.31"  # that all this was last compared with
FRONTEND = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
QUEUE_POLL_S = 0.005
MOST_FILES = 200  # of a question, and of an upload
MOST_FIELD_BYTES = 10_000  # of an upload's field that is no file
MOST_SHOWN = 100  # characters of a refused value
TOUCH_S = BROKEN_S / 3
GRADIO_SCRIPTS = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
CLOSED = re.compile(
    r"(?:^|/gradio_api)/(?:"
    r"file[=/]\s*https?:"  # fetches any public address: a proxy for strangers
    r"|proxy="
    r"|process_recording"  # gives a stranger's film to a program named ffmpeg
    r"|deep_link"  # writes a visitor's page to disk, where nothing deletes it
    r"|vibe-"  # rewrites the app
    r"|run-history"
    r")",
    re.IGNORECASE,
)


def is_closed(path: str) -> bool:
    """Check whether a request's path leads to a route that must not answer.

    Symptom: anyone may let this host fetch a public address (``file=https:``,
    ``proxy=``), start ffmpeg on their film, fill the disk with saved pages, and see the
    routes of a code editor and of a history that are not in use here. No option of
    ``launch`` leaves them out.

    Upstream: the fetching is by design, kept to public addresses (PRs 6794, 9383,
    13596); deep links came with PR 10834.
    """
    return CLOSED.search(path) is not None


class _Config(BlocksConfig):
    """The page's components, whose settings are not copied for each session."""

    @staticmethod
    def config_for_block(
        _id: int, rendered_ids: list[int], *others: Any
    ) -> dict[str, Any]:
        """Describe a component of a page; a session's copy names none as rendered."""
        if not rendered_ids:
            return {}
        return BlocksConfig.config_for_block(_id, rendered_ids, *others)

    def __copy__(self) -> _Config:
        return _config_of(super().__copy__())


def _config_of(config: BlocksConfig) -> _Config:
    """Return the same components as a ``_Config``."""
    ours = _Config(config.root_block)
    vars(ours).update(vars(config))
    return ours


class Page(gr.Blocks):
    """Blocks that keep no settings for each session, and fetch no address."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Make blocks of which a session copies no settings.

        Symptom: for each visitor and each call of the API, Gradio copies the settings
        of every component, a megabyte in 30 ms for this page. Only a deep link reads
        them, and those are closed (``is_closed``).

        Upstream: PRs 8030 and 10834 brought the copies; issues 11009 and 11602 are
        about memory that sessions keep.
        """
        super().__init__(*args, **options)
        self.default_config = _config_of(self.default_config)

    async def preprocess_data(
        self,
        block_fn: Any,
        inputs: list[Any],
        state: Any,
        explicit_call: bool = False,
    ) -> list[Any]:
        """Preprocess as Gradio does, unless an input names an address, or many files.

        Symptom: Gradio downloads a file whose ``path`` is an address, for every input
        of every event, whichever way that is called; it walks a list of any length
        before a handler can refuse it, while all others wait; and a value that is not
        among the choices, or of another kind, or names a file that is not the
        visitor's, goes to the log with a traceback, in whole, and is answered by null.

        Upstream: by design, kept to public addresses (PR 9383).
        """
        paths = list(islice(_paths(inputs), MOST_FILES + 1))
        if len(paths) > MOST_FILES:
            raise _refused(KnownError("too_many_files", most=MOST_FILES))
        if any(is_http_url_like(path) for path in paths):
            raise _refused(KnownError("not_an_upload"))
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except gr.Error as error:
            raise gr.Error(_cut(error.message), print_exception=False) from None
        except InvalidPathError:
            raise _refused(KnownError("not_an_upload")) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            value = str(inputs)[:MOST_SHOWN]
            raise _refused(KnownError("wrong_value", value=value)) from None


def _paths(value: Any) -> Iterator[object]:
    """Yield every ``path`` in what a visitor sent, at any depth."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if "path" in each:
                yield each["path"]
            waiting.extend(each.values())
        elif isinstance(each, list | tuple):
            waiting.extend(each)


def _refused(error: KnownError) -> gr.Error:
    return gr.Error(i18n.sentence(error), print_exception=False)


def _cut(text: str) -> str:
    """Shorten what quotes a visitor's value."""
    return text if len(text) <= 4 * MOST_SHOWN else f"{text[:MOST_SHOWN]} …"


class Parts(GradioMultiPartParser):
    """Gradio's reader of uploads, with bounds, which leaves nothing of a broken one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Read as Gradio does, fewer files.

        Symptom: a text of any length among the files is kept in memory; an upload that
        breaks off leaves a file of its own until it is swept up, hours later.

        Upstream: not reported.
        """
        super().__init__(*args, **{**options, "max_files": MOST_FILES})
        self._touched_at_s = time.monotonic()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Take a piece of a part; refuse a text that is too long."""
        part = self._current_part
        if part.file is None and len(part.data) + end - start > MOST_FIELD_BYTES:
            message = (
                f"A field has the maximum allowed size of {MOST_FIELD_BYTES} bytes"
            )
            raise MultiPartException(message)
        super().on_part_data(data, start, end)
        if time.monotonic() - self._touched_at_s > TOUCH_S:
            self._touch()

    def _touch(self) -> None:
        """Keep the files that are complete from being swept up as broken ones."""
        self._touched_at_s = time.monotonic()
        for file in self._files_to_close_on_error:
            with suppress(OSError):
                os.utime(file.name)

    async def parse(self) -> FormData:
        """Read the whole upload; delete its files where it ends before.

        Symptom: a file's name has %22 for ``"``, as browsers write it, and lacks any of
        ``<>:|?*$!{}``.

        Upstream: not reported.
        """
        is_whole = False
        try:
            form = await super().parse()
            for _, item in form.multi_items():
                if isinstance(item, UploadFile) and item.filename:
                    item.filename = safe_name(item.filename.replace("%22", '"'))
            is_whole = True
            return form
        finally:
            for file in [] if is_whole else self._files_to_close_on_error:
                file.close()
                Path(file.name).unlink(missing_ok=True)


def bound_uploads() -> None:
    """Let Gradio read uploads by ``Parts``."""
    vars(route_utils)["GradioMultiPartParser"] = Parts


def share_queue(demo: gr.Blocks, shares: Shares) -> None:
    """Give each visitor a share of the queue.

    Symptom: one sender of 33 small requests closes the page to all others, for as long
    as their work takes; answers that nobody reads are computed and kept; sessions that
    a stranger makes up push out everybody's.

    Upstream: ``max_size`` and concurrency limits count all visitors together.
    """
    vars(queueing)["AsyncQueue"] = Answers  # by which it is known how much is unread
    demo._queue = FairQueue.of(demo._queue, shares)


def keep_ffmpeg_out() -> None:
    """Never let Gradio hand a song to a program that it finds on this machine.

    Symptom: where ``ffmpeg`` is installed, as on a Space, ``gr.Audio`` probes and
    converts with it what it is given. ffmpeg would follow the playlists and addresses
    inside, for which ``audio.decode.ffmpeg`` has a list of formats.

    Upstream: by design since PR 2003; ``format=None`` does not switch it off.
    """
    processing_utils.ffmpeg_installed = lambda: False


def keep_pyplot_out() -> None:
    """Never let Gradio import matplotlib's windows for an event.

    Symptom: the first event of a server imports ``matplotlib.pyplot`` on the event
    loop, which keeps everybody waiting for up to a second.

    Upstream: it sets a backend around each event, for handlers that draw by pyplot;
    ours draw without it (``viz.paper``).
    """
    utils.MatplotlibBackendMananger = nullcontext  # type: ignore[misc,assignment]


def start_however_slowly() -> None:
    """Let a server that has begun to answer take its time for its first page.

    Symptom: where a busy machine needs more than three seconds for the page that Gradio
    asks itself for at launch, the start ends in "localhost is not accessible". By then
    the server has answered once, without any limit of time.

    Upstream: no option; issue 8671.
    """
    networking.url_ok = lambda url: True


def queue_of(demo: gr.Blocks) -> FairQueue:
    """Return the queue that ``share_queue`` has given to a page."""
    queue = demo._queue
    assert isinstance(queue, FairQueue)
    return queue


def poll_queue_less_often(demo: gr.Blocks) -> None:
    """Let the queue look for work every 5 ms.

    Symptom: it looks every millisecond, which takes a twentieth of a core from a server
    that nobody visits.

    Upstream: no option; issue 228 was about a whole core.
    """
    demo._queue.sleep_when_free = QUEUE_POLL_S


def keep_hidden_progress_out(demo: gr.Blocks) -> None:
    """Let what shows no progress touch no component for it.

    Symptom: each word about an event's progress, four or more an event, is written to
    every component that any event so far has had as an output, those that show none
    included: a new sound costs the browser half a second of it.

    Upstream: not reported; ``show_progress="hidden"`` only hides what is written.
    """
    for event in demo.fns.values():
        if event.show_progress == "hidden" and event.show_progress_on is None:
            event.show_progress_on = []


def spare_the_browser() -> None:
    """Serve Gradio's scripts without what they do twice or in vain.

    Symptom: a page of 730 components and 515 events takes the browser 2.5 s of
    processor before it can be used, half of it for the same tree of components
    twice, for each event asked by each component, and for searches of that tree whose
    result is not read (``gradio_scripts``).

    Upstream: not reported; PR 5279 spared the same kind of work once.
    """
    scripts = gradio_scripts.changed_scripts(GRADIO_SCRIPTS)

    def file_response(folder: Any, path: Any) -> Response:
        script = scripts.get(path) if Path(folder) == GRADIO_SCRIPTS else None
        return script.response() if script else route_utils.file_response(folder, path)

    vars(routes)["file_response"] = file_response


def type_mcp_answers(demo: gr.Blocks, options: dict[str, Any]) -> dict[str, Any]:
    """Make a page an MCP server with typed answers, before it is launched.

    Symptom: Gradio's tools have no output schema and answer in Python's notation; files
    that were uploaded to this host are refused; a stranger's call arrives as if it came
    from this machine (``mcp.ToolServer``, which overrides methods of Gradio's server).

    Upstream: PR 10984 brought the server; ``gr.mcp.tool(structured_output=True)`` wraps
    the same text.

    Args:
        demo: the page.
        options: for its ``launch``.

    Returns:
        The options with what the server needs. ``mcp_server=True`` is not among them:
        with it Gradio would put a server of its own in the place of this one.
    """
    server = ToolServer(demo)
    demo.mcp_server, demo.mcp_server_obj = True, server
    app_kwargs = {**options["app_kwargs"], "lifespan": server.lifespan}
    return {**options, "app_kwargs": app_kwargs}


def language_script(language: str) -> str:
    """Return a script that gives the browser a language, to run before Gradio's.

    Symptom: Gradio picks among its own locales by the browser's exact tag: ``zh``,
    ``zh-HK`` and ``zh-Hant-TW`` read English. And it cannot be given a choice.

    Upstream: issue 11087 (open); PR 11047 brought texts of one's own.
    """
    return _script("language").replace("LANGUAGE", language)


def storage_script() -> str:
    """Return a script that gives a page storage where the browser forbids its own.

    Symptom: ``gr.BrowserState`` asks for ``localStorage`` without a doubt; where that
    is forbidden (a strict window, a company's policy) it raises, and the parts of the
    page that come after it never work.

    Upstream: not reported.
    """
    return _script("storage")


def stream_script() -> str:
    """Return a script that keeps answers coming when their stream ends.

    Symptom: the server ends a page's stream once it owes no answer. An event that is
    sent while that end is on its way finds the stream still open; its answer waits for
    the page to send another event.

    Upstream: not reported; relatives were mended in PRs 7926, 11432 and 13333.
    """
    return _script("stream")


def status_script() -> str:
    """Return a script that keeps the status of an event from its inputs.

    Symptom: an event that has ended notes the status of its inputs, as those of a stream,
    and each later event's progress is written to all that are noted: after some sounds,
    a hundred components, the player and the lessons' knobs among them, four times an
    event. A third of what the browser does for a new sound.

    Upstream: not reported.
    """
    (file,) = FRONTEND.glob("statustracker-*.js")
    return _script("status").replace("STATUS", file.name)


def dropdown_script() -> str:
    """Return a script that closes the list of ``gr.Dropdown`` when focus leaves it.

    Symptom: with Tab the list closes and opens again at once; it stays over the page,
    and a scrap of it over another tab.

    Upstream: not reported.
    """
    return _script("dropdown")


def toast_script() -> str:
    """Return a script that takes the errors of the last try away at the next one.

    Symptom: an error stays for ten seconds, beside the answer of a try that succeeded.

    Upstream: by design; only the duration can be chosen.
    """
    return _script("toast")


def slider_script() -> str:
    """Return a script that lets the keys of a ``gr.Slider`` release it as well.

    Symptom: ``release`` comes from a pointer only; a slider that is moved by its arrow
    keys triggers nothing.

    Upstream: not reported.
    """
    return _script("slider")


def player_script() -> str:
    """Return the script of ``gr.Audio``: the microphone's errors and level.

    Symptom: nothing is shown where the microphone is refused, missing or busy.

    Upstream: PR 2330 once showed the error (issue 2325; PR 5794 shows one where there
    are no media devices at all).
    """
    return _script("player")


def _script(name: str) -> str:
    return Path(__file__).with_name(f"{name}.js").read_text("utf-8")
