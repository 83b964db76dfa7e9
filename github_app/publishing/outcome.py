"""What publishing is given: a review and what is known of it, cut down to what is shown."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from github_app.publishing.marks import FindingMark
from review_core.config import AxisMode, PullRequestSettings, Settings
from review_core.findings import MONITORED
from review_core.path_rules import mode_at, modes_of
from review_core.renderers.view import SharedFinding, shared_findings
from review_core.types import Axis, AxisScore, FileChange, Finding, Report, Verdict, Withheld


@dataclass(frozen=True, slots=True)
class Outcome:
    """A review of a pull request's head.

    files: the changed files by path. blocking: findings that fail the check. left_out: paths not
    reviewed as a whole this time: nothing may be concluded from silence about them; coverage says
    why, in a clause. web_url: of the repository. asks: whether answers to findings are kept.
    """

    report: Report
    settings: PullRequestSettings
    files: Mapping[str, FileChange]
    blocking: tuple[Finding, ...] = ()
    left_out: tuple[str, ...] = ()
    coverage: str | None = None
    web_url: str | None = None
    asks: bool = False


def silenced(report: Report, axes: Mapping[Axis, str]) -> Report:
    """The report without a word on some axes, each for its reason: their findings are withheld and
    their verdicts unsure; the functions count as reviewed.
    """
    return _quieted(report, lambda _, axis: axes.get(axis)) if axes else report


def monitored(report: Report, settings: Settings) -> Report:
    """The same for what the configuration only monitors, axis by axis and file by file."""
    if not any(AxisMode.MONITOR in modes_of(axis, settings) for axis in Axis):
        return report

    def reason(path: str, axis: Axis) -> str | None:
        return MONITORED if mode_at(path, axis, settings) is AxisMode.MONITOR else None

    return _quieted(report, reason)


def _quieted(report: Report, reason: Callable[[str, Axis], str | None]) -> Report:
    def quiet(score: AxisScore, path: str) -> AxisScore:
        why = reason(path, score.axis)
        if why is None or score.verdict is Verdict.UNSURE:
            return score
        return replace(score, verdict=Verdict.UNSURE, why=why)

    reasons = [(each, reason(each.path, each.axis)) for each in report.findings]
    return replace(
        report,
        functions=tuple(
            replace(
                each,
                scores={of: quiet(score, each.function.path) for of, score in each.scores.items()},
            )
            for each in report.functions
        ),
        findings=tuple(each for each, why in reasons if why is None),
        withheld=(
            *report.withheld,
            *(Withheld(each, why) for each, why in reasons if why is not None),
        ),
    )


@dataclass(frozen=True, slots=True)
class Identified:
    """What is said of one function on one criterion, and the mark by which it is known again."""

    mark: FindingMark
    shared: SharedFinding
    blocks: bool = False

    @property
    def path(self) -> str:
        """The file it is in."""
        return self.shared.finding.path

    @property
    def preference(self) -> float:
        """P(head is better); the lower, the surer."""
        return self.shared.finding.preference


def identified(outcome: Outcome) -> tuple[Identified, ...]:
    """The findings, in the report's order."""
    seen: Counter[str] = Counter()
    found = []
    for shared in shared_findings(outcome.report):
        finding = shared.finding
        place = place_key(finding.path, finding.function, finding.criterion)
        seen[place] += 1
        if (count := seen[place]) > 1:  # overloads, and code that stands there twice
            place = f"{place}-{count}"
        blocks = any(map(shared.stands_for, outcome.blocking))
        found.append(Identified(FindingMark(finding.id, place), shared, blocks))
    return tuple(found)


def place_key(path: str, function: str, criterion: str) -> str:
    """Names where a finding stands; the same after the function was edited again."""
    told = "\0".join((path, function, criterion))
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:12]
