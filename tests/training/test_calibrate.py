"""Temperatures and thresholds, on margins whose answer is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from review_core.calibration import Calibration
from review_core.records import PreferencePair
from review_core.types import Verdict
from training.calibrate import NoiseLimit, calibrate, fit_temperature, least_margin


def test_the_temperature_undoes_a_known_scale() -> None:
    """Margins m drawn so that P(right) = sigmoid(|m| / 2): the likeliest T is 2."""
    rng = np.random.default_rng(0)
    size = np.abs(rng.normal(0, 4, 40_000))
    right = rng.random(len(size)) < 1 / (1 + np.exp(-size / 2))
    assert fit_temperature(np.where(right, size, -size)) == pytest.approx(2.0, rel=0.05)


def test_a_model_that_is_mostly_wrong_gets_the_flattest_curve() -> None:
    assert fit_temperature(np.array([-1.0, -2.0, 1.0])) > 90


def test_the_threshold_is_the_smallest_that_keeps_the_precision() -> None:
    """|m| = 1: half right; 2: all right. At least 90 % right: from 2 on."""
    margins = np.array([1.0] * 50 + [-1.0] * 50 + [2.0] * 50)
    limit = NoiseLimit(precision=0.9, neutral=1.0, flagged=20)
    assert least_margin(margins, np.ones(150), np.array([]), limit) == 2.0


def test_neutral_edits_push_the_threshold_up() -> None:
    """Always right, but 4 % of neutral edits reach 1 (2 % read either way): not at 1, at 2."""
    margins = np.array([1.0] * 50 + [2.0] * 50)
    neutral = np.array([1.0] * 4 + [0.1] * 96)
    limit = NoiseLimit(precision=0.9, neutral=0.01, flagged=20)
    assert least_margin(margins, np.ones(100), neutral, limit) == 2.0


def test_a_few_lucky_verdicts_prove_nothing() -> None:
    limit = NoiseLimit(precision=0.9, neutral=1.0, flagged=20)
    assert least_margin(np.array([3.0] * 19), np.ones(19), np.array([]), limit) is None


def test_precision_is_counted_with_both_length_directions_alike() -> None:
    """Right on 90 longer, wrong on 10 shorter: 90 % plainly, 50 % when both weigh alike."""
    margins = np.array([1.0] * 90 + [-1.0] * 10)
    weights = np.array([0.5 / 90] * 90 + [0.5 / 10] * 10)
    limit = NoiseLimit(precision=0.9, neutral=1.0, flagged=20)
    assert least_margin(margins, np.ones(100), np.array([]), limit) == 1.0
    assert least_margin(margins, weights, np.array([]), limit) is None


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
