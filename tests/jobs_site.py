"""A pretended GitHub in a SQLite file, which outlives the processes that write to it.

heads    what each pull request's head is now
writes   what was posted, in order, never deleted: a test counts them
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from github_app.jobs.performing import Stop
from github_app.types import CommandTask, PullRequestRef, RepositoryRef, ReviewTask, Task

SCHEMA = """
    CREATE TABLE IF NOT EXISTS heads (pull TEXT PRIMARY KEY, head TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS writes (
        id INTEGER PRIMARY KEY, pull TEXT NOT NULL, head TEXT NOT NULL, what TEXT NOT NULL);
"""


class Site:
    """Every call is its own connection: nothing is held where a process may be killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)

    def push(self, pull: PullRequestRef, head: str) -> None:
        with self._open() as connection:
            connection.execute("REPLACE INTO heads VALUES (?, ?)", (pull.key, head))

    def head(self, pull: PullRequestRef) -> str | None:
        with self._open() as connection:
            row = connection.execute("SELECT head FROM heads WHERE pull = ?", (pull.key,))
            return next((each[0] for each in row), None)

    def has(self, pull: PullRequestRef, head: str, what: str) -> bool:
        with self._open() as connection:
            rows = connection.execute(
                "SELECT 1 FROM writes WHERE pull = ? AND head = ? AND what = ?",
                (pull.key, head, what),
            )
            return rows.fetchone() is not None

    def write(self, pull: PullRequestRef, head: str, what: str) -> None:
        with self._open() as connection:
            connection.execute(
                "INSERT INTO writes (pull, head, what) VALUES (?, ?, ?)", (pull.key, head, what)
            )

    def writes(self) -> list[tuple[str, str, str]]:
        with self._open() as connection:
            return connection.execute("SELECT pull, head, what FROM writes ORDER BY id").fetchall()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=30)
        try:
            with connection:
                yield connection
        finally:
            connection.close()


def pull(number: int, installation: int = 1) -> PullRequestRef:
    return PullRequestRef(installation, RepositoryRef(7, "owner", "name"), number)


class Performing:
    """Reviews as the app does: looks, scores, looks for its mark, writes. Each takes a while, so
    that a kill finds it anywhere, and two at once would write twice.
    """

    def __init__(
        self, site: Site, scoring: float = 0.15, writing: float = 0.03, *, deaf: bool = False
    ) -> None:
        """scoring, writing: seconds. deaf: does not stop when told to."""
        self._site = site
        self._scoring = scoring
        self._writing = writing
        self._deaf = deaf

    def __call__(self, task: Task, stop: Stop) -> None:
        if isinstance(task, CommandTask):
            self._write_once(task.pull, str(task.comment_id), "answer")
        if not isinstance(task, ReviewTask) or self._site.head(task.pull) != task.head_sha:
            return
        until = time.monotonic() + self._scoring
        while time.monotonic() < until:
            if stop() and not self._deaf:
                return
            time.sleep(0.02)
        if self._site.head(task.pull) == task.head_sha:
            for what in ("review", "check"):
                self._write_once(task.pull, task.head_sha, what)

    def _write_once(self, pull: PullRequestRef, head: str, what: str) -> None:
        if not self._site.has(pull, head, what):
            time.sleep(self._writing)  # GitHub's answer is on its way
            self._site.write(pull, head, what)
            time.sleep(self._writing)
