"""Gradio's scripts for the browser, without what they do twice or in vain.

Each change is a piece of text that stands in one script of the Gradio that this was
written for. Where it is not found, the script is served as it is: the page works as
before, and opens later.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from starlette.responses import Response

ENCODING = "utf-8"


@dataclass(frozen=True)
class Change:
    """What stands for what in a script.

    Attributes:
        script: the script's name, its hash as a pattern.
        old: text that stands in it once.
        new: text that does the same.
    """

    script: str
    old: str
    new: str


# The tree of components is built, then built anew as soon as it is shown: that is for
# an app whose file was edited meanwhile (``reload_count``), 0 at first.
BUILD_ONCE = Change(
    "Blocks-*.js",
    "v(),oe(()=>{O.reload(",
    "v()&&oe(()=>{O.reload(",
)
# Settings and events are read, never written: without Svelte's proxies.
READ_PLAINLY = Change(
    "Index-*.js",
    "resolve app config`);R(M,S(G).get_url_config(),!0)",
    "resolve app config`);R(M,S(G).get_url_config())",
)
# Each component asked each event whether it is about this component.
LIST_EVENTS_ONCE = Change(
    "core-*.js",
    "find_attached_events(e,t){let n=t.filter(t=>t.targets.find(([t])=>t===e.id))"
    ".map(t=>{let n=t.targets.find(([t])=>t===e.id);return n?n[1]:null})"
    ".filter(Boolean);return e.props.shared_props.attached_events=n,e}",
    "find_attached_events(e,t){if(this.listed!==t){this.listed=t,this.events=new Map;"
    "for(let e of t)for(let[t,n]of new Map([...e.targets].reverse()))"
    "n&&(this.events.get(t)??this.events.set(t,[]).get(t)).push(n)}"
    "return e.props.shared_props.attached_events=this.events.get(e.id)??[],e}",
)
# For each component of each event the whole tree was searched, for nothing where the
# event gives it no settings of its own, ...
GIVE_NOTHING_TO_NOBODY = Change(
    "Blocks-*.js",
    "async set_event_args(e,t){let",
    "async set_event_args(e,t){if(!Object.keys(t).length)return()=>{};let",
)
# ... and for nothing where the component answers for itself.
ASK_BEFORE_SEARCHING = Change(
    "core-*.js",
    "let t=this.#s.get(e),n=Z(this.root,e);return!t&&!n?null:t?await t():",
    "let t=this.#s.get(e),n=t||Z(this.root,e);return!t&&!n?null:t?await t():",
)
CHANGES = (
    BUILD_ONCE,
    READ_PLAINLY,
    LIST_EVENTS_ONCE,
    GIVE_NOTHING_TO_NOBODY,
    ASK_BEFORE_SEARCHING,
)


def changed(name: str, text: str) -> str:
    """Return a script with all changes that fit; without any, the same text."""
    for change in CHANGES:
        if Path(name).match(change.script) and text.count(change.old) == 1:
            text = text.replace(change.old, change.new)
    return text


@dataclass(frozen=True)
class Script:
    """A changed script, ready to be sent.

    Attributes:
        content: its text, encoded.
        modified: when the file was installed, as HTTP writes it.
    """

    content: bytes
    modified: str

    def response(self) -> Response:
        """Answer as Gradio does with a file, by the hash of what is sent.

        What compresses an answer writes into its headers: each request has its own.
        """
        digest = hashlib.sha256(self.content).hexdigest()
        headers = {"etag": f'"{digest[:32]}"', "last-modified": self.modified}
        return Response(self.content, headers=headers, media_type="text/javascript")


def changed_scripts(folder: Path) -> dict[str, Script]:
    """Read the scripts of a folder that are changed, by their names."""
    found = {}
    for path in sorted({p for each in CHANGES for p in folder.glob(each.script)}):
        old = path.read_text(ENCODING)
        new = changed(path.name, old)
        if new != old:
            modified = formatdate(path.stat().st_mtime, usegmt=True)
            found[path.name] = Script(new.encode(ENCODING), modified)
    return found
