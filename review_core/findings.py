"""What a confident `worse` becomes: a finding that can be known again, shown or withheld."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from review_core.config import AxisMode, Settings
from review_core.diff import hunks
from review_core.functions import functions_of
from review_core.languages import Language
from review_core.layout import normalise
from review_core.margins import Model
from review_core.path_rules import mode_at
from review_core.suppressions import Ignore, ignores
from review_core.types import (
    Axis,
    AxisScore,
    BundleIdentity,
    ChangedFunction,
    FileChange,
    Finding,
    Function,
    FunctionReview,
    LineRange,
    Verdict,
    Withheld,
)

MONITORED = "monitored only"
_ID_LENGTH = 16  # hexadecimal digits, 64 bits: enough for all findings a repository will ever have


@dataclass(frozen=True, slots=True)
class Found:
    """A finding and the review it comes from."""

    finding: Finding
    review: FunctionReview


def findings_of(
    reviews: Iterable[FunctionReview],
    bundle: BundleIdentity,
    criteria: Mapping[Axis, Sequence[str]],
    judge: Model | None = None,
) -> tuple[Found, ...]:
    """Every confident `worse`, in the order of the reviews and then of the axes.

    :param criteria: those that serve each axis; of several, the message names the one that spoke.
    :param judge: whose some scores are; each finding is known by the model that spoke.
    """
    found = []
    for review in reviews:
        for score in review.scores.values():
            if score.verdict is Verdict.WORSE:
                by, of = bundle, criteria
                if score.by_judge and judge is not None:
                    by, of = judge.identity, judge.manifest.axes
                finding = _finding(review, score, by, named=len(of[score.axis]) > 1)
                found.append(Found(finding, review))
    return tuple(_numbered(found))


def finding_id(
    function: ChangedFunction, axis: Axis, criterion: str, bundle: BundleIdentity
) -> str:
    """The same change judged by the same model keeps its id wherever it stands.

    Neither path nor line goes in.
    """
    sides = [None if text is None else normalise(text) for text in _texts(function)]
    told = json.dumps([*sides, axis, bundle.sha256, criterion])
    return hashlib.sha256(told.encode()).hexdigest()[:_ID_LENGTH]


def changed_lines(function: ChangedFunction) -> LineRange:
    """The head lines that changed in the function; its first line if some were only taken away.

    A moved function is new as a whole where it stands; of that, what changed on the way.
    """
    added = {
        line
        for hunk in function.hunks
        for line in range(hunk.head_start, hunk.head_start + hunk.head_count)
    }
    inside = [line for line in line_numbers(function.shown) if line is not None and line in added]
    edited = _edited(function)
    changed = [line for line in inside if line in edited] or inside
    if not changed:
        return LineRange(function.shown.lines.start, function.shown.lines.start)
    return LineRange(changed[0], changed[-1])


def line_numbers(function: Function) -> list[int | None]:
    """For each line of a function's text its line in the file, None between its spans."""
    numbers: list[int | None] = []
    for span in function.spans:
        if numbers:
            numbers.append(None)  # functions.py joins spans with an empty line
        numbers.extend(range(span.start, span.end + 1))
    return numbers


def percent(probability: float) -> str:
    """A probability for people: whole percents, never 0 or 100."""
    if probability > 0.99:
        return ">99 %"
    return "<1 %" if probability < 0.01 else f"{probability:.0%}".replace("%", " %")


def criterion_words(criterion: str) -> str:
    """`Runtime_Efficiency` as a person writes it."""
    return criterion.replace("_", " ").lower()


def _finding(
    review: FunctionReview, score: AxisScore, bundle: BundleIdentity, *, named: bool
) -> Finding:
    function = review.function
    lines = changed_lines(function)
    subject = f"{score.axis} ({criterion_words(score.criterion)})" if named else score.axis
    worse = f"P(worse) {percent(1 - score.preference)}" + (" by the judge" * score.by_judge)
    read = f", in a {review.window.words}" if review.window else ""
    return Finding(
        id=finding_id(function, score.axis, score.criterion, bundle),
        path=function.path,
        start_line=lines.start,
        end_line=lines.end,
        axis=score.axis,
        criterion=score.criterion,
        preference=score.preference,
        margin=score.margin,
        function=function.name,
        message=f"{subject}: likely worse than base, {worse}{read}",
        by_judge=score.by_judge,
    )


def _numbered(found: Iterable[Found]) -> Iterator[Found]:
    """Where one change makes the same edit again, `-2`, `-3` ... follow, in the report's order."""
    seen: Counter[str] = Counter()
    for each in found:
        seen[each.finding.id] += 1
        if (count := seen[each.finding.id]) > 1:
            yield replace(each, finding=replace(each.finding, id=f"{each.finding.id}-{count}"))
        else:
            yield each


def _edited(function: ChangedFunction) -> set[int | None]:
    """The head lines that differ between the two texts of the function, wherever they stood."""
    if function.base is None or function.head is None:
        return set()
    numbers = line_numbers(function.head)
    return {
        number
        for hunk in hunks(function.base.text, function.head.text)
        for number in numbers[hunk.head_start - 1 : hunk.head_start - 1 + hunk.head_count]
    }


def _texts(function: ChangedFunction) -> tuple[str | None, str | None]:
    return (
        function.base.text if function.base else None,
        function.head.text if function.head else None,
    )


# --- what is withheld ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Suppression:
    """An ignore comment of a changed file and the function it stands in or above.

    function: None if there is none. review: None if the change does not touch the function.
    """

    path: str
    ignore: Ignore
    function: Function | None
    review: FunctionReview | None

    def covers(self, found: Found) -> bool:
        """Whether it asks for this finding to be withheld."""
        return self.review is found.review and self.ignore.silences(found.finding.axis)


def suppressions_of(
    file: FileChange, language: Language, reviews: Sequence[FunctionReview]
) -> Iterator[Suppression]:
    """The ignore comments at head of a file, each with what it speaks of."""
    if file.head is None or not (found := ignores(file.head, language)):
        return
    functions = functions_of(file.head, language)
    reviewed = {
        review.function.head: review for review in reviews if review.function.path == file.path
    }
    for ignore in found:
        owner = _owner(ignore, functions)
        yield Suppression(file.path, ignore, owner, reviewed.get(owner) if owner else None)


def withhold(
    found: Sequence[Found],
    suppressions: Sequence[Suppression],
    settings: Settings,
    known: Container[str] = (),
) -> tuple[tuple[Finding, ...], tuple[Withheld, ...]]:
    """What is shown, and what is not and why. known: ids of findings in the baseline."""
    shown, withheld = [], []
    for each in found:
        mode = mode_at(each.finding.path, each.finding.axis, settings)
        if mode is AxisMode.OFF:
            reason = f"{each.finding.axis} is off by configuration"
        elif mode is AxisMode.MONITOR:
            reason = MONITORED
        elif by := next((one for one in suppressions if one.covers(each)), None):
            reason = f"ignored by the comment at line {by.ignore.line}"
        elif each.finding.id in known:
            reason = "in the baseline"
        else:
            shown.append(each.finding)
            continue
        withheld.append(Withheld(each.finding, reason))
    return tuple(shown), tuple(withheld)


def unused(suppressions: Iterable[Suppression], found: Sequence[Found]) -> Iterator[str]:
    """A notice for each ignore comment that could have withheld something and had nothing to.

    One above a function that the change leaves alone, or that was not scored, may still be needed.
    """
    for each in suppressions:
        where = f"{each.path}:{each.ignore.line}: this `themis: ignore`"
        if each.ignore.unknown:
            yield f"{where} names no axis with {', '.join(each.ignore.unknown)}"
        elif each.function is None:
            yield f"{where} belongs to no function; move or remove it"
        elif each.review and each.review.scores and not any(map(each.covers, found)):
            yield f"{where} withholds nothing in this change; remove it if it is no longer needed"


def _owner(ignore: Ignore, functions: Iterable[Function]) -> Function | None:
    """The one piece that the comment's line belongs to; a comment above a function is its own."""
    return next(
        (each for each in functions if any(ignore.line in span for span in each.spans)), None
    )
