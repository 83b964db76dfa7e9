"""Receipts of deliveries: on disk before they are acknowledged, each GUID once.

Group commit: while one transaction is being written, deliveries that arrive gather for the next. A
burst of hundreds then costs a few disk flushes, not hundreds.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import sqlalchemy as sa

from github_app.database import Database, StoreError, deliveries
from github_app.encoding import kind_of, task_as_json
from github_app.types import ForgetTask, RerunTask, ReviewTask, Task

LARGEST_GROUP = 256  # deliveries in one transaction: some 2,500 bound values


@dataclass(frozen=True, slots=True)
class _Waiting:
    row: dict[str, Any]
    answer: Future[bool]


class Inbox:
    """Writes deliveries down. One in a process; `receive` may be awaited many times at once."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        """clock: seconds since 1970."""
        self._database = database
        self._clock = clock
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._closed = False
        self._writer = threading.Thread(target=self._write, name="inbox", daemon=True)
        self._writer.start()

    async def receive(self, guid: str, task: Task) -> bool:
        """Write a delivery down, and return once it is on disk.

        :return: False if this GUID was there already.
        :raises StoreError: if it could not be written: do not acknowledge it.
        """
        return await asyncio.wrap_future(self.put(guid, task))

    def put(self, guid: str, task: Task) -> Future[bool]:
        """As `receive`, for callers without an event loop."""
        if self._closed:
            raise StoreError("the inbox is closed: the server is stopping; send it again")
        answer: Future[bool] = Future()
        self._waiting.put(_Waiting(row_of(guid, task, self._clock()), answer))
        return answer

    def close(self) -> None:
        """Write what waits, then stop."""
        self._closed = True
        self._waiting.put(None)
        self._writer.join()

    def _write(self) -> None:
        while (first := self._waiting.get()) is not None:
            group = [first]
            last = False
            with contextlib.suppress(Empty):
                while len(group) < LARGEST_GROUP and not last:
                    item = self._waiting.get_nowait()
                    if item is None:
                        last = True
                    else:
                        group.append(item)
            self._commit(group)
            if last:
                return

    def _commit(self, group: Sequence[_Waiting]) -> None:
        try:
            new = insert_deliveries(self._database, [item.row for item in group])
        except StoreError as error:
            for item in group:
                _answer(item, error)
        except Exception as error:
            # One row that the database does not take must not refuse the others.
            if len(group) == 1:
                refused = StoreError(f"the database does not take it: {type(error).__name__}")
                refused.__cause__ = error
                _answer(group[0], refused)
            else:
                for item in group:
                    self._commit([item])
        else:
            for item in group:
                _answer(item, item.row["guid"] in new)
                new.discard(item.row["guid"])  # the same GUID twice in one group: new once


def _answer(item: _Waiting, answer: bool | BaseException) -> None:
    if not item.answer.set_running_or_notify_cancel():
        return  # the client has gone
    if isinstance(answer, bool):
        item.answer.set_result(answer)
    else:
        item.answer.set_exception(answer)


def row_of(guid: str, task: Task, now: float) -> dict[str, Any]:
    """A delivery as a row, still waiting. now: seconds since 1970."""
    row: dict[str, Any] = {
        "guid": guid,
        "kind": kind_of(task),
        "key": task.key,
        "task": task_as_json(task),
        "state": "waiting",
        "received_at": now,
        "ready_at": now,
        "runs": 0,
        "failures": 0,
        "crashes": 0,
        "head_sha": task.head_sha if isinstance(task, ReviewTask) else None,
    }
    if isinstance(task, ForgetTask):
        return {**row, "installation": task.installation, "repository": None, "pull": None}
    if isinstance(task, RerunTask):
        repository, pull = task.repository, None
        installation = task.installation
    else:
        repository, pull = task.pull.repository, task.pull.key
        installation = task.pull.installation
    return {**row, "installation": installation, "repository": repository.id, "pull": pull}


def insert_deliveries(database: Database, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Write rows in one transaction.

    :return: the GUIDs that were not there.
    """
    with database.writing() as connection:
        inserted = connection.execute(
            database.insert(deliveries)
            .values(list(rows))
            .on_conflict_do_nothing(index_elements=["guid"])
            .returning(deliveries.c.guid)
        )
        return set(inserted.scalars())


def waiting_count(database: Database) -> int:
    """How many deliveries wait."""
    query = sa.select(sa.func.count()).where(deliveries.c.state == "waiting")
    with database.reading() as connection:
        return int(connection.scalar(query) or 0)
