"""What still holds of a review after edits, and in a notebook's cells."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_scorer import FakeScorer
from lsp_scorer import load_scorer
from lsprotocol.types import Position, PositionEncodingKind, Range

from lsp_server.jobs import Context, DocumentReview
from lsp_server.notebook_text import CodeCell, cells_of_file, language_of_cells, notebook_text
from lsp_server.positions import units_of, with_edit
from lsp_server.reviews import Buffer, Reviewed
from lsp_server.views import carried, in_cell
from review_core import api
from review_core.config import default_settings
from review_core.languages import language_named
from review_core.types import Change, FileChange, Report

BASE = """import os


def first(path):
    return very_safe(path)


def second(path):
    return very_safe(path)
"""
HEAD = BASE.replace("very_safe", "not_safe")


def reviewed(base: str, head: str, name: str = "cart.py") -> Reviewed:
    scorer, calibration = load_scorer(default_settings())
    assert isinstance(scorer, FakeScorer)
    change = Change("base", "head", (FileChange(name, base, head),))
    report = api.review(change, scorer, calibration, default_settings())
    buffer = Buffer("file:///cart.py", Path("/cart.py"), 1, head)
    return Reviewed(buffer, DocumentReview(report, base), {}, Context(Path("/"), "HEAD", {}))


def findings(text: str) -> list[tuple[str, int]]:
    """What is still said of HEAD's review on another text, and where."""
    before = reviewed(BASE, HEAD)
    after = carried(before, Buffer("file:///cart.py", Path("/cart.py"), 2, text))
    assert after.buffer.version == 2
    return lines_of(after)


def lines_of(view: Reviewed) -> list[tuple[str, int]]:
    report = view.review.report
    assert isinstance(report, Report)
    assert [each.function.name for each in report.functions] == [
        each.function for each in report.findings
    ]
    for review in report.functions:
        assert review.function.head is not None
    return [(each.function, each.start_line) for each in report.findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD, [("first", 5), ("second", 9)]),
        # Lines put above move what is below.
        ("# a comment\n\n" + HEAD, [("first", 7), ("second", 11)]),
        # An edited function is not spoken of, the others are.
        (HEAD.replace("not_safe", "safe", 1), [("second", 9)]),
        # A line next to a function may belong to it.
        (HEAD + "    # more\n", [("first", 5)]),
        (HEAD + "\n\n    return 1\n", [("first", 5)]),
        (HEAD.replace("\n\n\ndef second", "\n    more\n\n\ndef second"), [("second", 10)]),
        (HEAD + "\n\n# a comment\n", [("first", 5), ("second", 9)]),
        (HEAD + "\n", [("first", 5), ("second", 9)]),
        (HEAD.replace("\ndef second", "\n@cache\ndef second"), [("first", 5)]),
        # Of a function that is gone nothing is said.
        (HEAD[: HEAD.index("def second")], [("first", 5)]),
        ("", []),
        ("nothing of the kind\n", []),
    ],
)
def test_only_what_was_not_edited_is_still_spoken_of(
    text: str, expected: list[tuple[str, int]]
) -> None:
    assert findings(text) == expected


def test_hunks_and_places_move_along() -> None:
    before = reviewed(BASE, HEAD)
    after = carried(before, Buffer("file:///cart.py", Path("/cart.py"), 2, "\n\n" + HEAD))
    assert after.review.report is not None
    (hunk,) = after.review.report.functions[1].function.hunks
    assert (hunk.base_start, hunk.head_start) == (9, 11)


def test_what_caused_a_finding_moves_along() -> None:
    """Two parts of a change, of which the second is to blame; three lines come above."""
    base = (
        "def f(path):\n    first = 1\n    second = 2\n    third = 3\n    return very_safe(path)\n"
    )
    head = base.replace("first = 1", "one = 1").replace("very_safe", "not_safe")
    before = reviewed(base, head)
    after = carried(before, Buffer("file:///cart.py", Path("/cart.py"), 2, f"#\n#\n\n{head}"))
    reports = [before.review.report, after.review.report]
    lines = [
        [
            (each.start_line, *(cause.start_line for cause in each.causes))
            for each in report.findings
        ]
        for report in reports
        if report is not None
    ]
    assert lines == [[(5, 5, 2)], [(8, 8, 5)]]


def test_of_a_text_too_long_to_compare_while_an_editor_waits_nothing_is_said() -> None:
    long = HEAD + "x = 1\n" * 100_000
    before = reviewed(BASE, HEAD)
    after = carried(before, Buffer("file:///cart.py", Path("/cart.py"), 2, long))
    assert lines_of(after) == []


# --- notebooks ------------------------------------------------------------------------------------

CELLS = [
    CodeCell("python", "import os\n%matplotlib inline\n!ls"),
    CodeCell("python", "%%bash\nls"),
    CodeCell("sql", "select 1"),
    CodeCell("python", "def load(path):\n    return not_safe(path)"),
    CodeCell("python", "very_clear = 1\n"),
]


def test_the_cells_of_one_language_are_one_text_and_magics_are_comments() -> None:
    language = language_of_cells(CELLS)
    assert language is language_named("Python")
    assert language is not None
    found = notebook_text(CELLS, language)
    assert found.text == (
        "import os\n#matplotlib inline\n#ls\n\n"
        "def load(path):\n    return not_safe(path)\n\n"
        "very_clear = 1\n\n"
    )
    assert found.firsts == (1, None, None, 5, 8)
    assert language_of_cells([CodeCell("sql", "select 1")]) is None


def test_a_finding_belongs_to_the_cell_that_it_stands_in() -> None:
    language = language_named("Python")
    assert language is not None
    head = notebook_text(CELLS, language)
    before = reviewed(head.text.replace("not_", "very_"), head.text)
    shown = []
    for cell, first in zip(CELLS, head.firsts, strict=True):
        if first is not None:
            buffer = Buffer("cell:", Path("/a.ipynb"), 3, cell.text)
            shown.append(lines_of(in_cell(before, buffer, first)))
    assert shown == [[], [("load", 2)], []]


def test_code_between_functions_is_spoken_of_where_it_changed() -> None:
    """One piece in two cells; the finding is in the second, where the cause stands."""
    language = language_named("Python")
    assert language is not None
    cells = [CodeCell("python", "one = 1\ntwo = 2\n"), CodeCell("python", "a = 1\nnot_safe = 3\n")]
    head = notebook_text(cells, language)
    base = head.text.replace("one = 1", "uno = 1").replace("not_safe", "very_safe")
    before = reviewed(base, head.text)
    shown = []
    for cell, first in zip(cells, head.firsts, strict=True):
        assert first is not None
        view = in_cell(before, Buffer("cell:", Path("/a.ipynb"), 3, cell.text), first)
        assert view.review.report is not None
        shown.append([each.start_line for each in view.review.report.findings])
    assert shown == [[], [2]]


def test_a_file_that_is_no_notebook_is_told_from_one() -> None:
    assert cells_of_file(b"not json") is None
    assert cells_of_file(b"[]") is None
    assert cells_of_file(b'{"worksheets": []}') is None
    content = (
        b'{"metadata": {"kernelspec": {"language": "go"}}, "cells": ['
        b'{"cell_type": "markdown", "source": "text"},'
        b'{"cell_type": "code", "source": ["a\\n", "b"], "metadata": {}},'
        b'{"cell_type": "code", "source": "c", "metadata": {"vscode": {"languageId": "sql"}}}]}'
    )
    assert cells_of_file(content) == [CodeCell("go", "a\nb"), CodeCell("sql", "c")]


@pytest.mark.parametrize(
    ("encoding", "column"),
    [(None, 3), (PositionEncodingKind.Utf8, 5), (PositionEncodingKind.Utf32, 2)],
)
def test_a_part_of_a_cell_is_replaced_where_the_editor_says(
    encoding: PositionEncodingKind | None, column: int
) -> None:
    """The emoji is two units of UTF-16, four of UTF-8; a form feed ends no line."""
    text = "a\x0cb\r\nx🙂yz\n"
    start, end = Position(1, column), Position(1, column + 1)
    units = units_of(encoding)
    assert with_edit(text, Range(start, end), "Y", units) == "a\x0cb\r\nx🙂Yz\n"
    behind = Position(2, 0)
    assert with_edit(text, Range(behind, behind), "end", units) == text + "end"
    line_end = Position(0, 99)
    assert with_edit(text, Range(line_end, Position(1, 0)), "", units) == "a\x0cbx🙂yz\n"
