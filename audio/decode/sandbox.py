"""Take from this process, for ever, what decoding does not need, where the kernel can.

What is left to a decoder that a file has taken over: memory, Python's own files, those
of the folders that it decodes from whose names it knows, and the pipe to its server. It
can write no file, list no folder of a visitor, open no connection, start no program, and
neither signal nor look into another process.

Sources: landlock(7), seccomp(2), and the kernel's headers of both.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every processor
RULESET_VERSION, PATH_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
UNREAD = ("proc", "sys")  # other processes, and the machine
SYSTEM = ("usr", "lib", "lib64")  # libraries
SINGLE = ("/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom")
REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))  # of files, links and folders
REFER, TRUNCATE = 1 << 13, 1 << 14  # since versions 2 and 3
BIND_AND_CONNECT = 3  # of TCP, since version 4
SOCKETS_AND_SIGNALS = 3  # of other processes, since version 6

ALLOW, FAIL = 0x7FFF0000, 0x00050000  # a filter's answers; FAIL with an error number
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # its operations
NUMBER_AT, ARCHITECTURE_AT, FLAGS_AT = 0, 4, 16  # in what it is given
CLONE_THREAD = 0x10000
X32 = 0x40000000  # another way to name the same calls on x86-64
# Of an architecture: its number, clone, clone3, and what is refused: socket, socketpair,
# connect, execve, execveat, ptrace, process_vm_readv and _writev, pidfd_open, bpf,
# io_uring_setup; fork and vfork where there are any.
CALLS = {
    "x86_64": (
        0xC000003E, 56, 435,
        (41, 53, 42, 59, 322, 101, 310, 311, 434, 321, 425, 57, 58),
    ),
    "aarch64": (
        0xC00000B7, 220, 435,
        (198, 199, 203, 221, 281, 117, 270, 271, 434, 280, 425),
    ),
}  # fmt: skip


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("n_steps", ctypes.c_uint16), ("steps", ctypes.POINTER(_Step)))


def enter(readable: Sequence[Path] | None = None) -> None:
    """Give up all that; where the kernel lacks a part, the rest is given up.

    Args:
        readable: files, or folders with files, that are all it may read besides what
            Python needs; without it, whatever the user may read.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _restrict_files(library, readable)
    _filter_calls(library)


def _restrict_files(library: ctypes.CDLL, readable: Sequence[Path] | None) -> None:
    """Take every right to change a file, and that to read what is not needed."""
    version = library.syscall(CREATE_RULESET, None, 0, RULESET_VERSION)
    if version < 1:
        return
    rules = _Ruleset(EXECUTE | WRITE_FILE | READ_FILE | READ_DIR | REMOVE_AND_MAKE)
    rules.handled_access_fs |= REFER if version >= 2 else 0
    rules.handled_access_fs |= TRUNCATE if version >= 3 else 0
    rules.handled_access_net = BIND_AND_CONNECT if version >= 4 else 0
    rules.scoped = SOCKETS_AND_SIGNALS if version >= 6 else 0
    size = ctypes.sizeof(rules) if version >= 6 else 16 if version >= 4 else 8
    ruleset = library.syscall(CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return
    for path, rights in _reading(readable):
        try:
            parent = os.open(path, os.O_PATH)
        except OSError:  # a link to nothing
            continue
        rights &= ~READ_DIR if not path.is_dir() else ~0
        rule = _Beneath(rights, parent)
        library.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0)
        os.close(parent)
    library.syscall(RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _reading(readable: Sequence[Path] | None) -> Iterator[tuple[Path, int]]:
    """Yield what may be read, with its rights."""
    both = READ_FILE | READ_DIR
    if readable is None:
        yield from ((p, both) for p in Path("/").iterdir() if p.name not in UNREAD)
        return
    named = (sys.prefix, sys.base_prefix, sys.exec_prefix, *filter(None, sys.path))
    for path in (*map(Path, named), *(Path("/", name) for name in SYSTEM)):
        if not ROOT.is_relative_to(path.resolve()):  # in which runs and uploads may lie
            yield path, both
    yield ROOT / "audio", both
    single = (*map(Path, SINGLE), *ROOT.glob("*.py"), *readable)
    yield from ((path, READ_FILE) for path in single)


def _filter_calls(library: ctypes.CDLL) -> None:
    """Let the calls fail that lead out of this process."""
    if platform.machine() not in CALLS:
        return
    steps = _steps(*CALLS[platform.machine()])
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    library.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)


def _steps(
    architecture: int, clone: int, clone3: int, refused: tuple[int, ...]
) -> list[_Step]:
    """Write the filter: a new thread may start, a new process may not.

    The C library falls back to ``clone``, whose flags a filter can read, where
    ``clone3`` is unknown.
    """
    end = [
        _Step(RETURN, 0, 0, ALLOW),
        _Step(RETURN, 0, 0, FAIL | errno.EPERM),
        _Step(RETURN, 0, 0, FAIL | errno.ENOSYS),
        _Step(LOAD, 0, 0, FLAGS_AT),
        _Step(ANY_BIT, 0, 1, CLONE_THREAD),
        _Step(RETURN, 0, 0, ALLOW),
        _Step(RETURN, 0, 0, FAIL | errno.EPERM),
    ]
    refuse, unknown, flags = 1, 2, 3  # places in the end
    tests = [(AT_LEAST, X32, refuse), (EQUAL, clone3, unknown), (EQUAL, clone, flags)]
    tests += [(EQUAL, call, refuse) for call in refused]
    # Each jump counts the steps between: the rest of the tests, then those of the end.
    n_after = [len(tests) - 1 - n for n in range(len(tests))]
    return [
        _Step(LOAD, 0, 0, ARCHITECTURE_AT),
        _Step(EQUAL, 0, len(tests) + 1 + refuse, architecture),
        _Step(LOAD, 0, 0, NUMBER_AT),
        *(
            _Step(operation, left + to, 0, value)
            for (operation, value, to), left in zip(tests, n_after, strict=True)
        ),
        *end,
    ]
