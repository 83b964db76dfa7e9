"""Which hunk it was: taken back one at a time, put in alone, together where they must be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_scorer import FakeScorer
from hypothesis import given
from hypothesis import strategies as st

from review_core import api
from review_core.attribution import MAX_PARTS, Part, parts_of
from review_core.calibration import Calibration
from review_core.config import default_settings
from review_core.languages import Language, language_named
from review_core.types import Axis, Change, FileChange, Finding, Function, FunctionKind, LineRange


def python() -> Language:
    language = language_named("Python")
    assert language is not None
    return language


def function(text: str, start: int = 1) -> Function:
    lines = LineRange(start, start + text.count("\n"))
    return Function("f", FunctionKind.FUNCTION, text, (lines,))


def parts(base: str, head: str, start: int = 1) -> tuple[Part, ...]:
    return parts_of(function(base), function(head, start), python())


BASE = "def f(a):\n    x = 1\n    y = 2\n    z = 3\n    return x + y + z"


def test_each_hunk_is_taken_back_and_put_in_alone() -> None:
    head = BASE.replace("x = 1", "x = 10").replace("z = 3", "z = 30")
    first, second = parts(BASE, head, start=40)
    assert first.without == BASE.replace("z = 3", "z = 30") + "\n"
    assert first.alone == BASE.replace("x = 1", "x = 10") + "\n"
    assert (first.alone, first.without) == (second.without, second.alone)
    assert (first.lines, second.lines) == (LineRange(41, 41), LineRange(43, 43))


def test_one_hunk_needs_no_telling_apart() -> None:
    assert parts(BASE, BASE.replace("x = 1", "x = 10")) == ()
    assert parts(BASE, BASE) == ()


def test_hunks_that_do_not_parse_without_one_another_are_one_part() -> None:
    """A bracket opens in one hunk and closes in another; the third stands for itself."""
    base = "def f(a):\n    x = 1\n    2\n    z = 3\n    w = 1\n    return x"
    head = "def f(a):\n    x = (1 +\n    2\n    )\n    w = 1\n    return 9"
    first, second = parts(base, head)
    assert (first.lines, second.lines) == (LineRange(2, 4), LineRange(6, 6))
    assert second.without == head.replace("return 9", "return x") + "\n"


def test_a_deletion_stands_at_the_line_before_it() -> None:
    head = BASE.replace("    y = 2\n", "").replace("return x", "return z")
    first, _ = parts(BASE, head, start=10)
    assert first.lines == LineRange(11, 11)


def test_a_head_that_does_not_parse_is_judged_hunk_by_hunk_all_the_same() -> None:
    head = BASE.replace("x = 1", "x = (1").replace("z = 3", "z = 30")
    assert len(parts(BASE, head)) == 2


def test_of_many_hunks_the_nearest_are_taken_together() -> None:
    lines = [f"    v{index} = {index}" for index in range(60)]
    base = "def f():\n" + "\n".join(lines)
    head = "def f():\n" + "\n".join(
        line + "0" if index % 3 == 0 else line for index, line in enumerate(lines)
    )
    found = parts(base, head)
    assert len(found) == MAX_PARTS
    assert all(part.without != head for part in found)


STATEMENTS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=14)


@given(STATEMENTS, STATEMENTS)
def test_every_hunk_is_in_one_part_and_taking_all_alone_texts_apart_gives_head(
    before: list[str], after: list[str]
) -> None:
    base = "def f():\n" + "\n".join(f"    {name}()" for name in before)
    head = "def f():\n" + "\n".join(f"    {name}()" for name in after)
    found = parts(base, head)
    assert len(found) != 1
    starts = [part.lines.start for part in found]
    assert starts == sorted(starts)
    for part in found:
        assert part.without != head + "\n"
        assert part.alone is not None
        assert part.alone != base + "\n"


# --- in a review ---------------------------------------------------------------------------------


def findings(
    base: str, head: str, calibration: Calibration, scorer: FakeScorer | None = None
) -> tuple[Finding, ...]:
    change = Change("a", "b", (FileChange("f.py", base, head),))
    return api.review(change, scorer or FakeScorer(), calibration, default_settings()).findings


def test_a_finding_points_at_the_hunk_that_caused_it_and_says_what_it_would_be_without(
    calibration: Calibration,
) -> None:
    """`not_safe` takes 3 logits: P(better) .047 with it, .5 without, .047 with it alone."""
    head = BASE.replace("x = 1", "x = 10").replace("z = 3", "z = not_safe")
    (finding,) = findings(BASE, head, calibration)
    assert finding.axis is Axis.SECURITY
    assert (finding.start_line, finding.end_line) == (4, 4)
    guilty, innocent = finding.causes
    assert (guilty.start_line, innocent.start_line) == (4, 2)
    assert guilty.without == pytest.approx(0.5)
    assert guilty.alone == pytest.approx(0.047, abs=1e-3)
    assert innocent.without == pytest.approx(0.047, abs=1e-3)
    assert innocent.alone == pytest.approx(0.5)
    assert finding.interaction == pytest.approx(0)
    assert finding.message.endswith("P(worse) 95 %; without these lines 50 %")


def test_blame_that_is_shared_points_at_all_that_changed(calibration: Calibration) -> None:
    """Two markers, 6 logits: without either still P(worse) .95, .048 less than with both."""
    head = BASE.replace("x = 1", "x = not_safe").replace("z = 3", "z = not_safe")
    (finding,) = findings(BASE, head, calibration)
    assert (finding.start_line, finding.end_line) == (2, 4)
    assert [cause.start_line for cause in finding.causes] == [2, 4]
    assert "without" not in finding.message


def test_the_id_of_a_finding_does_not_depend_on_its_causes(calibration: Calibration) -> None:
    head = BASE.replace("x = 1", "x = 10").replace("z = 3", "z = not_safe")
    (here,) = findings(BASE, head, calibration)
    (there,) = findings("import os\n\n\n" + BASE, "import os\n\n\n" + head, calibration)
    assert here.id == there.id
    assert there.start_line == here.start_line + 3


def test_a_version_longer_than_the_model_reads_leaves_the_finding_as_it_is(
    fake_scorer: Callable[..., FakeScorer], calibration: Calibration
) -> None:
    """Base has room for five more characters; head without the second hunk is longer by more."""
    base = f"def f(a):\n    x = 1\n    w = 0\n    y = {'1 + ' * 40}2\n    z = 3\n    return x"
    head = "def f(a):\n    x = not_safe\n    w = 0\n    y = 2\n    z = 3\n    return x + x"
    change = Change("a", "b", (FileChange("f.py", base, head),))
    scorer = fake_scorer(max_tokens=len(base) + 5)
    (finding,) = api.review(change, scorer, calibration, default_settings()).findings
    assert finding.causes == ()


# --- what is asked, and what is not ---------------------------------------------------------------

THREE = (
    "def f(a):\n    x = 1\n    y = 2\n    z = 3\n    v = 4\n    w = 5\n    return x + y + z + v + w"
)


def test_where_a_part_is_telling_no_part_is_asked_about_alone(
    calibration: Calibration,
) -> None:
    """Three texts without a part; base and head were read before, but by nobody who remembers."""
    head = THREE.replace("= 1", "= 10").replace("= 3", "= not_safe").replace("= 5", "= 50")
    scorer = FakeScorer()
    (finding,) = findings(THREE, head, calibration, scorer)
    assert [cause.start_line for cause in finding.causes] == [4, 2, 6]
    assert [cause.alone for cause in finding.causes] == [None, None, None]
    assert finding.interaction is None
    assert [len(call) for call in scorer.calls if head not in call][-1] == 4


def test_where_no_part_is_telling_each_is_asked_about_alone(
    calibration: Calibration,
) -> None:
    head = THREE.replace("= 1", "= not_safe").replace("= 3", "= not_safe").replace("= 5", "= 50")
    (finding,) = findings(THREE, head, calibration)
    assert [cause.start_line for cause in finding.causes] == [2, 4, 6]
    alone = [cause.alone for cause in finding.causes]
    assert alone == [pytest.approx(0.047, abs=1e-3)] * 2 + [pytest.approx(0.5)]
    assert finding.interaction == pytest.approx(0)


# --- inside a large hunk --------------------------------------------------------------------------


def block(guilty: str = "total += not_safe(row)") -> str:
    return "\n".join(
        [
            "def f(rows):",
            "    total = 0",
            "    count = len(rows)",
            "    # every row",
            "    for row in rows:",
            "        total += row.a",
            f"        {guilty}",
            "        if row.c:",
            "            total += row.d",
            "    if count:",
            "        total = total / count",
            "    return total",
        ]
    )


def test_a_large_hunk_is_narrowed_to_the_statement_that_matters(calibration: Calibration) -> None:
    """Without the loop, or all around it, as much comes back: the smallest is pointed at."""
    base = "def f(rows):\n    return sum(rows)"
    (finding,) = findings(base, block(), calibration)
    assert (finding.start_line, finding.end_line) == (7, 7)
    (cause,) = finding.causes
    assert (cause.start_line, cause.end_line) == (7, 7)
    assert cause.without == pytest.approx(0.5)
    assert cause.alone is None
    assert finding.message.endswith("without these lines 50 %")


def test_blame_that_several_statements_share_is_narrowed_to_what_holds_them(
    calibration: Calibration,
) -> None:
    base = "def f(rows):\n    return sum(rows)"
    head = block().replace("total += row.d", "total += not_safe(row.d)")
    (finding,) = findings(base, head, calibration)
    assert (finding.start_line, finding.end_line) == (4, 9)


def test_a_statement_that_gives_back_less_than_half_is_not_pointed_at(
    calibration: Calibration,
) -> None:
    """Three markers of 3 logits each; none of them stands in a statement with another."""
    base = "def f(rows):\n    return sum(rows)"
    head = block("pass").replace("total = 0", "total = not_safe")
    head = head.replace("len(rows)", "not_safe(rows)").replace("return total", "return not_safe")
    (finding,) = findings(base, head, calibration)
    assert finding.causes == ()
    assert (finding.start_line, finding.end_line) == (2, 12)


def test_of_several_hunks_the_guilty_one_is_narrowed_and_stays_a_cause(
    calibration: Calibration,
) -> None:
    base = 'def f(rows):\n    """Sum."""\n    a = 1\n    return sum(rows) + a'
    head = block().replace("    total = 0", '    """Sum."""\n    a = 1\n    total = a + 2', 1)
    head = head.replace("    a = 1\n", "    b = 1\n    a = 1\n", 1).replace(
        "total = a", "total = a + b"
    )
    (finding,) = findings(base, head, calibration)
    assert (finding.start_line, finding.end_line) == (10, 10)
    narrow, whole, other = finding.causes
    assert narrow.start_line == narrow.end_line == 10
    assert whole.start_line < 10 < whole.end_line
    assert other.end_line < whole.start_line


def test_a_small_hunk_is_not_looked_into(calibration: Calibration) -> None:
    base = "def f(rows):\n    return sum(rows)"
    head = "def f(rows):\n    total = sum(rows)\n    total += not_safe(rows)\n    return total"
    scorer = FakeScorer()
    (finding,) = findings(base, head, calibration, scorer)
    assert finding.causes == ()
