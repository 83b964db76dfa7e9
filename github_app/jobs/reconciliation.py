"""What GitHub wanted to tell us and could not: asked for again. GitHub never does it by itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import sqlalchemy as sa

from github_app.database import Database, deliveries, pulls
from github_app.errors import GitHubError
from github_app.github.api import GitHub, Repository
from github_app.github.values import PullRequest
from github_app.inbox import insert_deliveries, row_of
from github_app.jobs.performing import Perform, Stop
from github_app.types import PullRequestRef, RepositoryRef, RerunTask, ReviewTask, Task

LOG = logging.getLogger(__name__)
REMEMBERED_SECONDS = 3 * 86_400 - 3_600  # GitHub forgets deliveries after three days
ASKED_IN_ONE_ROUND = 200
REDELIVER, RECONCILE = "redeliveries", "missed pull requests"  # the names of the duties
DUE_AT_START = (REDELIVER, RECONCILE)


class Reconciliation:
    """Compares what GitHub has with what we have; the difference becomes deliveries."""

    def __init__(
        self,
        github: GitHub,
        database: Database,
        clock: Callable[[], float],
        stopping: threading.Event,
        is_reviewed: Callable[[Repository, int, PullRequest], bool],
    ) -> None:
        """clock: seconds since 1970. is_reviewed: asks GitHub whether a head has its review, of an
        installation.
        """
        self._github = github
        self._database = database
        self._clock = clock
        self._stopping = stopping
        self._is_reviewed = is_reviewed

    def redeliver(self) -> int:
        """Ask for the deliveries that failed for a reason that may have passed.

        A refused one (4xx) would be refused again.

        :return: how many.
        :raises GitHubError: if GitHub cannot be asked.
        """
        since = datetime.fromtimestamp(self._clock() - REMEMBERED_SECONDS, UTC)
        failed = self._github.failed_deliveries(since.strftime("%Y-%m-%dT%H:%M:%SZ"))
        passing = [each for each in failed if not 400 <= each.status_code < 500]
        if len(passing) < len(failed):
            LOG.warning(
                "%d deliveries were refused and stay so; is the webhook secret the same?",
                len(failed) - len(passing),
            )
        # Kept, but the answer came too late for GitHub.
        kept = self._known(each.guid for each in passing)
        due = [each for each in passing if each.guid not in kept][:ASKED_IN_ONE_ROUND]
        asked = 0
        for delivery in due:
            if self._stopping.is_set():
                break
            try:
                self._github.redeliver(delivery.id)
                asked += 1
            except GitHubError as error:
                LOG.warning("delivery %s cannot be had again: %s", delivery.guid, error)
        if asked:
            LOG.info("asked GitHub for %d deliveries that failed", asked)
        return asked

    def review_the_missed(self) -> int:
        """Ask for a review of every open pull request whose head has none and never was asked for.

        Not in repositories that we know nothing of: an installation begins with the next push, not
        with a review of all that is old.

        :return: how many.
        """
        missed = 0
        for repository, pull in self._open():
            if self._stopping.is_set():
                break
            task = self._review_of(repository, pull)
            if task is not None:
                guid = f"missed/{task.key}"
                row = row_of(guid, task, self._clock())
                missed += len(insert_deliveries(self._database, [row]))
        if missed:
            LOG.info("%d open pull requests had no review of their head", missed)
        return missed

    def _open(self) -> Iterator[tuple[tuple[int, Repository], PullRequest]]:
        for installation in self._github.installations():
            try:
                for ref in self._github.repositories(installation):
                    if not self._is_known(installation, ref):
                        continue
                    repository = self._github.repository(installation, ref)
                    yield from (
                        ((installation, repository), pull)
                        for pull in repository.open_pull_requests()
                    )
            except GitHubError as error:
                # A suspended installation, say: the others must not suffer.
                LOG.warning("installation %d cannot be looked at: %s", installation, error)

    def _review_of(self, where: tuple[int, Repository], pull: PullRequest) -> ReviewTask | None:
        installation, repository = where
        ref = PullRequestRef(installation, repository.ref, pull.number)
        if self._was_asked_for(ref, pull.head_sha) or self._is_reviewed(
            repository, installation, pull
        ):
            return None
        return ReviewTask(ref, pull.head_sha)

    def _is_known(self, installation: int, ref: RepositoryRef) -> bool:
        with self._database.reading() as connection:
            return any(
                connection.execute(
                    sa.select(sa.literal(1))
                    .where(table.c.installation == installation, table.c.repository == ref.id)
                    .limit(1)
                ).first()
                for table in (pulls, deliveries)
            )

    def _was_asked_for(self, pull: PullRequestRef, head_sha: str) -> bool:
        query = sa.select(deliveries.c.seq).where(
            deliveries.c.pull == pull.key, deliveries.c.head_sha == head_sha
        )
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def _known(self, guids: Iterable[str]) -> set[str]:
        query = sa.select(deliveries.c.guid).where(deliveries.c.guid.in_(list(guids)))
        with self._database.reading() as connection:
            return set(connection.scalars(query))


class Rerunning:
    """Performs a RerunTask by asking for the reviews it means; hands on all others.

    They become rows of their own, so that no pull request is worked on twice at a time.
    """

    def __init__(
        self, perform: Perform, github: GitHub, database: Database, clock: Callable[[], float]
    ) -> None:
        """clock: seconds since 1970."""
        self._perform = perform
        self._github = github
        self._database = database
        self._clock = clock

    def __call__(self, task: Task, stop: Stop) -> None:
        """See Perform."""
        if not isinstance(task, RerunTask):
            self._perform(task, stop)
            return
        repository = self._github.repository(task.installation, task.repository)
        rows = []
        for pull in repository.pull_requests_of(task.head_sha):
            ref = PullRequestRef(task.installation, task.repository, pull.number)
            review = ReviewTask(ref, task.head_sha, task.occasion, task.full, asked=True)
            rows.append(row_of(f"{task.key}/{pull.number}", review, self._clock()))
        if rows:
            insert_deliveries(self._database, rows)
