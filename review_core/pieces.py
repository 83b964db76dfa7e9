"""Cuts a large hunk into pieces that can be taken back one by one: statements, and lines that were
rewritten. Texts in, texts out; which piece it was, scoring says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from review_core.diff import lines_of
from review_core.languages import Language
from review_core.statements import Rows, holds, nested, statement_rows
from review_core.types import Function, Hunk

LARGE = 8
"""Changed lines at head from which a hunk is worth looking into."""

MAX_PIECES = 10
"""One text is scored for each."""

_ALIKE = 0.6
"""From this similarity on a line is taken for another version of a line of base."""

_MAX_PAIRS = 10_000
"""Pairs of lines that may be compared, about .2 s; a hunk with more has no rewritten lines."""


def pieces_of(
    base: Function, head: Function, part: Sequence[Hunk], language: Language
) -> tuple[tuple[Hunk, ...], ...]:
    """Hunks of one line a side, by the piece that they make up, in order of their first line.

    Pieces may hold one another: a loop, and a statement of it. None where the part is small.
    """
    if sum(hunk.head_count for hunk in part) < LARGE:
        return ()
    base_lines, head_lines = lines_of(base.text), lines_of(head.text)
    single = [each for hunk in part for each in _by_line(hunk, base_lines, head_lines)]
    inside = [
        (hunk.head_start - 1, hunk.head_start + hunk.head_count - 2)
        for hunk in part
        if hunk.head_count
    ]
    statements = list(_statements(head.text, inside, language))
    covered = {row for first, last in statements for row in range(first, last + 1)}
    apart = [
        (hunk.head_start - 1, hunk.head_start - 1)
        for hunk in single
        if hunk.base_count and hunk.head_count and hunk.head_start - 1 not in covered
    ]
    chosen = _chosen([*statements, *apart])
    pieces = (tuple(each for each in single if _is_in(each, piece)) for piece in chosen)
    gone = ((each,) for each in single if not each.head_count)
    found = [piece for piece in (*pieces, *gone) if piece]
    return tuple(sorted(dict.fromkeys(found), key=lambda piece: piece[0].head_start))


def _is_in(hunk: Hunk, piece: Rows) -> bool:
    """Whether a hunk of one line is inside, what was deleted between two lines of it included."""
    first, last = piece
    at = hunk.head_start - 1
    return first <= at <= last if hunk.head_count else first < at <= last


# --- lines that belong together -------------------------------------------------------------------


def _by_line(hunk: Hunk, base: Sequence[str], head: Sequence[str]) -> Iterator[Hunk]:
    """The hunk as rewritten lines, new lines and runs of deleted lines, in order."""
    ours = head[hunk.head_start - 1 : hunk.head_start - 1 + hunk.head_count]
    theirs = base[hunk.base_start - 1 : hunk.base_start - 1 + hunk.base_count]
    pairs = [(-1, -1), *_alike(theirs, ours), (len(theirs), len(ours))]
    for (i, j), (next_i, next_j) in pairwise(pairs):
        if i >= 0:
            yield Hunk(hunk.base_start + i, 1, hunk.head_start + j, 1)
        if gone := next_i - i - 1:
            yield Hunk(hunk.base_start + i + 1, gone, hunk.head_start + j + 1, 0)
        for new in range(j + 1, next_j):
            yield Hunk(hunk.base_start + next_i, 0, hunk.head_start + new, 1)


def _alike(base: Sequence[str], head: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Pairs of similar lines in the same order on both sides, of which the sum of similarity is
    largest.
    """
    if len(base) * len(head) > _MAX_PAIRS:
        return
    best = [[0.0] * (len(head) + 1) for _ in range(len(base) + 1)]
    ratios = [[_ratio(ours, theirs) for ours in head] for theirs in base]
    for i in reversed(range(len(base))):
        for j in reversed(range(len(head))):
            taken = best[i + 1][j + 1] + ratios[i][j] if ratios[i][j] >= _ALIKE else 0.0
            best[i][j] = max(taken, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(base) and j < len(head):
        if ratios[i][j] >= _ALIKE and best[i][j] == best[i + 1][j + 1] + ratios[i][j]:
            yield i, j
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1


def _ratio(base: str, head: str) -> float:
    base, head = base.strip(), head.strip()
    if not base or not head:
        return 0.0
    matcher = SequenceMatcher(None, base, head, autojunk=False)
    if matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE:
        return 0.0
    return matcher.ratio()


# --- statements -----------------------------------------------------------------------------------


def _statements(text: str, inside: Sequence[Rows], language: Language) -> Iterator[Rows]:
    """The statements inside one of the ranges, each with the comments above it."""
    statements, comments = statement_rows(text, language)
    notes = {row for first, last in comments for row in range(first, last + 1)}
    for first, last in statements:
        within = next((each for each in inside if holds(each, (first, last))), None)
        if within is None:
            continue
        while first - 1 in notes and first > within[0]:
            first -= 1
        yield first, last


def _chosen(ranges: Sequence[Rows]) -> list[Rows]:
    """At most MAX_PIECES of the ranges: the outermost, then what the largest of them hold."""
    outermost, inner = nested(ranges)
    chosen = _grouped(outermost, MAX_PIECES)
    waiting = [each for each in chosen if each in inner]
    while waiting and (room := MAX_PIECES - len(chosen)):
        largest = max(waiting, key=lambda each: (each[1] - each[0], -each[0]))
        waiting.remove(largest)
        parts = _grouped(inner[largest], room)
        chosen += parts
        waiting += [each for each in parts if each in inner]
    return chosen


def _grouped(ranges: Iterable[Rows], limit: int) -> list[Rows]:
    """Neighbours taken together, the smallest first, until there are no more than `limit`."""
    groups = list(ranges)
    while len(groups) > limit:
        at = min(range(len(groups) - 1), key=lambda at: groups[at + 1][1] - groups[at][0])
        groups[at : at + 2] = [(groups[at][0], groups[at + 1][1])]
    return groups
