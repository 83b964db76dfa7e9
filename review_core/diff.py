"""Which lines differ between two texts, as hunks. Knows lines only, no files and no functions.

Unique common lines anchor the comparison (patience diff), difflib fills the gaps between them, and
hunks that could stand in several places are moved to where a person would look for them. Line ends,
and one at the end of the text, are ignored.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise

from review_core.types import Hunk

_MAX_EQUAL_PAIRS = 200_000
"""Pairs of equal lines that difflib may weigh up one by one, about 30 ms a pass.

Above, its heuristic for popular lines is switched on: mere repetition comes out as larger hunks, in
bounded time.
"""


def hunks(base: str, head: str) -> tuple[Hunk, ...]:
    """The runs of lines that differ, in order; between two stands at least one common line."""
    base_lines, head_lines = lines_of(base), lines_of(head)
    found = list(_gaps(_common_lines(base_lines, head_lines), len(base_lines), len(head_lines)))
    return tuple(
        _slid(hunk, base_lines, head_lines, *_room(found, at, len(base_lines)))
        for at, hunk in enumerate(found)
    )


def taken_back(base: str, head: str, hunk: Hunk) -> str:
    """Head with one of its hunks as it was in base; every line of the result ends in LF."""
    lines = lines_of(head)
    first, before = hunk.head_start - 1, hunk.base_start - 1
    lines[first : first + hunk.head_count] = lines_of(base)[before : before + hunk.base_count]
    return "".join(f"{line}\n" for line in lines)


def changed_characters(base: str, head: str) -> int:
    """How many characters that are not blank stand on lines that differ, of both sides together."""
    sides = lines_of(base), lines_of(head)
    return sum(
        len("".join(line.split()))
        for hunk in hunks(base, head)
        for lines, start, count in (
            (sides[0], hunk.base_start - 1, hunk.base_count),
            (sides[1], hunk.head_start - 1, hunk.head_count),
        )
        for line in lines[start : start + count]
    )


def lines_of(text: str) -> list[str]:
    """The lines without their ends: LF and CRLF, as for git (not form feeds, as `splitlines`)."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def _common_lines(base: Sequence[str], head: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of indices of equal lines, increasing on both sides: what did not change."""
    common: list[tuple[int, int]] = []
    ranges = [(0, len(base), 0, len(head))]
    while ranges:  # a stack, since deeply nested anchors would outgrow the recursion limit
        base_at, base_end, head_at, head_end = ranges.pop()
        while base_at < base_end and head_at < head_end and base[base_at] == head[head_at]:
            common.append((base_at, head_at))
            base_at, head_at = base_at + 1, head_at + 1
        while (
            base_at < base_end and head_at < head_end and base[base_end - 1] == head[head_end - 1]
        ):
            base_end, head_end = base_end - 1, head_end - 1
            common.append((base_end, head_end))
        if base_at == base_end or head_at == head_end:
            continue
        base_part, head_part = base[base_at:base_end], head[head_at:head_end]
        anchors = [(base_at + i, head_at + j) for i, j in _anchors(base_part, head_part)]
        if anchors:
            # Each anchor opens a range of its own, whose equal first lines the loop above then
            # takes.
            edges = [(base_at, head_at), *anchors, (base_end, head_end)]
            ranges.extend((i, k, j, m) for (i, j), (k, m) in pairwise(edges))
        else:
            for i, j, size in _matching_blocks(base_part, head_part):
                common.extend((base_at + i + n, head_at + j + n) for n in range(size))
    return sorted(common)


def _anchors(base: Sequence[str], head: Sequence[str]) -> list[tuple[int, int]]:
    """The longest series of lines that occur once on each side and in the same order."""
    in_head = {line: j for j, line in enumerate(head)}
    base_count, head_count = Counter(base), Counter(head)
    unique = [
        (i, in_head[line])
        for i, line in enumerate(base)
        if base_count[line] == 1 and head_count[line] == 1
    ]
    # Longest increasing subsequence of the head's indices; tails[n] ends the best series of length
    # n + 1.
    tails: list[int] = []
    tail_at: list[int] = []
    previous: list[int | None] = []
    for at, (_, j) in enumerate(unique):
        length = bisect_left(tails, j)
        previous.append(tail_at[length - 1] if length else None)
        tails[length : length + 1] = [j]
        tail_at[length : length + 1] = [at]
    series: list[tuple[int, int]] = []
    step = tail_at[-1] if tail_at else None
    while step is not None:
        series.append(unique[step])
        step = previous[step]
    return series[::-1]


def _matching_blocks(base: Sequence[str], head: Sequence[str]) -> Iterable[tuple[int, int, int]]:
    head_count = Counter(head)
    equal_pairs = sum(count * head_count[line] for line, count in Counter(base).items())
    repetitive = equal_pairs > _MAX_EQUAL_PAIRS
    return SequenceMatcher(None, base, head, autojunk=repetitive).get_matching_blocks()


def _gaps(common: list[tuple[int, int]], base_size: int, head_size: int) -> Iterator[Hunk]:
    base_at = head_at = 0
    for i, j in [*common, (base_size, head_size)]:
        if i > base_at or j > head_at:
            yield Hunk(base_at + 1, i - base_at, head_at + 1, j - head_at)
        base_at, head_at = i + 1, j + 1


def _room(found: list[Hunk], at: int, base_size: int) -> tuple[int, int]:
    """How many lines a hunk may move up and down: half the way to a neighbour, which moves, too."""
    hunk = found[at]
    end = hunk.base_start + hunk.base_count
    above, below = hunk.base_start - 1, base_size + 1 - end
    if at > 0:
        above = (hunk.base_start - found[at - 1].base_start - found[at - 1].base_count - 1) // 2
    if at + 1 < len(found):
        below = (found[at + 1].base_start - end - 1) // 2
    return above, below


def _slid(hunk: Hunk, base: Sequence[str], head: Sequence[str], up: int, down: int) -> Hunk:
    """The hunk where it reads best: an added function from its first line, not the brace above.

    The less its first line is indented the better; then, if it begins a paragraph.
    """
    if hunk.base_count and hunk.head_count:
        return hunk
    if hunk.head_count:
        lines, start, end = head, hunk.head_start - 1, hunk.head_start - 1 + hunk.head_count
    else:
        lines, start, end = base, hunk.base_start - 1, hunk.base_start - 1 + hunk.base_count
    shifts = [0]
    for shift in range(-1, -up - 1, -1):
        if lines[start + shift] != lines[end + shift]:
            break
        shifts.append(shift)
    for shift in range(1, down + 1):
        if lines[start + shift - 1] != lines[end + shift - 1]:
            break
        shifts.append(shift)

    def unreadable(shift: int) -> tuple[int, bool, bool, int]:
        above = lines[start + shift - 1] if start + shift else ""
        moved = lines[start + shift : end + shift]
        first = next((line for line in moved if line.strip()), "")
        indentation = len(first) - len(first.lstrip())
        return (indentation, not moved[0].strip(), bool(above.strip()), -shift)

    best = min(shifts, key=unreadable)
    return replace(hunk, base_start=hunk.base_start + best, head_start=hunk.head_start + best)
