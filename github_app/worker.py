"""One worker process: takes jobs from the queue until it is told to stop. Never serves the web."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from github_app.database import Database
from github_app.jobs.dispatcher import Dispatcher
from github_app.jobs.durable import DbosQueue
from github_app.jobs.executors import BEAT_SECONDS, WATCH, Heart, Lease, Watch
from github_app.jobs.loops import repeat
from github_app.jobs.performing import Perform
from github_app.jobs.retries import RetryRules
from github_app.jobs.runner import Ended, Runner
from github_app.jobs.table import JobTable
from github_app.jobs.watchdog import Watchdog
from github_app.types import Task

LOG = logging.getLogger(__name__)
DISPATCH_SECONDS = 0.25
WATCH_SECONDS = 2.0
JOIN_SECONDS = 5.0
DUTY_LOOK_SECONDS = 60.0  # between questions whether a duty is due
DUTY_AGAIN_SECONDS = 300.0  # after it failed
TOOK_TOO_LONG = 70  # exit status: work did not end in time and goes to another worker


@dataclass(frozen=True, slots=True)
class Duty:
    """Something else that is done every so often, by whichever worker finds it due."""

    name: str
    seconds: float
    perform: Callable[[], object]


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker works.

    workers: how many there are in all, about; more are let in the queue than they can do at once,
    so that none waits for the dispatcher. shutdown_seconds: how long work may go on after a stop.
    grace_seconds: see Watchdog.
    """

    database_url: str
    executor: str
    workers: int
    shutdown_seconds: float = 30.0
    grace_seconds: float = 5.0
    rules: RetryRules = field(default_factory=RetryRules)


def run_worker(
    settings: WorkerSettings,
    database: Database,
    perform: Perform,
    stopping: threading.Event,
    *,
    duties: Sequence[Duty] = (),
    ended: Callable[[Ended], None] = lambda _: None,
    given_up: Callable[[Task, str], None] = lambda *_: None,
    redact: Callable[[str], str] = str,
) -> int:
    """Work until `stopping` is set.

    :param database: the one that the settings name, opened.
    :param ended: told of each job that ended.
    :param given_up: see Runner.
    :param redact: takes secrets out of the reasons that are kept.
    :return: the exit status: 0, or TOOK_TOO_LONG: threads still run, leave with os._exit.
    :raises StoreError: if the database cannot be used at the start.
    """
    table = JobTable(database, time.time)
    heart = Heart(database, settings.executor)
    runner = Runner(
        table,
        perform,
        executor=settings.executor,
        rules=settings.rules,
        stopping=stopping,
        alive=heart.is_fresh,
        ended=ended,
        given_up=given_up,
        redact=redact,
    )
    queue = DbosQueue(settings.database_url, settings.executor, runner.run, at_once=1)
    heart.start()
    queue.launch()

    def beat() -> None:
        if not heart.beat():
            LOG.error("others took this worker for dead: it ends")
            stopping.set()

    def lease(duty: str) -> Lease:
        return Lease(database, duty, settings.executor, time.time)

    dispatcher = Dispatcher(table, queue, room=2 * settings.workers + 2)
    watchdog = Watchdog(table, queue, Watch(database), lease(WATCH), grace=settings.grace_seconds)
    gone = threading.Event()
    repeat("heartbeat", BEAT_SECONDS, gone, beat)
    threads = [
        repeat("dispatching", DISPATCH_SECONDS, stopping, dispatcher.dispatch),
        repeat("watching", WATCH_SECONDS, stopping, watchdog.look),
    ]
    for duty in duties:
        threads.append(_in_turn(duty, lease(duty.name), stopping))
    LOG.info("worker %s works", settings.executor)
    stopping.wait()
    in_time = runner.wait_until_idle(settings.shutdown_seconds)
    if in_time:
        for thread in threads:
            thread.join(JOIN_SECONDS)
        queue.close()
        watchdog.close()
    gone.set()
    heart.stop()
    if not in_time:
        LOG.warning("work did not end in %g s: it goes to another", settings.shutdown_seconds)
        return TOOK_TOO_LONG
    return 0


def _in_turn(duty: Duty, lease: Lease, stopping: threading.Event) -> threading.Thread:
    def perform() -> None:
        if not lease.take_turn(duty.seconds):
            return
        try:
            duty.perform()
        except Exception:
            lease.postpone(min(duty.seconds, DUTY_AGAIN_SECONDS))
            raise

    return repeat(duty.name, min(duty.seconds, DUTY_LOOK_SECONDS), stopping, perform)
