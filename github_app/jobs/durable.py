"""dbos behind four verbs: it brings a started job to one living worker, and remembers which.

Nothing else of the app imports dbos. Its workflows take a row's number and nothing more, so that
they outlive a change of our code: the version is a constant of ours.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa

from github_app.database import jobs_url, prepare_sqlite
from github_app.jobs.table import Job

if TYPE_CHECKING:
    from dbos import DBOSConfig

QUEUE = "jobs"
WORKFLOW = "job"
# Workflows of another version are not taken: raise it when what a workflow is given changes.
PROTOCOL_VERSION = "1"
POLL_SECONDS = 0.25
OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
MOST_DELETED = 500


class DurableQueue(Protocol):
    """What the watchdog needs of the queue."""

    def enqueue(self, job: Job) -> None:
        """Hand a job over; the same start twice is once."""

    def lost(self, jobs: Iterable[Job]) -> list[Job]:
        """Those that the queue does not know, or has done with."""

    def in_hands(self) -> dict[str, str]:
        """What workers have taken: workflow ids and whose they are."""

    def resume(self, workflow_ids: Sequence[str]) -> None:
        """Give work to other workers than those that have it."""

    def tidy(self) -> None:
        """Delete what is over: the rows of the inbox remember it."""


class DbosQueue:
    """dbos in this process. One in a process, since dbos is.

    Raises what SQLAlchemy raises where its database cannot be used.
    """

    def __init__(
        self, database_url: str, executor: str, run: Callable[[int, int], None], *, at_once: int
    ) -> None:
        """database_url: of ours; dbos keeps its tables beside it. at_once: jobs in this process."""
        from dbos import DBOS

        url = jobs_url(database_url)
        _prepare(url)
        config: DBOSConfig = {
            "name": "themis-github-app",
            "system_database_url": url,
            "application_version": PROTOCOL_VERSION,
            "executor_id": executor,
            "log_level": "WARNING",
            "run_migrations": True,
            "sys_db_pool_size": at_once + 5,
            # Nothing of ours waits for messages or schedules.
            "scheduler_polling_interval_sec": 3600.0,
            "use_listen_notify": False,
        }
        DBOS(config=config)

        def workflow(seq: int, number: int) -> None:  # dbos marks what it is given
            run(seq, number)

        self._dbos = DBOS
        self._workflow = DBOS.workflow(name=WORKFLOW)(workflow)
        self._at_once = at_once

    def launch(self) -> None:
        """Begin to take work."""
        self._dbos.launch()
        # Its own handler would write lines that are not JSON, and past what takes secrets out.
        logger = logging.getLogger("dbos")
        logger.handlers.clear()
        logger.propagate = True
        # Partitioned by installation: a free worker takes the next job from one at random.
        self._dbos.register_queue(
            QUEUE,
            worker_concurrency=self._at_once,
            partition_worker_concurrency=self._at_once,
            polling_interval_sec=POLL_SECONDS,
            on_conflict="always_update",
        )

    def enqueue(self, job: Job) -> None:
        """Hand a job over; the same start twice is once."""
        from dbos import SetEnqueueOptions, SetWorkflowID

        partition = str(job.installation)
        with SetWorkflowID(job.workflow_id), SetEnqueueOptions(queue_partition_key=partition):
            self._dbos.enqueue_workflow(QUEUE, self._workflow, job.seq, job.run)

    def lost(self, jobs: Iterable[Job]) -> list[Job]:
        """Those that the queue does not know, or has done with."""
        by_id = {job.workflow_id: job for job in jobs}
        if not by_id:
            return []
        known = self._dbos.list_workflows(
            workflow_ids=list(by_id), load_input=False, load_output=False
        )
        kept = {each.workflow_id for each in known if each.status not in OVER}
        return [job for id_, job in by_id.items() if id_ not in kept]

    def in_hands(self) -> dict[str, str]:
        """What workers have taken: workflow ids and whose they are."""
        pending = self._dbos.list_workflows(
            status="PENDING", name=WORKFLOW, load_input=False, load_output=False
        )
        return {each.workflow_id: each.executor_id or "" for each in pending}

    def resume(self, workflow_ids: Sequence[str]) -> None:
        """Give work to other workers than those that have it."""
        self._dbos.resume_workflows(list(workflow_ids), queue_name=QUEUE)

    def tidy(self) -> None:
        """Delete what is over: the rows of the inbox remember it."""
        over = self._dbos.list_workflows(
            status=list(OVER),
            name=WORKFLOW,
            limit=MOST_DELETED,
            load_input=False,
            load_output=False,
        )
        if over:
            self._dbos.delete_workflows([each.workflow_id for each in over])

    def close(self) -> None:
        """Take no more work, and end; what runs is left as it is."""
        self._dbos.destroy()


def _prepare(url: str) -> None:
    """WAL is a property of the file: set once, it holds for dbos's own connections too."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(parsed.database), timeout=30)
        try:
            prepare_sqlite(connection)
        finally:
            connection.close()
