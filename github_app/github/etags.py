"""Remembers answers with their ETags: GitHub does not count a question whose answer is the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

_MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer. next_page: where the Link header pointed; size: of the body, in bytes."""

    etag: str
    body: Any
    next_page: str | None
    size: int


class Etags:
    """The answers used last, in memory, up to a size. For several threads.

    A key names who asked, too: what one installation may see is not another's.
    """

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[str, str]) -> Kept | None:
        """What was kept under a key."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
            return kept

    def keep(self, key: tuple[str, str], answer: Kept) -> None:
        """Keep an answer in place of an older one; what was not used for longest goes."""
        with self._lock:
            self._drop(key)
            if answer.size > self._max_bytes:
                return
            self._kept[key] = answer
            self._bytes += answer.size
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: tuple[str, str]) -> None:
        kept = self._kept.pop(key, None)
        self._bytes -= kept.size if kept else 0
