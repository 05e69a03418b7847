"""Libraries that several threads of a server may be the first to import.

It stands below the rooms, because audio, trainer and classifier all need it.
"""

import importlib


def settle() -> None:
    """Wait until transformers is whole; to be called before it or ``datasets`` is used.

    At the end of its import transformers puts another module in its own place. Python's
    ``import`` gives a thread that had to wait for that end the module of before, with
    nothing in it; ``importlib`` looks again. ``datasets`` imports transformers in the
    middle of its work, as soon as another thread has begun to.
    """
    importlib.import_module("transformers")
