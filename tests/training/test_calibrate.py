"""Temperatures and thresholds, on margins whose answer is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from review_core.calibration import Calibration
from review_core.metrics import expected_calibration_error
from review_core.records import PreferencePair, write_pairs
from review_core.types import Verdict
from training.calibrate import CalibrateSettings, calibrate
from training.cli import cli
from training.evaluation.curves import (
    LapseCurve,
    fit_hierarchy,
    fit_isotonic,
    fit_shrunk,
    fit_temperature,
    fit_temperatures,
    preferences,
)
from training.evaluation.evidence import gather, group_folds
from training.evaluation.margins import ScoredPair
from training.evaluation.thresholds import Noise, NoiseLimit, least_confidence

FIX, CLEAN, SAFE = "Functional_Correctness", "Readability_Maintainability", "Security_Hardness"
FEW = CalibrateSettings(folds=3)


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


def test_the_threshold_found_by_sums_is_the_one_found_by_trying_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        confidence = np.round(rng.uniform(0.5, 1, 80), 2)
        right, weights = rng.random(80) < confidence, rng.uniform(0.2, 2, 80)
        neutral, unrelated = rng.uniform(0.5, 1, 50), rng.uniform(0, 1, 60)
        limit = NoiseLimit(rng.uniform(0.6, 0.95), 0.2, 0.2, 10)
        expected = None
        for candidate in np.unique(confidence)[::-1]:
            given = confidence >= candidate
            if (
                given.sum() >= limit.flagged
                and weights[given & right].sum() >= limit.precision * weights[given].sum()
                and (neutral >= candidate).mean() / 2 <= limit.neutral
                and (unrelated >= candidate).mean() <= limit.unrelated
            ):
                expected = candidate
        found = least_confidence(confidence, right, weights, neutral, unrelated, limit)
        assert found == expected


def test_noise_of_folds_adds_up_and_is_held_against_the_limit() -> None:
    """19 of 20 right is 95 %; one of 100 edits called worse one way is half a percent."""
    half = Noise(40, 10, 9, 9.0, 10.0, 50, 1, 100, 1)
    whole = half + Noise(40, 10, 10, 10.0, 10.0, 50, 0, 100, 1)
    limit = NoiseLimit(precision=0.95, neutral=0.005, unrelated=0.01, flagged=20)
    assert whole.keeps(limit)
    assert not half.keeps(limit)  # ten verdicts
    assert not whole.keeps(limit.stricter(0.5))


@pytest.mark.parametrize("lapse", [0.0, 0.2])
def test_the_shrunk_curve_recovers_a_known_one(lapse: float) -> None:
    """4,000 margins drawn from a curve of temperature 2 and power .7: off by less than .03."""
    true = LapseCurve(2.0, 0.7, lapse)
    curve = fit_hierarchy({FIX: drawn(true, 4000, 1)})[FIX]
    at = np.array([0.2, 1.0, 3.0, 9.0])
    assert curve(at) == pytest.approx(true(at), abs=0.03)
    assert curve(-at) == pytest.approx(1 - curve(at))


def test_a_written_curve_is_the_curve() -> None:
    for curve in (LapseCurve(0.4, 0.7, 0.2), LapseCurve(2.0, 1.3, 0.0), LapseCurve(0.05, 0.3, 0.1)):
        table = curve.table(5.0)
        at = np.linspace(-20, 20, 401)
        assert np.array([table(margin) for margin in at]) == pytest.approx(curve(at), abs=0.02)


def test_few_pairs_borrow_from_the_other_criteria() -> None:
    """Six criteria with one curve, one of them with 60 pairs: drawn to the others it is nearer to
    the truth than its own temperature, in nats, in most of 12 draws.
    """
    true = LapseCurve(1.0, 0.8, 0.25)
    at = np.abs(np.random.default_rng(9).standard_t(3, 3000)) * 2
    nearer = 0
    for seed in range(12):
        margins = {str(key): drawn(true, 500, 100 * seed + key) for key in range(5)}
        margins["few"] = drawn(true, 60, 100 * seed + 50)
        costs = []
        for fit in (fit_shrunk, fit_temperatures):
            p, q = preferences(fit(margins)["few"], at), true(at)
            costs.append(-(q * np.log(p) + (1 - q) * np.log(np.maximum(1 - p, 1e-9))).mean())
        nearer += costs[0] < costs[1]
    assert nearer >= 9


def test_a_criterion_with_many_pairs_keeps_its_own_curve() -> None:
    margins = {str(key): drawn(LapseCurve(1.0, 1.0, 0.5), 400, key) for key in range(4)}
    margins["own"] = drawn(LapseCurve(1.0, 1.0, 0.0), 4000, 9)
    assert fit_hierarchy(margins)["own"](np.array([8.0]))[0] > 0.97


def test_a_criterion_without_pairs_gets_no_curve() -> None:
    found = fit_shrunk({FIX: drawn(LapseCurve(1.0, 1.0, 0.1), 50, 0), SAFE: np.array([])})
    assert set(found) == {FIX}
    assert fit_shrunk({SAFE: np.array([])}) == {}


def test_groups_are_kept_whole_and_folds_even() -> None:
    """Sizes 5, 3, 2, 2 in two folds: 5 + 2 and 3 + 2, whatever the names."""
    groups = np.array(["a"] * 2 + ["b"] * 5 + ["c"] * 3 + ["d"] * 2)
    folds = group_folds([groups], 2)
    sizes = [sum(folds[group] == fold for group in groups.tolist()) for fold in (0, 1)]
    assert sorted(sizes) == [5, 7]
    assert group_folds([], 2) == {}


def drawn(curve: LapseCurve, count: int, seed: int) -> np.ndarray[tuple[int], np.dtype[Any]]:
    """Margins whose sign is right with the probability that the curve says."""
    rng = np.random.default_rng(seed)
    size = np.abs(rng.standard_t(3, count)) * 2 * curve.temperature
    return np.where(rng.random(count) < curve(size), size, -size)


def scored(
    margin: float,
    index: int,
    *,
    aspect: str = FIX,
    subset: str = "COMMITS",
    tie: bool = False,
    judged: bool = True,
) -> ScoredPair:
    """A pair of one of eight repositories, both directions of length alike."""
    margins = {FIX: margin, CLEAN: margin, SAFE: margin}
    longer = index // 8 % 2 == 0
    group = f"own/repo{index % 8}"
    return ScoredPair(None, group, aspect, None, "C", subset, tie, longer, judged, margins)


def confident(
    count: int, share: float, seed: int = 0, aspect: str = FIX, subset: str = "COMMITS"
) -> list[ScoredPair]:
    """Half of the pairs with margins of about 6, right to this share, half near 0 and coins."""
    rng = np.random.default_rng(seed)
    size = np.where(np.arange(count) // 16 % 2, 0.1, 6.0) * rng.uniform(0.9, 1.1, count)
    right = rng.random(count) < np.where(size > 1, share, 0.5)
    return [
        scored(float(s if r else -s), index, aspect=aspect, subset=subset)
        for index, (s, r) in enumerate(zip(size, right, strict=True))
    ]


def found_on(pairs: Sequence[ScoredPair], settings: CalibrateSettings = FEW) -> dict[str, Any]:
    return calibrate(pairs, [FIX, SAFE], settings)


def test_the_result_is_a_calibration_that_the_runtime_reads() -> None:
    """Sure and right 97 times in 100; security saw no pair and stays silent."""
    made = json.loads(json.dumps(found_on(confident(240, 0.97))))
    found = Calibration.from_json(made)
    low = found.preference(FIX, -6.0)
    assert low < 0.1
    assert found.verdict(FIX, low) is Verdict.WORSE
    assert found.verdict(FIX, found.preference(FIX, -0.1)) is Verdict.UNSURE
    assert found.verdict(SAFE, found.preference(SAFE, -9.0)) is Verdict.UNSURE
    assert made["measured"][SAFE] == {"pairs": 0}


def test_what_verdicts_do_is_stated_on_repositories_left_out() -> None:
    measured = found_on(confident(240, 0.97))["measured"][FIX]
    held_out = measured["held_out"]
    assert held_out["verdicts_on_pairs"] >= 100
    assert held_out["right_low"] < held_out["right"] < held_out["right_high"]
    assert 0.88 < held_out["right"] < 0.97  # as lax as the precision allows
    assert held_out["repositories"] == 8
    assert held_out["right_low_by_repository"] < held_out["right"]
    assert measured["ece_floor"] > 0
    assert measured["ece_held_out"] < measured["ece_floor_high"] + 0.05
    assert measured["stability"]["kept_mean"] > 0.9
    assert measured["repositories"] == 8


@pytest.mark.parametrize("seed", range(2))
def test_a_model_that_is_a_coin_gets_silence(seed: int) -> None:
    """Large margins that mean nothing: no threshold is ever precise enough."""
    made = found_on(confident(240, 0.5, seed))
    assert made["criteria"][FIX]["worse_at"] is None
    assert made["budget"]["criteria_that_speak"] == 0
    curve = Calibration.from_json(json.loads(json.dumps(made)))
    assert 0.4 < curve.preference(FIX, 6.0) < 0.6


def test_luck_on_the_pairs_it_was_chosen_on_is_not_enough() -> None:
    """Right in seven repositories and wrong in the largest eighth of them: the threshold that seven
    allow fails where it was not chosen.
    """
    pairs = confident(320, 1.0)
    spoiled = [
        each if each.group != "own/repo3" else scored(-6.0, 3 + 8 * at)
        for at, each in enumerate(pairs)
    ]
    assert found_on(pairs)["criteria"][FIX]["worse_at"] is not None
    assert found_on(spoiled)["criteria"][FIX]["worse_at"] is None


def test_edits_that_a_review_never_judges_are_no_evidence() -> None:
    ties = [scored(3.0, 1, tie=True), scored(3.0, 2, tie=True, judged=False)]
    found = gather(ties, [FIX])[FIX]
    assert found.neutral.margins.tolist() == [3.0]
    assert not len(found.asked.margins)  # an edit has no better side


def test_both_directions_of_length_weigh_alike_and_keep_their_weights_in_a_fold() -> None:
    """Six longer and two shorter sides: 4 / 6 and 4 / 2 each, 4 together; in any part of them."""
    pairs = [
        ScoredPair(None, f"g{at % 4}", FIX, None, "C", "x", False, at > 1, True, {FIX: 1.0})
        for at in range(8)
    ]
    found = gather(pairs, [FIX])[FIX]
    assert found.weights.tolist() == pytest.approx([2.0] * 2 + [4 / 6] * 6)
    part = found.where(lambda groups: groups == "g0")
    assert part.weights.tolist() == pytest.approx([2.0, 4 / 6])


def test_neutral_edits_that_look_like_fixes_silence_a_criterion() -> None:
    edits = [scored(9.0, index, tie=True) for index in range(60)]
    assert found_on([*confident(240, 0.97), *edits])["criteria"][FIX]["worse_at"] is None


def test_commits_of_other_families_are_what_a_criterion_must_not_call_worse() -> None:
    """Clean-ups that look like the opposite of a fix; those that look like one are praised only."""
    worse = [scored(-9.0, index, aspect=CLEAN) for index in range(40)]
    praised = [scored(9.0, index, aspect=CLEAN) for index in range(40)]
    fixes = confident(240, 0.97)
    silent, spoken = found_on([*fixes, *worse]), found_on([*fixes, *praised])
    assert silent["criteria"][FIX]["worse_at"] is None
    assert spoken["criteria"][FIX]["worse_at"] is not None
    assert silent["measured"][FIX]["unrelated_commits"] == 40


def test_commits_are_unrelated_to_other_families_only() -> None:
    """A commit for readability says nothing of what maintainability must not call worse."""
    margins = {key: 1.0 for key in ("Readability", "Maintainability", FIX)}
    fine = ScoredPair(None, "g", CLEAN, "Readability", "C", "COMMITS", False, True, True, margins)
    found = gather([fine], list(margins))
    assert [len(found[key].unrelated.margins) for key in margins] == [0, 0, 1]


def test_the_noise_budget_is_in_comments_a_pull_request() -> None:
    """One in five pull requests of ten functions, two criteria: .2 / 10 / 2 = .01 a function."""
    limit = CalibrateSettings(neutral_share=0.02).limit(2)
    assert (limit.unrelated, limit.neutral) == (pytest.approx(0.01), pytest.approx(0.01))


def test_silent_criteria_leave_their_share_to_those_that_speak() -> None:
    """Of two criteria one is a coin: the other has the whole budget, and keeps it."""
    pairs = [*confident(240, 0.97), *confident(300, 0.5, 7, SAFE, "docs")]
    budget = found_on(pairs)["budget"]
    assert (budget["criteria_that_speak"], budget["shares"]) == (1, 1)
    assert budget["unrelated_called_worse_at_most"] == pytest.approx(0.02)
    assert budget["wrong_comments_expected"] <= 0.2


def test_criteria_that_speak_share_the_budget() -> None:
    """Two of two are sure and right: each may do half the noise."""
    pairs = [pair for key in (FIX, SAFE) for pair in confident(240, 0.97, 3, key, "docs")]
    budget = found_on(pairs)["budget"]
    assert budget["criteria_that_speak"] == budget["shares"] == 2
    assert budget["unrelated_called_worse_at_most"] == pytest.approx(0.01)


def test_held_out_confidence_is_as_honest_as_its_floor() -> None:
    """Margins drawn from one curve in all repositories: the error held out is about the floor."""
    margins = drawn(LapseCurve(1.0, 0.8, 0.2), 600, 3)
    pairs = [scored(float(margin), index) for index, margin in enumerate(margins)]
    measured = found_on(pairs)["measured"][FIX]
    assert measured["ece_held_out"] == pytest.approx(measured["ece_floor"], abs=0.025)
    assert measured["curve"] == "shrunk"


def test_one_repository_alone_proves_nothing() -> None:
    pairs = [
        ScoredPair(None, "own/repo", FIX, None, "C", "x", False, True, True, {FIX: 5.0, SAFE: 5.0})
        for _ in range(100)
    ]
    made = found_on(pairs)
    assert made["criteria"][FIX]["worse_at"] is None
    assert made["measured"][FIX]["ece_held_out"] is None


def test_no_pairs_at_all_give_silence() -> None:
    made = found_on([])
    assert made["criteria"][FIX]["worse_at"] is None
    Calibration.from_json(made)


def test_a_temperature_that_is_sure_of_errors_is_measured_as_such() -> None:
    """Right 75 % at every margin: no temperature can say so, the shrunk curve does."""
    rng = np.random.default_rng(0)
    size = np.exp(rng.normal(0, 1.5, 2000))
    margins = np.where(rng.random(2000) < 0.75, size, -size)
    right = (margins > 0).astype(float)
    errors = [
        expected_calibration_error(preferences(fit({FIX: margins})[FIX], size), right)
        for fit in (fit_shrunk, fit_temperatures)
    ]
    assert errors[0] is not None and errors[1] is not None
    assert errors[0] < 0.03 < errors[1]


def test_the_command_scores_a_bundle_writes_a_calibration_and_says_what_it_is_worth(
    tiny_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    records, out = tmp_path / "pairs.jsonl", tmp_path / "made" / "calibration.json"
    code = "def f(x):\n    return x + {}\n"
    write_pairs(
        records,
        [
            PreferencePair(
                "", code.format(i), code.format(-i), "Python", FIX, source=f"o/r{i % 5}@1:f"
            )
            for i in range(30)
        ],
    )
    arguments = ["calibrate", str(tiny_bundle()), str(out), str(records), "--no-cache"]
    result = CliRunner().invoke(cli, [*arguments, "--folds", "3"])
    assert result.exit_code == 0, result.output
    assert "silent" in result.output
    assert "0.2 allowed" in result.output
    made = json.loads(out.read_bytes())
    assert set(Calibration.from_json(made).criteria) == {FIX, "Readability", SAFE}
    assert "folds = 3" in (out.parent / "calibrate.toml").read_text()
    again = CliRunner().invoke(cli, [*arguments, "--folds", "3"])
    assert again.exit_code == 0
    assert json.loads(out.read_bytes()) == made
