"""Does the jobs of the worker process: sources, the core's review, and what an editor needs beside
the report. Knows no protocol and no process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Protocol

from lsp_server.ignoring import comment_place
from lsp_server.jobs import (
    AnswerKept,
    ClearCache,
    CommentPlace,
    Context,
    DocumentReview,
    Job,
    KeepAnswer,
    Rank,
    RankedTexts,
    Result,
    ReviewDocument,
    ReviewWorkspace,
    Versions,
    WorkspaceReview,
)
from lsp_server.notebook_text import cells_of_file, notebook_text
from review_core import api, margins
from review_core.baseline import load_baseline
from review_core.calibration import Calibration
from review_core.cascade import JudgeModel
from review_core.config import Settings, load_settings
from review_core.errors import InputError
from review_core.feedback import FeedbackStore, default_feedback_path, repository_of
from review_core.functions import functions_of
from review_core.languages import Language, language_named, language_of
from review_core.ranking import rank
from review_core.sources.filters import Limits, collected, refused_by_name, reviewed
from review_core.sources.repository import open_repository
from review_core.sources.working import (
    WORKING_TREE,
    buffer_change,
    held_content,
    working_change,
)
from review_core.types import Change, FileChange, FunctionKind, Report, Skipped

OPEN_DOCUMENT = "open document"
"""What the text of an editor is called in a ranking."""

_LARGEST_NOTEBOOK = 50 * 2**20
"""In bytes: most of a notebook's file is pictures, which are not read."""

_LEFT_OVER = frozenset({FunctionKind.CLASS_BODY, FunctionKind.MODULE})

Progress = Callable[[int, int], None]


class CancellableScorer(margins.Scorer, Protocol):
    """What scores and can be stopped. `review_core.scorer.Scorer`, or a test's fake."""

    def rewards(
        self,
        codes: Sequence[str],
        *,
        intent: str = "",
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Sequence[Mapping[str, float] | None]:
        """As `margins.Scorer`; raises concurrent.futures.CancelledError once `cancelled` asks."""


LoadScorer = Callable[[Settings], tuple[CancellableScorer, Calibration]]
OpenScorer = Callable[[Settings], tuple[margins.Scorer, Calibration]]
LoadJudge = Callable[[Settings, margins.Model, Calibration], JudgeModel[CancellableScorer] | None]
OpenJudge = Callable[[Settings, margins.Model, Calibration], JudgeModel[margins.Scorer] | None]


def no_judge(
    settings: Settings, model: margins.Model, calibration: Calibration
) -> JudgeModel[margins.Scorer] | None:
    """There is one model only."""
    return None


def perform(
    job: Job,
    open_scorer: OpenScorer,
    progress: Progress,
    pause: Callable[[], None] = lambda: None,
    open_judge: OpenJudge = no_judge,
) -> Result:
    """Do a job.

    :param open_scorer: asked only where something has to be scored.
    :param open_judge: asked with the model that `open_scorer` gave, and its calibration.
    :param pause: called between steps of long work that does not score; raises to stop it.
    :raises ThemisError: where repository, base, configuration or model cannot be used.
    """
    match job:
        case ReviewDocument():
            return review_document(job, open_scorer, progress, open_judge)
        case ReviewWorkspace():
            return review_workspace(job, open_scorer, progress, pause, open_judge)
        case Rank():
            return rank_texts(job, open_scorer)
        case ClearCache():
            clear_cache(_settings(job.context))
            return None
        case KeepAnswer():
            return keep_answer(job, FeedbackStore(default_feedback_path()))


def review_document(
    job: ReviewDocument,
    open_scorer: OpenScorer,
    progress: Progress,
    open_judge: OpenJudge = no_judge,
) -> DocumentReview:
    """Judge what an editor's text changes in its file. Without changes, no model is opened."""
    if not job.file.parent.is_dir():
        return DocumentReview(None, reason="its folder is gone")
    settings = _settings(job.context)
    if job.notebook is None:
        change = buffer_change(job.file, job.text, job.context.base, limits=_limits(settings))
    else:
        change = notebook_change(job, job.notebook, _limits(settings))
    if change.skipped:
        return DocumentReview(None, reason=change.skipped[0].reason)
    if not change.files:
        return DocumentReview(None)
    (file,) = change.files
    if file.base is None:
        return DocumentReview(None, reason="a new file has no base to compare with")
    scorer, calibration = open_scorer(settings)
    baseline = load_baseline(job.context.directory)
    report = api.review(
        change,
        scorer,
        calibration,
        settings,
        baseline=baseline,
        progress=progress,
        second=open_judge(settings, scorer.bundle, calibration),
    )
    if job.notebook is not None:
        path = file.path.removesuffix(PurePath(file.path).suffix)
        file, report = replace(file, path=path), _of_file(report, path)
    return DocumentReview(
        report, file.base, places=_places(file, report), remembers=settings.remember_findings
    )


def review_workspace(
    job: ReviewWorkspace,
    open_scorer: OpenScorer,
    progress: Progress,
    pause: Callable[[], None],
    open_judge: OpenJudge = no_judge,
) -> WorkspaceReview:
    """Judge all that is being worked on, as `themis review` does."""
    settings = _settings(job.context)
    with open_repository(job.context.directory) as repository:
        root = repository.work_tree()
    change = working_change(
        root, job.context.base, dict(job.buffers), limits=_limits(settings), pause=pause
    )
    change = _below(change, job.context.directory.resolve().relative_to(root.resolve()))
    scorer, calibration = open_scorer(settings)
    report = api.review(
        change,
        scorer,
        calibration,
        settings,
        baseline=load_baseline(job.context.directory),
        progress=progress,
        pause=pause,
        second=open_judge(settings, scorer.bundle, calibration),
    )
    found = {finding.path for finding in report.findings}
    heads = {file.path: file.head or "" for file in change.files if file.path in found}
    return WorkspaceReview(root, report, heads)


def notebook_change(job: ReviewDocument, language_name: str, limits: Limits) -> Change:
    """The code of a notebook's open cells against that of its file at base.

    The file's name is given the ending of the language, by which everything else knows it.
    """
    language = language_named(language_name)
    if language is None:
        raise ValueError(f"{language_name} is not a language of ours")
    large = replace(limits, max_file_bytes=max(limits.max_file_bytes, _LARGEST_NOTEBOOK))
    held = held_content(job.file, job.context.base, limits=large)
    path = held.path + language.extensions[0]
    item: FileChange | Skipped | None
    if isinstance(held.content, Skipped):
        item = held.content
    elif refused := refused_by_name(path, limits):
        item = refused
    elif held.content is None:
        item = FileChange(path, None, job.text)
    elif (cells := cells_of_file(held.content)) is None:
        item = Skipped(held.path, "its base is no notebook of format 4")
    else:
        base = notebook_text(cells, language).text
        item = reviewed(
            path, base.encode(errors="replace"), job.text.encode(errors="replace"), limits
        )
    return collected(held.base, WORKING_TREE, [item])


def _of_file(report: Report, path: str) -> Report:
    """The report, as of the file with this name."""
    return replace(
        report,
        functions=tuple(
            replace(each, function=replace(each.function, path=path)) for each in report.functions
        ),
        findings=tuple(replace(each, path=path) for each in report.findings),
        withheld=tuple(
            replace(each, finding=replace(each.finding, path=path)) for each in report.withheld
        ),
    )


def rank_texts(job: Rank, open_scorer: OpenScorer) -> RankedTexts:
    """Rank texts given, and a file's versions.

    :raises InputError: where a revision, or the file or function there, is missing.
    """
    settings = _settings(job.context)
    language = language_of(job.path)
    names = [f"text {at}" for at, _ in enumerate(job.texts, 1)]
    texts, function, path = list(job.texts), None, ""
    if job.versions is not None:
        versions, function, path = _versions(job.versions, _limits(settings))
        names = [*versions, *names]
        texts = [*versions.values(), *texts]
    scorer, calibration = open_scorer(settings)
    name = language.name if language else None
    ranking = rank(
        texts, scorer, calibration, settings, path=path, language=name, intent=job.intent
    )
    return RankedTexts(ranking, tuple(names), function)


def _versions(asked: Versions, limits: Limits) -> tuple[dict[str, str], str | None, str]:
    """The texts to compare by what they are called, the name of the function that they are, and
    their path in the repository.
    """
    language = language_of(asked.file.name)
    if language is None:
        raise InputError(f"{asked.file.name} is not in a language Themis reads")
    texts, path = {OPEN_DOCUMENT: asked.text}, ""
    for revision in asked.revisions:
        held = held_content(asked.file, revision, limits=limits)
        if held.content is None:
            raise InputError(f"{revision} has no {held.path}; name a revision that has it")
        if isinstance(held.content, Skipped):
            raise InputError(f"{held.path} of {revision} cannot be read: {held.content.reason}")
        texts[revision] = held.content.decode("utf-8-sig", errors="replace")
        path = held.path
    if asked.line is None:
        return texts, None, path
    name = _function_at(asked.text, language, asked.line)
    cut = {key: _function_text(key, text, language, name) for key, text in texts.items()}
    return cut, name, path


def _function_at(text: str, language: Language, line: int) -> str:
    for function in functions_of(text, language):
        if any(line in span for span in function.spans) and function.kind not in _LEFT_OVER:
            return function.name
    raise InputError(f"line {line} is in no function; put the cursor into one")


def _function_text(revision: str, text: str, language: Language, name: str) -> str:
    for function in functions_of(text, language):
        if function.name == name:
            return function.text
    raise InputError(f"{revision} has no function {name}; compare whole files, or another revision")


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


def keep_answer(job: KeepAnswer, store: FeedbackStore) -> AnswerKept:
    """Keep an answer with its finding. A finding that nobody answers is not kept: while somebody
    types, there are many.

    :raises InputError: where the configuration does not ask for it, or the store cannot be used.
    """
    if not _settings(job.context).remember_findings:
        raise InputError(
            "answers are not kept here; remember_findings = true in .themis.toml keeps them, "
            "with the code they are about, in your data folder"
        )
    repository = repository_of(job.context.directory)
    store.remember(repository, [job.finding])
    store.answer(repository, job.finding.id, right=job.right, note=None)
    return AnswerKept(len(store.answers(repository)))


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
