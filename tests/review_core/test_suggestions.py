"""What of a fix is kept: judged by function, in one piece where its parts need one another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_scorer import FakeScorer

from review_core.calibration import Calibration
from review_core.config import default_settings
from review_core.renderers.suggestions import unified_diff
from review_core.suggestions import (
    ALREADY_KEPT,
    CHANGES_NOTHING,
    DOES_NOT_PARSE,
    OVERLAPS,
    UNSURE,
    WHOLE_FILES,
    Fix,
    Suggestions,
    suggest,
)
from review_core.types import Axis, FileChange, Verdict

Suggest = Callable[..., Suggestions]

BASE = "".join(
    f"def {name}(items):\n    first({name!r})\n    second()\n    return items\n\n\n"
    for name in ("total", "shown", "sorted")
)


def with_word(text: str, name: str, *words: str) -> str:
    calls = "".join(f"    {word}()\n" for word in words)
    return text.replace(f"    first({name!r})\n", f"    first({name!r})\n{calls}")


def fix(head: str, source: str = "tool", base: str = BASE, *, whole: bool = False) -> Fix:
    return Fix(source, (FileChange("cart.py", base, head),), whole)


@pytest.fixture
def suggested(fake_scorer: Callable[..., FakeScorer], calibration: Calibration) -> Suggest:
    def run(*fixes: Fix) -> Suggestions:
        return suggest(fixes, fake_scorer(), calibration, default_settings())

    return run


def reasons(found: Suggestions) -> list[tuple[str, str | None]]:
    return [(each.functions[0].function.name, each.reason) for each in found.all]


def test_the_good_functions_of_a_fix_are_kept_and_the_others_left_as_they_are(
    suggested: Suggest,
) -> None:
    """One marker is three logits: P(worse) sigmoid(3) = .953."""
    head = with_word(BASE, "total", "very_safe")
    head = with_word(head, "shown", "very_safe", "not_fast")
    head = with_word(head, "sorted", "other")
    found = suggested(fix(head))
    assert reasons(found) == [
        ("total", None),
        ("shown", "lowers efficiency of shown, P(worse) 95 %"),
        ("sorted", UNSURE),
    ]
    (file,) = found.files
    assert file.head == with_word(BASE, "total", "very_safe")
    assert found.all[0].axes(Verdict.BETTER) == (Axis.SECURITY,)


def test_a_patch_is_kept_as_a_whole_or_not_at_all(suggested: Suggest) -> None:
    good = with_word(with_word(BASE, "total", "very_safe"), "sorted", "other")
    assert suggested(fix(good, whole=True)).files[0].head == good
    bad = with_word(good, "shown", "not_safe")
    found = suggested(fix(bad, whole=True))
    assert found.files == ()
    assert found.all[0].reason == "lowers security of shown, P(worse) 95 %"


def test_a_fix_that_touches_imports_too_stays_in_one_piece(suggested: Suggest) -> None:
    """`other` may need what is imported; the import alone would never be kept."""
    base = "import os\n\n\n" + BASE
    head = with_word(with_word(base, "total", "very_safe"), "sorted", "other")
    head = head.replace("import os", "import os\nimport sys")
    found = suggested(fix(head, base=base))
    assert [each.reason for each in found.all] == [None]
    assert found.files[0].head == head


def test_what_is_broken_or_changes_nothing_is_told(suggested: Suggest) -> None:
    broken = BASE.replace("second()", "very_safe((", 1)
    assert reasons(suggested(fix(broken)))[0] == ("total", DOES_NOT_PARSE)
    (blank,) = suggested(fix(BASE + "\n")).all
    assert blank.reason == CHANGES_NOTHING


def test_comments_and_languages_out_of_distribution_are_not_better(suggested: Suggest) -> None:
    praised = BASE.replace("    second()", "    second()  # very_safe", 1)
    assert suggested(fix(praised)).all[0].reason == "unsure: only comments or layout changed"
    rust = Fix(
        "tool", (FileChange("a.rs", "fn a() {\n  x();\n}\n", "fn a() {\n  very_safe();\n}\n"),)
    )
    (told,) = suggested(rust).all
    assert told.reason == "unsure: not scored: the model was not trained on Rust"


def test_fixes_of_several_tools_are_combined(suggested: Suggest) -> None:
    one = fix(with_word(BASE, "total", "very_safe"), "one")
    two = fix(with_word(BASE, "shown", "very_clear"), "two")
    found = suggested(one, two)
    both = with_word(with_word(BASE, "total", "very_safe"), "shown", "very_clear")
    assert found.files[0].head == both


def test_the_same_edit_is_kept_once_and_of_two_for_the_same_lines_the_first(
    suggested: Suggest,
) -> None:
    one = with_word(BASE, "total", "very_safe")
    other = with_word(BASE, "total", "very_clear")
    found = suggested(fix(one, "one"), fix(one, "again"), fix(other, "other"))
    assert [each.reason for each in found.all] == [None, ALREADY_KEPT, OVERLAPS]
    assert found.files[0].head == one


def test_two_good_fixes_of_one_function_are_judged_together(
    fake_scorer: Callable[..., FakeScorer], calibration: Calibration
) -> None:
    class Full(FakeScorer):
        """Each word is welcome; both together are slow: -6 logits."""

        def _reward(self, code: str) -> dict[str, float]:
            found = dict(super()._reward(code) or {})
            if "very_safe" in code and "very_clear" in code:
                found["Runtime_Efficiency"] -= 6
            return found

    one = fix(with_word(BASE, "total", "very_safe"), "one")
    two = fix(BASE.replace("    second()\n", "    second()\n    very_clear()\n", 1), "two")
    found = suggest([one, two], Full(), calibration, default_settings())
    assert found.all[0].reason is None
    assert found.all[1].reason == (
        "together with what is kept, lowers efficiency of total, P(worse) >99 %"
    )
    assert found.files[0].head == with_word(BASE, "total", "very_safe")


def test_new_files_are_not_suggested(suggested: Suggest) -> None:
    (told,) = suggested(Fix("tool", (FileChange("new.py", None, BASE),), is_whole=True)).all
    assert told.reason == WHOLE_FILES


@pytest.mark.parametrize(
    ("base", "kept"),
    [
        (BASE.replace("\n", "\r\n"), with_word(BASE, "total", "very_safe").replace("\n", "\r\n")),
        (BASE.rstrip("\n"), with_word(BASE, "total", "very_safe").rstrip("\n")),
    ],
    ids=["CRLF", "no end"],
)
def test_line_ends_stay_as_they_are_and_so_does_the_last_line(
    base: str, kept: str, suggested: Suggest
) -> None:
    found = suggested(fix(with_word(BASE, "total", "very_safe"), base=base))
    assert found.files[0].head == kept


def test_the_last_line_without_an_end_is_a_diff_that_says_so(suggested: Suggest) -> None:
    base = "def total(items):\n    first()\n    return items"
    found = suggested(fix(base.replace("return items", "return very_safe(items)"), base=base))
    assert found.files[0].head == base.replace("return items", "return very_safe(items)")
    assert unified_diff(found).count("\\ No newline at end of file\n") == 2
