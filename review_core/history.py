"""How a branch fared: its commits reviewed one after the other, each against its parent.

The verdicts are counted, not added up into a grade: a verdict is a probability, and a hundred of
them say how a branch tends, nothing about a single commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from review_core.api import review
from review_core.calibration import Calibration
from review_core.cascade import JudgeModel
from review_core.config import Settings
from review_core.errors import InputError
from review_core.margins import Scorer
from review_core.sources.first_parents import PastCommit
from review_core.types import Axis, BundleIdentity, Change, Report, Verdict


@dataclass(frozen=True, slots=True)
class Tally:
    """How many functions got which verdict on an axis."""

    worse: int = 0
    better: int = 0
    unsure: int = 0


@dataclass(frozen=True, slots=True)
class CommitReview:
    """What one commit did. note: why it was not reviewed; None if it was."""

    past: PastCommit
    functions: int
    findings: int
    axes: Mapping[Axis, Tally]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """The commits of a range, oldest first. columns: axes that the same criteria serve are one."""

    target: str
    bundle: BundleIdentity
    columns: tuple[tuple[Axis, ...], ...]
    commits: tuple[CommitReview, ...]
    left_out: int

    def total(self, axis: Axis) -> Tally:
        """All commits together."""
        tallies = [each.axes.get(axis, Tally()) for each in self.commits]
        return Tally(
            sum(each.worse for each in tallies),
            sum(each.better for each in tallies),
            sum(each.unsure for each in tallies),
        )


def walk(
    commits: Iterable[PastCommit],
    change_of: Callable[[str], Change],
    scorer: Scorer,
    calibration: Calibration,
    settings: Settings,
    second: JudgeModel[Scorer] | None = None,
) -> Iterator[CommitReview]:
    """Review commit after commit. What was scored is in the cache as soon as a commit is given.

    A commit that cannot be read (its parent is not in a shallow clone) is noted, and the walk goes
    on.

    :param change_of: the change that a commit is, by its hash.
    :param second: the judge, as `review` takes it.
    """
    for past in commits:
        try:
            change = change_of(past.commit.hash)
        except InputError as error:
            yield CommitReview(past, 0, 0, {}, str(error))
            continue
        yield _reviewed(past, review(change, scorer, calibration, settings, second=second))


def columns_of(axes: Mapping[Axis, Sequence[str]]) -> tuple[tuple[Axis, ...], ...]:
    """The axes of a model; those that the same criteria serve are one column.

    :param axes: criteria by axis, as a manifest has them.
    """
    shared: dict[tuple[str, ...], list[Axis]] = {}
    for axis in Axis:
        if axes.get(axis):
            shared.setdefault(tuple(axes[axis]), []).append(axis)
    return tuple(tuple(each) for each in shared.values())


def _reviewed(past: PastCommit, report: Report) -> CommitReview:
    verdicts = {
        axis: Counter(each.scores[axis].verdict for each in report.functions if axis in each.scores)
        for axis in Axis
    }
    return CommitReview(
        past,
        functions=len(report.functions),
        findings=len(report.findings),
        axes={
            axis: Tally(counts[Verdict.WORSE], counts[Verdict.BETTER], counts[Verdict.UNSURE])
            for axis, counts in verdicts.items()
            if counts
        },
    )
