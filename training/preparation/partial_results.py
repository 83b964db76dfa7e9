"""Keeps what was expensive to compute, by content, so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from review_core.errors import InputError


class PartialResults:
    """Values by the text they were computed of and by how: an SQLite file, written by batches."""

    def __init__(self, path: Path) -> None:
        """:raises InputError: if the file is none of ours."""
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None)
        try:
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS results (key BLOB PRIMARY KEY, value BLOB)"
                " WITHOUT ROWID"
            )
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise InputError(f"{path} is no file of partial results; remove it") from error

    def __enter__(self) -> PartialResults:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def get(
        self, how: str, texts: Sequence[str], compute: Callable[[list[str]], Sequence[bytes]]
    ) -> list[bytes]:
        """The value of each text, computed (and kept) for those that have none yet.

        :param how: all that the value depends on besides the text.
        """
        keys = [
            hashlib.blake2b(f"{how}\0{text}".encode(), digest_size=16).digest() for text in texts
        ]
        found = self._found(keys)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            values = compute(list(missing.values()))
            new = list(zip(missing, values, strict=True))
            self._database.execute("BEGIN")
            self._database.executemany("INSERT OR REPLACE INTO results VALUES (?, ?)", new)
            self._database.execute("COMMIT")
            found.update(new)
        return [found[key] for key in keys]

    def _found(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            found.update(
                self._database.execute(
                    f"SELECT key, value FROM results WHERE key IN ({marks})", some
                ).fetchall()
            )
        return found


_AT_ONCE = 500
