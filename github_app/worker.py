"""One worker process: takes jobs from the queue until it is told to stop. Never serves the web."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from github_app.database import Database, open_database
from github_app.jobs.dispatcher import Dispatcher
from github_app.jobs.durable import DbosQueue
from github_app.jobs.executors import BEAT_SECONDS, Heart, Lease, Watch
from github_app.jobs.loops import repeat
from github_app.jobs.performing import Perform
from github_app.jobs.retries import RetryRules
from github_app.jobs.runner import Ended, Runner
from github_app.jobs.table import JobTable
from github_app.jobs.watchdog import Watchdog

LOG = logging.getLogger(__name__)
DISPATCH_SECONDS = 0.25
WATCH_SECONDS = 2.0
JOIN_SECONDS = 5.0
TOOK_TOO_LONG = 70  # exit status: work did not end in time and goes to another worker


@dataclass(frozen=True, slots=True)
class Duty:
    """Something else that one worker of all does every so often."""

    name: str
    seconds: float
    perform: Callable[[], None]


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker works.

    workers: how many there are in all, about; more are let in the queue than they can do at once,
    so that none waits for the dispatcher. shutdown_seconds: how long work may go on after a stop.
    """

    database_url: str
    executor: str
    workers: int
    shutdown_seconds: float = 30.0
    rules: RetryRules = field(default_factory=RetryRules)


def run_worker(
    settings: WorkerSettings,
    perform: Perform,
    stopping: threading.Event,
    *,
    duties: Callable[[Database], list[Duty]] = lambda _: [],
    ended: Callable[[Database, Ended], None] = lambda *_: None,
    redact: Callable[[str], str] = str,
) -> int:
    """Work until `stopping` is set.

    :param duties: further ones, made once the database is open.
    :param ended: told of each job that ended.
    :param redact: takes secrets out of the reasons that are kept.
    :return: the exit status: 0, or TOOK_TOO_LONG: threads still run, leave with os._exit.
    :raises StoreError: if the database cannot be opened.
    """
    database = open_database(settings.database_url)
    table = JobTable(database, time.time)
    heart = Heart(database, settings.executor)
    runner = Runner(
        table,
        perform,
        executor=settings.executor,
        rules=settings.rules,
        stopping=stopping,
        alive=heart.is_fresh,
        ended=lambda job: ended(database, job),
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
    watchdog = Watchdog(table, queue, Watch(database), lease("watch"))
    gone = threading.Event()
    repeat("heartbeat", BEAT_SECONDS, gone, beat)
    threads = [
        repeat("dispatching", DISPATCH_SECONDS, stopping, dispatcher.dispatch),
        repeat("watching", WATCH_SECONDS, stopping, watchdog.look),
    ]
    for duty in duties(database):
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
    database.close()
    return 0


def _in_turn(duty: Duty, lease: Lease, stopping: threading.Event) -> threading.Thread:
    def perform() -> None:
        if lease.hold(3 * duty.seconds):
            duty.perform()

    return repeat(duty.name, duty.seconds, stopping, perform)
