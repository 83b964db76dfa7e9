"""A review on another text than it was made of: on a later version of the document, or in one cell
of a notebook. What is said stays what the review said; where lines moved, it moves along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from lsp_server.reviews import Buffer, Reviewed
from review_core.diff import hunks, lines_of
from review_core.findings import changed_lines
from review_core.types import (
    Cause,
    ChangedFunction,
    Finding,
    FunctionReview,
    Hunk,
    LineRange,
    Report,
)

_LineOf = Callable[[int], int | None]
"""A line's number on the other text, 1-based; None where it is not there."""

_MOST = 200_000
"""Characters of a text that is compared while the editor waits, about 10 ms; of longer ones nothing
is said until they are reviewed again.
"""


def carried(reviewed: Reviewed, buffer: Buffer) -> Reviewed:
    """What still holds of a review once the document was edited: functions that were not.

    A function counts as edited, too, where a line was put next to it that may belong to it now, as
    a decorator or one more statement does.
    """
    if reviewed.buffer.text == buffer.text:
        return replace(reviewed, buffer=buffer)
    if len(reviewed.buffer.text) + len(buffer.text) > 2 * _MOST:
        return _placed(reviewed, buffer, lambda _: None, lambda _: False)
    lines = _line_numbers(reviewed.buffer.text, buffer.text)
    before, now = lines_of(reviewed.buffer.text), lines_of(buffer.text)

    def is_whole(span: LineRange) -> bool:
        start, end = lines[span.start], lines[span.end]
        if start is None or end is None or None in lines[span.start : span.end + 1]:
            return False
        if end - start != span.end - span.start:
            return False
        if start - 1 != lines[span.start - 1] and now[start - 2].strip():
            return False
        below = _next_text(now, end)
        return (
            below == lines[_next_text(before, span.end)]
            or below > len(now)
            or _indentation(now[below - 1]) <= _indentation(now[start - 1])
        )

    return _placed(
        reviewed,
        buffer,
        lambda line: lines[line],
        lambda function: all(map(is_whole, function.shown.spans)),
    )


def in_cell(reviewed: Reviewed, cell: Buffer, first: int) -> Reviewed:
    """The part of a notebook's review that belongs in a cell: what changed there.

    :param first: the line of the notebook's text that is the cell's first.
    """
    count = len(lines_of(cell.text))

    def line_of(line: int) -> int | None:
        return line - first + 1 if first <= line < first + count else None

    def changed_here(function: ChangedFunction) -> bool:
        """Code outside of functions is one piece, spread over cells."""
        starts = (changed_lines(function).start, *(hunk.head_start for hunk in function.hunks))
        return any(line_of(line) is not None for line in starts)

    return _placed(reviewed, cell, line_of, changed_here)


def _next_text(lines: list[str], line: int) -> int:
    """The first line after a line that is not blank; one after the last, if there is none."""
    following = (at for at in range(line + 1, len(lines) + 1) if lines[at - 1].strip())
    return next(following, len(lines) + 1)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _line_numbers(before: str, now: str) -> list[int | None]:
    """For each line of a text its number in the next one, with a line in front of both and one
    behind.
    """
    numbers: list[int | None] = [0]
    shift = 0
    for hunk in hunks(before, now):
        numbers += [line + shift for line in range(len(numbers), hunk.base_start)]
        numbers += [None] * hunk.base_count
        shift += hunk.head_count - hunk.base_count
    count = len(lines_of(before))
    return [*numbers, *(line + shift for line in range(len(numbers), count + 2))]


def _placed(
    reviewed: Reviewed,
    buffer: Buffer,
    line_of: _LineOf,
    is_kept: Callable[[ChangedFunction], bool],
) -> Reviewed:
    report = reviewed.review.report
    if report is None:
        return replace(reviewed, buffer=buffer)
    kept: dict[int, FunctionReview] = {}
    for index, review in enumerate(report.functions):
        function = review.function
        if function.head is not None and is_kept(function):
            kept[index] = replace(review, function=_moved(function, line_of))
    at = {index: number for number, index in enumerate(kept)}
    places = {
        at[index]: replace(place, line=line)
        for index, place in reviewed.review.places.items()
        if index in kept and (line := line_of(place.line)) is not None
    }
    placed = replace(
        report,
        functions=tuple(kept.values()),
        findings=tuple(_moved_findings(report, set(kept), line_of)),
    )
    return replace(
        reviewed, buffer=buffer, review=replace(reviewed.review, report=placed, places=places)
    )


def _moved_findings(report: Report, kept: set[int], line_of: _LineOf) -> Iterator[Finding]:
    for finding in report.findings:
        owner = next(
            index
            for index, each in enumerate(report.functions)
            if (each.function.path, each.function.name) == (finding.path, finding.function)
            and finding.start_line in each.function.shown.lines
        )
        if owner in kept and line_of(finding.start_line) is not None:
            moved = (_moved_lines(cause, line_of) for cause in finding.causes)
            causes = tuple(cause for cause in moved if cause is not None)
            if (told := _moved_lines(finding, line_of)) is not None:
                yield replace(told, causes=causes)


_Placed = TypeVar("_Placed", Finding, Cause)


def _moved_lines(told: _Placed, line_of: _LineOf) -> _Placed | None:
    where = _moved_range(LineRange(told.start_line, told.end_line), line_of)
    if where is None:
        return None
    return replace(told, start_line=where.start, end_line=where.end)


def _moved(function: ChangedFunction, line_of: _LineOf) -> ChangedFunction:
    if function.head is None:
        raise ValueError(f"{function.name} has no lines to move")
    spans = (_moved_range(span, line_of) for span in function.head.spans)
    return replace(
        function,
        head=replace(function.head, spans=tuple(span for span in spans if span is not None)),
        hunks=tuple(_moved_hunks(function, line_of)),
    )


def _moved_hunks(function: ChangedFunction, line_of: _LineOf) -> Iterator[Hunk]:
    """Those that stand on the other text as a whole."""
    for hunk in function.hunks:
        last = hunk.head_start + max(hunk.head_count, 1) - 1
        start, end = line_of(hunk.head_start), line_of(last)
        if start is not None and end is not None and end - start == last - hunk.head_start:
            yield replace(hunk, head_start=start)


def _moved_range(lines: LineRange, line_of: _LineOf) -> LineRange | None:
    """The lines that are there, from the first to the last."""
    numbers = [
        number
        for line in range(lines.start, lines.end + 1)
        if (number := line_of(line)) is not None
    ]
    return LineRange(numbers[0], numbers[-1]) if numbers else None
