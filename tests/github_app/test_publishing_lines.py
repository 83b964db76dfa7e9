"""Where comments may stand: inside one hunk of the diff that GitHub shows."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcomes import file_of, outcome

from github_app.github.values import Side
from github_app.publishing.lines import Anchor, Region, anchor_of, is_shown, regions
from github_app.publishing.outcome import identified
from github_app.publishing.wording import new_comment
from review_core.types import Cause, FileChange, LineRange


def numbered(*numbers: int | str) -> str:
    return "".join(f"{number}\n" for number in numbers)


def change(base: str, head: str) -> FileChange:
    return FileChange("a.py", base, head)


def test_a_hunk_has_three_lines_around_it() -> None:
    lines = list(range(1, 21))
    head = [*lines[:9], "x", *lines[10:]]
    assert regions(change(numbered(*lines), numbered(*head))) == (
        Region(LineRange(7, 13), LineRange(7, 13)),
    )


def test_hunks_six_lines_apart_are_one_and_seven_apart_are_two() -> None:
    lines = list(range(1, 31))
    for apart, count in ((6, 1), (7, 2)):
        head = list(map(str, lines))
        head[9] = head[9 + apart + 1] = "x"
        assert len(regions(change(numbered(*lines), numbered(*head)))) == count


def test_the_file_ends_where_it_ends() -> None:
    assert regions(change("1\n", "x\n")) == (Region(LineRange(1, 1), LineRange(1, 1)),)
    assert regions(change("", "1\n2\n")) == (Region(None, LineRange(1, 2)),)
    assert regions(change("1\n2\n", "")) == (Region(LineRange(1, 2), None),)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 60), max_size=6, unique=True),
    st.lists(st.integers(0, 60), max_size=6, unique=True),
)
def test_git_shows_the_same_regions(
    tmp_path_factory: pytest.TempPathFactory, gone: list[int], replaced: list[int]
) -> None:
    """Where the two comparisons cannot differ in taste: every line is unlike any other."""
    base = [f"line {n}" for n in range(60)]
    head = [f"new {n}" if n in replaced else line for n, line in enumerate(base) if n not in gone]
    folder = tmp_path_factory.getbasetemp()
    sides = folder / "one", folder / "two"
    for side, lines in zip(sides, (base, head), strict=True):
        side.write_text(numbered(*lines))
    shown = subprocess.run(
        ["git", "diff", "--no-index", "--no-color", "-U3", *map(str, sides)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    expected = []
    for match in re.finditer(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", shown, re.MULTILINE):
        start, count = int(match[3]), int(match[4] or 1)
        expected.append(LineRange(start, start + count - 1) if count else None)
    found = regions(change(numbered(*base), numbered(*head)))
    assert [each.head for each in found] == expected


def test_a_finding_stands_beside_its_changed_lines() -> None:
    of = outcome(file_of(f=("1", "2")))
    comment = new_comment(identified(of)[0], of)
    assert (comment.line, comment.start_line, comment.side) == (22, None, Side.RIGHT)


def test_several_lines_are_a_range_inside_one_hunk() -> None:
    of = outcome(file_of(f=("1", "2 + (\n        3\n    )")))
    comment = new_comment(identified(of)[0], of)
    assert (comment.start_line, comment.line) == (22, 24)


def test_a_range_over_two_hunks_keeps_to_the_first() -> None:
    base = numbered(*range(1, 41))
    head = base.replace("\n10\n", "\nx\n").replace("\n30\n", "\ny\n")
    file = change(base, head)
    of = outcome(file_of(f=("1", "2")))
    finding, function = of.report.findings[0], of.report.functions[0].function
    wide = replace(finding, start_line=10, end_line=30)
    assert anchor_of(wide, function, file) == Anchor(Side.RIGHT, LineRange(10, 13))


def test_the_part_that_caused_it_is_where_the_comment_stands() -> None:
    base = numbered(*range(1, 41))
    file = change(base, base.replace("\n10\n", "\nx\n").replace("\n30\n", "\ny\n"))
    of = outcome(file_of(f=("1", "2")))
    finding, function = of.report.findings[0], of.report.functions[0].function
    wide = replace(finding, start_line=10, end_line=30)
    caused = replace(wide, causes=(Cause(30, 30, 0.6, None), Cause(10, 10, 0.1, 0.5)))
    assert anchor_of(caused, function, file) == Anchor(Side.RIGHT, LineRange(30, 30))
    hidden = replace(wide, causes=(Cause(20, 20, 0.6, None),))
    assert anchor_of(hidden, function, file) == anchor_of(wide, function, file)


def test_what_was_only_taken_away_is_commented_on_the_base_side() -> None:
    of = outcome(file_of(f=("1\n    y = 2\n    return y", "1\n    return y")))
    comment = new_comment(identified(of)[0], of)
    assert (comment.side, comment.start_line, comment.line) == (Side.LEFT, None, 23)


def test_where_the_diff_has_no_place_the_comment_is_on_the_file() -> None:
    of = outcome(file_of(f=("1", "2")))
    elsewhere = replace(of, files={"a.py": change("1\n", "1\n")})
    assert new_comment(identified(of)[0], elsewhere).line is None
    assert new_comment(identified(of)[0], replace(of, files={})).line is None


def test_a_range_is_shown_if_one_hunk_has_both_ends() -> None:
    base = numbered(*range(1, 41))
    file = change(base, base.replace("\n10\n", "\nx\n").replace("\n30\n", "\ny\n"))
    assert is_shown(Anchor(Side.RIGHT, LineRange(7, 13)), file)
    assert not is_shown(Anchor(Side.RIGHT, LineRange(7, 14)), file)
    assert not is_shown(Anchor(Side.RIGHT, LineRange(10, 30)), file)
