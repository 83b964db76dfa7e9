"""The rows of the inbox as jobs: every change of state is one transaction, safe to repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from github_app.database import Database, deliveries, pulls
from github_app.encoding import task_from_json
from github_app.jobs.states import Busy, Head, State, Waiting, duplicates, startable, superseded
from github_app.types import Task

DISPATCH_LOCK = 7_316_202
MOST_WEIGHED = 5_000  # rows that one round of dispatching looks at
WEIGHED = [getattr(deliveries.c, name) for name in Waiting.__slots__]
STOPS_REVIEWS = ("review", "close")  # a newer one of these makes a running review pointless


@dataclass(frozen=True, slots=True)
class Job:
    """A row that has started. run: how often it was; executor: in whose hands it is, if any's."""

    seq: int
    run: int
    key: str
    guid: str
    kind: str
    installation: int
    pull: str | None
    executor: str | None
    task: Task

    @property
    def workflow_id(self) -> str:
        """The same for the same start, so that handing it over twice is once."""
        return f"{self.key}#{self.seq}.{self.run}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as people look at it. Moments are seconds since 1970."""

    seq: int
    guid: str
    key: str
    state: State
    received_at: float
    ready_at: float
    finished_at: float | None
    failures: int
    crashes: int
    executor: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Depth:
    """How much there is. oldest_seconds: the age of the longest waiting one, 0 for none."""

    by_state: dict[State, int]
    oldest_seconds: float


class JobTable:
    """Every method raises StoreError where the database cannot be used."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        """clock: seconds since 1970."""
        self._database = database
        self._clock = clock

    def dispatch(self, room: int) -> list[Job]:
        """Choose what may begin, so that at most `room` are started, and mark it so.

        The caller hands the jobs to the queue; one that it loses on the way, `started` still names.
        """
        if not self._any_ready():
            return []
        with self._database.writing() as connection:
            self._database.lock(connection, DISPATCH_LOCK)
            waiting = self._waiting(connection)
            waiting = self._drop(connection, waiting)
            busy = _busy(connection)
            free = room - sum(busy.installations.values())
            chosen = startable(waiting, busy, max(0, free))
            if not chosen:
                return []
            rows = connection.execute(
                sa.update(deliveries)
                .where(deliveries.c.seq.in_(chosen))
                .values(state=State.STARTED, runs=deliveries.c.runs + 1, executor=None)
                .returning(deliveries)
            ).all()
        return [_job(row) for row in sorted(rows, key=lambda row: chosen.index(row.seq))]

    def started(self) -> list[Job]:
        """All that is in the queue or in a worker's hands."""
        query = sa.select(deliveries).where(deliveries.c.state == State.STARTED)
        with self._database.reading() as connection:
            return [_job(row) for row in connection.execute(query)]

    def begin(self, seq: int, run: int, executor: str) -> tuple[Job, int] | None:
        """Take a started job in hand.

        :return: the job, and how often it was taken in hand before without coming to any end;
            None if there is nothing left to do.
        """
        with self._database.writing() as connection:
            row = connection.execute(
                sa.update(deliveries)
                .where(*_is_started(seq, run))
                .values(executor=executor, crashes=deliveries.c.crashes + 1)
                .returning(deliveries)
            ).first()
        return None if row is None else (_job(row), row.crashes - 1)

    def is_pointless(self, job: Job) -> bool:
        """Whether a job in hand should be given up: something newer came, or another has it now."""
        newer = sa.select(deliveries.c.seq).where(
            deliveries.c.pull == job.pull,
            deliveries.c.seq > job.seq,
            self._ready(),  # else we would give way to what does not go on
            deliveries.c.kind.in_(STOPS_REVIEWS),
        )
        forgotten = sa.select(deliveries.c.seq).where(
            deliveries.c.installation == job.installation,
            self._ready(),
            deliveries.c.kind == "forget",
        )
        mine = sa.select(deliveries.c.seq).where(*_is_as_before(job))
        questions = [sa.exists(forgotten), ~sa.exists(mine)]
        if job.kind == "review":
            questions.append(sa.exists(newer))
        with self._database.reading() as connection:
            return bool(connection.scalar(sa.select(sa.or_(*questions))))

    def finish(self, job: Job, state: State, reason: str | None = None) -> None:
        """Come to an end: done or dead."""
        self._leave(job, state=state, reason=reason, finished_at=self._clock(), crashes=0)

    def wait(self, job: Job, *, seconds: float = 0.0, reason: str | None = None) -> None:
        """Put it back, to be done again; after some seconds, with a reason, if it failed."""
        failed = deliveries.c.failures + 1 if reason is not None else deliveries.c.failures
        self._leave(
            job,
            state=State.WAITING,
            reason=reason,
            ready_at=self._clock() + seconds,
            failures=failed,
            crashes=0,
        )

    def failures(self, job: Job) -> int:
        """How often it has failed so far."""
        query = sa.select(deliveries.c.failures).where(deliveries.c.seq == job.seq)
        with self._database.reading() as connection:
            return int(connection.scalar(query) or 0)

    def lost(self, job: Job) -> None:
        """Put back a started job that no queue knows of; its crashes stay counted."""
        self._leave(job, state=State.WAITING)

    def entries(self, states: Sequence[State], limit: int) -> list[Entry]:
        """The newest rows in some states."""
        query = (
            sa.select(*(getattr(deliveries.c, name) for name in Entry.__slots__))
            .where(deliveries.c.state.in_(states))
            .order_by(deliveries.c.seq.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def entry(self, seq: int) -> tuple[Entry, Task] | None:
        """One row and its task."""
        query = sa.select(deliveries).where(deliveries.c.seq == seq)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else (_entry(row), task_from_json(row.task))

    def retry(self, seq: int) -> bool:
        """Give a dead letter another life, with all its tries; False if it is not dead."""
        with self._database.writing() as connection:
            return self._revive(connection, deliveries.c.seq == seq) == 1

    def retry_all(self) -> int:
        """Give every dead letter another life; how many there were."""
        with self._database.writing() as connection:
            return self._revive(connection, sa.true())

    def depth(self) -> Depth:
        """How much there is of each state, and how long the oldest has waited."""
        counts = sa.select(deliveries.c.state, sa.func.count()).group_by(deliveries.c.state)
        oldest = sa.select(sa.func.min(deliveries.c.received_at)).where(
            deliveries.c.state == State.WAITING
        )
        with self._database.reading() as connection:
            by_state = {State(state): count for state, count in connection.execute(counts)}
            received = connection.scalar(oldest)
        return Depth(by_state, 0.0 if received is None else max(0.0, self._clock() - received))

    def _any_ready(self) -> bool:
        query = sa.select(deliveries.c.seq).where(self._ready()).limit(1)
        with self._database.reading() as connection:
            return connection.scalar(query) is not None

    def _ready(self) -> sa.ColumnElement[bool]:
        return sa.and_(deliveries.c.state == State.WAITING, deliveries.c.ready_at <= self._clock())

    def _waiting(self, connection: sa.Connection) -> list[Waiting]:
        query = (
            sa.select(*WEIGHED).where(self._ready()).order_by(deliveries.c.seq).limit(MOST_WEIGHED)
        )
        return [Waiting(**row._mapping) for row in connection.execute(query)]

    def _drop(self, connection: sa.Connection, waiting: list[Waiting]) -> list[Waiting]:
        """Marks what need not be done, and leaves it out."""
        reviews = [row for row in waiting if row.kind == "review"]
        gone: set[int] = set()
        for state, seqs in (
            (State.DUPLICATE, duplicates(reviews, _last_keys(connection, reviews))),
            (State.SUPERSEDED, superseded(reviews, _heads(connection, reviews))),
        ):
            seqs -= gone
            if seqs:
                connection.execute(
                    sa.update(deliveries)
                    .where(deliveries.c.seq.in_(seqs))
                    .values(state=state, finished_at=self._clock())
                )
            gone |= seqs
        return [row for row in waiting if row.seq not in gone]

    def _leave(self, job: Job, **values: Any) -> None:
        with self._database.writing() as connection:
            connection.execute(
                sa.update(deliveries).where(*_is_as_before(job)).values(executor=None, **values)
            )

    def _revive(self, connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
        values = {"failures": 0, "crashes": 0, "finished_at": None, "ready_at": self._clock()}
        return connection.execute(
            sa.update(deliveries)
            .where(deliveries.c.state == State.DEAD, which)
            .values(state=State.WAITING, **values)
        ).rowcount


def _is_started(seq: int, run: int) -> tuple[sa.ColumnElement[bool], ...]:
    """The guard of every change: an older start of the same row has no say any more."""
    return (
        deliveries.c.seq == seq,
        deliveries.c.runs == run,
        deliveries.c.state == State.STARTED,
    )


def _is_as_before(job: Job) -> tuple[sa.ColumnElement[bool], ...]:
    """And whoever lost a job to another worker has none either."""
    return (
        *_is_started(job.seq, job.run),
        deliveries.c.executor.is_not_distinct_from(job.executor),
    )


def _busy(connection: sa.Connection) -> Busy:
    query = sa.select(deliveries.c.pull, deliveries.c.installation).where(
        deliveries.c.state == State.STARTED
    )
    rows = connection.execute(query).all()
    installations: dict[int, int] = {}
    for row in rows:
        installations[row.installation] = installations.get(row.installation, 0) + 1
    return Busy(frozenset(row.pull for row in rows if row.pull is not None), installations)


def _heads(connection: sa.Connection, reviews: Sequence[Waiting]) -> dict[str, Head]:
    names = {row.pull for row in reviews}
    if not names:
        return {}
    query = sa.select(pulls.c.pull, pulls.c.head_sha, pulls.c.head_seen_after).where(
        pulls.c.pull.in_(names), pulls.c.head_sha.is_not(None)
    )
    return {row.pull: Head(row.head_sha, row.head_seen_after) for row in connection.execute(query)}


def _last_keys(connection: sa.Connection, reviews: Sequence[Waiting]) -> dict[int, str | None]:
    """For each review the key of the review received last before it, dead ones left out."""
    if not reviews:
        return {}
    earlier = deliveries.alias()
    key = (
        sa.select(earlier.c.key)
        .where(
            earlier.c.pull == deliveries.c.pull,
            earlier.c.seq < deliveries.c.seq,
            earlier.c.kind == "review",
            earlier.c.state != State.DEAD,
        )
        .order_by(earlier.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = sa.select(deliveries.c.seq, key).where(
        deliveries.c.seq.in_([row.seq for row in reviews])
    )
    return {seq: last for seq, last in connection.execute(query)}


def _job(row: Any) -> Job:
    return Job(
        seq=row.seq,
        run=row.runs,
        key=row.key,
        guid=row.guid,
        kind=row.kind,
        installation=row.installation,
        pull=row.pull,
        executor=row.executor,
        task=task_from_json(row.task),
    )


def _entry(row: Any) -> Entry:
    values = {name: getattr(row, name) for name in Entry.__slots__}
    return Entry(**{**values, "state": State(values["state"])})
