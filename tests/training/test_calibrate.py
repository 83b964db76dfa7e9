"""Temperatures and thresholds, on margins whose answer is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from review_core.calibration import Calibration
from review_core.records import PreferencePair
from review_core.types import Verdict
from training.calibrate import (
    NoiseLimit,
    calibrate,
    fit_isotonic,
    fit_temperature,
    least_confidence,
)
from training.sampling import COMMITS


def test_the_temperature_undoes_a_known_scale() -> None:
    """Margins m drawn so that P(right) = sigmoid(|m| / 2): the likeliest T is 2."""
    rng = np.random.default_rng(0)
    size = np.abs(rng.normal(0, 4, 40_000))
    right = rng.random(len(size)) < 1 / (1 + np.exp(-size / 2))
    assert fit_temperature(np.where(right, size, -size)) == pytest.approx(2.0, rel=0.05)


def test_a_model_that_is_mostly_wrong_gets_the_flattest_curve() -> None:
    assert fit_temperature(np.array([-1.0, -2.0, 1.0])) > 90


def test_the_isotonic_curve_follows_the_accuracy_and_claims_no_more_than_its_pairs_support() -> (
    None
):
    """|m| = 1: 15 of 25 right, 16 / 27 = .5926; |m| = 2: 25 of 25, 26 / 27 = .9630.

    The slope adds .001 at half of the largest margin and .002 at all of it.
    """
    curve = fit_isotonic(np.array([1.0] * 15 + [-1.0] * 10 + [2.0] * 25))
    assert [curve(margin) for margin in (1.0, 2.0, 9.0)] == pytest.approx(
        [0.5936, 0.9650, 0.9650], abs=1e-4
    )
    assert curve(0.0) == 0.5
    assert curve(-2.0) == pytest.approx(1 - curve(2.0))


def test_confident_errors_flatten_the_curve_instead_of_turning_it() -> None:
    """Right at 1, half wrong at 2: a rising curve can only give both one level."""
    curve = fit_isotonic(np.array([1.0] * 25 + [2.0] * 13 + [-2.0] * 12))
    assert curve(1.0) == pytest.approx(curve(2.0), abs=0.002)
    assert curve(1.0) < curve(2.0)  # a threshold can still tell them apart
    assert 0.6 < curve(1.0) < 0.9


def threshold(
    sizes: list[float],
    right: list[bool],
    *,
    weights: list[float] | None = None,
    neutral: tuple[float, ...] = (),
    unrelated: tuple[float, ...] = (),
    limit: NoiseLimit,
) -> float | None:
    even = weights or [1.0] * len(sizes)
    return least_confidence(
        np.array(sizes),
        np.array(right),
        np.array(even),
        np.array(neutral),
        np.array(unrelated),
        limit,
    )


def test_the_threshold_is_the_smallest_that_keeps_the_precision() -> None:
    """At .6 half are right, at .8 all: at least 90 % right from .8 on."""
    sizes, right = [0.6] * 100 + [0.8] * 50, [True, False] * 50 + [True] * 50
    assert threshold(sizes, right, limit=NoiseLimit(precision=0.9, neutral=1.0)) == 0.8


def test_neutral_edits_push_the_threshold_up() -> None:
    """Always right, but 4 % of neutral edits reach .6 (2 % read either way): not at .6, at .8."""
    sizes, right = [0.6] * 50 + [0.8] * 50, [True] * 100
    neutral = (0.6,) * 4 + (0.51,) * 96
    limit = NoiseLimit(precision=0.9, neutral=0.01)
    assert threshold(sizes, right, neutral=neutral, limit=limit) == 0.8


def test_commits_made_for_something_else_push_the_threshold_up() -> None:
    """Two of 100 are called worse at .6 and none at .8; one may be."""
    sizes, right = [0.6] * 50 + [0.8] * 50, [True] * 100
    unrelated = (0.7,) * 2 + (0.3,) * 98
    limit = NoiseLimit(precision=0.9, unrelated=0.01)
    assert threshold(sizes, right, unrelated=unrelated, limit=limit) == 0.8
    assert threshold(sizes, right, unrelated=unrelated[1:], limit=NoiseLimit(unrelated=0.02)) == 0.6


def test_a_few_lucky_verdicts_prove_nothing() -> None:
    limit = NoiseLimit(precision=0.9, neutral=1.0, flagged=20)
    assert threshold([0.9] * 19, [True] * 19, limit=limit) is None
    assert threshold([0.9] * 20, [True] * 20, limit=limit) == 0.9


def test_precision_is_counted_with_both_length_directions_alike() -> None:
    """Right on 90 longer, wrong on 10 shorter: 90 % plainly, 50 % when both weigh alike."""
    sizes, right = [0.7] * 100, [True] * 90 + [False] * 10
    weights = [0.5 / 90] * 90 + [0.5 / 10] * 10
    limit = NoiseLimit(precision=0.9, neutral=1.0)
    assert threshold(sizes, right, limit=limit) == 0.7
    assert threshold(sizes, right, weights=weights, limit=limit) is None


class _LengthScorer:
    """Rewards long code, on one criterion of two."""

    criteria = ("Functional_Correctness", "Security_Hardness")
    reads_intent = False

    def rewards(self, codes: Sequence[str], *, intent: str = "") -> list[Mapping[str, float]]:
        return [{key: float(len(code)) for key in self.criteria} for code in codes]


def test_the_result_is_a_calibration_that_the_runtime_reads() -> None:
    """Long code wins nine times in ten; security saw no pair and stays silent."""
    pairs = [
        PreferencePair("", "xxx" if index % 4 else "x", "xx" if index % 4 else "xxxx", "C", key)
        for index in range(200)
        for key in ["Functional_Correctness"]
    ]
    limit = NoiseLimit(precision=0.1, neutral=1.0)
    found = Calibration.from_json(calibrate(pairs, _LengthScorer(), limit))
    low = found.preference("Functional_Correctness", -9.0)
    assert found.verdict("Functional_Correctness", low) is Verdict.WORSE
    assert found.verdict("Security_Hardness", found.preference("Security_Hardness", -9.0)) is (
        Verdict.UNSURE
    )


def _right(count: int) -> list[PreferencePair]:
    """Pairs of two lengths apart, both ways of length, nine in ten right for `_LengthScorer`."""
    key = "Functional_Correctness"
    return [
        PreferencePair("", "x" * 9, "x" * (7 if i % 10 else 11), "C", key, source=f"r/{i % 7}@a:b")
        for i in range(count)
    ]


def test_edits_that_a_review_never_judges_do_not_count_as_neutral_edits() -> None:
    """A comment moves the reward far, but such an edit never reaches the model."""
    code = "int f(void)\n{\n    return 1;\n}\n"
    comment, rename = code.replace("return", "/* a note */ return"), code.replace("f(", "long_f(")
    ties = [
        PreferencePair("", edited, code, "C", "Functional_Correctness", tie=True)
        for edited in (comment, rename)
    ]
    measured = calibrate([*_right(60), *ties], _LengthScorer(), NoiseLimit())["measured"]
    assert measured["Functional_Correctness"]["neutral_edits"] == 1


def test_commits_of_other_families_are_what_a_criterion_must_not_call_worse() -> None:
    """40 clean-ups, each shorter by as much as a real fix is longer: none may be called worse."""
    clean = [
        PreferencePair("", "x" * 7, "x" * 9, "C", "Readability_Maintainability", subset=COMMITS)
        for _ in range(40)
    ]
    limit = NoiseLimit(precision=0.1, neutral=1.0)
    spoken = calibrate(_right(60), _LengthScorer(), limit)
    silent = calibrate([*_right(60), *clean], _LengthScorer(), limit)
    key = "Functional_Correctness"
    assert spoken["criteria"][key]["worse_at"] is not None
    assert silent["criteria"][key]["worse_at"] is None
    assert silent["measured"][key]["unrelated_commits"] == 40
