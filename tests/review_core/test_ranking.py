"""Ranking texts: order, ties, criteria, texts that are too long."""

from __future__ import annotations

from collections.abc import Callable

from fake_scorer import FakeScorer

from review_core.calibration import Calibration
from review_core.ranking import rank
from review_core.types import Axis

Fake = Callable[..., FakeScorer]


def test_texts_are_ordered_and_those_too_close_to_call_are_ties(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    """One marker is three logits, sigmoid(3) = .953 > .9: enough to part, none is a tie."""
    texts = ["not_safe", "plain", "very_safe", "also plain"]
    ranking = rank(texts, fake_scorer(), calibration)
    by_axis = {each.axis: each for each in ranking.axes}
    assert by_axis[Axis.SECURITY].groups == ((2,), (1, 3), (0,))
    assert by_axis[Axis.SECURITY].preference > 0.99
    assert by_axis[Axis.CORRECTNESS].groups == ((0, 1, 2, 3),)
    assert by_axis[Axis.CORRECTNESS].preference == 0.5


def test_an_axis_of_two_criteria_takes_the_one_that_tells_more_apart(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    ranking = rank(["very_small", "plain"], fake_scorer(), calibration)
    efficiency = next(each for each in ranking.axes if each.axis is Axis.EFFICIENCY)
    assert (efficiency.criterion, efficiency.groups) == ("Memory_Efficiency", ((0,), (1,)))


def test_what_is_too_long_is_named_and_not_ranked(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    ranking = rank(["a", "b" * 50, "c"], fake_scorer(max_tokens=20), calibration)
    assert ranking.too_long == (1,)
    assert {at for group in ranking.axes[0].groups for at in group} == {0, 2}


def test_texts_that_are_all_too_long_have_no_groups(
    fake_scorer: Fake, calibration: Calibration
) -> None:
    ranking = rank(["a" * 50, "b" * 50], fake_scorer(max_tokens=20), calibration)
    assert {each.groups for each in ranking.axes} == {()}
