"""A text with its syntax tree, and edits of it by bytes. Decides no edit itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review_core.languages import Language
from review_core.syntax import encoded, parse_part, walk

if TYPE_CHECKING:
    from tree_sitter import Node

Edit = tuple[int, int, bytes]
"""Bytes from start to end, and what takes their place."""


_REST_OF_LINE = re.compile(rb"[ \t]*;?[ \t]*((//|#(?!\{)).*|/\*[^\n]*\*/[ \t]*)?(\n|$)")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text and its tree.

    shift: how many bytes were parsed before the snippet's own. source: the parsed bytes up to the
    snippet's end, blanks standing for those before it.
    """

    text: str
    language: Language
    root: Node
    shift: int
    source: bytes

    @classmethod
    def of(cls, text: str, language: Language) -> Snippet:
        """The text, with LF line ends, read as a file or as a member of a class."""
        text = text.replace("\r\n", "\n")
        root, shift = parse_part(text, language)
        return cls(text, language, root, shift, b" " * shift + encoded(text))

    @property
    def lines(self) -> list[str]:
        """The text line by line, without line ends."""
        return self.text.split("\n")

    @property
    def first_row(self) -> int:
        """The row of the parsed text where the snippet starts."""
        return 1 if self.shift else 0

    def nodes(self) -> Iterator[Node]:
        """The nodes of the snippet itself."""
        for node, _ in walk(self.root):
            if node.start_byte >= self.shift and node.end_byte <= len(self.source):
                yield node

    def text_of(self, node: Node) -> str:
        """What the node spells."""
        return self.source[node.start_byte : node.end_byte].decode(errors="replace")

    def margin_of(self, node: Node) -> bytes:
        """The blanks before the line on which the node starts."""
        start = max(self.source.rfind(b"\n", 0, node.start_byte) + 1, self.shift)
        found = re.match(rb"[ \t]*", self.source[start:])
        return found[0] if found else b""

    def lines_of(self, node: Node) -> tuple[int, int | None]:
        """Start and end of the node's lines, the line break included; no end where something else
        than a comment stands on them.
        """
        start = max(self.source.rfind(b"\n", 0, node.start_byte) + 1, self.shift)
        end = node.end_byte
        if self.source[start : node.start_byte].strip():
            return start, None
        if self.source[end - 1 : end] == b"\n":  # some grammars count the line break in
            return start, end
        rest = _REST_OF_LINE.match(self.source, end)
        return start, rest.end() if rest else None

    def edited(self, edits: Iterable[Edit]) -> str:
        """The text after edits that do not overlap."""
        source = encoded(self.text)
        for start, end, instead in sorted(edits, reverse=True):
            source = source[: start - self.shift] + instead + source[end - self.shift :]
        return source.decode()

    def errors(self) -> int:
        """How many places the parser could not read."""
        if not self.root.has_error:
            return 0
        return sum(node.is_error or node.is_missing for node, _ in walk(self.root))
