"""Real sounds beside the computed ones: librosa's example recordings, fetched once.

The tutorial's trumpet is one of them. They are downloaded in the background after the
server has started, where it may use the network, and offered once they are here; none is
part of this project, and the bundled model did not learn from them.

Source: https://librosa.org/doc/latest/recordings.html; checksums as in librosa's own
registry, licences as in the text file beside each recording.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

MAX_BYTES = 4_000_000  # of a recording; the longest has less than half
ANSWER_TIMEOUT_S = 10.0  # between two pieces of an answer
PATIENCE_S = 300.0  # for a whole file
BY_3 = ("CC BY 3.0", "https://creativecommons.org/licenses/by/3.0/")
PUBLIC = ("Public Domain", "https://creativecommons.org/publicdomain/mark/1.0/")


@dataclass(frozen=True)
class Recording:
    """A recording with its credit.

    Attributes:
        id: librosa's key, and the name in the locales, section ``examples``.
        file: its name on the server.
        sha256: of the file.
        title: what its makers call it.
        artist: who they are.
        source: address where it was published.
        licence: its name and its address.
    """

    id: str
    file: str
    sha256: str
    title: str
    artist: str
    source: str
    licence: tuple[str, str]


RECORDINGS = (
    Recording(
        "trumpet",
        "sorohanro_-_solo-trumpet-06.ogg",
        "8374466fd3951d24509da6e799b132a0db0bdeda69d99c69d989a6888d3d727d",
        "Jazz Trumpet Loops Pack in F 90 bpm",
        "Mihai Sorohan",
        "https://freesound.org/s/77711/",
        BY_3,
    ),
    Recording(
        "vibeace",
        "Kevin_MacLeod_-_Vibe_Ace.ogg",
        "6c23aed3dd5aa57f2b1652ecab68d15d9b82ad257f54e639eb2880ca09bc118a",
        "Vibe Ace",
        "Kevin MacLeod",
        "https://freemusicarchive.org/music/Kevin_MacLeod/Jazz_Sampler/Vibe_Ace",
        BY_3,
    ),
    Recording(
        "fishin",
        "Karissa_Hobbs_-_Lets_Go_Fishin.ogg",
        "27b3667c396c1831511aa3c415fcf582b6e8be560cafb844c5b67b76b72c1cb3",
        "Let's Go Fishin'",
        "Karissa Hobbs",
        "https://freemusicarchive.org/music/Karissa_Hobbs/Age_of_Flowers/"
        "09_Lets_Go_Fishin",
        BY_3,
    ),
    Recording(
        "brahms",
        "Hungarian_Dance_number_5_-_Allegro_in_F_sharp_minor_(string_orchestra).ogg",
        "919b48aa4cc66a0357d2cd5728664c5ab8f15c4b3469460df4b59470d35d3e49",
        "Hungarian Dance No. 5",
        "Johannes Brahms / US Army Strings",
        "https://musopen.org/music/"
        "43805-hungarian-dance-no-5-in-f-sharp-minor-woo-1-string-orchestra-arr/",
        PUBLIC,
    ),
)
BY_ID = {each.id: each for each in RECORDINGS}


def file_of(id: str, folder: Path) -> Path:
    """Return where a recording is, or will be, in the folder of the built-in sounds."""
    return folder / f"genrescope-{id}.ogg"


def is_here(id: str, folder: Path) -> bool:
    """Return whether a recording has been fetched."""
    return id in BY_ID and file_of(id, folder).is_file()


def start(address: str, folder: Path, on_new: Callable[[], None]) -> threading.Thread:
    """Fetch in the background what is not here, each once; the next start tries again.

    Args:
        address: of the server's folder, with a slash at its end.
        folder: of the built-in sounds.
        on_new: is called after each recording that came.
    """

    def run() -> None:
        for recording in RECORDINGS:
            if not is_here(recording.id, folder) and fetch(recording, address, folder):
                on_new()

    thread = threading.Thread(target=run, name="recordings", daemon=True)
    thread.start()
    return thread


def fetch(recording: Recording, address: str, folder: Path) -> bool:
    """Download a recording; tell whether it came whole. If not, nothing is left of it."""
    from httpx2 import HTTPError, InvalidURL

    try:
        content = _downloaded(address + recording.file)
    except (HTTPError, InvalidURL, OSError) as error:
        log.info("%s did not come: %s", recording.file, type(error).__name__)
        return False
    if hashlib.sha256(content).hexdigest() != recording.sha256:
        log.info("%s is not what it was", recording.file)
        return False
    path = file_of(recording.id, folder)
    unfinished = path.with_suffix(f".{secrets.token_hex(4)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:  # a full disk, for one
        unfinished.unlink(missing_ok=True)
        log.info("%s was not saved: %s", recording.file, type(error).__name__)
        return False
    return True


def _downloaded(url: str) -> bytes:
    """Read an answer into memory, where a broken one leaves nothing on the disk."""
    import httpx2

    content, deadline = bytearray(), time.monotonic() + PATIENCE_S
    with httpx2.stream(
        "GET", url, timeout=ANSWER_TIMEOUT_S, follow_redirects=True
    ) as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            content += piece
            if len(content) > MAX_BYTES or time.monotonic() > deadline:
                raise OSError("too long")
    return bytes(content)
