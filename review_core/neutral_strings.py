"""Takes back what a change says to readers of messages: the wording of logs, errors and asserts.

A text may be the bug (a query, a key, a format, a pattern), so one is touched only where it
provably is a message: prose, handed to what logs, prints or fails, and not on the other side too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from review_core.snippet import Edit, Snippet
from review_core.syntax import walk

if TYPE_CHECKING:
    from tree_sitter import Node

    from review_core.languages import Language

_LITERALS = frozenset(
    {
        "string",
        "string_literal",
        "raw_string_literal",
        "interpreted_string_literal",
        "template_string",
        "interpolated_string_expression",
        "verbatim_string_literal",
    }
)
_CONTENTS = frozenset(
    {
        "string_content",
        "string_fragment",
        "string_literal_content",
        "raw_string_content",
        "interpreted_string_literal_content",
        "raw_string_literal_content",
    }
)
_ESCAPES = frozenset({"escape_sequence", "escape_interpolation"})
_CALLS = frozenset(
    {
        "call",
        "call_expression",
        "method_invocation",
        "invocation_expression",
        "new_expression",
        "object_creation_expression",
    }
)
_THROUGH = frozenset(
    {
        "argument",
        "argument_list",
        "arguments",
        "array",
        "binary",
        "binary_expression",
        "binary_operator",
        "concatenated_string",
        "chained_string",
        "parenthesized_expression",
    }
)
"""What may stand between a message and what it is handed to."""

_SAYS = re.compile(
    r"""(?ix) (?: ^ | [^a-z] )
    (?: log(?:ger|f|ln)? | f?print(?:f|ln|_\w+)? | writeline | puts | echo
      | warn(?:ing|f|ln)? | info(?:f|ln)?
      | debug(?:f|ln)? | trace(?:f|ln)? | fatal(?:f|ln)? | panic(?:f|ln)? | critical | notice
      | errors?(?:f|ln|\.new)? | \w*_?(?:error|exception|failure) | fail | abort | raise | die
      | alert | assert\w* )
    $ | (?: Error | Exception ) $"""
)
"""Names, with what they are called on, of what hands its text to a reader and nothing else."""

_STREAM = re.compile(r"(std::)?(cout|cerr|clog)\b")
_PLACEHOLDER = re.compile(r"%[-+ #0-9.*]*(?:hh?|ll?|[zjt])?[a-zA-Z%]|\{[\w.:!]*\}")
_PROSE = re.compile(r"[\w\s.,;:!?'\"()/%-]*")
_QUERY = re.compile(
    r"(?is)\bselect\b.+\bfrom\b|\binsert\s+into\b|\bupdate\b.+\bset\b|\bdelete\s+from\b"
    r"|\b(create|drop|alter)\s+(table|index|view|database)\b|\bwhere\b|\b(order|group)\s+by\b"
)
_WORDS = re.compile(r"[^\W\d_]{2,}")
_INSTEAD = "text"


def without_new_messages(base: str, head: str, language: Language) -> tuple[str, str]:
    """Both sides, with LF line ends; in messages that the other side has not, every run of prose is
    one word. Placeholders, escapes and interpolations stay. A side that would parse worse stays.
    """
    sides = Snippet.of(base, language), Snippet.of(head, language)
    literals = [
        {side.text_of(node): node for node in side.nodes() if node.type in _LITERALS}
        for side in sides
    ]
    return (
        _without(sides[0], literals[1].keys()),
        _without(sides[1], literals[0].keys()),
    )


def _without(snippet: Snippet, theirs: object) -> str:
    edits: list[Edit] = []
    above: list[Node] = []
    for node, depth in walk(snippet.root):
        del above[depth:]
        is_own = node.start_byte >= snippet.shift and node.end_byte <= len(snippet.source)
        if is_own and node.type in _LITERALS and snippet.text_of(node) not in theirs:  # type: ignore[operator]
            pieces = list(_pieces(snippet, node))
            if _is_prose(pieces) and _is_message(snippet, above):
                edits += _reworded(pieces)
        above.append(node)
    edited = snippet.edited(edits)
    worse = Snippet.of(edited, snippet.language).errors() > snippet.errors()
    return snippet.text if worse else edited


_Piece = tuple[int, str]
"""Where a piece of a literal starts, and what it spells; escapes and interpolations are none."""


def _pieces(snippet: Snippet, literal: Node) -> Iterator[_Piece]:
    if literal.type == "verbatim_string_literal":
        yield literal.start_byte + 2, snippet.text_of(literal)[2:-1]
    for content in literal.children:
        if content.type not in _CONTENTS:
            continue
        at = content.start_byte
        for escape in content.children:  # Python has them inside
            if escape.type in _ESCAPES:
                yield at, snippet.source[at : escape.start_byte].decode(errors="replace")
                at = escape.end_byte
        yield at, snippet.source[at : content.end_byte].decode(errors="replace")


def _is_prose(pieces: list[_Piece]) -> bool:
    """Whether it is words that a person reads: no query, path, markup or key."""
    text = " ".join(_PLACEHOLDER.sub(" ", piece) for _, piece in pieces)
    slashed = re.search(r"/\S|\S/", text)
    return (
        len(_WORDS.findall(text)) > 1
        and _PROSE.fullmatch(text) is not None
        and not slashed
        and not _QUERY.search(text)
    )


def _is_message(snippet: Snippet, above: list[Node]) -> bool:
    """Whether the nearest call around, seen through what joins texts, tells or fails."""
    for node in reversed(above):
        if node.type in _CALLS:
            called = _called(snippet, node)
            return _SAYS.search(called) is not None
        if node.type == "binary_expression" and _STREAM.match(snippet.text_of(node)):
            return True
        if node.type in ("raise_statement", "throw_statement", "assert_statement"):
            return True
        if node.type not in _THROUGH:
            return False
    return False


def _called(snippet: Snippet, call: Node) -> str:
    """What is called, with what it is called on: `logger.info`, `errors.New`, `ValueError`."""
    parts = []
    for field in ("receiver", "object", "function", "constructor", "type", "method", "name"):
        if (found := call.child_by_field_name(field)) is not None:
            parts.append(snippet.text_of(found))
    return ".".join(parts)


def _reworded(pieces: list[_Piece]) -> Iterator[Edit]:
    for start, text in pieces:
        at = 0
        runs = [*_PLACEHOLDER.finditer(text), None]
        for found in runs:
            end = len(text) if found is None else found.start()
            run = text[at:end]
            if _WORDS.search(run):
                core = run.strip()
                offset = start + len(text[: at + run.index(core)].encode())
                yield offset, offset + len(core.encode()), _INSTEAD.encode()
            at = end if found is None else found.end()
