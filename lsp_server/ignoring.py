"""Finds where an ignore comment can stand: it speaks of one function and breaks nothing."""

from __future__ import annotations

from collections.abc import Iterator

from lsp_server.jobs import CommentPlace
from review_core.diff import lines_of
from review_core.findings import changed_lines
from review_core.functions import functions_of
from review_core.languages import Language
from review_core.suppressions import ignores
from review_core.syntax import parse
from review_core.types import Axis, ChangedFunction


def comment_place(
    text: str, language: Language, changed: ChangedFunction, axis: Axis
) -> CommentPlace | None:
    """Above the function, above what changed in it, or behind its first line; None if none will do.

    Every place is tried out: above a method of a PHP file's first line, or within a string, a
    comment would be text.
    """
    had_error = parse(text, language).has_error
    for place in _candidates(text, changed):
        edited = with_comment(text, place, ignore_comment(language, [axis]))
        if not had_error and parse(edited, language).has_error:
            continue
        if _speaks(edited, language, place, changed):
            return place
    return None


def ignore_comment(language: Language, axes: list[Axis]) -> str:
    """The comment that silences these axes, as the language writes it."""
    return f"{language.line_comment} themis: ignore[{', '.join(axes)}]"


def with_comment(text: str, place: CommentPlace, comment: str) -> str:
    """The text, with LF line ends, with the comment put in."""
    lines = lines_of(text)
    if place.behind:
        lines[place.line - 1] += f"  {comment}"
    else:
        lines.insert(place.line - 1, place.indentation + comment)
    return "\n".join(lines) + "\n"


def _candidates(text: str, changed: ChangedFunction) -> Iterator[CommentPlace]:
    lines = lines_of(text)
    first, touched = changed.shown.lines.start, changed_lines(changed).start
    for line in dict.fromkeys((first, touched)):
        if line <= len(lines):
            yield CommentPlace(line, _indentation(lines[line - 1]), behind=False)
    for line in dict.fromkeys((touched, first)):
        if line <= len(lines):
            yield CommentPlace(line, "", behind=True)


def _speaks(edited: str, language: Language, place: CommentPlace, changed: ChangedFunction) -> bool:
    """Whether the comment is one, and belongs to the function."""
    if all(ignore.line != place.line for ignore in ignores(edited, language)):
        return False
    owners = [
        function
        for function in functions_of(edited, language)
        if any(place.line in span for span in function.spans)
    ]
    return [owner.name for owner in owners] == [changed.name]


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
