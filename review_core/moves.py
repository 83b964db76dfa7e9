"""Sees code that only moved between functions of one change, as extracting and inlining do.

A function that gave its body to a new one is shorter, not worse; the model sees one function at a
time and cannot know.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from review_core.diff import lines_of
from review_core.types import ChangedFunction, Function

MOSTLY = 0.5
"""The share of a function's taken-out (or put-in) lines that another function must account for."""
_FEW = 3  # fewer lines than this, and braces and returns make up any pair


def moved_code(functions: Sequence[ChangedFunction]) -> list[str | None]:
    """For each function where most of its changed code went or came from, or None.

    Lines are compared without their indentation; short ones say nothing and are left out.

    :return: a phrase: "code moved to `name`" or "code came from `name`".
    """
    gone = [_lines(each.base) - _lines(each.head) for each in functions]
    come = [_lines(each.head) - _lines(each.base) for each in functions]
    gone_in, come_in = _index(gone), _index(come)
    found: list[str | None] = []
    for at, function in enumerate(functions):
        phrase = None
        if function.base is not None and function.head is not None:
            if (other := _accounts_for(gone[at], come, come_in)) is not None:
                phrase = f"code moved to `{functions[other].name}`"
            elif (other := _accounts_for(come[at], gone, gone_in)) is not None:
                phrase = f"code came from `{functions[other].name}`"
        found.append(phrase)
    return found


def _lines(function: Function | None) -> Counter[str]:
    if function is None:
        return Counter()
    stripped = (line.strip() for line in lines_of(function.text))
    return Counter(line for line in stripped if sum(map(str.isalnum, line)) > 3)


def _index(lines: Sequence[Counter[str]]) -> dict[str, list[int]]:
    """Which functions have a line; of those with the same lines, the first."""
    found: dict[str, list[int]] = defaultdict(list)
    seen: set[frozenset[tuple[str, int]]] = set()
    for at, each in enumerate(lines):
        if (same := frozenset(each.items())) in seen:
            continue  # one edit made everywhere
        seen.add(same)
        for line in each:
            found[line].append(at)
    return found


def _accounts_for(
    lines: Counter[str], others: Sequence[Counter[str]], having: dict[str, list[int]]
) -> int | None:
    """The function whose lines cover most of `lines`, if one does.

    Never the one they are from: what a function lost and what it gained have no line in common.
    """
    needed = max(_FEW, MOSTLY * lines.total())
    shared: Counter[int] = Counter()
    left = lines.total()
    # What many functions have comes last: by then, one that was not met cannot have enough.
    for line, count in sorted(lines.items(), key=lambda item: len(having.get(item[0], ()))):
        for other in having.get(line, ()) if left >= needed else list(shared):
            if line in others[other]:
                shared[other] += min(count, others[other][line])
        left -= count
    if not shared:
        return None
    best, count = max(shared.items(), key=lambda item: (item[1], -item[0]))
    return best if count >= needed else None
