"""Honest numbers: what length buys, intervals, calibration error."""

from __future__ import annotations

import pytest

from review_core.metrics import Metrics, PairOutcome, measure


def outcome(
    margin: float,
    longer: bool | None,
    *,
    preference: float = 0.6,
    aspect: str = "a",
    group: str = "g",
) -> PairOutcome:
    return PairOutcome(margin, preference, aspect, "Python", "s", group, longer)


def longer_wins(directions: list[bool | None], **fields: str) -> list[PairOutcome]:
    return [
        outcome(0.0 if each is None else (1 if each else -1), each, **fields) for each in directions
    ]


def test_a_model_that_only_knows_length_is_brilliant_plainly_and_a_coin_when_balanced() -> None:
    """8 of 10 chosen sides are longer: plain .8, balanced (1 + 0) / 2."""
    found = measure(longer_wins([True] * 8 + [False] * 2))
    assert found.pairwise_accuracy.value == pytest.approx(0.8)
    assert found.length_balanced_accuracy.value == pytest.approx(0.5)
    assert found.size_only_baseline == pytest.approx(0.8)


def test_balancing_happens_within_each_aspect() -> None:
    """Fixes grow, clean-ups shrink: knowing the aspect alone gives .9 plainly, .5 within each."""
    fixes = [outcome(1, longer, aspect="fix") for longer in [True] * 9 + [False]]
    fixes[-1] = outcome(-1, False, aspect="fix")
    cleanups = [outcome(1, False, aspect="clean") for _ in range(9)]
    found = measure([*fixes, *cleanups, outcome(-1, True, aspect="clean")])
    assert found.pairwise_accuracy.value == pytest.approx(0.9)
    assert found.length_balanced_accuracy.value == pytest.approx(0.5)


def test_an_aspect_without_both_directions_is_left_out_of_the_balance() -> None:
    pairs = [outcome(1, True), outcome(-1, False), outcome(1, True, aspect="one-sided")]
    assert measure(pairs).length_balanced_accuracy.value == pytest.approx(0.5)


def test_equal_lengths_count_half_for_the_size_baseline_and_not_in_the_balance() -> None:
    found = measure([outcome(1, None), outcome(1, True), outcome(1, False)])
    assert found.size_only_baseline == pytest.approx(0.5)
    assert found.length_balanced_accuracy.value == pytest.approx(1.0)


def test_a_margin_of_zero_is_wrong() -> None:
    assert measure([outcome(0.0, True), outcome(1.0, True)]).pairwise_accuracy.value == 0.5


def test_the_interval_resamples_groups_not_pairs() -> None:
    """One group all right, one all wrong: a draw of two groups gives 0, .5 or 1."""
    pairs = [outcome(1, True, group="x") for _ in range(500)]
    pairs += [outcome(-1, True, group="y") for _ in range(500)]
    found = measure(pairs).pairwise_accuracy
    assert (found.low, found.value, found.high) == (0.0, 0.5, 1.0)


def test_one_group_has_no_interval() -> None:
    found = measure([outcome(1, True), outcome(-1, True)]).pairwise_accuracy
    assert (found.value, found.low, found.high) == (0.5, None, None)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    """Confidence .9 (a preference of .1 is as sure as .9), right 6 of 10 in every bin: .3."""
    pairs = [
        outcome(1 if index % 10 < 6 else -1, True, preference=0.9 if index % 10 < 6 else 0.1)
        for index in range(150)
    ]
    assert measure(pairs).calibration_error == pytest.approx(0.3, abs=0.01)


def test_coverage_keeps_the_most_confident_pairs() -> None:
    """Sure and right twice, unsure and wrong twice: 1 at half coverage, .5 at full."""
    pairs = [outcome(1, True, preference=0.95)] * 2 + [outcome(-1, True, preference=0.45)] * 2
    at = dict(measure(pairs).accuracy_at_coverage)
    assert (at[1.0], at[0.5], at[0.25]) == (0.5, 1.0, 1.0)


def test_nothing_measured_says_nothing() -> None:
    found: Metrics = measure([])
    assert found.n == 0
    assert found.pairwise_accuracy.value is None
    assert found.to_json()["ece"] is None
