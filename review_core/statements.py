"""Which lines of a text are statements: what stands on lines of its own, and what it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from review_core.layout import normalise
from review_core.syntax import COMMENTS, parse_part, rows, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from review_core.languages import Language

Rows: TypeAlias = tuple[int, int]
"""First and last line of a text, 0-based and inclusive."""


def statement_rows(text: str, language: Language) -> tuple[list[Rows], list[Rows]]:
    """What stands on lines of its own, outer ones first, and the comments that do.

    Not only statements: members, branches, and the elements of a list that has a line for each
    count, too. What its surroundings cannot be without, such as the body of a loop, does not.
    """
    plain = normalise(text)
    lines = plain.split("\n")
    shift = len(text) - len(text.lstrip("\n"))  # `normalise` drops blank lines at the start
    root, before = parse_part(plain, language)
    extra = 1 if before else 0  # what is put around a part is a line of its own
    found: dict[Rows, None] = {}
    comments: dict[Rows, None] = {}
    for node in _optional(root):
        first, last = (row - extra for row in rows(node))
        if first >= 0 and last < len(lines) and _has_own_lines(node, lines, first, last):
            (comments if node.type in COMMENTS else found)[first + shift, last + shift] = None
    ranges = sorted(found, key=lambda each: (each[0], -each[1]))
    _, inner = nested(ranges)
    return [each for each in ranges if not _is_list(each, inner.get(each, ()))], list(comments)


_OPTIONAL_FIELDS = ("alternative", "member", "members", "statement")
"""Names that grammars give to what may as well be missing; most of it has none."""


def _optional(root: Node) -> Iterator[Node]:
    """The named nodes that fill no other field of the node around them."""
    yield root
    for node, _ in walk(root):
        for at, child in enumerate(node.children):
            if child.is_named and node.field_name_for_child(at) in (None, *_OPTIONAL_FIELDS):
                yield child


def nested(ranges: Iterable[Rows]) -> tuple[list[Rows], dict[Rows, list[Rows]]]:
    """The outermost ranges, and what each holds directly, in order."""
    outermost: list[Rows] = []
    inner: dict[Rows, list[Rows]] = {}
    around: list[Rows] = []
    for each in sorted(set(ranges), key=lambda each: (each[0], -each[1])):
        while around and not holds(around[-1], each):
            around.pop()
        (inner.setdefault(around[-1], []) if around else outermost).append(each)
        around.append(each)
    return outermost, inner


def holds(outer: Rows, inner: Rows) -> bool:
    """Whether one range is inside another."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _has_own_lines(node: Node, lines: Sequence[str], first: int, last: int) -> bool:
    """Whether nothing but the node, and what ends or separates it, stands on its lines."""
    start = lines[first].encode()[: node.start_point.column]
    ends_before = node.end_point.column == 0  # a line break that the node holds
    end = b"" if ends_before else lines[last].encode()[node.end_point.column :]
    return not start.strip() and not end.strip(b" \t;,")


def _is_list(whole: Rows, parts: Sequence[Rows]) -> bool:
    """Whether there is nothing but several statements, as in a block without lines of its own."""
    return len(parts) > 1 and (parts[0][0], parts[-1][1]) == whole
