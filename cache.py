"""Cache computed or loaded values, up to a size and an age, for many threads."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True)
class _Entry(Generic[V]):
    value: V
    size: int
    put_at_s: float


@dataclass
class Cache(Generic[K, V]):
    """Hold values by key, none of them None; the least recently used leave first.

    The value put last stays, whatever its size: it is in use. cachetools refuses such
    a value, has no lock, and either a size with an order of use or an age.

    Attributes:
        max_size: of all values together, as ``size_of`` counts.
        size_of: counts one value, when it is put; by default each counts as 1.
        max_age_s: after which a value is computed anew; None for never.
        clock: seconds that never go back.
    """

    max_size: int
    size_of: Callable[[V], int] = lambda _: 1
    max_age_s: float | None = None
    clock: Callable[[], float] = time.monotonic
    _entries: OrderedDict[K, _Entry[V]] = field(default_factory=OrderedDict, init=False)
    _computing: dict[K, threading.Lock] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def get(self, key: K) -> V | None:
        """Return the value of a key and count that as a use; None where there is none."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            age_s = self.clock() - entry.put_at_s
            if self.max_age_s is not None and age_s >= self.max_age_s:
                return None
            self._entries.move_to_end(key)
            return entry.value

    def put(self, key: K, value: V) -> None:
        """Keep a value, and drop the least recently used ones to make room for it."""
        entry = _Entry(value, self.size_of(value), self.clock())
        with self._lock:
            self._entries[key] = entry
            self._entries.move_to_end(key)
            size = sum(each.size for each in self._entries.values())
            while size > self.max_size and len(self._entries) > 1:
                size -= self._entries.popitem(last=False)[1].size

    def compute(self, key: K, function: Callable[[], V]) -> V:
        """Return the value of a key; where there is none, call the function for it.

        Threads that ask for the same key meanwhile wait for that one call. What it
        raises goes to its caller, and the next one calls it again.
        """
        value = self.get(key)
        if value is not None:
            return value
        with self._lock:
            lock = self._computing.setdefault(key, threading.Lock())
        try:
            with lock:
                value = self.get(key)
                if value is None:
                    value = function()
                    self.put(key, value)
                return value
        finally:
            with self._lock:
                if self._computing.get(key) is lock:
                    del self._computing[key]

    def items(self) -> list[tuple[K, V]]:
        """List keys and values of now, the least recently used first."""
        with self._lock:
            return [(key, entry.value) for key, entry in self._entries.items()]

    @property
    def size(self) -> int:
        """Sum the sizes of all values."""
        with self._lock:
            return sum(entry.size for entry in self._entries.values())
