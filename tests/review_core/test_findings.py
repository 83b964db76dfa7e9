from __future__ import annotations

from dataclasses import replace

import pytest

from review_core.findings import (
    changed_lines,
    finding_id,
    findings_of,
    percent,
    suppressions_of,
    unused,
    withhold,
)
from review_core.languages import language_of
from review_core.types import (
    Axis,
    AxisScore,
    BundleIdentity,
    ChangedFunction,
    FileChange,
    Function,
    FunctionKind,
    FunctionReview,
    Hunk,
    LineRange,
    Verdict,
)

BUNDLE = BundleIdentity("fake", "ab" * 32)
ONE_EACH = {axis: (axis.value,) for axis in Axis}


def function(name: str, text: str, start: int) -> Function:
    span = LineRange(start, start + text.count("\n"))
    return Function(name, FunctionKind.FUNCTION, text, (span,))


def change(
    base: str | None, head: str | None, *hunks: Hunk, path: str = "a.py", start: int = 10
) -> ChangedFunction:
    return ChangedFunction(
        path,
        "Python",
        None if base is None else function("f", base, start),
        None if head is None else function("f", head, start),
        hunks,
    )


def worse(axis: Axis = Axis.CORRECTNESS, preference: float = 0.07) -> AxisScore:
    return AxisScore(axis, axis.value, -2.5, preference, Verdict.WORSE)


def reviewed(changed: ChangedFunction, *scores: AxisScore) -> FunctionReview:
    return FunctionReview(changed, {score.axis: score for score in scores})


# --- identity -------------------------------------------------------------------------------------


def identity(changed: ChangedFunction, axis: Axis = Axis.CORRECTNESS, criterion: str = "c") -> str:
    return finding_id(changed, axis, criterion, BUNDLE)


def test_an_id_knows_neither_path_nor_line_nor_name_nor_layout() -> None:
    here = change("def f():\n    a", "def f():\n    b")
    moved = change("def f():\n    a", "def f():\n    b", path="other/b.py", start=400)
    indented = change("  def f():\r\n      a  ", "  def f():\r\n      b\n")
    assert identity(here) == identity(moved) == identity(indented)


def test_an_id_depends_on_both_texts_axis_criterion_and_bundle() -> None:
    changed = change("a", "b")
    others = {
        identity(changed),
        identity(change("a", "c")),
        identity(change("c", "b")),
        identity(change("b", "a")),
        identity(change(None, "b")),
        identity(change("", "b")),
        identity(changed, Axis.SECURITY),
        identity(changed, criterion="d"),
        finding_id(changed, Axis.CORRECTNESS, "c", BundleIdentity("fake", "cd" * 32)),
    }
    assert len(others) == 9


def test_the_name_of_the_bundle_is_no_part_of_the_id() -> None:
    changed = change("a", "b")
    renamed = finding_id(changed, Axis.CORRECTNESS, "c", replace(BUNDLE, name="other"))
    assert renamed == identity(changed)


def test_an_id_stays_what_it_is_from_release_to_release() -> None:
    """Baselines and comments on pull requests hold these; a change of the recipe breaks them."""
    assert identity(change("a", "b")) == "8b9e70d510d3f20c"


def test_the_same_edit_made_twice_is_told_apart_in_the_order_of_the_report() -> None:
    reviews = [
        reviewed(change("a", "b", path=path), worse(), worse(Axis.SECURITY))
        for path in ("one.py", "two.py", "three.py")
    ]
    found = [each.finding for each in findings_of(reviews, BUNDLE, ONE_EACH)]
    first, second, third = (each.id for each in found if each.axis is Axis.CORRECTNESS)
    assert (second, third) == (f"{first}-2", f"{first}-3")
    assert [each.path for each in found] == ["one.py"] * 2 + ["two.py"] * 2 + ["three.py"] * 2
    again = [each.finding for each in findings_of(reviews, BUNDLE, ONE_EACH)]
    assert again == found


# --- what a finding says --------------------------------------------------------------------------


def test_only_worse_becomes_a_finding() -> None:
    better = replace(worse(Axis.SECURITY), verdict=Verdict.BETTER)
    unsure = replace(worse(Axis.READABILITY), verdict=Verdict.UNSURE)
    (found,) = findings_of([reviewed(change("a", "b"), worse(), better, unsure)], BUNDLE, ONE_EACH)
    assert found.finding.axis is Axis.CORRECTNESS
    assert found.finding.message == "correctness: likely worse than base, P(worse) 93 %"


def test_the_criterion_is_named_where_an_axis_has_several() -> None:
    score = AxisScore(Axis.EFFICIENCY, "Memory_Efficiency", -3, 0.02, Verdict.WORSE)
    several = {Axis.EFFICIENCY: ("Runtime_Efficiency", "Memory_Efficiency")}
    (found,) = findings_of([reviewed(change("a", "b"), score)], BUNDLE, several)
    assert found.finding.message == (
        "efficiency (memory efficiency): likely worse than base, P(worse) 98 %"
    )
    assert found.finding.criterion == "Memory_Efficiency"


@pytest.mark.parametrize(
    ("probability", "shown"),
    [
        (0.934, "93 %"),
        (0.5, "50 %"),
        (0.99, "99 %"),
        (0.9951, ">99 %"),
        (1.0, ">99 %"),
        (0.0, "<1 %"),
    ],
)
def test_a_probability_is_never_shown_as_certain(probability: float, shown: str) -> None:
    assert percent(probability) == shown


@pytest.mark.parametrize(
    ("hunks", "start", "end"),
    [
        ((Hunk(12, 1, 12, 2),), 12, 13),
        ((Hunk(11, 1, 11, 1), Hunk(13, 0, 13, 1)), 11, 13),
        ((Hunk(1, 4, 1, 10),), 10, 10),  # began before the function
        ((Hunk(13, 1, 13, 9),), 13, 14),  # goes on after it
        ((Hunk(12, 3, 12, 0),), 10, 10),  # a pure deletion: its first line
        ((Hunk(12, 3, 12, 0), Hunk(17, 1, 13, 1)), 13, 13),
        ((), 10, 10),
    ],
)
def test_a_finding_stands_on_the_changed_lines_inside_the_function(
    hunks: tuple[Hunk, ...], start: int, end: int
) -> None:
    """The function stands on lines 10 to 14."""
    assert changed_lines(change("x", "1\n2\n3\n4\n5", *hunks)) == LineRange(start, end)


def test_a_function_that_moved_is_found_at_what_changed_on_the_way() -> None:
    """All of its lines are new where it stands; only the second one reads otherwise."""
    moved = change("1\n2\n3", "1\ntwo\n3", Hunk(40, 3, 40, 0), Hunk(10, 0, 10, 3))
    assert changed_lines(moved) == LineRange(11, 11)


def test_where_file_and_function_are_compared_differently_the_files_hunk_counts() -> None:
    """Of equal neighbours either may be the new one; a comment must stand on a line of the diff."""
    doubled = change("1\n2\n2", "1\n2\n2\n2", Hunk(11, 0, 11, 1))
    assert changed_lines(doubled) == LineRange(11, 11)


def test_a_class_body_is_found_on_its_own_lines_not_on_those_of_its_methods() -> None:
    """A hunk over lines 11 to 25 touches the body's 10-11 and the method between 12 and 29."""
    spans = LineRange(10, 11), LineRange(30, 31)
    body = Function("C", FunctionKind.CLASS_BODY, "a\nb\n\nc\nd", spans)
    before = replace(body, text="a\nx\n\nc\nd")
    changed = ChangedFunction("a.py", "Python", before, body, (Hunk(11, 1, 11, 15),))
    assert changed_lines(changed) == LineRange(11, 11)


# --- what is withheld -----------------------------------------------------------------------------

SOURCE = """\
# themis: ignore[security]
def first():
    return 1


def second():
    # themis: ignore
    return 2


def third():
    return 3  # themis: ignore[secruity]


def fourth():
    return 4  # themis: ignore
def fifth():
    return 5
"""


@pytest.fixture
def reviews() -> list[FunctionReview]:
    """All but fourth are changed and worse twice; fifth starts right below fourth's comment."""
    from review_core.functions import functions_of

    python = language_of("a.py")
    assert python is not None
    changed = [
        ChangedFunction("a.py", "Python", each, each)
        for each in functions_of(SOURCE, python)
        if each.name not in ("fourth", "<module>")
    ]
    return [reviewed(each, worse(), worse(Axis.SECURITY)) for each in changed]


def test_an_ignore_withholds_its_axes_of_its_function_only(
    reviews: list[FunctionReview],
) -> None:
    from review_core.config import default_settings

    python = language_of("a.py")
    assert python is not None
    found = findings_of(reviews, BUNDLE, ONE_EACH)
    asked = list(suppressions_of(FileChange("a.py", SOURCE, SOURCE), python, reviews))
    shown, withheld = withhold(found, asked, default_settings())
    assert [(each.function, each.axis.value) for each in shown] == [
        ("first", "correctness"),
        ("third", "correctness"),
        ("third", "security"),
        ("fifth", "correctness"),
        ("fifth", "security"),
    ]
    assert [(each.finding.function, each.finding.axis.value, each.reason) for each in withheld] == [
        ("first", "security", "ignored by the comment at line 1"),
        ("second", "correctness", "ignored by the comment at line 7"),
        ("second", "security", "ignored by the comment at line 7"),
    ]


def test_an_ignore_that_matches_nothing_is_told_and_one_that_may_yet_be_needed_is_not(
    reviews: list[FunctionReview],
) -> None:
    python = language_of("a.py")
    assert python is not None
    asked = list(suppressions_of(FileChange("a.py", SOURCE, SOURCE), python, reviews))
    found = [
        each for each in findings_of(reviews, BUNDLE, ONE_EACH) if each.finding.function == "second"
    ]
    assert list(unused(asked, found)) == [
        "a.py:1: this `themis: ignore` withholds nothing in this change; "
        "remove it if it is no longer needed",
        "a.py:12: this `themis: ignore` names no axis with secruity",
    ]
