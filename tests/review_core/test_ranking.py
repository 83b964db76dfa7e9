"""Ranking texts: order, ties, criteria, texts that are too long."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

from fake_scorer import FakeScorer
from hypothesis import given
from hypothesis import strategies as st

from review_core.calibration import Calibration
from review_core.config import AxisMode, PathRule, default_settings
from review_core.ranking import layers, rank
from review_core.types import Axis

Fake = Callable[..., FakeScorer]
SETTINGS = default_settings()


def test_texts_are_ordered_and_those_too_close_to_call_are_ties(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    """One marker is three logits, sigmoid(3) = .953 > .9: enough to part, none is a tie."""
    texts = ["not_safe", "plain", "very_safe", "also plain"]
    ranking = rank(texts, fake_scorer(), calibration, SETTINGS)
    by_axis = {each.axis: each for each in ranking.axes}
    assert by_axis[Axis.SECURITY].groups == ((2,), (1, 3), (0,))
    assert by_axis[Axis.SECURITY].preference > 0.99
    assert by_axis[Axis.CORRECTNESS].groups == ((0, 1, 2, 3),)
    assert by_axis[Axis.CORRECTNESS].preference == 0.5


def test_an_axis_of_two_criteria_takes_the_one_that_tells_more_apart(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    ranking = rank(["very_small", "plain"], fake_scorer(), calibration, SETTINGS)
    efficiency = next(each for each in ranking.axes if each.axis is Axis.EFFICIENCY)
    assert (efficiency.criterion, efficiency.groups) == ("Memory_Efficiency", ((0,), (1,)))


def test_what_is_too_long_is_named_and_not_ranked(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    ranking = rank(["a", "b" * 50, "c"], fake_scorer(max_tokens=20), calibration, SETTINGS)
    assert ranking.too_long == (1,)
    assert {at for group in ranking.axes[0].groups for at in group} == {0, 2}


def test_texts_that_are_all_too_long_have_no_groups(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    ranking = rank(["a" * 50, "b" * 50], fake_scorer(max_tokens=20), calibration, SETTINGS)
    assert {each.groups for each in ranking.axes} == {()}


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=9))
def test_no_text_of_a_later_group_is_confidently_better_than_one_of_an_earlier(
    rewards: list[tuple[int, int]],
) -> None:
    """Texts with two readings each: what is told apart is no longer one order, and stays honest."""
    pairs = {
        (i, j)
        for i, high in enumerate(rewards)
        for j, low in enumerate(rewards)
        if all(mine - other >= 10 for mine, other in zip(high, low, strict=True))
    }
    groups = layers(range(len(rewards)), pairs)
    place = {item: number for number, group in enumerate(groups) for item in group}
    assert sorted(place) == list(range(len(rewards)))
    assert all(place[better] < place[worse] for better, worse in pairs)
    for before, after in itertools.pairwise(groups):
        assert all(any((above, item) in pairs for above in before) for item in after)


def test_a_circle_is_one_group_and_what_hangs_below_it_is_not() -> None:
    assert layers(range(5), {(0, 1), (1, 2), (2, 0), (2, 3)}) == ((0, 1, 2, 4), (3,))


def test_of_criteria_that_contradict_one_another_neither_wins(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    ranking = rank(["very_small not_fast", "plain"], fake_scorer(), calibration, SETTINGS)
    efficiency = next(each for each in ranking.axes if each.axis is Axis.EFFICIENCY)
    assert sorted(map(sorted, efficiency.groups)) == [[0, 1]]
    assert efficiency.better == {(0, 1), (1, 0)}
    ranking = rank(
        ["very_small not_fast", "plain", "very_fast"], fake_scorer(), calibration, SETTINGS
    )
    efficiency = next(each for each in ranking.axes if each.axis is Axis.EFFICIENCY)
    assert list(map(sorted, efficiency.groups)) == [[0, 2], [1]]


def test_a_comment_buys_no_rank(fake_scorer: Fake, calibration: Calibration) -> None:
    """With the language known; P is that of the reading that is less sure: .5 without comments."""
    texts = ["f(1)  # very_safe", "f(2)"]
    bought, honest = (
        next(
            each
            for each in rank(texts, fake_scorer(), calibration, SETTINGS, language=language).axes
            if each.axis is Axis.SECURITY
        )
        for language in (None, "Python")
    )
    assert (bought.groups, honest.groups) == (((0,), (1,)), ((0, 1),))
    assert bought.preference > 0.95
    assert (honest.preference, honest.against_first) == (0.5, {0: 0.5, 1: 0.5})


def test_texts_of_a_file_are_ranked_on_the_axes_that_are_on_there(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    rule = PathRule(("vendor/",), {Axis.SECURITY: AxisMode.OFF})
    settings = replace(SETTINGS, paths=(rule,))

    def ranked(path: str) -> set[Axis]:
        found = rank(["a", "b"], fake_scorer(), calibration, settings, path=path)
        return {each.axis for each in found.axes}

    assert Axis.SECURITY not in ranked("vendor/cart.py")
    assert Axis.SECURITY in ranked("cart.py") & ranked("")
