"""A batch of pull requests while processes are killed: what the tests of durability have in common.

GitHub's part is played here: what was not acknowledged is delivered again, some things twice, some
late. The supervisor's too: what was killed is started again.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jobs_site import Site, pull

from github_app.database import Database, StoreError, open_database
from github_app.encoding import task_as_json
from github_app.jobs.executors import bury, new_executor_id
from github_app.jobs.states import State
from github_app.jobs.table import JobTable
from github_app.types import CommandName, CommandTask, ReviewTask, Task

TESTS = Path(__file__).parent
# Seconds to wait for a worker to have a job before it is killed; the long version wants most to.
PATIENCE = 30.0 if int(os.environ.get("KILLS", "0")) >= 50 else 5.0
PYTHON_PATH = f"{TESTS}{os.pathsep}{TESTS.parent}"


class Process:
    """One that may be killed, and is started again."""

    def __init__(self, script: str, arguments: list[str], log: Path) -> None:
        self.script = script
        self.arguments = arguments
        self._log = log
        self.started: subprocess.Popen[str]

    def start(self, pipe: int = subprocess.DEVNULL) -> None:
        with self._log.open("a") as log:
            self.started = subprocess.Popen(
                [sys.executable, str(TESTS / self.script), *self.arguments],
                stdin=pipe,
                stdout=pipe,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONPATH": PYTHON_PATH},
            )

    def kill(self) -> None:
        self.started.kill()
        self.started.wait()

    def terminate(self) -> int:
        self.started.terminate()
        return self.started.wait(30)


class Worker(Process):
    """A worker; its executor is another at each start."""

    def __init__(self, url: str, site: Site, log: Path) -> None:
        super().__init__("jobs_worker.py", [], log)
        self._url = url
        self._site = site
        self.executor = ""

    def start(self, pipe: int = subprocess.DEVNULL) -> None:
        self.executor = new_executor_id()
        self.arguments = [self._url, str(self._site.path), self.executor]
        super().start(pipe)


class Web(Process):
    """The inbox's process. acknowledged: the GUIDs it answered, over all its lives."""

    def __init__(self, url: str, log: Path) -> None:
        super().__init__("jobs_web.py", [url], log)
        self.acknowledged: set[str] = set()
        self._reader: threading.Thread

    def start(self, pipe: int = subprocess.PIPE) -> None:
        super().start(pipe)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def kill(self) -> None:
        super().kill()
        self._reader.join()
        for pipe in (self.started.stdin, self.started.stdout):
            with contextlib.suppress(BrokenPipeError):
                assert pipe is not None
                pipe.close()

    def deliver(self, guid: str, task: Task) -> None:
        assert self.started.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it is delivered again
            self.started.stdin.write(json.dumps([guid, task_as_json(task)]) + "\n")
            self.started.stdin.flush()

    def _read(self) -> None:
        assert self.started.stdout is not None
        for line in self.started.stdout:
            self.acknowledged.add(line.strip())


def revive(database: Database, processes: Sequence[Process]) -> None:
    """As the supervisor does: what ended by itself (no database) is started again."""
    for process in processes:
        if process.started.poll() is not None:
            process.kill()
            if isinstance(process, Worker):
                bury_quietly(database, process.executor)
            process.start()


@dataclass
class Batch:
    """What GitHub says and to whom. pushes: heads of each pull request, in order."""

    site: Site
    deliveries: list[tuple[str, Task]] = field(default_factory=list)
    heads: dict[str, str] = field(default_factory=dict)


def push(batch: Batch, number: int, generation: int, chance: random.Random) -> None:
    """A push, its delivery, and now and then one of a second subscription."""
    where = pull(number, installation=number % 3)
    head = f"{number:020x}{generation:020x}"
    batch.site.push(where, head)
    batch.heads[where.key] = head
    task = ReviewTask(where, head, occasion=str(generation) if generation else "")
    batch.deliveries.append((f"{number}-{generation}", task))
    if chance.random() < 0.3:
        batch.deliveries.append((f"{number}-{generation}-again", task))
    if chance.random() < 0.2:
        command = CommandTask(where, 1000 * number + generation, "somebody", CommandName.HELP)
        batch.deliveries.append((f"{number}-{generation}-command", command))


@contextmanager
def running(processes: Sequence[Process]) -> Iterator[None]:
    with ExitStack() as stack:
        for process in processes:
            process.start()
            stack.callback(process.kill)
        yield


def survive(
    url: str,
    folder: Path,
    *,
    kills: int,
    pulls: int,
    pushes: int,
    seed: int,
    disturb: Callable[[int], None] = lambda _: None,
) -> Counter[str]:
    """Push, deliver and kill; then wait until all is done.

    :param disturb: called before each kill with its number.
    :return: how often each kind of process was killed, and how often a worker with a job in hand.
    :raises AssertionError: if anything was lost, done twice or given up.
    """
    chance = random.Random(seed)
    site = Site(folder / "site.sqlite")
    batch = Batch(site)
    database = open_database(url)
    table = JobTable(database, time.time)
    web = Web(url, folder / "web.log")
    workers = [Worker(url, site, folder / "worker.log") for _ in range(2)]
    killed: Counter[str] = Counter()
    try:
        with running([web, *workers]):
            todo = [(n, g) for g in range(pushes) for n in range(pulls)]
            for number in range(kills):
                share = -(-len(todo) // (kills - number))
                now, todo = todo[:share], todo[share:]
                for which in now:
                    push(batch, *which, chance)
                _deliver(web, batch, chance)
                disturb(number)
                revive(database, [web, *workers])
                victim = chance.choice([web, *workers, *workers])
                if isinstance(victim, Worker):
                    killed["in the middle"] += await_work(table, victim.executor, chance)
                    victim.kill()
                    bury_quietly(database, victim.executor)
                else:
                    time.sleep(chance.uniform(0.0, 0.2))
                    victim.kill()
                killed[victim.script] += 1
                victim.start()
            _wait_until_done(table, web, batch, chance, lambda: revive(database, [web, *workers]))
            for worker in workers:
                assert worker.terminate() == 0
    finally:
        database.close()
    _check(site, batch, table)
    return killed


def _deliver(web: Web, batch: Batch, chance: random.Random) -> None:
    """What was not acknowledged, in any order; and now and then something that was."""
    due = [each for each in batch.deliveries if each[0] not in web.acknowledged]
    due += [each for each in batch.deliveries if chance.random() < 0.02]
    chance.shuffle(due)
    for guid, task in due:
        web.deliver(guid, task)


def await_work(table: JobTable, executor: str, chance: random.Random, longest: float = 0.4) -> bool:
    """Wait until a worker is at work, then for any part of the time that a job takes.

    Now and then not: it may die while it starts, too.

    :param longest: seconds that a job takes.
    :return: whether it has a job in hand.
    """
    deadline = time.monotonic() + (PATIENCE if chance.random() < 0.9 else 0.5)
    while time.monotonic() < deadline:
        with contextlib.suppress(StoreError):
            if any(job.executor == executor for job in table.started()):
                time.sleep(chance.uniform(0.0, longest))
                return any(job.executor == executor for job in table.started())
        time.sleep(0.02)
    return False


def bury_quietly(database: Database, executor: str) -> None:
    with contextlib.suppress(StoreError):  # then others notice by its silence
        bury(database, executor)


def _wait_until_done(
    table: JobTable, web: Web, batch: Batch, chance: random.Random, revive: Callable[[], None]
) -> None:
    deadline = time.monotonic() + 120
    guids = {guid for guid, _ in batch.deliveries}
    while time.monotonic() < deadline:
        revive()
        if not guids <= web.acknowledged:
            _deliver(web, batch, chance)
        else:
            by_state = table.depth().by_state
            if not by_state.get(State.WAITING) and not by_state.get(State.STARTED):
                return
        time.sleep(0.5)
    raise AssertionError(f"not done in time: {table.depth()}, {table.started()}")


def _check(site: Site, batch: Batch, table: JobTable) -> None:
    writes = Counter(site.writes())
    doubled = {each: count for each, count in writes.items() if count > 1}
    assert not doubled, doubled
    for key, head in batch.heads.items():
        for what in ("review", "check"):
            assert (key, head, what) in writes, f"{key} lost the {what} of its head"
    for _, task in batch.deliveries:
        if isinstance(task, CommandTask):
            assert (task.pull.key, str(task.comment_id), "answer") in writes
