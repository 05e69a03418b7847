"""Set how this process behaves: memory, garbage collection, threads, shared imports.

It imports no other module of the project. What is set by environment variables
before Python starts a library is in ``settings.prepare_environment``.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

M_ARENA_MAX, N_ARENAS = -8, 2  # of malloc.h; one song is classified, one is decoded
PR_SET_DUMPABLE = 4  # of linux/prctl.h
NICENESS = 10  # a tenth of the processor where a run wants all of it
_IMPORTING = threading.RLock()
SWITCH_INTERVAL_S = 0.001  # a request does not wait 5 ms while a picture is computed


@contextmanager
def importing() -> Iterator[None]:
    """Import without garbage collection, which takes half a second and finds nothing.

    What was imported stays, so it is left out of later collections as well.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def freeze() -> None:
    """Leave all objects of now out of later garbage collections: they stay."""
    gc.freeze()


def switch_threads_often() -> None:
    """Let waiting threads run after 1 ms, not 5: a server answers many at a time."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def settle() -> None:
    """Wait until torch and transformers are whole.

    Call it before you import transformers or ``datasets``. One thread imports, the
    others wait: who imports a part of torch while another thread imports torch gets of
    it what is there by then.

    At the end of its import transformers puts another module in its own place. Python's
    ``import`` gives a thread that had to wait for that end the module of before, with
    nothing in it; ``importlib`` looks again. ``datasets`` imports transformers in the
    middle of its work, as soon as another thread has begun to.
    """
    with _IMPORTING:
        importlib.import_module("torch")
        importlib.import_module("transformers")


def limit_arenas() -> None:
    """Let all threads share two arenas of memory, where the C library is glibc.

    By default it keeps one for every thread, up to eight a core, and what a visitor's
    song has taken in one is of no use to the next visitor's, in another.

    Source: mallopt(3), M_ARENA_MAX.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # musl has none
        library.mallopt(M_ARENA_MAX, N_ARENAS)


def trim_memory() -> None:
    """Return to the system the free memory between what is in use.

    Inference leaves holes of all sizes, of which the C library fills few: memory would
    grow by 100 kB a window, 40 MB in half an hour of song.

    Source: malloc_trim(3), of glibc.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


def hide_memory() -> None:
    """Let no other program of this user look into this process's memory or environment.

    Source: prctl(2), PR_SET_DUMPABLE.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def lower_priority() -> None:
    """Let others compute first: than this thread, and than those that it starts."""
    if sys.platform == "linux":  # elsewhere it would be the whole process
        niceness = max(os.getpriority(os.PRIO_PROCESS, 0), NICENESS)
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
