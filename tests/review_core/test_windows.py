"""Functions that are longer than the model reads: the same lines around the same hunks."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from fake_scorer import FakeScorer
from hypothesis import given
from hypothesis import strategies as st

from review_core import api
from review_core.calibration import Calibration
from review_core.config import default_settings
from review_core.findings import line_numbers
from review_core.languages import Language, language_named
from review_core.renderers.json import report_to_json
from review_core.renderers.markdown import render_markdown
from review_core.syntax import parse_part
from review_core.types import (
    Axis,
    Change,
    FileChange,
    Function,
    FunctionKind,
    LineRange,
    Report,
    Verdict,
    Window,
)
from review_core.windows import CONTEXT, SIZES, windows_of


def language(name: str = "Python") -> Language:
    found = language_named(name)
    assert found is not None
    return found


def function(text: str, start: int = 1) -> Function:
    lines = LineRange(start, start + text.count("\n"))
    return Function("f", FunctionKind.FUNCTION, text, (lines,))


def windows(base: str, head: str, name: str = "Python", start: int = 1) -> list[Window]:
    return list(windows_of(function(base, start), function(head, start), language(name)))


def long_function(statements: int = 600, **instead: str) -> str:
    """`f`, whose statement `n` calls `step_n`; about 20 characters a line."""
    lines = [instead.get(f"s{at}", f"    step_{at}(values)") for at in range(statements)]
    return "\n".join(["def f(values):", '    """What it does."""', *lines, "    return values"])


BASE = long_function()


def test_a_window_has_the_signature_the_hunk_and_what_is_near() -> None:
    window = windows(BASE, long_function(s300="    other(values)"))[0]
    lines = window.head.text.split("\n")
    assert lines[:2] == ["def f(values):", ""]
    assert "    other(values)" in lines
    assert "    step_299(values)" in lines
    assert "    step_301(values)" in lines
    assert "    step_0(values)" not in lines
    assert "    return values" not in lines
    assert CONTEXT - 50 < len(window.head.text) <= CONTEXT


def test_both_sides_have_the_same_lines_around_the_hunks() -> None:
    head = long_function(s300="    other(values)", s420="    more(values)\n    again(values)")
    window = windows(BASE, head)[0]
    changed = {"other(values)", "more(values)", "again(values)"}
    old = {"step_300(values)", "step_420(values)"}
    ours = [line for line in window.head.text.split("\n") if line.strip() not in changed]
    theirs = [line for line in window.base.text.split("\n") if line.strip() not in old]
    assert ours == theirs
    assert (window.hunks, window.left_out) == (2, 0)


def test_the_lines_of_a_window_are_known_in_the_file() -> None:
    head = long_function(s300="    other(values)")
    window = windows(BASE, head, start=100)[0]
    numbers = line_numbers(window.head)
    lines = window.head.text.split("\n")
    assert len(numbers) == len(lines)
    in_file = dict(enumerate(head.split("\n"), 100))
    assert all(
        line == ("" if at is None else in_file[at]) for at, line in zip(numbers, lines, strict=True)
    )
    assert numbers[0] == 100
    assert numbers[lines.index("    other(values)")] == 402


def test_a_window_keeps_what_stands_around_a_hunk_and_drops_its_other_branches() -> None:
    def text(call: str) -> str:
        filler = "\n".join(f"            step_{at}(values)" for at in range(400))
        return "\n".join(
            [
                "def f(values):",
                "    if values:",
                "        for value in values:",
                filler,
                f"            {call}(value)",
                "    else:",
                filler,
                "    return values",
            ]
        )

    window = windows(text("old"), text("new"))[0]
    lines = window.head.text.split("\n")
    assert lines[:3] == ["def f(values):", "    if values:", "        for value in values:"]
    assert "    else:" not in lines
    assert not parse_part(window.head.text, language())[0].has_error


def test_a_comment_goes_with_the_statement_below_it() -> None:
    lines = [f"    # about {at}\n    step_{at}(values)" for at in range(600)]
    base = "\n".join(["def f(values):", *lines, "    return values"])
    window = windows(base, base.replace("    step_300(values)", "    other(values)"))[0]
    kept = window.head.text.split("\n")
    about = [at for at, line in enumerate(kept) if "# about" in line]
    assert len(about) == sum(line.endswith("(values)") for line in kept) > 50
    assert all(kept[at + 1].strip().endswith("(values)") for at in about)


def test_a_function_of_one_hunk_that_is_too_long_has_no_window() -> None:
    head = "\n".join(["def f(values):", *(f"    other_{at}(values)" for at in range(2000))])
    assert windows(BASE, head) == []


def test_where_not_all_hunks_fit_the_others_are_the_same_on_both_sides() -> None:
    """Three hunks of 4 kB do not go into 12 kB: the last is left out."""
    block = "\n".join(f"    added_{at}(values)" for at in range(200))
    head = long_function(
        s100=block,
        s200="    one(values)",
        s300=block.replace("add", "lat"),
        s400=block + "\n    x()",
    )
    every, smaller = windows(BASE, head)[:2]
    assert (every.hunks, every.left_out) == (4, 0)
    assert (smaller.hunks, smaller.left_out) == (3, 1)
    assert smaller.words.endswith("around 3 of its 4 hunks")
    assert "one(values)" in smaller.head.text
    assert "added_7(values)" in smaller.head.text
    assert "added_7(values)" not in smaller.base.text
    for side in (smaller.base, smaller.head):
        assert "lated_7(values)" not in side.text
        assert "step_300(values)" not in side.text


def test_windows_grow_smaller_until_one_fits() -> None:
    sizes = [len(each.head.text) for each in windows(BASE, long_function(s300="    x()"))]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= SIZES[-1]
    assert len(sizes) > 2


def test_c_keeps_a_return_type_and_a_name_that_stand_on_lines_of_their_own() -> None:
    filler = "\n".join(f"\tstep_{at}(values);" for at in range(600))
    base = f"static int\nwork(struct values *values)\n{{\n{filler}\n\treturn (0);\n}}"
    window = windows(base, base.replace("\tstep_300(", "\tother("), "C")[0]
    assert window.head.text.startswith("static int\nwork(struct values *values)\n{\n\n")
    assert window.head.text.endswith("\n}")


STATEMENTS = st.lists(
    st.sampled_from(
        [
            "a()",
            "b()",
            "if a:\n        b()",
            "# c",
            "x = (\n        1\n    )",
            "for a in b:\n        c()\n\n        d()",
        ]
    ),
    min_size=1,
    max_size=40,
)


@given(STATEMENTS, STATEMENTS, st.integers(0, 30))
def test_a_window_parses_and_its_lines_stand_where_it_says(
    before: list[str], after: list[str], same: int
) -> None:
    shared = [f"keep_{at}()" for at in range(same)]
    base, head = (
        "\n".join(["def f():", *(f"    {each}" for each in [*own, *shared, "end()", *own[:3]])])
        for own in (before, after)
    )
    whole = head.split("\n")
    for window in windows(base, head):
        assert not parse_part(window.head.text, language())[0].has_error
        numbers = line_numbers(window.head)
        for at, line in zip(numbers, window.head.text.split("\n"), strict=True):
            assert line == ("" if at is None else whole[at - 1])


# --- in a review ---------------------------------------------------------------------------------


@pytest.fixture
def report(fake_scorer: Callable[..., FakeScorer], calibration: Calibration) -> Report:
    change = Change("a", "b", (FileChange("f.py", BASE, long_function(s300="    not_safe()")),))
    return api.review(change, fake_scorer(max_tokens=4000), calibration, default_settings())


def test_a_long_function_is_judged_by_its_window_and_every_reader_is_told(report: Report) -> None:
    """A token is a character: 6,000 do not fit into 4,000, 3,000 do."""
    (review,) = report.functions
    assert review.scores[Axis.SECURITY].verdict is Verdict.WORSE
    assert review.window is not None
    assert 2900 < len(review.window.head.text) <= 3000
    assert review.note == review.window.words
    lines = sum(span.end - span.start + 1 for span in review.window.head.spans)
    assert review.note == f"window of {lines} lines around the change"
    (finding,) = report.findings
    assert finding.message.endswith(f"P(worse) 95 %, in a {review.note}")
    assert (finding.start_line, finding.end_line) == (303, 303)
    assert review.note in render_markdown(report)
    told = json.loads(json.dumps(report_to_json(report)))["functions"][0]["window"]
    assert told["lines"] == [[1, 1], [told["lines"][1][0], told["lines"][1][1]]]
    assert (told["hunks"], told["hunks_left_out"]) == (1, 0)


def test_the_id_of_a_finding_is_that_of_the_whole_function(
    report: Report, fake_scorer: Callable[..., FakeScorer], calibration: Calibration
) -> None:
    change = Change("a", "b", (FileChange("f.py", BASE, long_function(s300="    not_safe()")),))
    whole = api.review(change, fake_scorer(max_tokens=99_999), calibration, default_settings())
    assert whole.functions[0].window is None
    assert [each.id for each in whole.findings] == [each.id for each in report.findings]


def test_causes_are_told_of_what_was_read(
    fake_scorer: Callable[..., FakeScorer], calibration: Calibration
) -> None:
    head = long_function(s300="    not_safe()", s320="    x()")
    change = Change("a", "b", (FileChange("f.py", BASE, head),))
    scorer = fake_scorer(max_tokens=4000)
    (finding,) = api.review(change, scorer, calibration, default_settings()).findings
    assert [cause.start_line for cause in finding.causes] == [303, 323]
    assert (finding.start_line, finding.end_line) == (303, 303)
