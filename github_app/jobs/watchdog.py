"""Brings back what got lost: work of dead workers, and jobs that never reached the queue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from github_app.jobs.durable import DurableQueue
from github_app.jobs.executors import DEAD_AFTER_SECONDS, Lease, Watch
from github_app.jobs.table import JobTable

LOG = logging.getLogger(__name__)


class Watchdog:
    """`look` is called every few seconds in every worker; one of them has the duty."""

    def __init__(
        self,
        table: JobTable,
        queue: DurableQueue,
        watch: Watch,
        lease: Lease,
        *,
        grace: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """grace: seconds between a worker's death and another's going on: what it sent to GitHub
        last must have arrived, or would be looked for too early and sent again.
        """
        self._table = table
        self._queue = queue
        self._watch = watch
        self._lease = lease
        self._grace = grace
        self._monotonic = monotonic
        self._dead_since: dict[str, float] = {}
        self._suspects: set[str] = set()

    def look(self) -> None:
        """One round."""
        living = self._watch.living()
        # Two at once could each give away the same job, the second from a living worker.
        if not self._lease.hold(DEAD_AFTER_SECONDS):
            return
        self._bequeath(living)
        # Between being marked and being in the queue a job is in nobody's hands, but not lost.
        lost = self._queue.lost(self._table.started())
        for job in lost:
            if job.workflow_id in self._suspects:
                LOG.warning("job %s was lost on its way; it waits again", job.key)
                self._table.lost(job)
        self._suspects = {job.workflow_id for job in lost}
        self._queue.tidy()

    def _bequeath(self, living: set[str]) -> None:
        now = self._monotonic()
        hands = self._queue.in_hands()
        dead = set(hands.values()) - living
        self._dead_since = {each: self._dead_since.get(each, now) for each in dead}
        orphans = [
            workflow_id
            for workflow_id, executor in hands.items()
            if executor in dead and now - self._dead_since[executor] >= self._grace
        ]
        if orphans:
            self._queue.resume(orphans)
        for workflow_id in orphans:
            LOG.warning("job %s goes to another worker: its own is dead", workflow_id)

    def close(self) -> None:
        """Let another have the duty."""
        self._lease.give_up()
