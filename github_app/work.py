"""What a worker does with a task: the pull request as GitHub has it now decides; then read, review,
publish. All of it may be broken off anywhere and done again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from github_app.commanding import obey
from github_app.database import StoreError
from github_app.errors import (
    ForbiddenError,
    GitHubError,
    InvalidError,
    LeftAloneError,
    MissingError,
    StoppedError,
    UnavailableError,
)
from github_app.feedback import Feedback
from github_app.github.api import GitHub, Repository
from github_app.github.values import CheckRun, PullRequest
from github_app.publishing.check_runs import begin, end, end_unfinished, start
from github_app.publishing.checks import scoring, skipped
from github_app.publishing.outcome import Identified, Outcome, monitored, silenced
from github_app.publishing.publish import Place, Published, publish
from github_app.publishing.suggestions import Suggestion, suggestions
from github_app.reading import Configure, Reading
from github_app.reviewing import Reviewed
from github_app.store import PullState, Store
from github_app.types import (
    CloseTask,
    CommandTask,
    FeedbackTask,
    ForgetTask,
    PullRequestRef,
    ReviewTask,
    Task,
)
from review_core.calibration import Calibration
from review_core.config import Resolved
from review_core.errors import ConfigurationError, ThemisError
from review_core.gates import blocking
from review_core.renderers.json import render_json
from review_core.types import Axis, Change, FileChange, Report

LOG = logging.getLogger(__name__)
PROGRESS_SECONDS = 10.0  # between two writes of how far a review is
IGNORED = "ignored on this pull request by a command"
PAUSED = "reviews of this pull request are paused; `resume` in a comment to the app ends that"
DRAFT = "the pull request is a draft; pull_request.drafts has drafts reviewed, too"
CLOSED = "the pull request was closed"
MOVED = "a newer push took its place"
OUR_FAULT = "something failed on our side; who runs the app finds it in its log"

Stop = Callable[[], bool]


class Reads(Protocol):
    """What reads pull requests; `reading.Reader`."""

    def read(
        self,
        installation: int,
        repository: Repository,
        pull: PullRequest,
        configure: Configure,
        stop: Stop = ...,
    ) -> Reading:
        """See there."""


class Reviews(Protocol):
    """What reviews what was read; `reviewing.Reviewer`."""

    @property
    def calibration(self) -> Calibration:
        """The model's own."""

    def configure(self, texts: Mapping[str, str]) -> Resolved:
        """See there."""

    def review(
        self,
        reading: Reading,
        *,
        stop: Stop = ...,
        progress: Callable[[int, int], None] | None = None,
    ) -> Reviewed:
        """See there."""


class Forgets(Protocol):
    """What keeps clones; `clones.Clones`."""

    def forget(self, installation: int, repositories: Sequence[int] | None = None) -> None:
        """See there."""


class Work:
    """Performs tasks; `jobs.performing.Perform`."""

    def __init__(
        self,
        github: GitHub,
        reader: Reads,
        reviewer: Reviews,
        store: Store,
        clones: Forgets,
        *,
        feedback: Feedback | None = None,
        published: Callable[[Published], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """published: told of what was written, for whoever counts. feedback: None keeps none."""
        self._github = github
        self._reader = reader
        self._reviewer = reviewer
        self._store = store
        self._clones = clones
        self._feedback = feedback
        self._published = published
        self._clock = clock

    def __call__(self, task: Task, stop: Stop) -> None:
        """Do it; see Perform."""
        with suppress(StoppedError):
            match task:
                case ReviewTask():
                    self._review(task, stop)
                case CommandTask():
                    self._command(task, stop)
                case FeedbackTask():
                    self._answered(task)
                case CloseTask():
                    self._close(task)
                case ForgetTask():
                    self._store.forget(task.installation, task.repositories)
                    self._clones.forget(task.installation, task.repositories)
                    if self._feedback is not None:
                        self._feedback.forget(task.installation, task.repositories)

    def give_up(self, task: Task, reason: str) -> None:
        """Say at GitHub that a review will not come; for what was tried too often."""
        if isinstance(task, ReviewTask):
            repository = self._repository(task.pull)
            end_unfinished(repository, task.head_sha, task.pull.key, reason)

    # --- commands and closing ---------------------------------------------------------------------

    def _command(self, task: CommandTask, stop: Stop) -> None:
        repository = self._repository(task.pull)

        def configuration(pull: PullRequest) -> Resolved:
            return self._read(task.pull, repository, pull, stop).configuration

        try:
            review = obey(task, repository, self._store, configuration)
        except MissingError as error:
            LOG.info("nothing to do for a comment: %s", error)
            return
        if review is not None:
            self._review(review, stop)

    def _answered(self, task: FeedbackTask) -> None:
        repository = self._repository(task.pull)
        with suppress(MissingError, ForbiddenError):  # the comment is gone, or locked
            counts = repository.may_write(task.author) and self._collect(repository, task.pull)
            repository.react(task.comment_id, "+1" if counts else "confused", on_line=True)

    def _collect(self, repository: Repository, pull: PullRequestRef) -> bool:
        """Read what people say of our findings; whether this repository wants that."""
        if self._feedback is None or not self._feedback.keeps(pull):
            return False
        try:
            kept = self._feedback.collect(repository, pull)
        except (ForbiddenError, InvalidError, MissingError) as error:  # a review needs none of it
            LOG.warning("answers to findings cannot be read: %s", error)
            return False
        LOG.info("kept %d answers to findings", kept)
        return True

    def _close(self, task: CloseTask) -> None:
        repository = self._repository(task.pull)
        with suppress(MissingError):  # the repository went, too
            self._collect(repository, task.pull)
            pull = repository.pull_request(task.pull.number)
            if not pull.is_open:
                end_unfinished(repository, pull.head_sha, task.pull.key, CLOSED)

    # --- reviews ----------------------------------------------------------------------------------

    def _review(self, task: ReviewTask, stop: Stop) -> None:
        repository = self._repository(task.pull)
        pull = self._as_it_is(task, repository)
        if pull is None:
            return
        state = self._store.pull(task.pull)
        check = begin(repository, pull.head_sha, task.key, task.pull.key)
        with _ended_on_failure(repository, check):
            if state.paused and not task.asked:
                end(repository, check, skipped(PAUSED))
                return
            start(repository, check)
            reading = self._read(task.pull, repository, pull, stop)
            settings = reading.configuration.settings
            if pull.is_draft and not task.asked and not settings.pull_request.drafts:
                end(repository, check, skipped(DRAFT))
                return
            reviewed = self._reviewer.review(
                reading, stop=stop, progress=self._progress(repository, check)
            )
            self._store.save_report(
                task.pull, pull.head_sha, reviewed.base_tip, render_json(reviewed.report)
            )
            self._publish(task, repository, pull, check, reading, reviewed, state, stop)

    def _as_it_is(self, task: ReviewTask, repository: Repository) -> PullRequest | None:
        """The pull request, if it is still what the task is about."""
        moment = self._store.moment()
        try:
            pull = repository.pull_request(task.pull.number)
        except MissingError as error:
            LOG.info("nothing to review: %s", error)
            return None
        before = self._store.pull(task.pull).head_sha
        if before is not None and before != pull.head_sha:
            with suppress(MissingError):  # nothing is left of it after a force-push
                end_unfinished(repository, before, task.pull.key, MOVED)
        self._store.saw_head(task.pull, pull.head_sha, moment)
        if not pull.is_open:
            end_unfinished(repository, pull.head_sha, task.pull.key, CLOSED)
            return None
        return pull if pull.head_sha == task.head_sha else None

    def _read(
        self, of: PullRequestRef, repository: Repository, pull: PullRequest, stop: Stop
    ) -> Reading:
        try:
            return self._reader.read(
                of.installation, repository, pull, self._reviewer.configure, stop
            )
        except MissingError as error:  # a commit that GitHub does not show yet, or no longer
            raise UnavailableError(str(error)) from error

    def _publish(
        self,
        task: ReviewTask,
        repository: Repository,
        pull: PullRequest,
        check: CheckRun,
        reading: Reading,
        reviewed: Reviewed,
        state: PullState,
        stop: Stop,
    ) -> None:
        now = repository.pull_request(task.pull.number)
        if not now.is_open or (now.head_sha, now.base_ref) != (pull.head_sha, pull.base_ref):
            end(repository, check, skipped(MOVED if now.is_open else CLOSED))
            return
        outcome = outcome_of(
            reviewed, state, self._reviewer.calibration, repository.clone_url().removesuffix(".git")
        )

        def rescore(file: FileChange) -> Report | None:
            change = Change(reading.change.base, reading.change.head, (file,))
            told = Reading(change, reading.configuration, reading.base_tip)
            again = self._reviewer.review(told, stop=stop)
            return None if again.left_out else again.report

        def suggest(found: Sequence[Identified]) -> Mapping[str, Suggestion]:
            return suggestions(found, outcome.files, rescore)

        if reviewed.configuration.settings.remember_findings and self._feedback is not None:
            # Answers first: what they speak of is said anew below.
            self._collect(repository, task.pull)
            self._feedback.remember(task.pull, outcome.report)

        def may_go_on() -> None:
            if stop():
                raise StoppedError("told to stop while publishing")

        written = publish(
            Place(repository, pull.number, pull.head_sha),
            check,
            outcome,
            suggest=suggest,
            may_go_on=may_go_on,
            full=task.full,
        )
        LOG.info("published %s", written)
        self._published(written)

    def _progress(self, repository: Repository, check: CheckRun) -> Callable[[int, int], None]:
        """Says in the check how far we are, now and then; that it could not is no matter."""
        last = self._clock()

        def say(done: int, total: int) -> None:
            nonlocal last
            if self._clock() - last >= PROGRESS_SECONDS and done < total:
                last = self._clock()
                with suppress(GitHubError):
                    repository.update_check_run(check.id, output=scoring(done, total))

        return say

    def _repository(self, pull: PullRequestRef) -> Repository:
        return self._github.repository(pull.installation, pull.repository)


def outcome_of(
    reviewed: Reviewed, state: PullState, calibration: Calibration, web_url: str | None
) -> Outcome:
    """What is published of a review: without the axes that are only monitored, or ignored here."""
    settings = reviewed.configuration.settings
    ignored = {axis: IGNORED for axis in Axis if axis.value in state.ignored}
    report = monitored(silenced(reviewed.report, ignored), settings)
    return Outcome(
        report,
        settings.pull_request,
        reviewed.files,
        blocking=blocking(report.findings, settings, calibration, reviewed.judge),
        left_out=tuple(each.path for each in reviewed.left_out),
        coverage=reviewed.coverage,
        web_url=web_url,
        asks=settings.remember_findings,
    )


@contextmanager
def _ended_on_failure(repository: Repository, check: CheckRun) -> Iterator[None]:
    """A check that ends whatever happens, but for what is tried again: it stays in progress."""
    try:
        yield
    except (LeftAloneError, ConfigurationError) as error:
        end(repository, check, skipped(str(error)))
    except (StoppedError, StoreError, UnavailableError):
        raise
    except ThemisError as error:
        _say(repository, check, str(error) if isinstance(error, GitHubError) else OUR_FAULT)
        raise
    except Exception:
        _say(repository, check, OUR_FAULT)
        raise


def _say(repository: Repository, check: CheckRun, reason: str) -> None:
    with suppress(GitHubError):
        end(repository, check, skipped(reason))
