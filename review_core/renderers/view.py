"""What renderers for people share: safe text, shared criteria as one, excerpts. No markup."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from review_core.diff import hunks
from review_core.findings import line_numbers, percent
from review_core.percentile import words
from review_core.types import (
    Axis,
    AxisScore,
    BundleIdentity,
    ChangedFunction,
    Finding,
    Function,
    FunctionReview,
    Report,
    Skipped,
)

_SHORT_ID = 7
"""Digits of an id that are shown, as many as git shows of a commit."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an excerpt.

    sign: "-" base, "+" head, "…" says what was left out. number: its line in the file.
    """

    sign: str
    number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class SharedFinding:
    """A finding; `axes` are all that the same criterion of the same function speaks for."""

    axes: tuple[Axis, ...]
    finding: Finding
    review: FunctionReview

    @property
    def message(self) -> str:
        """The finding's message, for all its axes."""
        return ", ".join(self.axes) + self.finding.message.removeprefix(self.finding.axis)

    def stands_for(self, finding: Finding) -> bool:
        """Whether that finding is among those this one is shown for."""
        return said(finding) == said(self.finding)


def said(finding: Finding) -> tuple[str, str, int, str, bool]:
    """What a finding speaks of, and by which criterion of which model."""
    return (
        finding.path,
        finding.function,
        finding.start_line,
        finding.criterion,
        finding.by_judge,
    )


def note_of(review: FunctionReview) -> str:
    """What stands beside a function: its note, and where a new one stands. Not yet `visible`."""
    return "; ".join(filter(None, (review.note, words(review.standings))))


def visible(text: str) -> str:
    r"""Text that cannot act on what shows it: control and format characters as `\u202e`."""
    if text.replace("\t", "").isprintable():  # nearly all; the rest is looked at by character
        return text
    return "".join(char if _is_plain(char) else _escape(char) for char in text)


def _is_plain(char: str) -> bool:
    return char == "\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()


def columns(report: Report) -> tuple[tuple[Axis, ...], ...]:
    """The axes that have scores; those that one criterion serves throughout are one column."""
    spoke: dict[Axis, list[tuple[str, bool]]] = {}
    for review in report.functions:
        for axis, score in review.scores.items():
            spoke.setdefault(axis, []).append((score.criterion, score.by_judge))
    shared: dict[tuple[tuple[str, bool], ...], list[Axis]] = {}
    for axis in Axis:
        if axis in spoke:
            shared.setdefault(tuple(spoke[axis]), []).append(axis)
    return tuple(tuple(axes) for axes in shared.values())


def shared_findings(report: Report) -> tuple[SharedFinding, ...]:
    """The findings in order; several axes of one function that one criterion serves are one."""
    found: dict[tuple[str, int, str, str, bool], SharedFinding] = {}
    named: defaultdict[tuple[str, str], list[FunctionReview]] = defaultdict(list)
    for each in report.functions:
        named[each.function.path, each.function.name].append(each)
    for finding in report.findings:
        review = next(
            each
            for each in named[finding.path, finding.function]
            if finding.start_line in each.function.shown.lines
        )
        start = review.function.shown.lines.start
        key = finding.path, start, finding.function, finding.criterion, finding.by_judge
        earlier = found.get(key)
        axes = (*earlier.axes, finding.axis) if earlier else (finding.axis,)
        found[key] = SharedFinding(axes, earlier.finding if earlier else finding, review)
    return tuple(found.values())


def short_ids(report: Report) -> dict[str, str]:
    """For each finding's id its first digits; all where another one of the report begins so.

    Enough for `themis feedback`, unless an older finding begins so, and it says that.
    """
    begin_so = Counter(each.id[:_SHORT_ID] for each in report.findings)
    return {
        each.id: each.id[:_SHORT_ID] if begin_so[each.id[:_SHORT_ID]] == 1 else each.id
        for each in report.findings
    }


def excerpt(function: ChangedFunction, limit: int = 8) -> Iterator[Line]:
    """The first changed lines of a function, `limit` at most, then how many more there are."""
    base, head = _numbered(function.base), _numbered(function.head)
    left = limit
    omitted = 0
    for hunk in hunks(_text(function.base), _text(function.head)):
        removed = base[hunk.base_start - 1 : hunk.base_start - 1 + hunk.base_count]
        added = head[hunk.head_start - 1 : hunk.head_start - 1 + hunk.head_count]
        # Both sides get their share: forty lines taken away must not hide what replaced them.
        few = max(min(left // 2, len(removed)), left - len(added)) if added else left
        shown = removed[:few]
        shown_added = added[: left - len(shown)]
        yield from (Line("-", number, text) for number, text in shown)
        yield from (Line("+", number, text) for number, text in shown_added)
        left -= len(shown) + len(shown_added)
        omitted += len(removed) + len(added) - len(shown) - len(shown_added)
    if omitted:
        yield Line("…", None, f"{omitted} more changed line" + ("s" if omitted > 1 else ""))


def causes(finding: Finding) -> Iterator[str]:
    """What each part of the change has to do with a finding, a line each, the guiltiest first."""
    for cause in finding.causes:
        lines = (
            f"line {cause.start_line}"
            if cause.start_line == cause.end_line
            else f"lines {cause.start_line}-{cause.end_line}"
        )
        alone = "" if cause.alone is None else f", {percent(1 - cause.alone)} with nothing else"
        yield f"{lines}: P(worse) {percent(1 - cause.without)} without{alone}"


def skipped_by_reason(skipped: Iterable[Skipped]) -> list[tuple[str, int]]:
    """Reasons and how many files each, the most frequent first."""
    counts = Counter(each.reason for each in skipped)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def short_name(side: str) -> str:
    """A full hash as twelve digits; any other name as it is."""
    is_hash = len(side) in (40, 64) and set(side) <= set("0123456789abcdef")
    return side[:12] if is_hash else side


def model_name(bundle: BundleIdentity) -> str:
    """Which model spoke, as one writes it: name and the start of its hash."""
    return f"{bundle.name} ({bundle.sha256[:8]})"


def models(report: Report) -> str:
    """Which models there were, and of how many functions the judge was asked."""
    if report.judge is None:
        return model_name(report.bundle)
    cost = report.statistics.judge
    asked = counted(cost.functions if cost else 0, "function")
    return f"{model_name(report.bundle)}, judge {model_name(report.judge)} asked of {asked}"


def speaker_of(said: Finding | AxisScore, report: Report) -> BundleIdentity:
    """The model that a finding or score is the word of."""
    return report.judge if said.by_judge and report.judge is not None else report.bundle


def counted(count: int, noun: str) -> str:
    """`3 files`, `1 file`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _text(function: Function | None) -> str:
    return function.text if function else ""


def _numbered(function: Function | None) -> list[tuple[int | None, str]]:
    if function is None:
        return []
    return list(zip(line_numbers(function), function.text.split("\n"), strict=True))
