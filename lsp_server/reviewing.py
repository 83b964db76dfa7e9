"""Does the jobs of the worker process: sources, the core's review, and what an editor needs beside
the report. Knows no protocol and no process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from lsp_server.ignoring import comment_place
from lsp_server.jobs import (
    ClearCache,
    CommentPlace,
    Context,
    DocumentReview,
    Job,
    Rank,
    Result,
    ReviewDocument,
    ReviewWorkspace,
    WorkspaceReview,
)
from review_core import api
from review_core.calibration import Calibration
from review_core.config import Settings, load_settings
from review_core.languages import language_named, language_of
from review_core.ranking import rank
from review_core.sources.filters import Limits
from review_core.sources.repository import open_repository
from review_core.sources.working import buffer_change, working_change
from review_core.types import Change, FileChange, Report

Progress = Callable[[int, int], None]


class CancellableScorer(api.Scorer, Protocol):
    """What scores and can be stopped. `review_core.scorer.Scorer`, or a test's fake."""

    def rewards(
        self,
        codes: Sequence[str],
        *,
        intent: str = "",
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Sequence[Mapping[str, float] | None]:
        """As `api.Scorer`. Raises concurrent.futures.CancelledError once `cancelled` says so."""


LoadScorer = Callable[[Settings], tuple[CancellableScorer, Calibration]]
OpenScorer = Callable[[Settings], tuple[api.Scorer, Calibration]]


def perform(job: Job, open_scorer: OpenScorer, progress: Progress) -> Result:
    """Do a job.

    :param open_scorer: asked only where something has to be scored.
    :raises ThemisError: where repository, base, configuration or model cannot be used.
    """
    match job:
        case ReviewDocument():
            return review_document(job, open_scorer, progress)
        case ReviewWorkspace():
            return review_workspace(job, open_scorer, progress)
        case Rank():
            scorer, calibration = open_scorer(_settings(job.context))
            language = language_of(job.path)
            return rank(
                job.texts,
                scorer,
                calibration,
                language=language.name if language else None,
                intent=job.intent,
            )
        case ClearCache():
            clear_cache(_settings(job.context))
            return None


def review_document(
    job: ReviewDocument, open_scorer: OpenScorer, progress: Progress
) -> DocumentReview:
    """Judge what an editor's text changes in its file. Without changes, no model is opened."""
    settings = _settings(job.context)
    change = buffer_change(job.file, job.text, job.context.base, limits=_limits(settings))
    if change.skipped:
        return DocumentReview(None, reason=change.skipped[0].reason)
    if not change.files:
        return DocumentReview(None)
    (file,) = change.files
    if file.base is None:
        return DocumentReview(None, reason="a new file has no base to compare with")
    scorer, calibration = open_scorer(settings)
    report = api.review(change, scorer, calibration, settings, progress=progress)
    return DocumentReview(report, file.base, places=_places(file, report))


def review_workspace(
    job: ReviewWorkspace, open_scorer: OpenScorer, progress: Progress
) -> WorkspaceReview:
    """Judge all that is being worked on, as `themis review` does."""
    settings = _settings(job.context)
    with open_repository(job.context.directory) as repository:
        root = repository.work_tree()
    change = working_change(root, job.context.base, dict(job.buffers), limits=_limits(settings))
    change = _below(change, job.context.directory.resolve().relative_to(root.resolve()))
    scorer, calibration = open_scorer(settings)
    report = api.review(change, scorer, calibration, settings, progress=progress)
    found = {finding.path for finding in report.findings}
    heads = {file.path: file.head or "" for file in change.files if file.path in found}
    return WorkspaceReview(root, report, heads)


def _below(change: Change, folder: Path) -> Change:
    """The part of the change that is in a folder: a repository may hold many."""
    return replace(
        change,
        files=tuple(each for each in change.files if Path(each.path).is_relative_to(folder)),
        skipped=tuple(each for each in change.skipped if Path(each.path).is_relative_to(folder)),
    )


def clear_cache(settings: Settings) -> None:
    """Empty the cache that the settings name."""
    from review_core.loading import reward_cache

    if (cache := reward_cache(settings)) is not None:
        cache.clear()


def _settings(context: Context) -> Settings:
    return load_settings(context.directory, context.overrides, os.environ).settings


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_file_bytes=settings.max_file_bytes, include=settings.include, exclude=settings.exclude
    )


def _places(file: FileChange, report: Report) -> dict[int, CommentPlace]:
    found = {(each.function, each.start_line): each.axis for each in report.findings}
    places = {}
    for index, review in enumerate(report.functions):
        function = review.function
        language = language_named(function.language)
        axes = [
            axis
            for (name, line), axis in found.items()
            if name == function.name and line in function.shown.lines
        ]
        if axes and language is not None and file.head is not None:
            place = comment_place(file.head, language, function, axes[0])
            if place is not None:
                places[index] = place
    return places
