"""What GitHub cannot remember for us: pauses, ignored axes, finished reports. And forgetting.

Comments and check runs are not here: they live at GitHub, marked as ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from github_app.database import Database, deliveries, pulls, reports, write_slots
from github_app.types import PullRequestRef

# GitHub redelivers for three days; a delivery that was forgotten sooner could be done twice.
LEAST_RETENTION_SECONDS = 4 * 86_400.0
FINISHED = ("done", "duplicate", "superseded", "dead")


@dataclass(frozen=True, slots=True)
class PullState:
    """What people asked of us for one pull request, and its head when we last looked."""

    paused: bool = False
    ignored: frozenset[str] = frozenset()
    head_sha: str | None = None


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A finished report. report: the JSON text of `--format json`. made_at: seconds since 1970."""

    head_sha: str
    base_sha: str
    report: str
    made_at: float


class Store:
    """State of pull requests, by their key. Safe to use from several threads and processes.

    Every method raises StoreError where the database cannot be used.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        """clock: seconds since 1970."""
        self._database = database
        self._clock = clock

    def pull(self, pull: PullRequestRef) -> PullState:
        """Its state; the plain one where nothing was ever asked."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(pulls).where(pulls.c.pull == pull.key)).first()
        if row is None:
            return PullState()
        return PullState(row.paused, frozenset(json.loads(row.ignored)), row.head_sha)

    def pause(self, pull: PullRequestRef, paused: bool) -> None:
        """Review its pushes no more, or again."""
        with self._database.writing() as connection:
            self._put(connection, pull, paused=paused)

    def ignore(self, pull: PullRequestRef, axis: str) -> None:
        """Say nothing about an axis on this pull request."""
        with self._database.writing() as connection:
            self._put(connection, pull)  # from here on the row is ours: another waits
            query = sa.select(pulls.c.ignored).where(pulls.c.pull == pull.key)
            axes = {*json.loads(connection.scalars(query).one()), axis}
            self._put(connection, pull, ignored=json.dumps(sorted(axes)))

    def moment(self) -> int:
        """The number of the last delivery: taken before GitHub is asked, it says what the answer
        outdates. Not a time: the clocks of two machines differ.
        """
        with self._database.reading() as connection:
            return int(connection.scalar(sa.select(sa.func.max(deliveries.c.seq))) or 0)

    def saw_head(self, pull: PullRequestRef, head_sha: str, moment: int) -> None:
        """Note which head GitHub named: reviews of other heads asked for before are superseded.

        :param moment: what `moment` said before GitHub was asked.
        """
        with self._database.writing() as connection:
            self._put(connection, pull, head_sha=head_sha, head_seen_after=moment)

    def save_report(self, pull: PullRequestRef, head_sha: str, base_sha: str, report: str) -> None:
        """Keep a finished report; the last one for a head and base counts."""
        values = {
            "pull": pull.key,
            "head_sha": head_sha,
            "base_sha": base_sha,
            "installation": pull.installation,
            "repository": pull.repository.id,
            "report": report,
            "made_at": self._clock(),
        }
        new = self._database.insert(reports).values(values)
        changed = {name: new.excluded[name] for name in ("report", "made_at")}
        statement = new.on_conflict_do_update(
            index_elements=["pull", "head_sha", "base_sha"], set_=changed
        )
        with self._database.writing() as connection:
            connection.execute(statement)

    def report(self, pull: PullRequestRef, head_sha: str, base_sha: str) -> StoredReport | None:
        """The report of one head and base."""
        found = self._reports(pull, reports.c.head_sha == head_sha, reports.c.base_sha == base_sha)
        return found[0] if found else None

    def latest_report(self, pull: PullRequestRef) -> StoredReport | None:
        """The newest report of a pull request."""
        found = self._reports(pull)
        return found[0] if found else None

    def forget(self, installation: int, repositories: Sequence[int] | None) -> int:
        """Delete all that is stored of an installation, or of some of its repositories.

        Deliveries stay that came after the one we do this for: it may have been installed again.

        :return: how many rows went.
        """
        began = (
            sa.select(sa.func.max(deliveries.c.seq))
            .where(
                deliveries.c.installation == installation,
                deliveries.c.kind == "forget",
                deliveries.c.state == "started",
            )
            .scalar_subquery()
        )
        is_over = sa.or_(
            deliveries.c.state.in_(FINISHED),
            sa.and_(deliveries.c.state == "waiting", deliveries.c.seq < sa.func.coalesce(began, 0)),
        )
        deleted = 0
        with self._database.writing() as connection:
            if repositories is None:
                ours = write_slots.c.installation == installation
                connection.execute(sa.delete(write_slots).where(ours))
            for table in (pulls, reports, deliveries):
                statement = sa.delete(table).where(table.c.installation == installation)
                if repositories is not None:
                    statement = statement.where(table.c.repository.in_(repositories))
                if table is deliveries:
                    statement = statement.where(is_over)
                deleted += connection.execute(statement).rowcount
        return deleted

    def purge(self, retention_seconds: float) -> int:
        """Delete what is older than this and done with; a pull request by when it last changed.

        Finished deliveries stay four days at least: GitHub may send them again for three.

        :return: how many rows went.
        """
        now = self._clock()
        before = now - retention_seconds
        finished = sa.and_(
            deliveries.c.state.in_(FINISHED),
            deliveries.c.finished_at < now - max(retention_seconds, LEAST_RETENTION_SECONDS),
        )
        deleted = 0
        with self._database.writing() as connection:
            for statement in (
                sa.delete(reports).where(reports.c.made_at < before),
                sa.delete(pulls).where(pulls.c.touched_at < before),
                sa.delete(deliveries).where(finished),
            ):
                deleted += connection.execute(statement).rowcount
        return deleted

    def _put(self, connection: sa.Connection, pull: PullRequestRef, **changed: Any) -> None:
        changed["touched_at"] = self._clock()
        insert = self._database.insert(pulls).values(
            pull=pull.key,
            installation=pull.installation,
            repository=pull.repository.id,
            **{"paused": False, "ignored": "[]", **changed},
        )
        connection.execute(insert.on_conflict_do_update(index_elements=["pull"], set_=changed))

    def _reports(
        self, pull: PullRequestRef, *conditions: sa.ColumnElement[bool]
    ) -> list[StoredReport]:
        query = (
            sa.select(reports)
            .where(reports.c.pull == pull.key, *conditions)
            .order_by(reports.c.made_at.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return [StoredReport(row.head_sha, row.base_sha, row.report, row.made_at) for row in rows]
