"""Rows of the inbox as jobs, on both databases."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from jobs_site import pull

from github_app.database import Database, StoreError
from github_app.inbox import LARGEST_GROUP, Inbox, insert_deliveries, row_of
from github_app.jobs.states import State
from github_app.jobs.table import Job, JobTable
from github_app.store import Store
from github_app.types import CloseTask, ForgetTask, ReviewTask, Task

A, B = "a" * 40, "b" * 40


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(database: Database, clock: Clock) -> JobTable:
    return JobTable(database, clock)


@pytest.fixture
def receive(database: Database, clock: Clock) -> Callable[..., None]:
    numbers = itertools.count()

    def receive(*tasks: Task) -> None:
        for task in tasks:
            insert_deliveries(database, [row_of(f"guid-{next(numbers)}", task, clock())])

    return receive


def state_of(table: JobTable, seq: int) -> State:
    found = table.entry(seq)
    assert found is not None
    return found[0].state


def take(table: JobTable, executor: str = "me") -> Job:
    [job] = table.dispatch(1)
    begun = table.begin(job.seq, job.run, executor)
    assert begun is not None
    return begun[0]


def test_a_delivery_becomes_a_job_once(table: JobTable, receive: Callable[..., None]) -> None:
    receive(ReviewTask(pull(1), A))
    [job] = table.dispatch(9)
    assert job.task == ReviewTask(pull(1), A)
    assert table.dispatch(9) == []


def test_many_dispatchers_at_once_start_each_job_once(
    table: JobTable, receive: Callable[..., None]
) -> None:
    receive(*(ReviewTask(pull(n), A) for n in range(30)))
    with ThreadPoolExecutor(8) as pool:
        found = [
            job.seq for jobs in pool.map(lambda _: table.dispatch(30), range(8)) for job in jobs
        ]
    assert sorted(found) == sorted(set(found))
    assert len(found) == 30


def test_a_second_job_of_a_pull_request_starts_when_the_first_has_ended(
    table: JobTable, receive: Callable[..., None]
) -> None:
    receive(ReviewTask(pull(1), A), ReviewTask(pull(1), B))
    job = take(table)
    assert job.task == ReviewTask(pull(1), B)
    assert table.dispatch(9) == []
    table.finish(job, State.DONE)
    assert [job.task for job in table.dispatch(9)] == [ReviewTask(pull(1), A)]


def test_a_failed_job_waits_its_time(
    table: JobTable, receive: Callable[..., None], clock: Clock
) -> None:
    receive(ReviewTask(pull(1), A))
    table.wait(take(table), seconds=10.0, reason="GitHub sleeps")
    assert table.dispatch(9) == []
    clock.now += 11
    [again] = table.dispatch(9)
    assert (again.run, table.failures(again)) == (2, 1)


def test_who_lost_a_job_to_another_worker_has_no_say_about_it(
    table: JobTable, receive: Callable[..., None]
) -> None:
    receive(ReviewTask(pull(1), A))
    mine = take(table, "first")
    theirs = table.begin(mine.seq, mine.run, "second")
    assert theirs is not None
    assert table.is_pointless(mine)
    table.finish(mine, State.DEAD, "too late")
    assert state_of(table, mine.seq) is State.STARTED
    table.finish(theirs[0], State.DONE)
    assert state_of(table, mine.seq) is State.DONE


def test_each_begin_without_an_end_is_a_crash(
    table: JobTable, receive: Callable[..., None]
) -> None:
    receive(ReviewTask(pull(1), A))
    [job] = table.dispatch(1)
    crashes = [found[1] for n in range(3) if (found := table.begin(job.seq, job.run, f"w{n}"))]
    assert crashes == [0, 1, 2]


def test_a_review_becomes_pointless_when_a_push_or_a_closing_comes(
    table: JobTable, receive: Callable[..., None]
) -> None:
    receive(ReviewTask(pull(1), A), ReviewTask(pull(2), A))
    first, second = take(table), table.dispatch(2)[0]
    begun = table.begin(second.seq, second.run, "me")
    assert begun is not None
    assert not table.is_pointless(first)
    receive(ReviewTask(pull(1), B))
    assert table.is_pointless(first)
    assert not table.is_pointless(begun[0])
    receive(CloseTask(pull(2), "now"))
    assert table.is_pointless(begun[0])


def test_a_review_does_not_give_way_to_what_does_not_go_on_yet(
    table: JobTable, receive: Callable[..., None], clock: Clock
) -> None:
    """The newer one waits for GitHub: giving way, this one would start and stop in a circle."""
    receive(ReviewTask(pull(1), A), ReviewTask(pull(1), B))
    table.wait(take(table), seconds=60.0, reason="GitHub sleeps")
    older = take(table)
    assert older.task == ReviewTask(pull(1), A)
    assert not table.is_pointless(older)
    clock.now += 61
    assert table.is_pointless(older)


def test_work_is_pointless_once_its_installation_is_removed(
    table: JobTable, receive: Callable[..., None]
) -> None:
    receive(ReviewTask(pull(1, installation=5), A), ReviewTask(pull(2, installation=6), A))
    jobs = [found[0] for job in table.dispatch(2) if (found := table.begin(job.seq, job.run, "me"))]
    receive(ForgetTask(5, None, "x"))
    assert {job.installation: table.is_pointless(job) for job in jobs} == {5: True, 6: False}


def test_two_guids_for_one_push_are_one_job(table: JobTable, receive: Callable[..., None]) -> None:
    receive(ReviewTask(pull(1), A), ReviewTask(pull(1), A))
    table.finish(take(table), State.DONE)
    assert table.dispatch(9) == []
    assert sorted(entry.state for entry in table.entries(list(State), 9)) == ["done", "duplicate"]


def test_a_dead_letter_hides_no_later_wish_for_the_same(
    table: JobTable, receive: Callable[..., None]
) -> None:
    receive(ReviewTask(pull(1), A))
    table.finish(take(table), State.DEAD, "a bug")
    receive(ReviewTask(pull(1), A))
    assert len(table.dispatch(9)) == 1


def test_a_dead_letter_gets_another_life_with_all_its_tries(
    table: JobTable, receive: Callable[..., None]
) -> None:
    receive(ReviewTask(pull(1), A))
    job = take(table)
    table.wait(job, reason="once")
    job = take(table)
    table.finish(job, State.DEAD, "a bug")
    assert table.retry(job.seq)
    [again] = table.dispatch(9)
    assert table.failures(again) == 0
    assert not table.retry(job.seq)


def test_github_naming_another_head_supersedes_what_waits(
    table: JobTable, receive: Callable[..., None], database: Database, clock: Clock
) -> None:
    store = Store(database, clock)
    receive(ReviewTask(pull(1), A), ReviewTask(pull(1), B))
    store.saw_head(pull(1), B, store.moment())
    assert [job.task for job in table.dispatch(9)] == [ReviewTask(pull(1), B)]
    [entry] = table.entries([State.SUPERSEDED], 9)
    assert A in entry.key


def test_depth_counts_states_and_the_age_of_the_oldest(
    table: JobTable, receive: Callable[..., None], clock: Clock
) -> None:
    receive(ReviewTask(pull(1), A), ReviewTask(pull(2), A))
    take(table)
    clock.now += 7
    depth = table.depth()
    assert depth.by_state == {State.WAITING: 1, State.STARTED: 1}
    assert depth.oldest_seconds == 7.0


# --- the inbox -----------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_guid_is_kept_once(database: Database, clock: Clock) -> None:
    inbox = Inbox(database, clock)
    try:
        task = ReviewTask(pull(1), A)
        assert [await inbox.receive("same", task), await inbox.receive("same", task)] == [
            True,
            False,
        ]
    finally:
        inbox.close()


@pytest.mark.asyncio
async def test_a_burst_shares_transactions(database: Database, clock: Clock) -> None:
    """500 at once: while the first is written the others gather, so there are few commits, though
    each GUID twice over still counts once.
    """
    counted = Counting(database)
    inbox = Inbox(counted, clock)
    try:
        answers = await asyncio.gather(
            *(inbox.receive(f"g{n % 250}", ReviewTask(pull(n), A)) for n in range(500))
        )
    finally:
        inbox.close()
    assert sum(answers) == 250
    assert counted.transactions <= 2 + 500 / LARGEST_GROUP * 4


class Counting(Database):
    """Counts transactions that write."""

    def __init__(self, database: Database) -> None:
        super().__init__(database._engine)
        self.transactions = 0

    def writing(self):  # type: ignore[no-untyped-def]
        self.transactions += 1
        return super().writing()


@pytest.mark.asyncio
async def test_what_the_database_refuses_is_not_acknowledged_and_harms_no_other(
    database: Database, clock: Clock
) -> None:
    inbox = Inbox(database, clock)
    try:
        good = [inbox.receive(f"g{n}", ReviewTask(pull(n), A)) for n in range(3)]
        bad = inbox.receive(None, ReviewTask(pull(9), A))  # type: ignore[arg-type]
        answers = await asyncio.gather(*good, bad, return_exceptions=True)
    finally:
        inbox.close()
    assert answers[:3] == [True, True, True]
    assert isinstance(answers[3], StoreError)


def test_closing_writes_what_waits_and_takes_no_more(database: Database, clock: Clock) -> None:
    inbox = Inbox(database, clock)
    kept = [inbox.put(f"g{n}", ReviewTask(pull(n), A)) for n in range(20)]
    inbox.close()
    assert all(answer.result(0) for answer in kept)
    with pytest.raises(StoreError):
        inbox.put("late", ReviewTask(pull(1), A))


def test_threads_may_write_at_the_same_time(database: Database, clock: Clock) -> None:
    store = Store(database, clock)
    threads = [
        threading.Thread(target=store.ignore, args=(pull(1), axis))
        for axis in ("security", "efficiency")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.pull(pull(1)).ignored == {"security", "efficiency"}
