"""Which part of a changed function a verdict comes from: hunks are taken back and scored again.

Each part is looked at twice, taken back from head and put alone into base: some are harmless alone
and harmful together. Texts in, texts out; scoring is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from review_core.diff import hunks, taken_back
from review_core.findings import line_numbers
from review_core.languages import Language
from review_core.layout import normalise
from review_core.pieces import pieces_of
from review_core.syntax import parse_part
from review_core.types import Function, Hunk, LineRange

MAX_PARTS = 8
"""Of more hunks the nearest are taken together: two texts are scored for each part."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some neighbouring hunks that are judged together.

    lines: at head, in the file; for a deletion the line before it. without: head with these hunks
    as in base. alone: base with these hunks only; None where that does not parse. hunks: of the
    function's texts.
    """

    lines: LineRange
    without: str
    alone: str | None
    hunks: tuple[Hunk, ...]


def parts_of(base: Function, head: Function, language: Language) -> tuple[Part, ...]:
    """The parts of a changed function, in order; none where there are fewer than two to tell apart.

    Hunks that do not parse without one another are one part.
    """
    groups = [[hunk] for hunk in hunks(base.text, head.text)]
    while len(groups) > MAX_PARTS:
        _merge(groups, _nearest(groups))
    must_parse = _parses(head.text, language) and _parses(base.text, language)
    while len(groups) > 1 and must_parse:
        broken = [
            index
            for index, group in enumerate(groups)
            if not _parses(_without(base.text, head.text, group), language)
        ]
        if not broken:
            break
        _merge(groups, _nearest(groups, among=broken))
    if len(groups) < 2:
        return ()
    return tuple(_part(base, head, group, groups, language, must_parse) for group in groups)


def parts_inside(
    base: Function, head: Function, part: Sequence[Hunk], language: Language
) -> tuple[Part, ...]:
    """What a large part of a change can be narrowed to: each statement of it that head parses
    without. Parts may hold one another; none where the part is small.
    """
    must_parse = _parses(head.text, language)
    found = (
        Part(_lines(head, piece), _without(base.text, head.text, piece), None, piece)
        for piece in pieces_of(base, head, part, language)
    )
    return tuple(each for each in found if not must_parse or _parses(each.without, language))


def _part(
    base: Function,
    head: Function,
    group: Sequence[Hunk],
    groups: Sequence[Sequence[Hunk]],
    language: Language,
    must_parse: bool,
) -> Part:
    others = [hunk for other in groups if other is not group for hunk in other]
    alone = _without(base.text, head.text, others)
    stands = not must_parse or _parses(alone, language)
    without = _without(base.text, head.text, group)
    return Part(_lines(head, group), without, alone if stands else None, tuple(group))


def _without(base: str, head: str, group: Sequence[Hunk]) -> str:
    """Head with the hunks as in base. From the last to the first, so that places stay right."""
    text = head
    for hunk in sorted(group, key=lambda each: -each.head_start):
        text = taken_back(base, text, hunk)
    return text


def _lines(head: Function, group: Sequence[Hunk]) -> LineRange:
    numbers = line_numbers(head)
    first, last = group[0], group[-1]
    start = max(first.head_start if first.head_count else first.head_start - 1, 1)
    end = max(last.head_start + last.head_count - 1, start)
    own = [line for line in numbers[start - 1 : end] if line is not None]
    return LineRange(own[0], own[-1]) if own else LineRange(head.lines.start, head.lines.start)


def _parses(text: str, language: Language) -> bool:
    root, _ = parse_part(normalise(text), language)
    return not root.has_error


def _merge(groups: list[list[Hunk]], index: int) -> None:
    groups[index : index + 2] = [groups[index] + groups[index + 1]]


def _nearest(groups: Sequence[Sequence[Hunk]], among: Sequence[int] | None = None) -> int:
    """Of the groups, or of those that `among` names, the one to merge with what follows it."""

    def gap(index: int) -> int:
        last = groups[index][-1]
        return groups[index + 1][0].head_start - (last.head_start + last.head_count)

    pairs = set(range(len(groups) - 1))
    if among is not None:
        pairs &= {near for index in among for near in (index - 1, index)}
    return min(pairs, key=lambda index: (gap(index), index))
