"""The worker that reviews: everything that `work` needs, put together from the settings.

The model is loaded with the first task that needs it.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from github_app.clones import CloneLimits, Clones
from github_app.database import Database, StoreError, open_database
from github_app.errors import UnavailableError
from github_app.feedback import MOST_SHOWN, Feedback
from github_app.figures import Figures
from github_app.github.api import GitHub, Repository
from github_app.github.auth import AppKey
from github_app.github.client import GitHubClient
from github_app.github.limits import Times
from github_app.github.values import CheckStatus, PullRequest
from github_app.jobs.executors import make_due
from github_app.jobs.performing import Stop
from github_app.jobs.reconciliation import (
    DUE_AT_START,
    RECONCILE,
    REDELIVER,
    Reconciliation,
    Rerunning,
)
from github_app.jobs.runner import Ended
from github_app.metrics import Counter, Tally
from github_app.publishing.check_runs import ours
from github_app.publishing.publish import Published
from github_app.reading import Reader, Reading
from github_app.reviewing import Progress, Reviewed, Reviewer, load_reviewer
from github_app.settings import Settings
from github_app.shared_pace import SharedPace
from github_app.store import Store
from github_app.types import PullRequestRef
from github_app.work import Work
from github_app.worker import Duty, WorkerSettings, run_worker
from review_core.calibration import Calibration
from review_core.config import Resolved
from review_core.feedback import FeedbackStore

LOG = logging.getLogger(__name__)
DAY = 86_400.0
MEGABYTE = 2**20
PURGE = "retention"


def run_review_worker(
    settings: Settings,
    executor: str,
    stopping: threading.Event,
    redact: Callable[[str], str],
    *,
    starts: bool = False,
    load: Callable[[Settings], Reviewer] | None = None,
) -> int:
    """Review until `stopping` is set; the exit status, as `run_worker` gives it.

    :param starts: whether the app starts with this process: then what was missed is looked for.
    :param load: makes the reviewer, once; by default the one of the settings' model.
    :raises ThemisError: if database or key cannot be used.
    """
    tally = Tally()
    url = settings.database_url.reveal()
    with (
        closing(open_database(url)) as database,
        closing(_github(settings, database, stopping, tally)) as github,
    ):
        if starts:
            make_due(database, DUE_AT_START)
        store = Store(database, time.time)
        reviewer = _LazyReviewer(lambda: (load or _load)(settings), tally)
        clones = _clones(settings)
        feedback = _feedback(settings)
        work = Work(
            github,
            Reader(clones, settings.github.ca_file),
            reviewer,
            store,
            clones,
            feedback=feedback,
            published=lambda published: _count_published(tally, published),
        )
        worker = WorkerSettings(
            url,
            executor,
            workers=max(1, settings.workers),
            shutdown_seconds=settings.shutdown_seconds,
        )
        return run_worker(
            worker,
            database,
            Rerunning(work, github, database, time.time),
            stopping,
            duties=_duties(settings, github, database, stopping, feedback),
            ended=_Counting(tally, Figures(database, time.time)),
            given_up=work.give_up,
            redact=redact,
        )


def _duties(
    settings: Settings,
    github: GitHub,
    database: Database,
    stopping: threading.Event,
    feedback: Feedback,
) -> list[Duty]:
    reconciliation = Reconciliation(github, database, time.time, stopping, _is_reviewed)
    store = Store(database, time.time)
    retention = DAY * settings.retention_days

    def purge() -> None:
        store.purge(retention)
        feedback.purge(time.time() - retention)

    return [
        Duty(REDELIVER, 60 * settings.redeliver_minutes, reconciliation.redeliver),
        Duty(RECONCILE, DAY, reconciliation.review_the_missed),
        Duty(PURGE, DAY, purge),
    ]


def _is_reviewed(repository: Repository, installation: int, pull: PullRequest) -> bool:
    key = PullRequestRef(installation, repository.ref, pull.number).key
    return any(run.status is CheckStatus.COMPLETED for run in ours(repository, pull.head_sha, key))


def _github(
    settings: Settings, database: Database, stopping: threading.Event, tally: Tally
) -> GitHubClient:
    def sleep(seconds: float) -> None:
        if stopping.wait(seconds):
            raise UnavailableError("the wait for GitHub was broken off: the worker is stopping")

    times = Times(
        sleep=sleep,
        waited=lambda wait, seconds: tally.add(Counter.SLEPT, seconds, wait.value),
    )
    key = AppKey(str(settings.app_id), settings.private_key.reveal())
    return GitHubClient(
        key,
        settings.github,
        times,
        pace=lambda times, installation: SharedPace(times, database, installation),
    )


def _feedback(settings: Settings) -> Feedback:
    return Feedback(FeedbackStore(feedback_path(settings), most_shown=MOST_SHOWN))


def feedback_path(settings: Settings) -> Path:
    """Where this machine keeps what people say of findings."""
    return settings.data_folder / "feedback.sqlite"


def _clones(settings: Settings) -> Clones:
    limits = CloneLimits(
        total_bytes=settings.clone_megabytes * MEGABYTE,
        repository_bytes=settings.repository_megabytes * MEGABYTE,
        seconds=settings.git_seconds,
    )
    return Clones(settings.data_folder / "clones", limits)


def _load(settings: Settings) -> Reviewer:
    host: dict[str, Any] = {
        "threads": settings.threads,
        "cache.directory": str(settings.data_folder / "cache"),
    }
    if settings.model is not None:
        host["model"] = str(settings.model)
    if settings.judge is not None:
        host["judge.model"] = str(settings.judge)
    return load_reviewer(host, seconds=settings.review_seconds)


class _LazyReviewer:
    """A reviewer whose model is loaded when it is first needed; counts what it does."""

    def __init__(self, load: Callable[[], Reviewer], tally: Tally) -> None:
        self._load = cache(load)
        self._tally = tally

    @property
    def calibration(self) -> Calibration:
        return self._load().calibration

    def configure(self, texts: Mapping[str, str]) -> Resolved:
        return self._load().configure(texts)

    def review(
        self,
        reading: Reading,
        *,
        stop: Stop = lambda: False,
        progress: Progress | None = None,
    ) -> Reviewed:
        reviewed = self._load().review(reading, stop=stop, progress=progress)
        told = reviewed.report.statistics
        for counter, amount in (
            (Counter.FUNCTIONS, told.functions),
            (Counter.TOKENS, told.tokens_computed),
            (Counter.TOKENS, told.judge.tokens_computed if told.judge else 0),
            (Counter.CACHE_HITS, told.cache_hits),
            (Counter.CACHE_MISSES, told.sequences - told.cache_hits),
        ):
            self._tally.add(counter, max(0, amount))
        for skipped in reviewed.report.skipped:
            self._tally.add(Counter.SKIPPED, label=_kind_of_reason(skipped.reason))
        for withheld in reviewed.report.withheld:
            self._tally.add(Counter.WITHHELD, label=_kind_of_reason(withheld.reason))
        return reviewed


def _kind_of_reason(reason: str) -> str:
    """A label with few values: what stands before any detail."""
    return re.split(r"[:;,(0-9]", reason, maxsplit=1)[0].strip()[:60] or "other"


def _count_published(tally: Tally, published: Published) -> None:
    tally.add(Counter.POSTED, published.posted)
    tally.add(Counter.RESOLVED, published.resolved)
    tally.add(Counter.REFUSED, published.refused, "422")


class _Counting:
    """Adds what was counted to the database after each job; what cannot be added waits."""

    def __init__(self, tally: Tally, figures: Figures) -> None:
        self._tally = tally
        self._figures = figures

    def __call__(self, ended: Ended) -> None:
        if ended.outcome in ("done", "dead"):
            self._tally.add(Counter.TASKS, label=ended.job.kind)
        if ended.job.kind == "review":
            self._tally.add(Counter.REVIEWS, label=ended.outcome)
        if ended.outcome == "dead":
            self._tally.add(Counter.DEAD)
        counts = self._tally.take()
        try:
            self._figures.add(counts)
        except StoreError as error:
            LOG.warning("what was counted is added later: %s", error)
            for (counter, label), amount in counts.items():
                self._tally.add(counter, amount, label)
