"""Which of a pull request's files to look at first, should there not be time for all.

Risk here is the chance that a review has something to say, and how much there is to say it of: not
the alphabet, and not the size of the diff. What the model cannot judge comes last: new and deleted
code, languages it was not trained on; before it tests, of which less is judged; before them the
rest, by the lines of code (no comments, no blank ones) that changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from review_core.diff import hunks, lines_of
from review_core.excuses import is_test
from review_core.languages import Language, language_of
from review_core.types import FileChange


def by_risk(files: Sequence[FileChange], languages: Collection[str]) -> list[FileChange]:
    """The files, the one to look at first first.

    :param languages: those that the model may score, by name.
    """

    def key(file: FileChange) -> tuple[bool, bool, int, str]:
        language = language_of(file.path)
        known = language is not None and language.name in languages
        two_sides = file.base is not None and file.head is not None
        lines = changed_lines(file, language) if known and two_sides and language else 0
        return not (known and two_sides), is_test(file.path), -lines, file.path

    return sorted(files, key=key)


def may_get_verdict(path: str, *, two_sides: bool) -> bool:
    """What is known of that before a file is read."""
    return two_sides and not is_test(path)


def changed_lines(file: FileChange, language: Language) -> int:
    """Lines of code that differ between the sides, of whichever side has more of them.

    By the beginnings of lines: to parse every file first would cost what the order is to save.
    """
    base, head = (_code(side or "", language) for side in (file.base, file.head))
    found = hunks(base, head)
    return max(sum(each.base_count for each in found), sum(each.head_count for each in found))


def _code(text: str, language: Language) -> str:
    """The text without lines that are blank or a comment."""
    lines = (line.strip() for line in lines_of(text))
    return "\n".join(line for line in lines if line and not line.startswith(language.line_comment))
