"""The ceilings of memory that SECURITY.md states are those that the code keeps."""

import re

from app import limits_of
from audio.decode.pool import Bounds
from classifier.models import MAX_KEPT_BYTES
from settings import Settings
from support.places import ROOT
from ui.player.clips import SHELF_BYTES
from ui.scene import KEPT_BYTES
from ui.server import bounds, fair_queue, prepared

CEILINGS = {
    "pages remembered": fair_queue.MOST_SESSIONS,
    "decoded sounds": SHELF_BYTES,
    "transforms for pictures": KEPT_BYTES,
    "loaded models": MAX_KEPT_BYTES,
    "answers that nobody reads, of one page": fair_queue.MOST_UNREAD_BYTES,
    "answers that nobody reads, of all pages": fair_queue.MOST_ALL_UNREAD_BYTES,
    "prepared pages": prepared.MOST_BYTES,
    "questions that wait": fair_queue.MOST_WAITING,
    "one question, as text": bounds.MAX_BYTES,
    "one decoding process, of two": Bounds().memory_bytes,
}
UNITS = {"": 1, "kB": 10**3, "MB": 10**6}


def stated():
    """Read the table of SECURITY.md: a number for each thing that is kept."""
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([\d,]+) ?(kB|MB|) \|$", text, re.MULTILINE)
    return {
        what: int(number.replace(",", "")) * UNITS[unit] for what, number, unit in rows
    }


def test_security_md_states_every_ceiling_as_it_is():
    assert stated() == CEILINGS


def test_uploads_are_decoded_by_two_processes_within_their_bounds():
    pool = limits_of(Settings()).decoder
    assert pool._bounds == Bounds()
    assert Settings.n_readers == pool._turns._value == 2
