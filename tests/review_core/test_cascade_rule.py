"""The benchmark that chose the rule: thresholds, temperatures and counts on scores made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.cascade_rule import Scores, read_scores, rules, temperature, threshold


def test_a_threshold_is_the_smallest_margin_with_enough_right_above_it() -> None:
    """Margins 30 to 11 are right, 10 is wrong: 20 of 20 above 11, 20 of 21 = .952 above 10; 9 is
    wrong, too, and leaves 20 of 22 = .909.
    """
    margins = np.array([*range(30, 10, -1), -10, -9], float)
    assert threshold(margins, 1.0) == 11
    assert threshold(margins, 0.95) == 10
    assert threshold(margins, 0.9) == 9
    assert threshold(-margins, 0.9) == np.inf


def test_a_temperature_is_the_scale_on_which_margins_are_log_odds() -> None:
    """Margins of 2 that are right 3 times in 4: 2 / t = log 3, t = 1.820."""
    margins = np.array([2.0, 2.0, 2.0, -2.0] * 50)
    assert temperature(margins) == pytest.approx(2 / np.log(3), rel=0.03)


def test_who_leans_is_worth_more_than_who_has_no_idea() -> None:
    """A judge that is right where the first leans rightly, and guesses where that guesses."""
    random = np.random.default_rng(1)
    ability = random.normal(1.0, 1.0, 4000)
    first = ability + random.normal(0, 1.0, 4000)
    judge = 2 * ability + random.normal(0, 1.0, 4000)
    scores = Scores(first, judge, np.array(["one"] * 4000))
    found = {each.name: each for each in rules(scores, 0.95, 2)}
    lean, least = found["leans from 0.7"], found["as many as from 0.7, least sure"]
    assert lean.sent == pytest.approx(least.sent)
    assert lean.told > least.told
    assert found["leans from 0.7, agreed"].right >= lean.right
    assert found["the first alone"].all_right == pytest.approx(0.95, abs=0.03)


def test_scores_are_joined_by_id(tmp_path: Path) -> None:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    for name, ids, margins in (("a", ["x", "y"], [1.0, 2.0]), ("b", ["y", "x"], [4.0, 3.0])):
        (tmp_path / name).mkdir()
        table = arrow.table({"id": ids, "score_diff": margins, "aspect": ["one", "two"]})
        parquet.write_table(table, tmp_path / name / "scores.parquet")
    scores = read_scores(tmp_path, "a", "b")
    assert (scores.first.tolist(), scores.judge.tolist()) == ([1.0, 2.0], [3.0, 4.0])
    assert scores.criterion.tolist() == ["one", "two"]
