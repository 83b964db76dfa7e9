"""What is read of a function that is longer than the model reads: a window around its hunks.

A window is the hunks, the lines of what stands around them (signature, loop, closing brace), and as
many whole statements near them as there is room for. Both sides have the same lines around the same
hunks, so that what is cut out speaks for neither. Where lines are cut out stands an empty line:
nothing that could be read as a comment. Scores nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from review_core.diff import hunks, taken_back
from review_core.findings import line_numbers
from review_core.languages import Language
from review_core.layout import normalise
from review_core.statements import Rows, nested, statement_rows
from review_core.syntax import parse_part
from review_core.types import Function, Hunk, LineRange, Window

CONTEXT = 6000
"""Characters of a side that are filled up with statements near the hunks."""

SIZES = (24_000, 12_000, 6000, 3000, 1500)
"""Characters of a side, for hunks and all; how many fit, the model's tokenizer says."""

_LEAST_CONTEXT = 500
"""Characters of statements near the hunks where these fill the window alone."""

_MOST_HUNKS = 16
"""Hunks of which a window is made that has no room for all."""


def windows_of(base: Function, head: Function, language: Language) -> Iterator[Window]:
    """Ever smaller windows of a changed function; as many of its hunks as fit, the largest first.

    None where every hunk is too large, and none that does not parse where the whole does.
    """
    source = _Source.of(base, head, language)
    last: Window | None = None
    for size in SIZES:
        window = source.window(size, min(size, CONTEXT))
        if window is not None and window != last:
            last = window
            yield window


def window_of(
    base: Function, head: Function, language: Language, *, size: int, context: int
) -> Window | None:
    """The window of at most `size` characters a side; statements fill it up to `context`."""
    return _Source.of(base, head, language).window(size, context)


@dataclass(frozen=True, slots=True)
class _Source:
    """A changed function and the statements of head.

    outermost, inner: those in no other, and what each holds directly. own: lines of a statement
    that are in none it holds. loose: lines in none at all, as between the members of a class.
    Neither has comments and blank lines.
    """

    base: Function
    head: Function
    language: Language
    lines: Sequence[str]
    outermost: Sequence[Rows]
    inner: Mapping[Rows, Sequence[Rows]]
    own: Mapping[Rows, Sequence[int]]
    loose: Sequence[int]
    comments: Sequence[Rows]
    must_parse: bool

    @classmethod
    def of(cls, base: Function, head: Function, language: Language) -> _Source:
        lines = head.text.split("\n")
        statements, comments = statement_rows(head.text, language)
        outermost, inner = nested(statements)
        owners: list[Rows | None] = [None] * len(lines)
        for first, last in statements:  # outer ones first
            owners[first : last + 1] = [(first, last)] * (last - first + 1)
        notes = _all_rows(comments)
        own: defaultdict[Rows | None, list[int]] = defaultdict(list)
        for row, owner in enumerate(owners):
            if row not in notes and lines[row].strip():
                own[owner].append(row)
        loose = own.pop(None, [])
        must_parse = _parses(base.text, language) and _parses(head.text, language)
        of = {owner: rows for owner, rows in own.items() if owner is not None}
        return cls(base, head, language, lines, outermost, inner, of, loose, comments, must_parse)

    def window(self, size: int, context: int) -> Window | None:
        """The window of at most `size` characters a side; statements fill it up to `context`."""
        every = hunks(self.base.text, self.head.text)
        frame = _Frame.of(self, self.base.text, every)
        left_out = 0
        if frame.size(frame.needed) > size:
            chosen = self._fitting(every, size)
            left_out = len(every) - len(chosen)
            # Of the other hunks both sides have what head has.
            base = self.head.text
            for hunk in reversed(chosen):
                base = taken_back(self.base.text, base, hunk)
            frame = _Frame.of(self, base, hunks(base, self.head.text))
        if not frame.hunks or frame.size(frame.needed) > size:
            return None
        window = frame.cut(self.base, frame.filled(context), left_out)
        sides = window.base.text, window.head.text
        if not all(sides):
            return None
        stands = not self.must_parse or all(_parses(side, self.language) for side in sides)
        return window if stands else None

    def _fitting(self, every: Sequence[Hunk], size: int) -> list[Hunk]:
        """The largest hunks that go together into `size` characters, in order."""
        found: list[Hunk] = []
        largest = sorted(every, key=lambda each: -each.head_count - each.base_count)
        for hunk in largest[:_MOST_HUNKS]:
            more = sorted([*found, hunk], key=lambda each: each.head_start)
            frame = _Frame.of(self, self.base.text, more)
            if frame.size(frame.needed) <= size:
                found = more
        return found


@dataclass(frozen=True, slots=True)
class _Frame:
    """Some hunks of a function and what a window of them is made of, in rows of head.

    needed: the hunks, and the lines around them that belong to no statement of their own. units:
    statements and comments that may be added.
    """

    head: Function
    base_lines: Sequence[str]
    head_lines: Sequence[str]
    hunks: Sequence[Hunk]
    needed: Collection[int]
    units: Sequence[Rows]

    @classmethod
    def of(cls, source: _Source, base: str, changed: Sequence[Hunk]) -> _Frame:
        starts = [hunk.head_start - 1 for hunk in changed]

        def is_touched(rows: Rows) -> bool:
            at = bisect_right(
                starts, rows[1]
            )  # of those before, none reaches further than the last
            return bool(at) and _touches(changed[at - 1], rows)

        needed = {row for hunk in changed for row in _head_rows(hunk)}
        units = {row: row for row in source.loose}
        waiting = list(source.outermost)
        while waiting:
            around = waiting.pop()
            if is_touched(around):
                needed.update(source.own.get(around, ()))
                waiting += source.inner.get(around, ())
            else:
                units[around[0]] = around[1]
        for first, last in sorted(source.comments, reverse=True):
            if is_touched((first, last)):
                needed.update(range(first, last + 1))
                continue
            after = last + 1
            while after < len(source.lines) and not source.lines[after].strip():
                after += 1
            if after in needed:
                units[first] = last
            elif after in units:  # it goes with what it introduces
                units[first] = units.pop(after)
        lines = base.split("\n")
        return cls(source.head, lines, source.lines, changed, needed, sorted(units.items()))

    def size(self, kept: Collection[int]) -> int:
        """Characters of the longer side with these rows of head."""
        base, head = self._sides(kept)
        ours = sum(0 if row is None else len(self.head_lines[row]) for row in head) + len(head)
        return max(ours, sum(len(line) + 1 for line in base))

    def filled(self, context: int) -> set[int]:
        """The rows of a window: what is needed, and the units nearest to a hunk that have room."""
        kept = set(self.needed)
        room = max(context - self.size(kept), _LEAST_CONTEXT)
        starts = [hunk.head_start - 1 for hunk in self.hunks]
        nearest = sorted(self.units, key=lambda unit: (self._distance(unit, starts), unit))
        for first, last in nearest:
            new = [row for row in range(first, last + 1) if row not in kept]
            cost = sum(len(self.head_lines[row]) + 1 for row in new)
            if new and cost <= room:
                kept.update(new)
                room -= cost
        return self._with_blank_lines(kept)

    def _with_blank_lines(self, kept: Collection[int]) -> set[int]:
        """The rows, those without anything between two of them included and no others."""
        rows = [row for row in sorted(kept) if self.head_lines[row].strip() or row in self.needed]
        found = set(rows)
        for row, after in pairwise(rows):
            if not any(self.head_lines[between].strip() for between in range(row + 1, after)):
                found.update(range(row + 1, after))
        return found

    def _distance(self, unit: Rows, starts: Sequence[int]) -> int:
        """Lines from a unit to the nearest hunk.

        :param starts: first rows of the hunks.
        """
        at = bisect_right(starts, unit[1])
        before = self.hunks[at - 1] if at else None
        distances = [starts[at] - unit[1]] if at < len(starts) else []
        if before is not None:
            distances.append(unit[0] - (before.head_start + before.head_count - 2))
        return min(distances)

    def cut(self, base: Function, kept: Collection[int], left_out: int) -> Window:
        """Both sides with these rows."""
        theirs, rows = self._sides(kept)
        numbers = line_numbers(self.head)
        spans: list[LineRange] = []
        follows = False
        for row in rows:
            number = None if row is None else numbers[row]
            if number is None:
                follows = False
            elif follows:
                spans[-1] = LineRange(spans[-1].start, number)
            else:
                spans.append(LineRange(number, number))
                follows = True
        ours = ["" if row is None else self.head_lines[row] for row in rows]
        return Window(
            replace(base, text="\n".join(theirs)),
            replace(self.head, text="\n".join(ours), spans=tuple(spans)),
            len(self.hunks),
            left_out,
        )

    def _sides(self, kept: Collection[int]) -> tuple[list[str], list[int | None]]:
        """The lines of base, and the rows of head, None for the empty line where some are left out.

        Blank ones at the ends of what is left out go with it.
        """
        base: list[str | None] = []
        head: list[int | None] = []
        at = 0
        for hunk in (*self.hunks, None):
            start = len(self.head_lines) if hunk is None else hunk.head_start - 1
            for row in range(at, start):
                base.append(self.head_lines[row] if row in kept else None)
                head.append(row if row in kept else None)
            if hunk is not None:
                first = hunk.base_start - 1
                base += self.base_lines[first : first + hunk.base_count]
                at = start + hunk.head_count
                head += range(start, at)
        return ["" if line is None else line for line in _joined(base)], list(_joined(head))


_Line = TypeVar("_Line", str, int)


def _joined(lines: Iterable[_Line | None]) -> Iterator[_Line | None]:
    """One None for several, and none at the ends."""
    gap = started = False
    for line in lines:
        if line is None:
            gap = started
            continue
        if gap:
            yield None
        yield line
        gap, started = False, True


def _all_rows(ranges: Iterable[Rows]) -> set[int]:
    return {row for first, last in ranges for row in range(first, last + 1)}


def _head_rows(hunk: Hunk) -> range:
    return range(hunk.head_start - 1, hunk.head_start - 1 + hunk.head_count)


def _touches(hunk: Hunk, rows: Rows) -> bool:
    """Whether a hunk is inside the rows, or reaches into them."""
    first, last = hunk.head_start - 1, hunk.head_start - 2 + hunk.head_count
    if not hunk.head_count:  # between `last` and `first`
        return rows[0] < first <= rows[1]
    return first <= rows[1] and rows[0] <= last


def _parses(text: str, language: Language) -> bool:
    root, _ = parse_part(normalise(text), language)
    return not root.has_error
