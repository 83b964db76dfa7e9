"""Reasons to withhold a verdict that the model would give: what it was never taught to judge.

Comment-only changes and moved code have modules of their own (comments.py, moves.py).
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from review_core.diff import hunks, lines_of
from review_core.types import Axis, ChangedFunction, FunctionKind

ONLY_IMPORTS = "only imports changed"
TEST_CODE = "not judged in test code"

NOT_OF_TESTS = frozenset({Axis.EFFICIENCY, Axis.SECURITY})
"""Axes on which a test has nothing to answer for: nobody attacks it, and it need not be fast."""

_IMPORT = re.compile(
    r"(import|from|require|require_relative|autoload|use|using|package|extern crate)\b"
    r"|#\s*(include|import)\b"
    r"|export\s.*\bfrom\b"
    r"|(const|let|var)\s.*=\s*(await\s+)?(require|import)\("
)
_CONTINUED = re.compile(r"""[\w*{}()\s,."'/-]*;?""")
"""What an import over several lines goes on with: names and brackets."""

_TEST_PART = re.compile(r"(tests?|specs?|__tests__|testing|e2e)", re.IGNORECASE)
_TEST_NAME = re.compile(r"(test_.+|.+[._-](test|tests|spec|specs)|.+(Test|Tests|Spec)|conftest)")


def only_imports_changed(function: ChangedFunction) -> bool:
    """Whether a piece outside functions differs by lines that import, and blank ones, alone."""
    if function.kind is not FunctionKind.MODULE or not (function.base and function.head):
        return False
    base, head = lines_of(function.base.text), lines_of(function.head.text)
    changed = [
        line.strip()
        for hunk in hunks(function.base.text, function.head.text)
        for line in (
            *base[hunk.base_start - 1 : hunk.base_start - 1 + hunk.base_count],
            *head[hunk.head_start - 1 : hunk.head_start - 1 + hunk.head_count],
        )
    ]
    lines = [line for line in changed if line]
    imports = [line for line in lines if _IMPORT.match(line)]
    return bool(imports) and all(
        _IMPORT.match(line) or _CONTINUED.fullmatch(line) for line in lines
    )


def is_test(path: str) -> bool:
    """Whether a path names test code, by the usual names of folders and files."""
    pure = PurePosixPath(path)
    return any(_TEST_PART.fullmatch(part) for part in pure.parts[:-1]) or bool(
        _TEST_NAME.fullmatch(pure.stem)
    )
