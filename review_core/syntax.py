"""Syntax trees of the languages we read: parsing, walking, comments. Knows nothing of functions.

Every walk keeps its own stack: generated code nests deeper than Python may recurse.
"""

from __future__ import annotations

import ctypes
import re
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

    from review_core.languages import Language

COMMENTS = frozenset({"comment", "line_comment", "block_comment", "html_comment"})
"""What the grammars call a comment."""


def parse(text: str, language: Language) -> Node:
    """The root of the text's tree, whose nodes count in bytes of `encoded(text)`.

    The text is read as if it ended in a line break: without one, a C directive on the last line is
    an error, and the scanner of tree-sitter-kotlin 1.1.0 never returns from an annotation there. A
    text that the parser would not finish (the same grammar has such) becomes one error.

    py-tree-sitter up to 0.26 never lets go of what a reader returns. A server would lose as much as
    all texts that it ever parsed, so references that the parser left behind are counted and given
    back here; of a version that leaves none, none are.
    """
    import tree_sitter

    source = encoded(text)
    source += b"" if source.endswith(b"\n") else b"\n"
    grammar = language.load_grammar()
    held = sys.getrefcount(source)
    try:
        tree = tree_sitter.Parser(grammar).parse(
            lambda offset, _: source[offset : offset + _PIECE] if offset else source,
            progress_callback=_Patience(len(source)),
        )
    except ValueError:  # the parser's word for having been stopped
        nonsense = b"\x01\n" * (source.count(b"\n") + 1)
        start = b"<?php " if language.name == "PHP" else b""
        tree = tree_sitter.Parser(grammar).parse(start + nonsense)
    leaked = sys.getrefcount(source) - held
    for _ in range(leaked if len(source) > 1 else 0):  # a single byte is the interpreter's own
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(source))
    return tree.root_node


class _Patience:
    """Says when a parser has worked on a text for too long."""

    def __init__(self, size: int) -> None:
        self._steps = int(_STEPS + _STEPS_PER_BYTE * size)
        self._look_at = time.perf_counter() + _LOOK_SECONDS
        self._until: float | None = None

    def __call__(self, offset: int, has_error: bool) -> bool:
        self._steps -= 1  # counted, not timed: a text has one tree, on any machine
        if self._steps < 0:
            return True
        if (now := time.perf_counter()) < self._look_at:
            return False
        self._look_at = now + _LOOK_SECONDS
        used = time.thread_time()
        if self._until is None:  # few texts take long enough for this to matter
            self._until = used + _MOST_SECONDS
        return used > self._until


_STEPS, _STEPS_PER_BYTE = 1000, 0.2
"""How often the parser may report progress; code takes .03 times a byte, the worst texts .1."""

_MOST_SECONDS = 10.0
"""CPU seconds after which a text is given up all the same. Code takes one for a megabyte, but steps
need not be short: 400 kB of "\\\\" lines would hold a process for an hour, in Python's grammar."""

_LOOK_SECONDS = 0.1
"""How often CPU time is looked at: that asks the system, for up to a millisecond under gVisor."""

_PIECE = 1 << 12
"""Bytes handed over when a node asks for its text, which are copied each time. The parser itself
starts at 0 and gets all at once."""


def encoded(text: str) -> bytes:
    """The bytes that nodes count in. A lone surrogate becomes "?": the parser needs valid UTF-8."""
    return text.encode(errors="replace")


def walk(root: Node) -> Iterator[tuple[Node, int]]:
    """`root` and every node below it with its depth, parents first, in the order of the text."""
    cursor = root.walk()
    depth = 0
    while True:
        if (node := cursor.node) is not None:
            yield node, depth
        if cursor.goto_first_child():
            depth += 1
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            depth -= 1


def comments(root: Node) -> Iterator[Node]:
    """The comments below `root`, in order."""
    return (node for node, _ in walk(root) if node.type in COMMENTS)


def words(text: str) -> set[str]:
    """Whatever could be a name in the text, comments and literals included."""
    return set(re.findall(r"\w+", text))


def rows(node: Node) -> tuple[int, int]:
    """First and last row of a node, 0-based; a line break at its end belongs to the last."""
    first, last = node.start_point.row, node.end_point.row
    return first, last - 1 if node.end_point.column == 0 and last > first else last


# What a part of a file needs around it to be read: methods stand in classes, PHP after its tag.
_AROUND: dict[str, tuple[tuple[str, str], ...]] = {
    "C++": (("class C {\n", "\n};"),),
    "C#": (("class C {\n", "\n}"),),
    "Java": (("class C {\n", "\n}"),),
    "JavaScript": (("class C {\n", "\n}"), ("x = {\n", "\n}")),
    "TypeScript": (("class C {\n", "\n}"), ("x = {\n", "\n}")),
    "TSX": (("class C {\n", "\n}"), ("x = {\n", "\n}")),
    "Rust": (("impl C {\n", "\n}"),),
    "PHP": (("<?php\n", ""), ("<?php class C {\n", "\n}")),
    "Kotlin": (("class C {\n", "\n}"),),
}


def parse_part(text: str, language: Language) -> tuple[Node, int]:
    """The tree of a part of a file, such as one method, and how many bytes of ours stand before it.

    A text that does not parse alone is read as a member of a class; one that parses nowhere comes
    as it is.
    """
    alone = parse(text, language)
    bare_php = language.name == "PHP" and "<?" not in text  # would be read as HTML, without error
    if not alone.has_error and not bare_php:
        return alone, 0
    for before, after in _AROUND.get(language.name, ()):
        if not (root := parse(before + text + after, language)).has_error:
            return root, len(before)
    return alone, 0
