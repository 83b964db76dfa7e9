"""Comparing whole candidates: counts of functions, trade-offs, and what is not compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fake_scorer import FakeScorer

from review_core.alternatives import Alternative, Comparison, compare
from review_core.calibration import Calibration
from review_core.config import AxisMode, OutOfDistribution, Settings, default_settings
from review_core.errors import InputError
from review_core.types import Axis, Change, FileChange, Skipped

Compare = Callable[..., Comparison]
Fake = Callable[..., FakeScorer]

SETTINGS = default_settings()


def function(name: str, *words: str) -> str:
    body = "".join(f"    {word}()\n" for word in ("first", "second", "third", *words))
    return f"def {name}(items):\n{body}    return items\n\n\n"


def alternative(name: str, base: str, head: str, path: str = "cart.py") -> Alternative:
    files = (FileChange(path, base, head),) if base != head else ()
    return Alternative(name, Change("base", name, files))


@pytest.fixture
def compared(fake_scorer: Fake, calibration: Calibration) -> Compare:
    """Compare texts of one file with the first of them; names are a, b, c ..."""

    def run(
        base: str, *heads: str, path: str = "cart.py", settings: Settings | None = None, **more: str
    ) -> Comparison:
        alternatives = [
            alternative(name, base, head, path) for name, head in zip("abcdef", heads, strict=False)
        ]
        settings = settings or SETTINGS
        return compare("base", alternatives, fake_scorer(), calibration, settings, **more)

    return run


def orders(comparison: Comparison) -> dict[Axis, tuple[tuple[int, ...], ...]]:
    return {axis: order.groups for order in comparison.orders for axis in order.axes}


def test_one_function_is_ordered_with_the_base_among_its_versions(compared: Compare) -> None:
    found = compared(
        function("total"),
        function("total", "very_safe"),
        function("total", "not_safe"),
        function("total", "very_safe", "not_fast"),
    )
    assert found.candidates == ("base", "a", "b", "c")
    assert orders(found)[Axis.SECURITY] == ((1, 3), (0,), (2,))
    assert orders(found)[Axis.EFFICIENCY] == ((0, 1, 2), (3,))
    assert orders(found)[Axis.READABILITY] == ((0, 1, 2, 3),)
    assert [each.is_best for each in found.trade_offs] == [False, True, False, False]
    assert found.trade_offs[3].raises == (Axis.SECURITY,)
    assert found.trade_offs[3].lowers == (Axis.EFFICIENCY,)
    assert found.trade_offs[3].beaten_by == (1,)
    assert found.trade_offs[0].beaten_by == (1,)


def test_a_trade_off_has_several_bests_and_none_wins_everything(compared: Compare) -> None:
    found = compared(
        function("total"), function("total", "very_safe"), function("total", "very_fast")
    )
    assert [each.is_best for each in found.trade_offs] == [False, True, True]


def test_functions_are_counted_and_their_margins_never_added(compared: Compare) -> None:
    """a: +9 logits in one function, -3 in another. A mean would call it better; it is not."""
    base = function("total") + function("shown")
    found = compared(
        base,
        function("total", "very_safe", "very_safe", "very_safe") + function("shown", "not_safe"),
        function("total", "very_safe") + function("shown"),
    )
    (security,) = (each for each in found.orders if Axis.SECURITY in each.axes)
    counts = [(each.better, each.worse, each.unsure) for each in security.counts]
    assert counts == [(0, 0, 2), (1, 1, 0), (1, 0, 1)]
    assert security.groups == ((1, 2), (0,))
    assert [each.is_best for each in found.trade_offs] == [False, False, True]


def test_axes_that_one_criterion_serves_are_one_order(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    shared = dict.fromkeys((Axis.READABILITY, Axis.MAINTAINABILITY), ("Readability",))
    found = compare(
        "base",
        [alternative("a", function("total"), function("total", "very_clear"))],
        fake_scorer(axes=shared),
        calibration,
        SETTINGS,
    )
    assert [each.axes for each in found.orders] == [(Axis.READABILITY, Axis.MAINTAINABILITY)]


def test_an_axis_whose_criteria_contradict_one_another_is_undecided_and_no_gain(
    compared: Compare,
) -> None:
    found = compared(function("total"), function("total", "very_fast", "not_small"))
    assert orders(found)[Axis.EFFICIENCY] == ((0, 1),)
    assert found.trade_offs[1].lowers == (Axis.EFFICIENCY,)
    assert not found.trade_offs[1].is_best


def test_a_comment_buys_nothing(compared: Compare) -> None:
    base = function("total")
    praised = base.replace("    first()", "    # very_safe very_safe\n    first()")
    also = function("total", "last").replace("    first()", "    # very_safe\n    first()")
    assert orders(compared(base, praised, also))[Axis.SECURITY] == ((0, 1, 2),)


def test_two_layouts_of_one_program_tie_though_the_model_likes_one(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    """The text of a string differs in nothing but how the call around it is broken into lines."""

    class LikesLines(FakeScorer):
        def _reward(self, code: str) -> dict[str, float]:
            return dict.fromkeys(super()._reward(code) or {}, 3.0 * code.count("\n"))

    base = "def total(a, b):\n    return f(a, b)\n"
    head = "def total(a, b):\n    return f(\n        a,\n        b)\n"
    found = compare("x", [alternative("a", base, head)], LikesLines(), calibration, SETTINGS)
    assert {groups for groups in orders(found).values()} == {((0, 1),)}


def test_code_that_moved_imports_and_broken_code_are_not_ranked(compared: Compare) -> None:
    base = "import os\n\n\n" + function("total") + function("shown")
    moved = base.replace("    first()\n    second()\n    third()\n", "    helper()\n", 1)
    moved += "def helper():\n    first()\n    second()\n    third()\n    very_safe()\n"
    broken = base.replace("    first()", "    very_safe(\n", 1)
    imports = base.replace("import os", "import os\nimport very_safe")
    found = compared(base, moved, broken, imports)
    assert not any(each.raises or each.is_best for each in found.trade_offs)
    reasons = {(each.candidate, each.reason) for each in found.left_out}
    assert ("c", "only imports changed") in reasons
    assert ("b", "syntax error") in reasons
    assert ("a", "new: the base has nothing to compare it with") in reasons


def test_a_deleted_function_is_noted_and_the_others_are_still_ranked(compared: Compare) -> None:
    base = function("total") + function("shown")
    found = compared(base, function("shown"), function("total", "very_safe") + function("shown"))
    (total,) = found.functions
    assert total.notes == {1: "deleted"}
    (security,) = (each for each in total.ranking.axes if each.axis is Axis.SECURITY)
    assert security.groups == ((2,), (0,))


def test_a_function_can_be_named_by_its_last_part(compared: Compare) -> None:
    base = function("total") + function("shown")
    head = function("total", "very_safe") + function("shown", "not_safe")
    found = compared(base, head, function="total")
    assert [each.base.name for each in found.functions] == ["total"]
    with pytest.raises(InputError, match=r"did you mean total\?"):
        compared(base, head, function="totel")


def test_candidates_with_other_functions_are_refused(compared: Compare) -> None:
    with pytest.raises(InputError, match="a has none of the functions of the base"):
        compared(function("total"), "def quite_another(x, y, z):\n    return {x: y for y in z}\n")


def test_a_candidate_that_changes_nothing_ties_with_the_base(compared: Compare) -> None:
    found = compared(function("total"), function("total"), function("total", "very_safe"))
    assert orders(found)[Axis.SECURITY] == ((2,), (0, 1))
    assert compared(function("total"), function("total")).functions == ()


def test_languages_out_of_distribution_are_left_out_unless_asked_for(compared: Compare) -> None:
    base, head = "fn total() {\n    first();\n}\n", "fn total() {\n    very_safe();\n}\n"
    found = compared(base, head, path="cart.rs")
    assert found.functions == ()
    assert found.left_out[0].reason == "not scored: the model was not trained on Rust"
    settings = replace(SETTINGS, out_of_distribution=OutOfDistribution.SCORE)
    assert compared(base, head, path="cart.rs", settings=settings).trade_offs[1].raises


def test_axes_that_are_off_are_not_compared_and_tests_not_for_security(compared: Compare) -> None:
    silenced = replace(SETTINGS.axes[Axis.SECURITY], mode=AxisMode.OFF)
    off = replace(SETTINGS, axes={**SETTINGS.axes, Axis.SECURITY: silenced})
    head = function("total", "very_safe", "very_clear")
    assert Axis.SECURITY not in orders(compared(function("total"), head, settings=off))
    found = compared(function("total"), head, path="tests/test_cart.py")
    assert found.trade_offs[1].raises == (Axis.READABILITY,)


def test_what_a_source_skipped_is_said(fake_scorer: Fake, calibration: Calibration) -> None:
    change = Change("base", "a", (), (Skipped("logo.png", "binary"),))
    found = compare("x", [Alternative("a", change)], fake_scorer(), calibration, SETTINGS)
    assert [(each.candidate, each.what, each.reason) for each in found.left_out] == [
        ("a", "logo.png", "binary")
    ]


def test_all_texts_are_scored_at_once(fake_scorer: Fake, calibration: Calibration) -> None:
    scorer = fake_scorer()
    base = function("total") + function("shown")
    head = function("total", "very_safe") + function("shown", "not_safe")
    compare("x", [alternative("a", base, head)], scorer, calibration, SETTINGS, intent="Faster")
    assert (len(scorer.calls), len(scorer.calls[0]), scorer.intents) == (1, 4, ["Faster"])


def test_an_axis_on_which_the_model_never_speaks_is_named(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    mute = replace(calibration.criteria["Readability"], worse_at=None, better_at=None)
    criteria = {**calibration.criteria, "Readability": mute}
    alternatives = [alternative("a", function("total"), function("total", "very_clear"))]
    found = compare(
        "x", alternatives, fake_scorer(), replace(calibration, criteria=criteria), SETTINGS
    )
    assert found.silent == (Axis.READABILITY,)
    assert not found.trade_offs[1].raises
