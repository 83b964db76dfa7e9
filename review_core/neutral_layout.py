"""Lays both versions of a function out in one way, so that a verdict cannot hang on layout.

Prints no code of its own: blank lines, line breaks inside brackets, blanks around operators, braces
and indentation are edited one after the other, and an edit that would change the code is not made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from review_core.comments import same_code
from review_core.diff import changed_characters
from review_core.snippet import Edit, Snippet
from review_core.syntax import COMMENTS, encoded, rows, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from review_core.languages import Language


def with_one_layout(base: str, head: str, language: Language) -> tuple[str, str]:
    """Both sides, with LF line ends, in one layout, if some of what changed is layout; else as they
    are. The code stays the same by `same_code`.
    """
    sides = base.replace("\r\n", "\n"), head.replace("\r\n", "\n")
    for step in _STEPS:
        laid = [_laid(side, step, language) for side in sides]
        if laid[0] is not None and laid[1] is not None:  # one side alone would look different
            sides = laid[0], laid[1]
    return sides if changed_characters(*sides) < changed_characters(base, head) else (base, head)


_Step = Callable[[Snippet], str | None]


def _laid(text: str, step: _Step, language: Language) -> str | None:
    """The text after the step, the text itself if there is nothing to do, None if it may not."""
    snippet = Snippet.of(text, language)
    edited = step(snippet)
    if edited is None or edited == snippet.text:
        return edited and snippet.text
    return edited if same_code(snippet.text, edited, language) else None


def _without_blank_lines(snippet: Snippet) -> str:
    inside = rows_inside_texts(snippet, docstrings=True)
    return "\n".join(
        line for row, line in enumerate(snippet.lines) if line.strip() or row in inside
    )


# --- line breaks inside brackets -----------------------------------------------------------------

_BRACKETS = {"(": ")", "[": "]"}


def _with_joined_lines(snippet: Snippet) -> str:
    """A bracket's lines as one, where nothing inside ends with its line or has blocks."""
    edits: list[Edit] = []
    for node in snippet.nodes():
        if not node.children or _BRACKETS.get(node.children[0].type) != node.children[-1].type:
            continue
        first_row, last_row = rows(node)
        if first_row == last_row or any(_needs_lines(each) for each, _ in walk(node)):
            continue
        edits += _joins(snippet, node)
    return snippet.edited(sorted(set(edits)))


def _needs_lines(node: Node) -> bool:
    """Whether the node would not survive on one line."""
    if node.type in COMMENTS or node.type in BRACED or node.type.startswith("preproc"):
        return True
    multiline = node.start_point.row != node.end_point.row
    return multiline and ("string" in node.type or "heredoc" in node.type)


def _joins(snippet: Snippet, node: Node) -> Iterator[Edit]:
    leaves = [
        each for each, _ in walk(node) if not each.child_count and each.end_byte > each.start_byte
    ]
    for left, right in pairwise(leaves):
        gap = snippet.source[left.end_byte : right.start_byte]
        if b"\n" in gap and not gap.strip():
            tight = left.type in ("(", "[", ".") or right.type in (")", "]", ".", ",", "?.", "&.")
            yield left.end_byte, right.start_byte, b"" if tight else b" "


# --- blanks --------------------------------------------------------------------------------------

TIGHT_OPERATORS = frozenset(
    ["+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "&&", "||", "===", "!=="]
)
_BINARY = frozenset({"binary_expression", "binary_operator", "binary", "comparison_operator"})


def operators_of(node: Node) -> Iterator[Node]:
    """The operators of an operation that may stand with or without blanks around."""
    if node.type in _BINARY:
        yield from (
            each for each in node.children if not each.is_named and each.type in TIGHT_OPERATORS
        )


def _with_even_blanks(snippet: Snippet) -> str:
    """One blank around operators, after commas and before the braces of blocks."""
    edits: list[Edit] = []
    source = snippet.source
    for node in snippet.nodes():
        spaced = list(operators_of(node))
        for operator in spaced:
            edits += _one_blank(source, operator.start_byte, before=True)
            edits += _one_blank(source, operator.end_byte, before=False)
        if node.type == "," and not node.child_count:
            edits += _one_blank(source, node.end_byte, before=False)
        if node.type in BRACED and node.children and node.children[0].type == "{":
            edits += _one_blank(source, node.start_byte, before=True)
    return snippet.edited(sorted(set(edits)))


def _one_blank(source: bytes, at: int, *, before: bool) -> Iterator[Edit]:
    """The edit that leaves one blank there, if the line goes on there."""
    start = end = at
    while before and source[start - 1 : start] in (b" ", b"\t"):
        start -= 1
    while not before and source[end : end + 1] in (b" ", b"\t"):
        end += 1
    beyond = source[start - 1 : start] if before else source[end : end + 1]
    if beyond.strip() and source[start:end] != b" ":
        yield start, end, b" "


# --- braces --------------------------------------------------------------------------------------

BRACED = frozenset(
    {
        "compound_statement",
        "block",
        "statement_block",
        "class_body",
        "constructor_body",
        "declaration_list",
    }
)
BRACE_LANGUAGES = frozenset(
    {"C", "C++", "C#", "Java", "JavaScript", "TypeScript", "TSX", "Rust", "PHP"}
)


def _with_braces_up(snippet: Snippet) -> str:
    return snippet.edited(braces(snippet)[1])


def braces(snippet: Snippet) -> tuple[list[Edit], list[Edit]]:
    """The edits that move opening braces from the ends of lines to lines of their own, and those
    that move them up.
    """
    if snippet.language.name not in BRACE_LANGUAGES:
        return [], []
    lines = snippet.lines
    down: list[Edit] = []
    up: list[Edit] = []
    for node in snippet.nodes():
        if node.type not in BRACED or not node.children or node.children[0].type != "{":
            continue
        brace = node.children[0]
        row = brace.start_point.row - snippet.first_row
        line = encoded(lines[row])
        before, after = line[: brace.start_point.column], line[brace.end_point.column :]
        if after.strip() or "\\" in lines[row]:
            continue
        if before.strip():
            margin = before[: len(before) - len(before.lstrip())]
            blanks = len(before) - len(before.rstrip())
            down.append((brace.start_byte - blanks, brace.start_byte, b"\n" + margin))
        elif row and re.search(r"[\w)>]$", lines[row - 1]) and "//" not in lines[row - 1]:
            up.append((brace.start_byte - len(before) - 1, brace.start_byte, b" "))
    return down, up


# --- indentation ---------------------------------------------------------------------------------

_UNIT = "    "


def _with_even_indentation(snippet: Snippet) -> str | None:
    unit = unit_of(snippet)
    return (
        snippet.text if unit == "" else None if unit is None else reindented(snippet, unit, _UNIT)
    )


def unit_of(snippet: Snippet) -> str | None:
    """One step of the text's indentation, empty if it has none, None if that is not to be told."""
    margins = {margin_of(line) for line in snippet.lines if line.strip()}
    if any(line.endswith("\\") for line in snippet.lines):
        return None
    if not any(margins):
        return ""
    if all("\t" not in margin for margin in margins):
        unit = " " * min(len(margin) for margin in margins if margin)
    elif all(" " not in margin for margin in margins):
        unit = "\t"
    else:
        return None
    return unit if unit in ("\t", "  ", "    ", " " * 8) else None


def reindented(snippet: Snippet, unit: str, other: str) -> str:
    """Every step of indentation in another width; literals of several lines stay as they are."""
    kept = rows_inside_texts(snippet, docstrings=False)
    return "\n".join(
        line if row in kept else _with_unit(line, unit, other)
        for row, line in enumerate(snippet.lines)
    )


def _with_unit(line: str, unit: str, other: str) -> str:
    code = line.lstrip()
    steps, rest = divmod(len(line) - len(code), len(unit))
    return other * steps + " " * rest + code


def margin_of(line: str) -> str:
    """The blanks before a line."""
    return line[: len(line) - len(line.lstrip())]


def rows_inside_texts(snippet: Snippet, *, docstrings: bool) -> set[int]:
    """Rows of the snippet that start inside a literal: their blanks are data."""
    inside: set[int] = set()
    for node in snippet.nodes():
        first, last = rows(node)
        literal = "string" in node.type or "heredoc" in node.type
        if first == last or not literal or node.type == "string_content":
            continue
        is_docstring = node.parent is not None and node.parent.type == "expression_statement"
        if docstrings or not is_docstring:
            inside.update(row - snippet.first_row for row in range(first + 1, last + 1))
    return inside


_STEPS: Sequence[_Step] = (
    _without_blank_lines,
    _with_joined_lines,
    _with_even_blanks,
    _with_braces_up,
    _with_even_indentation,
)
