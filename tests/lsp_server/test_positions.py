"""Lines and columns between us and an editor."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol.types import Position, PositionEncodingKind, Range

from lsp_server.actions import take_back
from lsp_server.positions import Positions, units_of
from review_core.diff import hunks

UTF16 = units_of(None)


def span(text: str, first: int, last: int, encoding: str | None = None) -> str:
    return str(Positions(text, units_of(encoding)).span(first, last))


def test_lines_are_counted_from_0_and_columns_from_the_first_character_that_is_not_blank() -> None:
    assert span("a\n    bc\n", 2, 2) == "1:4-1:6"


@pytest.mark.parametrize(
    ("encoding", "end"),
    [(None, 7), (PositionEncodingKind.Utf8, 10), (PositionEncodingKind.Utf32, 6)],
)
def test_an_emoji_counts_in_the_units_agreed_on(encoding: str | None, end: int) -> None:
    """`  "🙂" `: two blanks, a quote, one of 2, 4 or 1 units, a quote; then é of 1, 2 or 1."""
    assert span('  "🙂"é\n', 1, 1, encoding) == f"0:2-0:{end}"


def test_a_lone_carriage_return_ends_a_line_of_the_editor_and_none_of_ours() -> None:
    """Line 1 is rows 0 and 1, so line 2 is row 2; a position in row 1 is in line 1."""
    positions = Positions("a\rbb\nccc\r\nd\n", UTF16)
    assert str(positions.span(1, 1)) == "0:0-1:2"
    assert str(positions.span(2, 2)) == "2:0-2:3"
    assert [positions.line_at(Position(row, 0)) for row in range(5)] == [1, 1, 2, 3, 3]


def test_a_form_feed_ends_no_line() -> None:
    assert span("a\x0cb\u2028c\nd\n", 2, 2) == "1:0-1:1"


def test_what_lies_beyond_the_text_is_its_end() -> None:
    assert span("a\nb", 5, 9) == "1:0-1:1"
    assert span("", 1, 1) == "0:0-0:0"


def test_a_selection_that_ends_before_a_lines_first_character_does_not_touch_it() -> None:
    positions = Positions("a\nb\nc\n", UTF16)
    assert positions.lines_at(Range(Position(0, 0), Position(2, 0))) == (1, 2)
    assert positions.lines_at(Range(Position(1, 0), Position(1, 0))) == (2, 2)


LINES = st.lists(st.sampled_from(["a", "b", "  c", "🙂", ""]), max_size=6)


@settings(deadline=None)
@given(base=LINES, head=LINES, ends=st.booleans(), end=st.sampled_from(["\n", "\r\n"]))
def test_taking_every_hunk_back_from_the_last_gives_the_base(
    base: list[str], head: list[str], ends: bool, end: str
) -> None:
    """Whatever the line ends, and whether or not the text's last line has one; without it, empty
    lines at the end cannot be told from none.
    """
    base_text = "".join(f"{line}\n" for line in base)
    text = end.join(head) + (end if ends and head else "")
    for hunk in reversed(hunks(base_text, text)):
        edit = take_back(Positions(text, UTF16), base_text, hunk)
        text = applied(text, edit.range, edit.new_text)
    assert text.replace("\r\n", "\n").rstrip("\n") == base_text.rstrip("\n")


def applied(text: str, where: Range, new: str) -> str:
    """The text after an edit, as an editor applies it: columns are UTF-16 units."""
    rows = text.replace("\r\n", "\n").split("\n")
    starts = [0]
    for row in rows:
        starts.append(starts[-1] + len(row) + 1)
    plain = "\n".join(rows)
    start, finish = (
        starts[at.line]
        + len(rows[at.line].encode("utf-16-le")[: 2 * at.character].decode("utf-16-le"))
        for at in (where.start, where.end)
    )
    return plain[:start] + new.replace("\r\n", "\n") + plain[finish:]
