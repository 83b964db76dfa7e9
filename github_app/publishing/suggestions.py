"""Hunks whose taking back makes a worse function no longer worse, as GitHub's suggestion blocks.

A hunk is offered only if the result parses and, scored again, is not worse on any axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from github_app.github.values import Side
from github_app.publishing.lines import Anchor
from github_app.publishing.outcome import Identified
from review_core.diff import lines_of, taken_back
from review_core.functions import functions_of
from review_core.languages import language_of
from review_core.renderers.view import visible
from review_core.types import FileChange, FunctionReview, Hunk, LineRange, Report, Verdict

Rescore = Callable[[FileChange], Report | None]
"""Reviews one file anew; None where there was no time."""

_MOST_HUNKS = 4  # of a function; each is scored
_MOST_LINES = 15  # of a suggestion; taking more back at a press is no review


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Head lines, and what stands there instead once the hunk is taken back.

    without: P(head is better) of the function then.
    """

    lines: LineRange
    replacement: tuple[str, ...]
    without: float

    @property
    def place(self) -> Anchor:
        """A suggestion replaces exactly the lines its comment stands on."""
        return Anchor(Side.RIGHT, self.lines)


def suggestions(
    found: Sequence[Identified], files: Mapping[str, FileChange], rescore: Rescore
) -> dict[str, Suggestion]:
    """For each finding, by id, the hunk whose taking back helps most; none where none does."""
    offers = {}
    for each in found:
        file = files.get(each.path)
        if file is not None and file.base is not None and file.head is not None:
            best = max(_offers(each, file, rescore), key=lambda one: one.without, default=None)
            if best is not None:
                offers[each.mark.id] = best
    return offers


def _offers(each: Identified, file: FileChange, rescore: Rescore) -> Iterator[Suggestion]:
    hunks = each.shared.review.function.hunks
    if len(hunks) > _MOST_HUNKS:
        return
    for hunk in hunks:
        offer = _replacement(hunk, file)
        if offer is None:
            continue
        lines, replacement = offer
        without = _without(hunk, each, file, rescore)
        if without is not None:
            yield Suggestion(lines, replacement, without)


def _replacement(hunk: Hunk, file: FileChange) -> tuple[LineRange, tuple[str, ...]] | None:
    """The lines to replace and by what; None where GitHub could not do it, or not be trusted to."""
    base, head = lines_of(file.base or ""), lines_of(file.head or "")
    restored = base[hunk.base_start - 1 : hunk.base_start - 1 + hunk.base_count]
    lines = LineRange(hunk.head_start, hunk.head_start + hunk.head_count - 1)
    if not hunk.head_count:  # nothing to replace: the line below comes along
        if hunk.head_start > len(head):
            return None
        lines = LineRange(hunk.head_start, hunk.head_start)
        restored = [*restored, head[hunk.head_start - 1]]
    fits = max(len(restored), lines.end - lines.start + 1) <= _MOST_LINES
    # What would be posted must be what people see.
    is_plain = all(visible(line) == line for line in restored)
    return (lines, tuple(restored)) if fits and is_plain else None


def _without(hunk: Hunk, each: Identified, file: FileChange, rescore: Rescore) -> float | None:
    """P(head is better) of the function without the hunk; None unless that is good enough."""
    text = taken_back(file.base or "", file.head or "", hunk)
    language = language_of(file.path)
    name = each.shared.finding.function
    if language is None:
        return None
    pieces = functions_of(text, language)
    if [one.name for one in pieces].count(name) != 1 or any(one.has_error for one in pieces):
        return None
    report = rescore(FileChange(file.path, file.base, text, file.base_path))
    if report is None:
        return None
    again = [one for one in report.functions if one.function.name == name]
    if not again:
        return 0.5  # it is as it was in base
    return _judged(again[0], each) if len(again) == 1 else None


def _judged(again: FunctionReview, each: Identified) -> float | None:
    finding = each.shared.finding
    score = again.scores.get(finding.axis)
    worse = any(one.verdict is Verdict.WORSE for one in again.scores.values())
    if score is None or score.criterion != finding.criterion or worse or score.preference < 0.5:
        return None
    return score.preference
