"""Writes of several workers to one installation keep GitHub's pauses together."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from pathlib import Path

from github_app.database import Database, open_database
from github_app.github.limits import BETWEEN_WRITES, WRITES, Patience, Times
from github_app.shared_pace import SharedPace, next_turn


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def worker(database: Database, clock: Clock, installation: int = 1) -> SharedPace:
    return SharedPace(Times(clock=clock, sleep=clock.sleep), database, installation)


def test_two_workers_write_one_after_the_other(database: Database) -> None:
    clock = Clock()
    patience = Patience(Times(clock=clock, sleep=clock.sleep))
    moments = []
    workers = [worker(database, clock) for _ in range(2)]
    for n in range(6):
        workers[n % 2].wait(patience, writes=True)
        moments.append(clock.now)
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert min(pauses) >= BETWEEN_WRITES


def test_reading_and_other_installations_do_not_wait(database: Database) -> None:
    clock = Clock()
    patience = Patience(Times(clock=clock, sleep=clock.sleep))
    began = clock.now
    worker(database, clock).wait(patience, writes=True)
    worker(database, clock, installation=2).wait(patience, writes=True)
    worker(database, clock).wait(patience, writes=False)
    assert clock.now == began


def test_no_more_in_a_minute_and_an_hour_than_github_allows() -> None:
    """Written as fast as allowed: the 501st write comes an hour after the first."""
    moments: list[float] = []
    now = 0.0
    for _ in range(501):
        now = max(now, next_turn(moments))
        moments.append(now)
    for count, seconds in WRITES:
        spans = [later - earlier for earlier, later in zip(moments, moments[count:], strict=False)]
        assert min(spans) >= seconds


def test_without_its_database_a_worker_paces_itself(tmp_path: Path) -> None:
    clock = Clock()
    patience = Patience(Times(clock=clock, sleep=clock.sleep))
    with closing(open_database(f"sqlite:///{tmp_path}/app.sqlite")) as database:
        with database.reading() as connection:
            connection.exec_driver_sql("PRAGMA query_only=1")
        pace = worker(database, clock)
        began = clock.now
        for _ in range(2):
            pace.wait(patience, writes=True)
        assert clock.now - began >= BETWEEN_WRITES
