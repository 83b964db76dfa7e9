"""Brings back what got lost: work of dead workers, and jobs that never reached the queue."""

from __future__ import annotations

import logging

from github_app.jobs.durable import DurableQueue
from github_app.jobs.executors import DEAD_AFTER_SECONDS, Lease, Watch
from github_app.jobs.table import JobTable

LOG = logging.getLogger(__name__)


class Watchdog:
    """`look` is called every few seconds in every worker; one of them has the duty."""

    def __init__(self, table: JobTable, queue: DurableQueue, watch: Watch, lease: Lease) -> None:
        self._table = table
        self._queue = queue
        self._watch = watch
        self._lease = lease
        self._suspects: set[str] = set()

    def look(self) -> None:
        """One round."""
        living = self._watch.living()
        # Two at once could each give away the same job, the second from a living worker.
        if not self._lease.hold(DEAD_AFTER_SECONDS):
            return
        for workflow_id in self._queue.resume(living):
            LOG.warning("job %s goes to another worker: its own is dead", workflow_id)
        # Between being marked and being in the queue a job is in nobody's hands, but not lost.
        lost = self._queue.lost(self._table.started())
        for job in lost:
            if job.workflow_id in self._suspects:
                LOG.warning("job %s was lost on its way; it waits again", job.key)
                self._table.lost(job)
        self._suspects = {job.workflow_id for job in lost}
        self._queue.tidy()

    def close(self) -> None:
        """Let another have the duty."""
        self._lease.give_up()
