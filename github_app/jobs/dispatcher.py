"""Hands rows of the inbox to the queue, few at a time: what is not handed over can still change."""

from __future__ import annotations

from github_app.jobs.durable import DurableQueue
from github_app.jobs.table import JobTable


class Dispatcher:
    """`dispatch` is called often, in every worker; the database lets one choose at a time."""

    def __init__(self, table: JobTable, queue: DurableQueue, room: int) -> None:
        """room: how much may be in the queue and in workers' hands together."""
        self._table = table
        self._queue = queue
        self._room = room

    def dispatch(self) -> None:
        """One round. A job that does not reach the queue is found by the watchdog."""
        for job in self._table.dispatch(self._room):
            self._queue.enqueue(job)
