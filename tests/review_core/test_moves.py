"""Code that only changed its function."""

from __future__ import annotations

from review_core.moves import moved_code
from review_core.types import ChangedFunction, Function, FunctionKind, LineRange

BODY = [
    "rows = read(path)",
    "clean = [row.strip() for row in rows]",
    "total = sum(map(len, clean))",
]


def function(name: str, base: list[str] | None, head: list[str] | None) -> ChangedFunction:
    def side(lines: list[str] | None) -> Function | None:
        if lines is None:
            return None
        text = "\n".join([f"def {name}(path):", *("    " + line for line in lines)])
        return Function(name, FunctionKind.FUNCTION, text, (LineRange(1, len(lines) + 1),))

    return ChangedFunction("a.py", "Python", side(base), side(head))


def test_an_extracted_body_is_seen_on_the_function_that_gave_it() -> None:
    giver = function("report", [*BODY, "print(total)"], ["print(measure(path))"])
    taker = function("measure", None, [*BODY, "return total"])
    assert moved_code([giver, taker]) == ["code moved to `measure`", None]


def test_an_inlined_body_is_seen_on_the_function_that_took_it() -> None:
    taker = function("report", ["print(measure(path))"], [*BODY, "print(total)"])
    giver = function("measure", [*BODY, "return total"], None)
    assert moved_code([giver, taker]) == [None, "code came from `measure`"]


def test_a_method_that_gives_to_an_old_one_is_seen_too() -> None:
    giver = function("report", [*BODY, "print(total)"], ["print(measure(path))"])
    taker = function("measure", ["return 0"], [*BODY, "return total"])
    assert moved_code([giver, taker]) == ["code moved to `measure`", "code came from `report`"]


def test_a_lost_body_is_no_move_and_a_few_shared_lines_are_none() -> None:
    """Three of eight removed lines stand elsewhere: under half."""
    lost = function("report", [*BODY, "print(total)"], ["print(0)"])
    other = function("other", None, ["return read(path)"])
    assert moved_code([lost, other]) == [None, None]
    more = [f"step_{number} = work({number})" for number in range(5)]
    partly = function("report", [*BODY, *more], ["pass it on"])
    assert moved_code([partly, function("measure", None, BODY)]) == [None, None]


def test_short_lines_and_indentation_say_nothing() -> None:
    braces = function("f", ["}", "{", "if x", "end"], ["other(thing)"])
    taker = function("g", None, ["}", "{", "if x", "end"])
    assert moved_code([braces, taker]) == [None, None]
