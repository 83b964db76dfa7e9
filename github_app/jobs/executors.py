"""Which worker processes live: each beats its heart in the database, and others watch.

No clock is compared with another: a watcher notes by its own when a count last grew.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from github_app.database import Database, StoreError, executors, leases

DEAD_AFTER_SECONDS = 20.0
BEAT_SECONDS = 2.0
WATCH = "watch"  # the duty of looking after the others


def new_executor_id() -> str:
    """A name that no other process ever has; host and process are in it for people."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Heart:
    """One worker's sign of life."""

    def __init__(
        self, database: Database, executor: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._executor = executor
        self._monotonic = monotonic
        self._last = monotonic()

    def start(self) -> None:
        """Be known to live; before any work is taken, since who is not known is dead."""
        row = {"executor": self._executor, "beats": 0, "beat_at": time.time()}
        with self._database.writing() as connection:
            connection.execute(sa.insert(executors).values(row))
        self._last = self._monotonic()

    def beat(self) -> bool:
        """Show that we live; False if others took us for dead: then we must end."""
        asked_at = self._monotonic()
        with self._database.writing() as connection:
            ours = connection.execute(
                sa.update(executors)
                .where(executors.c.executor == self._executor)
                .values(beats=executors.c.beats + 1, beat_at=time.time())
            )
        if ours.rowcount == 1:
            self._last = asked_at
        return bool(ours.rowcount == 1)

    def is_fresh(self) -> bool:
        """False where we were silent for so long (a suspended machine) that we may be buried."""
        return self._monotonic() - self._last < DEAD_AFTER_SECONDS

    def stop(self) -> None:
        """Be known to be gone."""
        bury(self._database, self._executor)


def bury(database: Database, executor: str) -> None:
    """Make it known that a worker is dead, for whoever is certain; its watch goes to another."""
    watch = sa.and_(leases.c.duty == WATCH, leases.c.holder == executor)
    with database.writing() as connection:
        connection.execute(sa.delete(executors).where(executors.c.executor == executor))
        connection.execute(sa.delete(leases).where(watch))


class Watch:
    """Finds workers that are dead: their count has not grown for DEAD_AFTER_SECONDS."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._seen: dict[str, tuple[int, float]] = {}
        self._looked_at: float | None = None

    def living(self) -> set[str]:
        """Who lives, after those that do not were buried."""
        now = self._monotonic()
        if self._looked_at is None or now - self._looked_at > 3 * BEAT_SECONDS:
            self._seen.clear()  # we slept or the database did: the others' silence means nothing
        with self._database.reading() as connection:
            query = sa.select(executors.c.executor, executors.c.beats)
            beats = {executor: count for executor, count in connection.execute(query)}
        self._seen = {
            executor: self._seen[executor]
            if executor in self._seen and self._seen[executor][0] == count
            else (count, now)
            for executor, count in beats.items()
        }
        self._looked_at = now
        dead = {
            executor
            for executor, (_, grew_at) in self._seen.items()
            if now - grew_at >= DEAD_AFTER_SECONDS
        }
        for executor in dead:
            bury(self._database, executor)
        return set(beats) - dead


class Lease:
    """A duty that one process at a time has, until it gives it up or is silent."""

    def __init__(
        self, database: Database, duty: str, holder: str, clock: Callable[[], float]
    ) -> None:
        """clock: seconds since 1970."""
        self._database = database
        self._duty = duty
        self._holder = holder
        self._clock = clock

    def hold(self, seconds: float) -> bool:
        """Take it, or keep it, for some seconds; False if another has it."""
        now = self._clock()
        values = {"holder": self._holder, "until": now + seconds}
        is_free = sa.or_(leases.c.holder == self._holder, leases.c.until < now)
        return self._take(values, is_free)

    def take_turn(self, seconds: float) -> bool:
        """Whether the duty is due, so many seconds after it was last; then it is ours to do."""
        now = self._clock()
        values = {"holder": self._holder, "until": now + seconds}
        return self._take(values, leases.c.until < now)

    def postpone(self, seconds: float) -> None:
        """Be due again that soon: it failed."""
        values = {"holder": self._holder, "until": self._clock() + seconds}
        self._take(values, leases.c.holder == self._holder)

    def give_up(self) -> None:
        """Let another have it at once; that it could not be said is no matter."""
        mine = sa.and_(leases.c.duty == self._duty, leases.c.holder == self._holder)
        try:
            with self._database.writing() as connection:
                connection.execute(sa.delete(leases).where(mine))
        except StoreError:
            pass

    def _take(self, values: dict[str, Any], where: sa.ColumnElement[bool]) -> bool:
        statement = (
            self._database.insert(leases)
            .values(duty=self._duty, **values)
            .on_conflict_do_update(index_elements=["duty"], set_=values, where=where)
            .returning(leases.c.duty)
        )
        with self._database.writing() as connection:
            return connection.scalar(statement) is not None


def make_due(database: Database, duties: Sequence[str]) -> None:
    """Let some duties be done at once, whenever they were last: the app starts."""
    with database.writing() as connection:
        connection.execute(sa.delete(leases).where(leases.c.duty.in_(duties)))
