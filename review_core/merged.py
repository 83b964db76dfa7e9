"""What became of what was merged: reverted or fixed soon after, or left alone. Pure.

The label of a changed function, from the merges of the days that follow on its branch:

    worse      the function got its base text back, or a merge that calls itself a fix changed it
    kept       the days passed and nobody touched it
    unknown    it was changed otherwise, or the days have not passed

It is weak evidence, in known ways. What nobody touched may be bad and unread; what a fix touched
may have been right when it was written, or be another part of the function; a team that fixes
without saying so, squashes fixes into features, or renames functions on the way hides labels; and
a fix is about correctness nearly always, so `worse` says next to nothing of readability. Hence
`kept` is used as what a team would have been told for nothing, and `worse` as what is not that.

Source of the idea: Sliwerski, Zimmermann & Zeller (2005), "When do changes induce fixes?".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from review_core.layout import normalise
from review_core.sources.first_parents import PastCommit
from review_core.types import Axis, Change, ChangedFunction, Report

_FIX = re.compile(
    r"\b(fix(e[sd]|ing)?|bug(fix)?s?|hotfix|regressions?|revert(s|ed)?|broken?)\b", re.I
)
_NO_FIX = re.compile(
    r"\b(typos?|spelling|docs?|documentation|comments?|lint(er|ing)?|format(ting)?|style|warnings?"
    r"|tests?|flak[ey]+|ci|build|changelog|imports?|types?|mypy|ruff|flake8)\b",
    re.I,
)
"""Words with which a fix repairs something else than what the code does."""

_Key = tuple[str, str]
"""Path and name of a function on one side."""


class Fate(StrEnum):
    """What became of a changed function."""

    WORSE = "worse"
    KEPT = "kept"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MergedFunction:
    """A function that a merge changed. None: not there on that side; texts are normalised.

    worse: P(worse) by axis of the findings it had. scored: whether it could have had some.
    """

    base_key: _Key | None
    head_key: _Key | None
    base: str | None
    head: str | None
    scored: bool
    worse: Mapping[Axis, float]


@dataclass(frozen=True, slots=True)
class Merged:
    """One merge, or commit on the branch itself. seconds: since 1970, when it was committed."""

    hash: str
    subject: str
    seconds: int
    functions: tuple[MergedFunction, ...]

    @property
    def is_fix(self) -> bool:
        """Whether its subject says that it repairs what code does."""
        return bool(_FIX.search(self.subject)) and not _NO_FIX.search(self.subject)


def merged(past: PastCommit, change: Change, report: Report) -> Merged:
    """A merge as its review saw it."""
    before = {each.path: each.base_path or each.path for each in change.files}
    worse: dict[tuple[str, str, int], dict[Axis, float]] = {}
    for finding in report.findings:
        for review in report.functions:
            shown = review.function.shown
            if (finding.path, finding.function) == (
                review.function.path,
                shown.name,
            ) and finding.start_line in shown.lines:
                key = finding.path, finding.function, shown.lines.start
                worse.setdefault(key, {})[finding.axis] = 1 - finding.preference
                break
    functions = tuple(
        _function(
            review.function,
            before,
            scored=bool(review.scores),
            worse=worse.get(
                (review.function.path, review.function.name, review.function.shown.lines.start), {}
            ),
        )
        for review in report.functions
    )
    return Merged(past.commit.hash, past.commit.subject, past.seconds, functions)


def fates(merges: Sequence[Merged], seconds: float) -> Iterator[tuple[Merged, list[Fate]]]:
    """Each merge with what became of its functions, in their order.

    :param merges: all of a branch since the first one, oldest first, as `past_range` gives them.
    :param seconds: how long a function is watched.
    """
    latest = max((each.seconds for each in merges), default=0)
    for at, merge in enumerate(merges):
        until = merge.seconds + seconds
        # Clocks differ: what follows on the branch came later, whatever its date says.
        later = [each for each in merges[at + 1 :] if each.seconds <= until]
        yield (
            merge,
            [_fate(each, later, passed=latest >= until) for each in merge.functions],
        )


def _fate(function: MergedFunction, later: Iterable[Merged], *, passed: bool) -> Fate:
    key, touched = function.head_key, False
    if key is None or function.base is None:
        return Fate.UNKNOWN
    for merge in later:
        found = next((each for each in merge.functions if each.base_key == key), None)
        if found is None:
            continue
        if found.head == function.base or merge.is_fix:
            return Fate.WORSE
        touched = True
        if found.head_key is None:
            break  # deleted: nothing more is said of it
        key = found.head_key
    return Fate.KEPT if passed and not touched else Fate.UNKNOWN


def _function(
    function: ChangedFunction,
    before: Mapping[str, str],
    *,
    scored: bool,
    worse: Mapping[Axis, float],
) -> MergedFunction:
    base, head = function.base, function.head
    return MergedFunction(
        base_key=None if base is None else (before.get(function.path, function.path), base.name),
        head_key=None if head is None else (function.path, head.name),
        base=None if base is None else normalise(base.text),
        head=None if head is None else normalise(head.text),
        scored=scored,
        worse=worse,
    )
