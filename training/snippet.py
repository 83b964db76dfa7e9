"""A text with its syntax tree, and edits of it by bytes. Decides no edit itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review_core.languages import Language
from review_core.syntax import encoded, parse_part, walk

if TYPE_CHECKING:
    from tree_sitter import Node

Edit = tuple[int, int, bytes]
"""Bytes from start to end, and what takes their place."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text and its tree. shift: how many bytes were parsed before the snippet's own."""

    text: str
    language: Language
    root: Node
    shift: int

    @classmethod
    def of(cls, text: str, language: Language) -> Snippet:
        """The text, with LF line ends, read as a file or as a member of a class."""
        text = text.replace("\r\n", "\n")
        return cls(text, language, *parse_part(text, language))

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
        end = self.shift + len(encoded(self.text))
        for node, _ in walk(self.root):
            if node.start_byte >= self.shift and node.end_byte <= end:
                yield node

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
