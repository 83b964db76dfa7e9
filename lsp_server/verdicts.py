"""A report as editors show it: findings that share a criterion as one, scores in a few words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from review_core.findings import percent
from review_core.renderers.view import shared_findings, visible
from review_core.types import (
    Axis,
    AxisScore,
    ChangedFunction,
    Finding,
    FunctionReview,
    Report,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What one diagnostic says. index: its function's in the report. ids: by axis, the CLI's."""

    index: int
    review: FunctionReview
    finding: Finding
    axes: tuple[Axis, ...]
    ids: dict[str, str]
    message: str


def shown_findings(report: Report) -> Iterator[Shown]:
    """The findings in order, those of one criterion and function as one."""
    for shared in shared_findings(report):
        index = next(at for at, each in enumerate(report.functions) if each is shared.review)
        first = shared.finding
        ids = {
            each.axis.value: each.id
            for each in report.findings
            if (each.path, each.function, each.criterion, each.start_line)
            == (first.path, first.function, first.criterion, first.start_line)
        }
        yield Shown(index, shared.review, first, shared.axes, ids, visible(shared.message))


@dataclass(frozen=True, slots=True)
class Scored:
    """A score; `axes` are all that its criterion serves in this function."""

    axes: tuple[Axis, ...]
    score: AxisScore

    @property
    def name(self) -> str:
        """The axes, as one writes them."""
        return ", ".join(self.axes)

    @property
    def words(self) -> str:
        """`correctness worse, P 93 %`: the verdict and how likely it is."""
        score = self.score
        worse = score.verdict is Verdict.WORSE
        return f"{self.name} {score.verdict}, P {percent(_likely(score, worse=worse))}"


def _likely(score: AxisScore, *, worse: bool) -> float:
    return 1 - score.preference if worse else score.preference


def scores_of(review: FunctionReview) -> list[Scored]:
    """The scores in the order of the axes; those of one criterion as one."""
    shared: dict[str, list[AxisScore]] = {}
    for score in review.scores.values():
        shared.setdefault(score.criterion, []).append(score)
    return [Scored(tuple(each.axis for each in scores), scores[0]) for scores in shared.values()]


def decided(review: FunctionReview) -> list[Scored]:
    """What the model is sure of, `worse` first."""
    sure = [each for each in scores_of(review) if each.score.verdict is not Verdict.UNSURE]
    return sorted(sure, key=lambda each: each.score.verdict is not Verdict.WORSE)


def name_line(function: ChangedFunction) -> int:
    """The line with the function's name, below decorators and comments; else its first."""
    last = function.name.rpartition(".")[2]
    start = function.shown.lines.start
    lines = function.shown.text.split("\n")[:20]
    return next((start + at for at, line in enumerate(lines) if last in line), start)
