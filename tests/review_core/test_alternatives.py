"""Comparing whole candidates: counts of functions, trade-offs, and what is not compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fake_scorer import FakeScorer

from review_core.alternatives import Alternative, Comparison, compare
from review_core.calibration import Calibration
from review_core.config import (
    AxisMode,
    OutOfDistribution,
    PathRule,
    Settings,
    default_settings,
)
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


def off_in(*globs: str, axis: Axis = Axis.SECURITY) -> Settings:
    return replace(SETTINGS, paths=(PathRule(globs, {axis: AxisMode.OFF}),))


def with_threshold(axis: Axis, worse_at: float) -> Settings:
    asked = replace(SETTINGS.axes[axis], worse_at=worse_at)
    return replace(SETTINGS, axes={**SETTINGS.axes, axis: asked})


def test_an_axis_that_a_rule_turns_off_in_a_file_is_compared_in_the_others_alone(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    """Of two files that get better on security, the rule leaves one."""
    files = tuple(
        FileChange(path, function("total"), function("total", "very_safe"))
        for path in ("vendor/cart.py", "shop/cart.py")
    )
    found = compare(
        "x",
        [Alternative("a", Change("base", "a", files))],
        fake_scorer(),
        calibration,
        off_in("vendor/"),
    )
    (security,) = (each for each in found.orders if Axis.SECURITY in each.axes)
    assert security.counts[1].better == 1
    by_path = {each.path: {one.axis for one in each.ranking.axes} for each in found.functions}
    assert Axis.SECURITY not in by_path["vendor/cart.py"]
    assert Axis.SECURITY in by_path["shop/cart.py"]


def test_an_axis_that_rules_turn_off_in_every_file_is_not_among_the_orders(
    compared: Compare,
) -> None:
    head = function("total", "very_safe")
    found = compared(function("total"), head, settings=off_in("*.py"))
    assert Axis.SECURITY not in orders(found)
    assert found.trade_offs[1].raises == ()


def test_a_threshold_of_the_configuration_decides_what_is_told_apart(compared: Compare) -> None:
    """One word is 3 logits: P = sigmoid(3) = .953. The fakes say better from .9 on."""
    base, head = function("total", "very_safe"), function("total")
    assert orders(compared(base, head))[Axis.SECURITY] == ((0,), (1,))
    # Better, of the other order, is the bundle's to say, whatever the configuration says of worse.
    strict = compared(base, head, settings=with_threshold(Axis.SECURITY, 0.99))
    assert orders(strict)[Axis.SECURITY] == ((0,), (1,))


def test_a_threshold_has_the_say_where_the_model_alone_would_not_speak(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    """The criterion is mute: at .9 the configuration tells .953 apart, at .99 it does not."""
    mute = replace(calibration.criteria["Security_Hardness"], worse_at=None, better_at=None)
    silent = replace(calibration, criteria={**calibration.criteria, "Security_Hardness": mute})
    alternatives = [alternative("a", function("total"), function("total", "not_safe"))]

    def run(worse_at: float) -> Comparison:
        settings = with_threshold(Axis.SECURITY, worse_at)
        return compare("x", alternatives, fake_scorer(), silent, settings)

    assert orders(run(0.9))[Axis.SECURITY] == ((0,), (1,))
    assert run(0.9).trade_offs[1].lowers == (Axis.SECURITY,)
    assert run(0.9).silent == ()
    assert orders(run(0.99))[Axis.SECURITY] == ((0, 1),)


def test_axes_of_one_criterion_part_where_only_one_has_a_threshold_that_speaks(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    shared = dict.fromkeys((Axis.READABILITY, Axis.MAINTAINABILITY), ("Readability",))
    mute = replace(calibration.criteria["Readability"], worse_at=None, better_at=None)
    found = compare(
        "base",
        [alternative("a", function("total"), function("total", "not_clear"))],
        fake_scorer(axes=shared),
        replace(calibration, criteria={**calibration.criteria, "Readability": mute}),
        with_threshold(Axis.READABILITY, 0.9),
    )
    assert [(each.axes, len(each.groups)) for each in found.orders] == [
        ((Axis.READABILITY,), 2),
        ((Axis.MAINTAINABILITY,), 1),
    ]
