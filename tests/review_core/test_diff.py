from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from review_core.diff import hunks, lines_of, taken_back
from review_core.types import Hunk

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "    d", "}"]), max_size=30)


@st.composite
def edited(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Two texts as edits leave them: runs of lines are repeated or gone, where hunks can slide."""
    base = draw(LINES)
    head = list(base)
    for _ in range(draw(st.integers(0, 4))):
        start, end, at = (draw(st.integers(0, len(head))) for _ in range(3))
        head[at:at] = head[start:end]
        del head[end : draw(st.integers(end, len(head)))]
    return (base, head) if draw(st.booleans()) else (head, base)


PAIRS = st.one_of(st.tuples(LINES, LINES), edited())


def text_of(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def applied(base: str, head: str) -> list[str]:
    """Base with every hunk taken from head, by the hunks' numbers alone."""
    result, at = [], 0
    for hunk in hunks(base, head):
        result += lines_of(base)[at : hunk.base_start - 1]
        result += lines_of(head)[hunk.head_start - 1 : hunk.head_start - 1 + hunk.head_count]
        at = hunk.base_start - 1 + hunk.base_count
    return result + lines_of(base)[at:]


@given(PAIRS)
def test_applying_all_hunks_to_base_gives_head(pair: tuple[list[str], list[str]]) -> None:
    base, head = pair
    assert applied(text_of(base), text_of(head)) == head


@given(PAIRS)
def test_taking_back_every_hunk_gives_base(pair: tuple[list[str], list[str]]) -> None:
    base, head = pair
    text = text_of(head)
    for hunk in reversed(hunks(text_of(base), text_of(head))):  # so that earlier lines stay put
        text = taken_back(text_of(base), text, hunk)
    assert text == text_of(base)


@given(PAIRS)
@example(  # two hunks that would meet if each slid as far as it can
    (
        "d d x b . b d b b a x e . e".replace(".", "").split(" "),
        "d e a d x b . x b . b d b x e . b d b b a . e".replace(".", "").split(" "),
    )
)
def test_a_common_line_stands_between_two_hunks(pair: tuple[list[str], list[str]]) -> None:
    base, head = pair
    found = hunks(text_of(base), text_of(head))
    for above, below in pairwise(found):
        assert above.base_start + above.base_count < below.base_start
        assert above.head_start + above.head_count < below.head_start


@given(LINES)
def test_equal_texts_have_no_hunks(lines: list[str]) -> None:
    assert hunks(text_of(lines), text_of(lines)) == ()


def test_a_changed_line_is_one_hunk() -> None:
    assert hunks("a\nb\nc\n", "a\nx\nc\n") == (Hunk(2, 1, 2, 1),)


def test_an_insertion_starts_at_the_line_before_which_it_stands() -> None:
    assert hunks("a\nc\n", "a\nb\nc\n") == (Hunk(2, 0, 2, 1),)


def test_a_deletion_at_the_end_starts_behind_the_last_line_of_head() -> None:
    assert hunks("a\nb\n", "a\n") == (Hunk(2, 1, 2, 0),)


def test_a_new_text_is_one_insertion() -> None:
    assert hunks("", "a\nb\n") == (Hunk(1, 0, 1, 2),)


def test_line_ends_are_ignored() -> None:
    assert hunks("a\r\nb\r\n", "a\nb\n") == ()
    assert hunks("a\nb", "a\nb\n") == ()


def test_only_line_feeds_end_a_line() -> None:
    """A form feed and U+2028 end a line for `str.splitlines`: the numbers would run away."""
    assert hunks("a\x0cb\u2028c\nd\n", "a\x0cb\u2028c\nx\n") == (Hunk(2, 1, 2, 1),)


def test_an_added_function_is_shown_from_its_first_line() -> None:
    """By trimming equal lines alone, the hunk would be g from its name on and the name of h."""
    base = "void f() {\n    a();\n}\n\nvoid h() {\n    c();\n}\n"
    added = "void g() {\n    b();\n}\n\n"
    head = base.replace("void h", added + "void h")
    assert hunks(base, head) == (Hunk(5, 0, 5, 4),)


def test_an_added_function_is_shown_with_its_own_decorator() -> None:
    """By trimming equal lines alone, the hunk would be g without its decorator but with h's."""
    base = "@test\ndef f():\n    a()\n\n@test\ndef h():\n    c()\n"
    head = base.replace("@test\ndef h", "@test\ndef g():\n    b()\n\n@test\ndef h")
    assert hunks(base, head) == (Hunk(5, 0, 5, 4),)
    assert hunks(head, base) == (Hunk(5, 4, 5, 0),)


def test_an_added_function_at_the_end_of_a_class_is_shown_from_its_first_line() -> None:
    base = "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n"
    head = base + "\n    def h(self):\n        return 2\n"
    (hunk,) = hunks(base, head)
    assert lines_of(head)[hunk.head_start - 1 :] == ["", "    def h(self):", "        return 2"]


def test_moved_functions_are_matched_by_their_unique_lines() -> None:
    """Brackets and blanks are alike everywhere; lines that occur once hold the rest in place."""
    first = "def first(x):\n    y = x + 1\n    return y\n\n\n"
    second = "def second(x):\n    z = x * 2\n    return z\n\n\n"
    new = "def new(x):\n    w = x - 3\n    return w\n\n\n"
    assert hunks(first + second, first + new + second) == (Hunk(6, 0, 6, 5),)


def test_taken_back_keeps_the_other_hunks() -> None:
    base, head = "a\nb\nc\nd\ne\n", "a\nB\nc\nd\nE\nf\n"
    first, second = hunks(base, head)
    assert taken_back(base, head, first) == "a\nb\nc\nd\nE\nf\n"
    assert taken_back(base, head, second) == "a\nB\nc\nd\ne\n"


def test_a_last_line_without_an_end_is_not_glued_to_the_next() -> None:
    assert taken_back("a\nb", "a\nc\n", Hunk(2, 1, 2, 1)) == "a\nb\n"


def test_five_thousand_lines_take_well_below_a_second() -> None:
    base = [f"    value_{n} = compute({n})" if n % 3 else "}" for n in range(5_000)]
    head = [
        line.replace("compute", "measure") if n % 50 == 1 else line for n, line in enumerate(base)
    ]
    started = time.perf_counter()
    found = hunks(text_of(base), text_of(head))
    assert time.perf_counter() - started < 1
    assert sum(hunk.head_count for hunk in found) == len([n for n in range(1, 5_000, 50) if n % 3])


def test_five_thousand_lines_of_mere_repetition_end_in_time() -> None:
    base = ["x", "y"] * 2_500
    head = ["y", "x", "x"] * 1_700
    started = time.perf_counter()
    assert applied(text_of(base), text_of(head)) == head
    assert time.perf_counter() - started < 3
