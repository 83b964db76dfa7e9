"""What GitHub could not tell us is asked for again; reruns become reviews."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jobs_site import pull

from github_app.database import Database, open_database
from github_app.errors import ForbiddenError, UnavailableError
from github_app.github.values import Delivery, PullRequest
from github_app.inbox import insert_deliveries, row_of
from github_app.jobs.executors import Lease, make_due
from github_app.jobs.reconciliation import Reconciliation, Rerunning
from github_app.jobs.states import State
from github_app.jobs.table import JobTable
from github_app.types import RepositoryRef, RerunTask, ReviewTask
from github_app.worker import Duty, _in_turn

NOW = 1_800_000_000.0
REF = pull(1).repository
HEAD = "a" * 40


def pull_request(number: int, head: str = HEAD) -> PullRequest:
    return PullRequest(number, "t", True, False, "main", "b" * 40, "x", head, "o/n", "ada")


def delivery(number: int, guid: str, status: int) -> Delivery:
    return Delivery(number, guid, "pull_request", "opened", "2027-01-15T08:00:00Z", status, False)


@dataclass
class FakeRepository:
    ref: RepositoryRef
    pulls: list[PullRequest]

    def open_pull_requests(self) -> Sequence[PullRequest]:
        return self.pulls

    def pull_requests_of(self, head_sha: str) -> Sequence[PullRequest]:
        return [each for each in self.pulls if each.head_sha == head_sha]


@dataclass
class FakeGitHub:
    """What reconciliation asks of GitHub. suspended: an installation that refuses."""

    failed: list[Delivery] = field(default_factory=list)
    repositories_of: dict[int, list[FakeRepository]] = field(default_factory=dict)
    suspended: int | None = None
    redelivered: list[int] = field(default_factory=list)
    since: str = ""

    def installations(self) -> Sequence[int]:
        return list(self.repositories_of)

    def repositories(self, installation: int) -> Sequence[RepositoryRef]:
        if installation == self.suspended:
            raise ForbiddenError("suspended")
        return [each.ref for each in self.repositories_of[installation]]

    def repository(self, installation: int, ref: RepositoryRef) -> Any:
        return next(each for each in self.repositories_of[installation] if each.ref == ref)

    def failed_deliveries(self, since: str) -> Sequence[Delivery]:
        self.since = since
        return self.failed

    def redeliver(self, id_: int) -> None:
        if id_ == 13:
            raise UnavailableError("not this one")
        self.redelivered.append(id_)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(open_database(f"sqlite:///{tmp_path}/app.sqlite")) as opened:
        yield opened


def reconciliation(
    github: FakeGitHub, database: Database, reviewed: Sequence[int] = ()
) -> Reconciliation:
    return Reconciliation(
        github,  # type: ignore[arg-type]
        database,
        lambda: NOW,
        threading.Event(),
        lambda repository, installation, pull: pull.number in reviewed,
    )


def waiting(database: Database) -> set[str]:
    table = JobTable(database, lambda: NOW)
    return {entry.key for entry in table.entries([State.WAITING], 99)}


def test_deliveries_that_failed_are_asked_for_again(database: Database) -> None:
    """Not those that were refused, would be again, or were kept though the answer came late; and
    one that cannot be had does not keep the others back.
    """
    insert_deliveries(database, [row_of("kept", ReviewTask(pull(1), HEAD), NOW)])
    github = FakeGitHub(
        failed=[
            delivery(11, "nobody-answered", 0),
            delivery(12, "kept", 504),
            delivery(13, "cannot", 502),
            delivery(14, "refused", 401),
            delivery(15, "full", 503),
        ]
    )
    assert reconciliation(github, database).redeliver() == 2
    assert github.redelivered == [11, 15]
    since = datetime.strptime(github.since, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert 0 < since.timestamp() - (NOW - 3 * 86_400) <= 7_200, "GitHub keeps them for three days"


def test_pull_requests_without_a_review_of_their_head_get_one(database: Database) -> None:
    """1 was asked for, 2 is reviewed at GitHub, 3 was missed: and is asked for once."""
    insert_deliveries(database, [row_of("g", ReviewTask(pull(1), HEAD), NOW)])
    pulls = [pull_request(n) for n in (1, 2, 3)]
    github = FakeGitHub(repositories_of={1: [FakeRepository(REF, pulls)]})
    compared = reconciliation(github, database, reviewed=[2])
    assert compared.review_the_missed() == 1
    assert compared.review_the_missed() == 0
    assert ReviewTask(pull(3), HEAD).key in waiting(database)
    assert len(waiting(database)) == 2


def test_a_repository_nobody_pushed_to_yet_is_left_alone(database: Database) -> None:
    repository = FakeRepository(REF, [pull_request(1)])
    github = FakeGitHub(repositories_of={1: [repository]})
    assert reconciliation(github, database).review_the_missed() == 0


def test_a_suspended_installation_does_not_keep_the_others_back(database: Database) -> None:
    insert_deliveries(database, [row_of("g", ReviewTask(pull(1, 2), HEAD), NOW)])
    github = FakeGitHub(
        repositories_of={1: [], 2: [FakeRepository(REF, [pull_request(2)])]}, suspended=1
    )
    assert reconciliation(github, database).review_the_missed() == 1


def test_a_rerun_becomes_a_review_of_each_pull_request_with_that_head(database: Database) -> None:
    pulls = [pull_request(1), pull_request(2), pull_request(3, "c" * 40)]
    github = FakeGitHub(repositories_of={1: [FakeRepository(REF, pulls)]})
    performed: list[object] = []
    rerunning = Rerunning(
        lambda task, stop: performed.append(task),
        github,  # type: ignore[arg-type]
        database,
        lambda: NOW,
    )
    task = RerunTask(1, REF, HEAD, "guid", full=True)
    for _ in range(2):  # the second time after a crash
        rerunning(task, lambda: False)
    assert performed == []
    table = JobTable(database, lambda: NOW)
    found = [job.task for job in table.dispatch(9)]
    expected = {ReviewTask(pull(n), HEAD, "guid", full=True, asked=True) for n in (1, 2)}
    assert set(found) == expected
    assert len(found) == 2
    rerunning(ReviewTask(pull(1), HEAD), lambda: False)
    assert performed == [ReviewTask(pull(1), HEAD)]


# --- duties --------------------------------------------------------------------------------------


def test_a_duty_is_done_by_one_worker_when_it_is_due(database: Database) -> None:
    now = [NOW]
    one, other = (Lease(database, "duty", name, lambda: now[0]) for name in ("one", "other"))
    assert one.take_turn(60)
    assert not one.take_turn(60)
    assert not other.take_turn(60)
    now[0] += 61
    assert other.take_turn(60)
    make_due(database, ["duty"])
    assert one.take_turn(60)


def test_a_duty_that_failed_is_due_again_sooner(database: Database) -> None:
    now = [NOW]
    lease = Lease(database, "duty", "one", lambda: now[0])
    stopping = threading.Event()

    def fail() -> None:
        stopping.set()
        raise UnavailableError("GitHub sleeps")

    _in_turn(Duty("duty", 86_400.0, fail), lease, stopping).join(10)
    assert not lease.take_turn(86_400.0)
    now[0] += 301
    assert lease.take_turn(86_400.0)


def test_what_a_duty_raises_ends_no_loop(database: Database) -> None:
    done = []
    stopping = threading.Event()

    def fail_once() -> None:
        done.append(time.monotonic())
        if len(done) == 2:
            stopping.set()
        raise ZeroDivisionError

    lease = Lease(database, "duty", "one", iter(range(10**9, 10**10, 1000)).__next__)
    _in_turn(Duty("duty", 0.01, fail_once), lease, stopping).join(10)
    assert len(done) == 2
