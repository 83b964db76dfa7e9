"""One job in a worker's hands: performed, and its row brought to whatever end that had."""

from __future__ import annotations

import errno
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import random
from typing import TypeVar

from github_app.database import StoreError
from github_app.errors import UnavailableError
from github_app.jobs.performing import Perform
from github_app.jobs.retries import RetryRules
from github_app.jobs.states import State
from github_app.jobs.table import Job, JobTable
from github_app.log import about
from github_app.types import Task
from review_core.errors import ThemisError

LOG = logging.getLogger(__name__)
LOOK_SECONDS = 1.0  # how often a running job asks the database whether it became pointless
LONGEST_PAUSE = 30.0
SHORTAGES = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EIO)
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended, for whoever counts. seconds: how long it was performed."""

    job: Job
    outcome: str
    seconds: float


class Runner:
    """Performs jobs by their number, one at a time or several in threads."""

    def __init__(
        self,
        table: JobTable,
        perform: Perform,
        *,
        executor: str,
        rules: RetryRules,
        stopping: threading.Event,
        alive: Callable[[], bool] = lambda: True,
        ended: Callable[[Ended], None] = lambda _: None,
        given_up: Callable[[Task, str], None] = lambda *_: None,
        redact: Callable[[str], str] = str,
    ) -> None:
        """stopping: set when the process is to end. alive: False once others may think us dead.

        ended: told of each job. given_up: told of each that tries and deaths of workers ended, with
        a reason for everybody; may fail. redact: takes secrets out of the reasons that are kept.
        """
        self._table = table
        self._perform = perform
        self._executor = executor
        self._rules = rules
        self._stopping = stopping
        self._alive = alive
        self._ended = ended
        self._given_up = given_up
        self._redact = redact
        self._idle = threading.Condition()
        self._running = 0

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether nothing is in hand, after waiting so long for it at most."""
        with self._idle:
            return self._idle.wait_for(lambda: self._running == 0, seconds)

    def run(self, seq: int, run: int) -> None:
        """Do one job, if it is still to be done. Raises nothing: its row says how it ended."""
        with self._idle:
            self._running += 1
        try:
            self._run(seq, run)
        finally:
            with self._idle:
                self._running -= 1
                self._idle.notify_all()

    def _run(self, seq: int, run: int) -> None:
        found = self._keep(lambda: self._table.begin(seq, run, self._executor))
        if found is None:
            return
        job, crashes = found
        began = time.monotonic()
        with about(task=job.key, delivery=job.guid):
            if crashes >= self._rules.crashes:
                self._tell(job, "it brought the app down several times")
                outcome = self._bury(job, f"{crashes} workers in a row died while they did this")
            else:
                outcome = self._attempt(job)
            LOG.info("job ended", extra={"outcome": outcome})
        self._ended(Ended(job, outcome, time.monotonic() - began))

    def _attempt(self, job: Job) -> str:
        stop = _Stop(self._table, job, self._stopping, self._alive)
        try:
            if not stop():
                self._perform(job.task, stop)
        except (UnavailableError, StoreError) as error:
            return self._try_later(job, str(error), getattr(error, "retry_after", None))
        except ThemisError as error:
            return self._bury(job, str(error))
        except Exception as error:
            if _may_pass(error):
                return self._try_later(job, f"{type(error).__name__}: {error}")
            LOG.exception("job failed")
            return self._bury(job, f"a mistake of ours: {type(error).__name__}: {error}")
        if stop.said_so:
            self._keep(lambda: self._table.wait(job))
            return "stopped"
        self._keep(lambda: self._table.finish(job, State.DONE))
        return "done"

    def _try_later(self, job: Job, reason: str, at_least: float | None = None) -> str:
        if self._stopping.is_set():  # what was waited for was broken off
            self._keep(lambda: self._table.wait(job))
            return "stopped"
        failures = 1 + (self._keep(lambda: self._table.failures(job)) or 0)
        pause = self._rules.pause(failures, random)
        if pause is None:
            self._tell(job, f"it was tried {failures} times, for hours")
            return self._bury(job, f"given up after {failures} attempts: {reason}")
        reason = self._redact(reason)
        seconds = max(pause, at_least or 0.0)
        self._keep(lambda: self._table.wait(job, seconds=seconds, reason=reason))
        return "retried"

    def _tell(self, job: Job, reason: str) -> None:
        try:
            self._given_up(job.task, reason)
        except Exception as error:
            LOG.warning("GitHub could not be told that a job was given up: %s", error)

    def _bury(self, job: Job, reason: str) -> str:
        reason = self._redact(reason)
        LOG.error("job is dead: %s", reason)
        self._keep(lambda: self._table.finish(job, State.DEAD, reason))
        return "dead"

    def _keep(self, write: Callable[[], T]) -> T | None:
        """What `write` gives, tried until the database takes it; None where we are to stop before.

        Then the row still says that we have it in hand, and it is resumed as a dead worker's is.
        """
        pause = 0.1
        while True:
            try:
                return write()
            except StoreError as error:
                LOG.warning("%s; trying again in %.1f s", error, pause)
                if self._stopping.wait(pause):
                    return None
                pause = min(2 * pause, LONGEST_PAUSE)


def _may_pass(error: Exception) -> bool:
    """Whether it speaks of the machine and not of us: a full disk, no memory, no answer."""
    if isinstance(error, OSError):
        is_shortage = error.errno in SHORTAGES
        return is_shortage or isinstance(error, ConnectionError | TimeoutError)
    return isinstance(error, MemoryError | sqlite3.OperationalError)


class _Stop:
    """Whether a job is to be given up. Asks the database once a second at most.

    said_so: whether it ever answered yes: what was performed then is not to be trusted as whole.
    """

    def __init__(
        self,
        table: JobTable,
        job: Job,
        stopping: threading.Event,
        alive: Callable[[], bool],
    ) -> None:
        self._table = table
        self._job = job
        self._stopping = stopping
        self._alive = alive
        self._asked_at = -LOOK_SECONDS
        self.said_so = False

    def __call__(self) -> bool:
        if not self.said_so:
            self.said_so = self._stopping.is_set() or not self._alive() or self._is_pointless()
        return self.said_so

    def _is_pointless(self) -> bool:
        now = time.monotonic()
        if now - self._asked_at < LOOK_SECONDS:
            return False
        self._asked_at = now
        try:
            return self._table.is_pointless(self._job)
        except StoreError:
            return False  # it cannot be had for a moment; no reason to throw work away
