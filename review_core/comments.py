"""Tells code from comments: takes comments out, and says whether texts differ in nothing else.

Python's docstrings count as comments here: they are prose that the program does not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING

from review_core.syntax import COMMENTS, encoded, parse_part, walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from review_core.languages import Language

_LAYOUT = frozenset({"line_continuation"})
"""Nodes that only fold lines."""


def without_comments(text: str, language: Language) -> str:
    """The text, with LF line ends, without comments, docstrings and lines of nothing else.

    A docstring that is its block's only statement becomes `pass`, so that what parsed still parses.
    """
    text = text.replace("\r\n", "\n")
    source = encoded(text)
    root, shift = parse_part(text, language)
    kept: list[bytes] = []
    at = 0
    for start, end, instead in _removals(root, language):
        start, end = start - shift, end - shift
        if source[start:end].endswith(b"\n"):
            end -= 1  # some grammars count the line break in
        kept += [source[at:start], _MARK, instead, _seam(source, start, end)]
        at = end
    kept.append(source[at:])
    lines = b"".join(kept).decode().split("\n")
    return "\n".join(_cleaned(lines))


def comments_of(text: str, language: Language) -> list[bytes]:
    """What `without_comments` takes out, in order, without the blanks around."""
    source = encoded(text.replace("\r\n", "\n"))
    root, shift = parse_part(text.replace("\r\n", "\n"), language)
    return [
        source[start - shift : end - shift].strip() for start, end, _ in _removals(root, language)
    ]


_MARK = b"\x00"
"""Stands where something was taken out, until lines left empty by it are dropped."""


def _removals(root: Node, language: Language) -> Iterator[tuple[int, int, bytes]]:
    """What to take out, in order, as start and end byte, with what to put in its place."""
    docstrings = {node.id: instead for node, instead in _docstrings(root, language)}
    for node, _ in walk(root):
        if node.type in COMMENTS:
            yield node.start_byte, node.end_byte, b""
        elif node.id in docstrings and node.type == "expression_statement":
            yield node.start_byte, node.end_byte, docstrings[node.id]
        elif node.type == "preproc_arg" and node.text and (found := _macro_comment(node.text)):
            yield node.start_byte + found.start(1), node.end_byte, b""


def _macro_comment(argument: bytes) -> re.Match[bytes] | None:
    """The comment at the end of a macro's text, which the grammars of C and C++ leave in it."""
    return _MACRO_COMMENT.match(argument)


_MACRO_COMMENT = re.compile(
    rb"""(?:[^"'/]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|/(?!/))*(//.*)""", re.DOTALL
)


def _docstrings(root: Node, language: Language) -> Iterator[tuple[Node, bytes]]:
    if language.name != "Python":
        return
    for node, _ in walk(root):
        body = node if node.type == "module" else None
        if node.type in ("function_definition", "class_definition"):
            body = node.child_by_field_name("body")
        if body is None:
            continue
        statements = [child for child in body.named_children if child.type not in COMMENTS]
        if statements and _is_docstring(statements[0]):
            alone = len(statements) == 1 and body.type != "module"
            followed = len(statements) > 1 and (
                statements[1].start_point.row == statements[0].end_point.row
            )
            yield statements[0], b"pass" if alone or followed else b""


def _is_docstring(statement: Node) -> bool:
    if statement.type != "expression_statement" or statement.named_child_count != 1:
        return False
    text = statement.named_children[0]
    if text.type == "concatenated_string":
        return all(_is_plain_string(part) for part in text.named_children)
    return text.type == "string" and _is_plain_string(text)


def _is_plain_string(string: Node) -> bool:
    """Whether it is no f-string and no bytes."""
    start = string.child(0)
    return (
        start is not None and start.text is not None and not set(start.text.lower()) & set(b"fbt")
    )


def _seam(source: bytes, start: int, end: int) -> bytes:
    """What keeps the code on both sides of a removed comment apart, if anything must."""
    before, after = source[start - 1 : start], source[end : end + 1]
    if not before.strip() or not after.strip():
        return b""
    return b"\n" if b"\n" in source[start:end] else b" "


def _cleaned(lines: list[str]) -> Iterator[str]:
    mark = _MARK.decode()
    for line in lines:
        if mark not in line:
            yield line
        elif rest := line.replace(mark, "").rstrip():
            yield rest


def same_code(base: str, head: str, language: Language) -> bool:
    """Whether two texts are the same program but for comments and layout.

    Trees are compared, not only tokens: in Python, and where a line break ends a statement, layout
    is meaning.
    """
    base_root, head_root = (
        parse_part(text.replace("\r\n", "\n"), language)[0] for text in (base, head)
    )
    pairs = zip_longest(_skeleton(base_root, language), _skeleton(head_root, language))
    if any(left != right for left, right in pairs):
        return False
    if base_root.has_error or head_root.has_error:  # the parser may have skipped characters
        base_rest, head_rest = (without_comments(text, language) for text in (base, head))
        return base_rest.split() == head_rest.split()
    return True


def _skeleton(root: Node, language: Language) -> Iterator[tuple[int, str, str]]:
    """Depth, type and, for leaves, text of every node that is code."""
    docstrings = {node.id: instead for node, instead in _docstrings(root, language)}
    skipped_below: int | None = None
    for node, depth in walk(root):
        if skipped_below is not None and depth > skipped_below:
            continue
        skipped_below = None
        if node.type in COMMENTS or node.type in _LAYOUT or node.id in docstrings:
            skipped_below = depth
            if docstrings.get(node.id):
                yield from ((depth, "pass_statement", ""), (depth + 1, "pass", "pass"))
            continue
        text = "" if node.child_count or not node.text else _leaf_text(node)
        if node.child_count or text or node.is_missing or not depth:
            yield depth, node.type, text


def _leaf_text(node: Node) -> str:
    text = node.text.decode() if node.text else ""
    if node.type == "jsx_text":
        return " ".join(line.strip() for line in text.split("\n") if line.strip())
    if node.type == "preproc_arg":
        if node.text and (found := _macro_comment(node.text)):
            text = node.text[: found.start(1)].decode()
        return " ".join(text.replace("\\\n", " ").split())
    return text if text.strip() else ""
