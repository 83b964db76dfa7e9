"""On which lines GitHub accepts a comment: those that the diff it shows has, hunk by hunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from github_app.github.values import Side
from review_core.diff import hunks, lines_of
from review_core.types import ChangedFunction, FileChange, Finding, Hunk, LineRange

_CONTEXT = 3  # lines that GitHub shows around what changed
_LONGEST = 25  # lines a comment is drawn beside, at most; more bury what it says


@dataclass(frozen=True, slots=True)
class Anchor:
    """Lines of one side inside one hunk of the diff, both inclusive."""

    side: Side
    lines: LineRange


@dataclass(frozen=True, slots=True)
class Region:
    """A hunk as GitHub shows it: what changed and the lines around. None: nothing on that side."""

    base: LineRange | None
    head: LineRange | None


def regions(file: FileChange) -> tuple[Region, ...]:
    """The hunks of a file's diff; hunks whose context meets are one."""
    base, head = file.base or "", file.head or ""
    base_size, head_size = len(lines_of(base)), len(lines_of(head))
    joined: list[list[Hunk]] = []
    for hunk in hunks(base, head):
        if joined and hunk.head_start - _end(joined[-1][-1]) <= 2 * _CONTEXT:
            joined[-1].append(hunk)
        else:
            joined.append([hunk])
    return tuple(_region(group[0], group[-1], base_size, head_size) for group in joined)


def anchor_of(finding: Finding, function: ChangedFunction, file: FileChange) -> Anchor | None:
    """Where the finding's comment stands: beside the part of the change that caused it, if that is
    known, or the first of its lines that the diff shows.

    What was only taken away is commented where it was, on the base side. None: beside nothing.
    """
    shown = regions(file)
    for cause in finding.causes[:1]:
        lines = LineRange(cause.start_line, cause.end_line)
        beside = _within(lines, Side.RIGHT, [each.head for each in shown])
        if beside is not None:
            return beside
    head = LineRange(finding.start_line, finding.end_line)
    on_head = _within(head, Side.RIGHT, [each.head for each in shown])
    gone = (
        _within(_base_lines(hunk), Side.LEFT, [each.base for each in shown])
        for hunk in function.hunks
        if hunk.base_count
    )
    on_base = next((each for each in gone if each is not None), None)
    added = any(hunk.head_count for hunk in function.hunks)
    return (on_head or on_base) if added else (on_base or on_head)


def is_shown(anchor: Anchor, file: FileChange) -> bool:
    """Whether one hunk of the diff has all the lines."""
    sides = [each.base if anchor.side is Side.LEFT else each.head for each in regions(file)]
    return any(
        side is not None and anchor.lines.start in side and anchor.lines.end in side
        for side in sides
    )


def _within(lines: LineRange, side: Side, shown: list[LineRange | None]) -> Anchor | None:
    for each in _overlaps(lines, shown):
        start = max(each.start, each.end - _LONGEST + 1)
        return Anchor(side, LineRange(start, each.end))
    return None


def _overlaps(lines: LineRange, shown: list[LineRange | None]) -> Iterator[LineRange]:
    for each in shown:
        if each is not None and each.start <= lines.end and lines.start <= each.end:
            yield LineRange(max(each.start, lines.start), min(each.end, lines.end))


def _base_lines(hunk: Hunk) -> LineRange:
    return LineRange(hunk.base_start, hunk.base_start + hunk.base_count - 1)


def _end(hunk: Hunk) -> int:
    """The head line after the hunk."""
    return hunk.head_start + hunk.head_count


def _region(first: Hunk, last: Hunk, base_size: int, head_size: int) -> Region:
    return Region(
        _around(first.base_start, last.base_start + last.base_count, base_size),
        _around(first.head_start, _end(last), head_size),
    )


def _around(start: int, after: int, size: int) -> LineRange | None:
    first, last = max(1, start - _CONTEXT), min(size, after - 1 + _CONTEXT)
    return LineRange(first, last) if first <= last else None
