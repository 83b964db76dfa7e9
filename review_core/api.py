"""A change in, a Report out: `review` reads like the table in ARCHITECTURE. No I/O, no showing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from review_core.baseline import NO_BASELINE, Baseline
from review_core.calibration import Calibration
from review_core.cascade import Hearing, JudgeModel
from review_core.causes import attributed
from review_core.comments import same_code
from review_core.config import AxisMode, Settings
from review_core.excuses import (
    NOT_OF_TESTS,
    ONLY_IMPORTS,
    TEST_CODE,
    is_test,
    only_imports_changed,
)
from review_core.findings import findings_of, suppressions_of, unused, withhold
from review_core.honesty import check_honesty
from review_core.judge import Judge, unsure
from review_core.languages import Language, language_of
from review_core.margins import (
    Progress,
    Rewards,
    Scorer,
    language_at,
    read_meter,
    sides_read,
)
from review_core.moves import moved_code
from review_core.pairing import changed_functions
from review_core.path_rules import mode_at
from review_core.percentile import Peers, notices, with_standings
from review_core.reading import margins_read
from review_core.types import (
    AxisScore,
    Change,
    ChangedFunction,
    FileChange,
    Finding,
    FunctionReview,
    Report,
    Skipped,
    Statistics,
    Verdict,
)

LAYOUT_ONLY = "only comments or layout changed"


def review(
    change: Change,
    scorer: Scorer,
    calibration: Calibration,
    settings: Settings,
    *,
    baseline: Baseline = NO_BASELINE,
    progress: Progress | None = None,
    pause: Callable[[], None] = lambda: None,
    second: JudgeModel[Scorer] | None = None,
    peers: Peers | None = None,
) -> Report:
    """Judge every function the change touches, on every axis the model serves.

    :param baseline: findings to withhold.
    :param progress: called with (done, total) while the model works.
    :param pause: called before each file is cut; it may do something else, or raise to stop.
    :param second: the model that is asked where the first leans and gives no verdict.
    :param peers: functions that new ones are compared with, for information; None: they are not.
    :raises BundleError: if the calibration lacks a criterion of the model, or the second cannot be
        opened.
    """
    started, before = time.perf_counter(), read_meter(scorer.statistics)
    model = scorer.bundle
    judge = Judge(model.manifest, calibration, settings)
    rewards = partial(scorer.rewards, intent=change.intent or "")

    files, skipped = _readable(change)
    touched = list(_touched(files, pause))
    reviews = [FunctionReview(function, note=judge.note(function)) for function in touched]
    reviews = _score(reviews, judge, partial(rewards, progress=progress))
    reviews = _excuse(reviews)
    checks = check_honesty if settings.honesty_check else None
    if checks is not None:
        reviews = checks(reviews, judge, rewards)
    hearing = None
    if second is not None:
        hearing = Hearing(second, settings, intent=change.intent or "", progress=progress)
        reviews = hearing.hear(reviews, checks)
    if peers is not None:
        reviews = with_standings(reviews, judge, partial(rewards, progress=progress), peers)
    found = findings_of(reviews, model.identity, model.manifest.axes, second)
    asked = [
        suppression
        for file in files
        for suppression in suppressions_of(file.change, file.language, reviews)
    ]
    shown, withheld = withhold(found, asked, settings, baseline.ids)
    of = {each.finding.id: each.review for each in found}
    told = [(each, of[each.id]) for each in shown]
    shown = tuple(_explained(told, judge, rewards, hearing))

    return Report(
        bundle=model.identity,
        base=change.base,
        head=change.head,
        intent=change.intent,
        functions=tuple(_without_silenced(each, settings) for each in reviews),
        findings=shown,
        withheld=withheld,
        skipped=skipped,
        notices=(
            *judge.notices(touched, None if hearing is None else hearing.rules),
            *(() if hearing is None else hearing.notices()),
            *notices(reviews),
            *unused(asked, found),
            *baseline.notices(model.identity, None if second is None else second.identity),
        ),
        statistics=Statistics(
            time.perf_counter() - started,
            len(files),
            len(touched),
            *read_meter(scorer.statistics, before),
            judge=None if hearing is None else hearing.statistics,
        ),
        judge=None if second is None else second.identity,
    )


# --- what is reviewed ----------------------------------------------------------------------------


def _touched(files: Iterable[_File], pause: Callable[[], None]) -> Iterator[ChangedFunction]:
    for file in files:
        pause()
        yield from changed_functions(file.change, file.language)


@dataclass(frozen=True, slots=True)
class _File:
    change: FileChange
    language: Language


def _readable(change: Change) -> tuple[list[_File], tuple[Skipped, ...]]:
    files, skipped = [], list(change.skipped)
    for each in change.files:
        language = language_of(each.path)
        if language is None:
            skipped.append(Skipped(each.path, "not a language Themis reads"))
        else:
            files.append(_File(each, language))
    return files, tuple(skipped)


def _explained(
    shown: Sequence[tuple[Finding, FunctionReview]],
    judge: Judge,
    rewards: Rewards,
    hearing: Hearing | None,
) -> Iterator[Finding]:
    """The findings in their order, each with its causes, by the model that found it."""
    own = [each for each in shown if not each[0].by_judge]
    found = {each.id: each for each in attributed(own, judge, rewards)}
    if hearing is not None:
        heard = [(each, hearing.as_read(review)) for each, review in shown if each.by_judge]
        told = attributed(heard, hearing.rules, hearing.rewards)
        found |= {each.id: each for each in told}
    yield from (found[each.id] for each, _ in shown)


def _without_silenced(review: FunctionReview, settings: Settings) -> FunctionReview:
    scores = {
        axis: score
        for axis, score in review.scores.items()
        if mode_at(review.function.path, axis, settings) is not AxisMode.OFF
    }
    return replace(review, scores=scores)


# --- scoring -------------------------------------------------------------------------------------


def _score(
    reviews: Sequence[FunctionReview], judge: Judge, rewards: Rewards
) -> list[FunctionReview]:
    """The reviews with scores where there are two sides, of a language and length we may score."""
    scored = list(reviews)
    at = [index for index, each in enumerate(reviews) if judge.may_score(each.function)]
    read = margins_read([reviews[index] for index in at], rewards)
    for index, (review, margins) in zip(at, read, strict=True):
        if margins is None:
            limit = judge.model.max_tokens
            note = f"not scored: longer than the {limit} tokens the model reads"
            scored[index] = FunctionReview(review.function, note=note)
            continue
        language = language_at(review.function)
        scores = judge.scores(margins, language)
        if same_code(*sides_read(review), language):
            # Readability and maintainability too: a comment must not buy a verdict, and the noise
            # budget that thresholds come from counts any word on such an edit as a wrong one.
            scores = {axis: unsure(score, LAYOUT_ONLY) for axis, score in scores.items()}
        scored[index] = replace(review, scores=scores)
    return scored


def _excuse(reviews: Sequence[FunctionReview]) -> list[FunctionReview]:
    """No verdict where the model cannot know: moved code, imports, some axes of tests."""
    moved = moved_code([review.function for review in reviews])
    excused = []
    for review, phrase in zip(reviews, moved, strict=True):
        if phrase is None and only_imports_changed(review.function):
            phrase = ONLY_IMPORTS
        scores = {
            axis: unsure(score, why) if (why := phrase or _test_excuse(review, score)) else score
            for axis, score in review.scores.items()
        }
        excused.append(replace(review, scores=scores))
    return excused


def _test_excuse(review: FunctionReview, score: AxisScore) -> str | None:
    silent = score.verdict is Verdict.UNSURE or score.axis not in NOT_OF_TESTS
    return None if silent or not is_test(review.function.path) else TEST_CODE
