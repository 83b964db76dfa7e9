"""Finds `themis: ignore` and `themis: ignore[axis, axis]` in comments. Withholds nothing itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from review_core.syntax import comments, parse
from review_core.types import Axis, Function

if TYPE_CHECKING:
    from review_core.languages import Language

_IGNORE = re.compile(r"\bthemis:\s*ignore\b(?:\s*\[([^\]\n]*)\])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ignore:
    """A request to say nothing of a function, written at `line`.

    axes: those named; empty means all of them unless `unknown` holds names that are no axes, which
    the report should say.
    """

    axes: frozenset[Axis]
    line: int
    unknown: tuple[str, ...] = ()

    def silences(self, axis: Axis) -> bool:
        """Whether findings on this axis are to be withheld. A misspelt axis silences nothing."""
        return axis in self.axes if self.axes or self.unknown else True


def ignores(text: str, language: Language) -> tuple[Ignore, ...]:
    """Every ignore in the comments of a file, in order; strings that look like one do not count."""
    if "themis" not in text.lower():
        return ()  # parsing is not free, and most files have none
    found = []
    for comment in comments(parse(text, language)):
        content = comment.text.decode() if comment.text else ""
        for match in _IGNORE.finditer(content):
            line = comment.start_point.row + 1 + content.count("\n", 0, match.start())
            found.append(_ignore(match[1], line))
    return tuple(found)


def _ignore(names: str | None, line: int) -> Ignore:
    given = [name.strip().lower() for name in (names or "").split(",") if name.strip()]
    known = {axis.value: axis for axis in Axis}
    return Ignore(
        axes=frozenset(known[name] for name in given if name in known),
        line=line,
        unknown=tuple(name for name in given if name not in known),
    )


def covers(ignore: Ignore, function: Function) -> bool:
    """Whether the comment stands in the function or on the line directly above it."""
    in_function = any(ignore.line in span for span in function.spans)
    return in_function or ignore.line == function.lines.start - 1
