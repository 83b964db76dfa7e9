"""Remembers rewards on disk, by content: same bundle, same tokens, same rewards. Never a reason for
a review to fail.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from review_core.layout import TokenSequence

log = logging.getLogger(__name__)

_SCHEMA_VERSION = 1
_KEYS_A_QUERY = 500  # below SQLite's oldest limit on parameters
_WAIT_SECONDS = 5.0


def default_cache_path() -> Path:
    """The user's cache of rewards."""
    from platformdirs import user_cache_path

    return user_cache_path("themis-review") / "rewards.sqlite"


def cache_key(scoring_sha256: str, sequence: TokenSequence) -> bytes:
    """What a reward depends on: what computes it, the tokens (a criterion's prompt is among them)
    and which of them are code.

    :param scoring_sha256: as `Scorer.scoring_sha256` gives it.
    """
    digest = hashlib.sha256(scoring_sha256.encode())
    digest.update(array("q", (*sequence.code, *sequence.ids)).tobytes())
    return digest.digest()


class RewardCache:
    """A SQLite file that several processes may share.

    A file that is damaged, locked for long or not writable is reported once through `logging`, and
    from then on nothing is remembered.
    """

    def __init__(
        self, path: Path, *, max_bytes: int = 64 * 2**20, clock: Callable[[], float] = time.time
    ) -> None:
        """Open or make the cache at `path`.

        :param max_bytes: size from which the entries used longest ago are dropped.
        :param clock: seconds, for the order of use.
        """
        self._path = path
        self._max_bytes = max_bytes
        self._clock = clock
        self._working = True
        with self._tolerated(), self._connection() as database:
            self._prepare(database)

    @property
    def working(self) -> bool:
        """False once something went wrong."""
        return self._working

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The rewards (heads,) of those keys that are known."""
        found: dict[bytes, NDArray[np.float32]] = {}
        with self._tolerated(), self._connection() as database:
            for start in range(0, len(keys), _KEYS_A_QUERY):
                part = keys[start : start + _KEYS_A_QUERY]
                marks = ",".join("?" * len(part))
                rows = database.execute(
                    f"SELECT key, value FROM rewards WHERE key IN ({marks})", part
                )
                found |= {key: np.frombuffer(value, "<f4") for key, value in rows}
            now = self._clock()
            with database:
                database.executemany(
                    "UPDATE rewards SET used = ? WHERE key = ?", [(now, key) for key in found]
                )
        return found

    def put_many(self, rewards: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Remember rewards; the entries used longest ago go when there are too many."""
        now = self._clock()
        entries = [
            (key, np.ascontiguousarray(value, "<f4").tobytes(), now)
            for key, value in rewards.items()
        ]
        with self._tolerated(), self._connection() as database, database:
            database.executemany("INSERT OR REPLACE INTO rewards VALUES (?, ?, ?)", entries)
            self._evict(database)

    def clear(self) -> None:
        """Forget everything."""
        with self._tolerated(), self._connection() as database, database:
            database.execute("DELETE FROM rewards")

    def _evict(self, database: sqlite3.Connection) -> None:
        used = _used_bytes(database)
        if used <= self._max_bytes:
            return
        (count,) = database.execute("SELECT count(*) FROM rewards").fetchone()
        # A tenth more than needed, so that not every write has to evict. Freed pages are used
        # again.
        drop = min(count, int(count * (1 - 0.9 * self._max_bytes / used)) + 1)
        database.execute(
            "DELETE FROM rewards WHERE key IN (SELECT key FROM rewards ORDER BY used, key LIMIT ?)",
            (drop,),
        )

    def _prepare(self, database: sqlite3.Connection) -> None:
        database.execute("PRAGMA journal_mode = WAL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in (0, _SCHEMA_VERSION):
            raise sqlite3.DatabaseError(f"its layout is of another version ({version})")
        with database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS rewards "
                "(key BLOB PRIMARY KEY, value BLOB NOT NULL, used REAL NOT NULL) WITHOUT ROWID"
            )
            database.execute("CREATE INDEX IF NOT EXISTS rewards_by_use ON rewards (used)")
            database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own for every operation: safe in any thread and after a fork."""
        if not self._working:
            raise _NotWorkingError
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as database:
            database.execute(
                "PRAGMA synchronous = NORMAL"
            )  # losing the last entries costs time only
            yield database

    @contextmanager
    def _tolerated(self) -> Iterator[None]:
        """Without the cache a review is slower, never wrong."""
        try:
            yield
        except _NotWorkingError:
            return
        except (sqlite3.Error, OSError) as error:
            self._working = False
            log.warning(
                "the reward cache %s cannot be used (%s); going on without it. "
                "If this stays, remove the file.",
                self._path,
                error,
            )


class _NotWorkingError(Exception):
    """The cache gave up earlier."""


def _used_bytes(database: sqlite3.Connection) -> int:
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    (free,) = database.execute("PRAGMA freelist_count").fetchone()
    (size,) = database.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * size)
