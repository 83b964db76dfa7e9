"""The one place where lines and columns change their meaning.

Inside, lines are 1-based, end at LF, and columns count characters. In an editor they are 0-based,
lines end at LF, CR or CRLF, and columns count in the units agreed on, UTF-16 if none were.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from lsprotocol.types import Position, PositionEncodingKind, Range

from review_core.diff import lines_of

Units = Callable[[str], int]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def units_of(encoding: PositionEncodingKind | str | None) -> Units:
    """How many units of an encoding a text has."""
    if encoding == PositionEncodingKind.Utf8:
        return lambda text: len(text.encode(errors="surrogatepass"))
    if encoding == PositionEncodingKind.Utf32:
        return len
    return lambda text: len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def with_edit(text: str, where: Range, new: str, units: Units) -> str:
    """The text with a range of an editor replaced."""
    lines = _LINE.findall(text)
    start, end = (_offset(lines, position, units) for position in (where.start, where.end))
    return text[:start] + new + text[max(start, end) :]


def _offset(lines: list[str], position: Position, units: Units) -> int:
    """Characters before a position; behind a line's end, those before the end."""
    before = sum(map(len, lines[: position.line]))
    if position.line >= len(lines):
        return before
    line = lines[position.line].rstrip("\r\n")
    width = 0
    for at, char in enumerate(line):
        if width >= position.character:
            return before + at
        width += units(char)
    return before + len(line)


class Positions:
    """Where the lines of one text are in an editor."""

    def __init__(self, text: str, units: Units) -> None:
        self.line_end = "\r\n" if "\r\n" in text else "\n"
        self.ends_in_line_end = text.endswith("\n") or not text
        self._units = units
        # A lone CR ends a line for an editor and is a character for git: such lines are several.
        self._parts = [line.split("\r") for line in lines_of(text)]
        self._rows = list(accumulate((len(parts) for parts in self._parts), initial=0))

    @property
    def count(self) -> int:
        """How many lines the text has."""
        return len(self._parts)

    def span(self, first: int, last: int) -> Range:
        """The code of lines first to last, from the first character that is not blank."""
        first, last = self._within(first), self._within(last)
        start = self._parts[first - 1][0] if self._parts else ""
        indentation = start[: len(start) - len(start.lstrip())]
        return Range(
            Position(self._rows[first - 1], self._units(indentation)),
            self._end_of(max(first, last)),
        )

    def whole_lines(self, first: int, count: int) -> Range:
        """`count` lines with their ends, to be replaced; none: the place before line `first`."""
        return Range(self.start_of(first), self.start_of(first + count))

    def start_of(self, line: int) -> Position:
        """Where a line starts; behind the last one, the end of the text."""
        if line <= self.count:
            return Position(self._rows[line - 1], 0)
        if self.ends_in_line_end:
            return Position(self._rows[-1], 0)
        return self._end_of(self.count)

    def end_of(self, line: int) -> Position:
        """Behind the last character of a line."""
        return self._end_of(self._within(line))

    def line_at(self, position: Position) -> int:
        """The line that a position of the editor is in."""
        return min(bisect_right(self._rows, position.line), max(self.count, 1))

    def lines_at(self, within: Range) -> tuple[int, int]:
        """The first and the last line that a range touches; one that ends before a line's first
        character does not touch it.
        """
        first, last = self.line_at(within.start), self.line_at(within.end)
        if within.end.character == 0 and last > first:
            last -= 1
        return first, last

    def _end_of(self, line: int) -> Position:
        if not self._parts:
            return Position(0, 0)
        return Position(self._rows[line] - 1, self._units(self._parts[line - 1][-1]))

    def _within(self, line: int) -> int:
        return min(max(line, 1), max(self.count, 1))
