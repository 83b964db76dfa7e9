"""How a job in a worker's hands ends, and who lives."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from jobs_site import pull

from github_app.database import Database, open_database
from github_app.errors import MissingError, UnavailableError
from github_app.figures import Figures
from github_app.inbox import insert_deliveries, row_of
from github_app.jobs.executors import BEAT_SECONDS, DEAD_AFTER_SECONDS, Heart, Lease, Watch, bury
from github_app.jobs.performing import Stop
from github_app.jobs.retries import RetryRules
from github_app.jobs.runner import Ended, Runner
from github_app.jobs.states import State
from github_app.jobs.table import Entry, JobTable
from github_app.jobs.watchdog import Watchdog
from github_app.metrics import Counter
from github_app.types import ReviewTask, Task
from review_core.errors import BundleError

RULES = RetryRules(first_seconds=10.0, longest_seconds=60.0, attempts=3, crashes=2)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """One review that waits, and a runner for it that performs as told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.table = JobTable(database, self.clock)
        self.stopping = threading.Event()
        self.alive = True
        self.ended: list[str] = []
        self.receive(ReviewTask(pull(1), "a" * 40))

    def receive(self, task: Task) -> None:
        insert_deliveries(self.database, [row_of(task.key, task, self.clock())])

    def run(self, perform: Callable[[Task, Stop], None]) -> Entry:
        def note(ended: Ended) -> None:
            self.ended.append(ended.outcome)

        runner = Runner(
            self.table,
            perform,
            executor="me",
            rules=RULES,
            stopping=self.stopping,
            alive=lambda: self.alive,
            ended=note,
            redact=lambda text: text.replace("SECRET", "***"),
        )
        [job] = self.table.dispatch(1)
        runner.run(job.seq, job.run)
        return self.entry(job.seq)

    def entry(self, seq: int = 1) -> Entry:
        found = self.table.entry(seq)
        assert found is not None
        return found[0]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with closing(open_database(f"sqlite:///{tmp_path}/app.sqlite")) as database:
        yield Bench(database)


def raising(error: BaseException) -> Callable[[Task, Stop], None]:
    def perform(task: Task, stop: Stop) -> None:
        raise error

    return perform


def test_what_was_performed_is_done(bench: Bench) -> None:
    seen: list[Task] = []
    entry = bench.run(lambda task, stop: seen.append(task))
    assert seen == [ReviewTask(pull(1), "a" * 40)]
    assert (entry.state, entry.crashes, bench.ended) == (State.DONE, 0, ["done"])


def test_github_not_to_be_had_is_tried_again_later_and_later_and_then_given_up(
    bench: Bench,
) -> None:
    """Attempts at 0, then after at least 10 and 20 seconds: the third is the last."""
    pauses = []
    for _ in range(2):
        entry = bench.run(raising(UnavailableError("GitHub sleeps")))
        assert entry.state is State.WAITING
        pauses.append(entry.ready_at - bench.clock.now)
        bench.clock.now = entry.ready_at + 1
    assert 10 <= pauses[0] <= 15 and 20 <= pauses[1] <= 30
    entry = bench.run(raising(UnavailableError("GitHub sleeps")))
    assert entry.state is State.DEAD
    assert entry.reason == "given up after 3 attempts: GitHub sleeps"


@pytest.mark.parametrize(
    "error", [MissingError("it is gone"), BundleError("no model"), ZeroDivisionError("a bug")]
)
def test_what_cannot_work_is_a_dead_letter_at_once_with_its_reason(
    bench: Bench, error: Exception
) -> None:
    entry = bench.run(raising(error))
    assert entry.state is State.DEAD
    assert str(error) in (entry.reason or "")


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), MemoryError(), ConnectionResetError()]
)
def test_what_the_machine_lacks_for_a_while_is_tried_again(bench: Bench, error: Exception) -> None:
    assert bench.run(raising(error)).state is State.WAITING


def test_a_reason_holds_no_secret(bench: Bench) -> None:
    assert bench.run(raising(MissingError("no SECRET"))).reason == "no ***"


def test_a_job_that_kills_its_workers_is_given_up(bench: Bench) -> None:
    [job] = bench.table.dispatch(1)
    for _ in range(RULES.crashes):
        bench.table.begin(job.seq, job.run, "dead")
    bench.table.lost(bench.table.started()[0])
    entry = bench.run(raising(AssertionError("must not be performed")))
    assert entry.state is State.DEAD
    assert "2 workers in a row died" in (entry.reason or "")


def test_a_stop_hands_the_job_back_without_counting_a_failure(bench: Bench) -> None:
    def perform(task: Task, stop: Stop) -> None:
        bench.stopping.set()
        assert stop()

    entry = bench.run(perform)
    assert (entry.state, entry.failures, entry.crashes) == (State.WAITING, 0, 0)


def test_a_newer_push_stops_the_review_and_goes_first(bench: Bench) -> None:
    """Asked again only after a second, not to trouble the database."""

    def perform(task: Task, stop: Stop) -> None:
        assert not stop()
        bench.receive(ReviewTask(pull(1), "b" * 40))
        time.sleep(1.05)
        assert stop()

    assert bench.run(perform).state is State.WAITING
    seen: list[Task] = []
    bench.run(lambda task, stop: seen.append(task))
    assert seen == [ReviewTask(pull(1), "b" * 40)]
    bench.run(lambda task, stop: seen.append(task))
    assert seen[1] == ReviewTask(pull(1), "a" * 40), "it may be the current one: GitHub knows"


def test_a_worker_that_was_silent_too_long_performs_nothing(bench: Bench) -> None:
    bench.alive = False
    assert bench.run(raising(AssertionError("must not be performed"))).state is State.WAITING


def test_pauses_double_up_to_the_longest() -> None:
    rules = RetryRules(first_seconds=10, longest_seconds=60, attempts=9)
    assert [rules.pause(n, lambda: 0.0) for n in (1, 2, 3, 4, 8, 9)] == [10, 20, 40, 60, 60, None]
    assert rules.pause(1, lambda: 1.0) == 15


# --- who lives -----------------------------------------------------------------------------------


class Now:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def look_for(watch: Watch, now: Now, seconds: float, *beating: Heart) -> set[str]:
    living: set[str] = set()
    for _ in range(int(seconds / BEAT_SECONDS)):
        now.now += BEAT_SECONDS
        for heart in beating:
            heart.beat()
        living = watch.living()
    return living


def test_a_worker_that_falls_silent_is_taken_for_dead(database: Database) -> None:
    now = Now()
    one, other = Heart(database, "one", now), Heart(database, "other", now)
    one.start()
    other.start()
    watch = Watch(database, now)
    assert look_for(watch, now, DEAD_AFTER_SECONDS, one, other) == {"one", "other"}
    assert look_for(watch, now, DEAD_AFTER_SECONDS + 2 * BEAT_SECONDS, one) == {"one"}
    assert one.beat()
    assert not other.beat(), "and it learns so"
    assert not other.is_fresh()


def test_the_silence_of_others_means_nothing_after_our_own(database: Database) -> None:
    """The watcher slept for an hour, as everything on a suspended machine."""
    now = Now()
    heart = Heart(database, "one", now)
    heart.start()
    watch = Watch(database, now)
    watch.living()
    now.now += 3600
    assert watch.living() == {"one"}


def test_a_worker_known_to_be_dead_is_dead_at_once(database: Database) -> None:
    heart = Heart(database, "one")
    heart.start()
    bury(database, "one")
    assert Watch(database).living() == set()
    assert not heart.beat()


def test_one_holds_a_duty_until_it_gives_it_up_or_falls_silent(database: Database) -> None:
    clock = Clock()
    one, other = (Lease(database, "watch", name, clock) for name in ("one", "other"))
    assert one.hold(10)
    assert not other.hold(10)
    clock.now += 9
    assert one.hold(10)
    clock.now += 9
    assert not other.hold(10)
    clock.now += 2
    assert other.hold(10)
    assert not one.hold(10)
    other.give_up()
    assert one.hold(10)


class FakeQueue:
    def __init__(self) -> None:
        self.known: set[str] = set()
        self.hands: dict[str, str] = {}
        self.resumed: list[str] = []

    def enqueue(self, job: object) -> None: ...

    def lost(self, jobs):  # type: ignore[no-untyped-def]
        return [job for job in jobs if job.workflow_id not in self.known]

    def in_hands(self) -> dict[str, str]:
        return self.hands

    def resume(self, workflow_ids: Sequence[str]) -> None:
        self.resumed += workflow_ids

    def tidy(self) -> None: ...


def watchdog_of(bench: Bench, queue: FakeQueue, now: Now | None = None) -> Watchdog:
    lease = Lease(bench.database, "watch", "me", bench.clock)
    watch = Watch(bench.database)
    return Watchdog(bench.table, queue, watch, lease, grace=5.0, monotonic=now or Now())


def test_the_work_of_a_dead_worker_goes_to_another_once_its_last_words_have_arrived(
    bench: Bench,
) -> None:
    Heart(bench.database, "living").start()
    queue, now = FakeQueue(), Now()
    queue.hands = {"mine": "living", "orphan": "dead"}
    watchdog = watchdog_of(bench, queue, now)
    watchdog.look()
    now.now += 4.9
    watchdog.look()
    assert queue.resumed == []
    now.now += 0.2
    watchdog.look()
    assert queue.resumed == ["orphan"]


def test_a_job_that_never_reached_the_queue_waits_again(bench: Bench) -> None:
    """Seen twice, since a job is on its way between two commits."""
    queue = FakeQueue()
    watchdog = watchdog_of(bench, queue)
    bench.table.dispatch(1)
    watchdog.look()
    assert bench.entry().state is State.STARTED
    watchdog.look()
    assert bench.entry().state is State.WAITING
    [job] = bench.table.dispatch(1)
    queue.known = {job.workflow_id}
    for _ in range(3):
        watchdog.look()
    assert bench.entry().state is State.STARTED


# --- figures -------------------------------------------------------------------------------------


def test_counts_of_processes_add_up(database: Database) -> None:
    clock = time.time
    for _ in range(2):
        figures = Figures(database, clock)
        figures.add({(Counter.TOKENS, ""): 5.0, (Counter.TASKS, "review"): 1.0})
    heart = Heart(database, "one")
    heart.start()
    insert_deliveries(database, [row_of("g", ReviewTask(pull(1), "a"), clock() - 3)])
    snapshot = Figures(database, clock).snapshot()
    assert snapshot.counts == {(Counter.TOKENS, ""): 10.0, (Counter.TASKS, "review"): 2.0}
    assert (snapshot.waiting, round(snapshot.oldest_seconds), snapshot.workers) == (1, 3, 1)
    assert Figures(database, clock).problems() == {"database": None, "workers": None}
    assert Figures(database, lambda: clock() + 120).problems()["workers"] == "none lives"
    heart.stop()
    assert Figures(database, clock).problems()["workers"] == "none lives"


def test_a_database_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/app.sqlite")) as database:
        with database.reading() as connection:
            connection.exec_driver_sql("PRAGMA query_only=1")
        assert "cannot be used" in str(Figures(database, Clock()).problems()["database"])
