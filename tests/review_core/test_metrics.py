"""Honest numbers: what length buys, intervals, calibration error."""

from __future__ import annotations

import numpy as np
import pytest

from review_core.metrics import (
    Metrics,
    PairOutcome,
    accuracy_by_coverage,
    calibration_floor,
    compare,
    mean_by_group,
    measure,
    reliability,
)


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


def test_intervals_cover_what_they_estimate() -> None:
    """Accuracy of a repository varies about .7 by .1: of 95 % intervals over 30 repositories, at
    least 88 % of 200 must hold .7 (percentile bootstraps over so few groups run a little short).
    """
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        shares = np.clip(rng.normal(0.7, 0.1, 30), 0, 1)
        pairs = [
            outcome(1 if rng.random() < share else -1, True, group=f"{group}")
            for group, share in enumerate(shares)
            for _ in range(10)
        ]
        found = measure(pairs, seed=seed).pairwise_accuracy
        assert found.low is not None and found.high is not None
        held += found.low <= 0.7 <= found.high
    assert 176 <= held <= 198


def test_a_paired_difference_is_tighter_than_its_parts() -> None:
    """Two models right in the same repositories but for one pair in ten: the repositories' spread
    drops out of the difference.
    """
    groups = [f"{index}" for index in range(20) for _ in range(10)]
    signs = [1 if index % 200 < 100 else -1 for index in range(200)]  # half of the groups wrong
    ours = [outcome(s, True, group=g) for s, g in zip(signs, groups, strict=True)]
    theirs = [
        outcome(-1 if index % 10 == 0 else each.margin, True, group=each.group)
        for index, each in enumerate(ours)
    ]
    found = compare(ours, theirs).pairwise_accuracy
    assert found.value == pytest.approx(0.05)  # one in ten of the half that was right
    assert found.low is not None and found.high is not None
    assert found.high - found.low < 0.06
    alone = measure(ours).pairwise_accuracy
    assert alone.low is not None and alone.high is not None
    assert alone.high - alone.low > 0.3


def test_a_mean_over_groups_draws_groups_whole() -> None:
    """Two groups, 3 of 3 and 0 of 1: .75, and a draw of two gives 0, .75 or 1."""
    found = mean_by_group([("x", 1), ("x", 1), ("x", 1), ("y", 0)])
    assert (found.value, found.low, found.high) == (0.75, 0.0, 1.0)
    assert mean_by_group([("x", 1)]).low is None
    assert mean_by_group([]).value is None


def test_a_difference_is_of_the_same_pairs() -> None:
    with pytest.raises(ValueError, match="same pairs"):
        compare([outcome(1, True)], [outcome(1, False)])
    with pytest.raises(ValueError, match="same pairs"):
        compare([outcome(1, True)], [])


def test_a_difference_in_balance_weighs_both_directions_alike() -> None:
    """Better by one of two where chosen is shorter, equal on eight longer: 1/10, balanced 1/4."""
    theirs = [outcome(1, True)] * 8 + [outcome(-1, False)] * 2
    ours = [*theirs[:9], outcome(1, False)]
    found = compare(ours, theirs)
    assert found.pairwise_accuracy.value == pytest.approx(0.1)
    assert found.length_balanced_accuracy.value == pytest.approx(0.25)


def test_the_floor_is_what_a_perfectly_calibrated_model_measures() -> None:
    """15 bins of 10 pairs at .8: the mean |share - .8| of 10 trials, E|B(10, .8) - 8| / 10 = .0966
    (twice the sum of the upper deviations: 2 * (9-8) * .2684 + 2 * (10-8) * .1074 = .9664 of 10).
    """
    found = calibration_floor(np.full(150, 0.8))
    assert found is not None
    assert found.mean == pytest.approx(0.0966, abs=0.005)
    assert found.high > found.mean
    assert calibration_floor(np.array([])) is None


def test_more_pairs_lower_the_floor() -> None:
    few, many = (calibration_floor(np.full(count, 0.8)) for count in (150, 15_000))
    assert few is not None and many is not None
    assert many.mean < few.mean / 8


def test_reliability_bins_are_of_equal_count_and_rise_in_confidence() -> None:
    found = reliability(np.array([0.9, 0.6, 0.9, 0.6]), np.array([1.0, 0.0, 1.0, 1.0]), bins=2)
    assert [(each.n, each.confidence, each.accuracy) for each in found] == [
        (2, pytest.approx(0.6), 0.5),
        (2, pytest.approx(0.9), 1.0),
    ]


def test_the_coverage_curve_starts_with_the_surest() -> None:
    curve = accuracy_by_coverage(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1.0, 1, 0, 0]), points=4)
    assert curve == ((0.25, 1.0), (0.5, 1.0), (0.75, pytest.approx(2 / 3)), (1.0, 0.5))
