"""Tables: what stands in a row, and beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from review_core.bench import run_bench
from review_core.calibration import Calibration, CriterionCalibration
from review_core.records import PreferencePair
from training.evaluation.benchmark import Published
from training.evaluation.margins import ScoredPair, score_pairs
from training.evaluation.report import Report
from training.evaluation.scorers import plain_calibration
from training.evaluation.tables import Contender, Evaluation, evaluate_pairs
from training.evaluation.verdicts import any_neutral_flagged, count_verdicts, wilson

FIX, CLEAN, FINE = "Functional_Correctness", "Readability_Maintainability", "Readability"
PLAIN = plain_calibration([FIX, CLEAN, FINE])


def scored(
    margin: float | None,
    *,
    aspect: str = FIX,
    fine: str | None = None,
    group: str = "a/a",
    longer: bool | None = True,
    subset: str = "COMMITS",
    tie: bool = False,
    judged: bool = True,
    language: str = "C",
) -> ScoredPair:
    margins = None if margin is None else {FIX: margin, CLEAN: margin, FINE: -margin}
    return ScoredPair("i", group, aspect, fine, language, subset, tie, longer, judged, margins)


def evaluation(*pairs: ScoredPair, others: tuple[Contender, ...] = ()) -> Evaluation:
    return evaluate_pairs(Contender("ours", pairs, PLAIN), others)


def test_pairs_are_counted_once_in_each_table_and_the_rest_with_a_reason() -> None:
    found = evaluation(
        scored(1, language="Go"),
        scored(1, aspect=CLEAN, subset="docs"),
        scored(None),
        scored(1, aspect="Beauty"),
        scored(1, tie=True),
    )
    assert (found.overall.metrics.n, found.unscored, found.unasked, found.neutral) == (2, 1, 1, 1)
    for name in ("aspect", "language", "subset", "source_kind"):
        assert sum(row.metrics.n for row in found.tables[name].values()) == 2
    assert set(found.tables["source_kind"]) == {"commits", "collections"}
    assert set(found.tables["commits_by_aspect"]) == {FIX}


def test_a_fine_aspect_is_judged_by_its_own_criterion() -> None:
    """The fine criterion's margin has the other sign: right on the coarse, wrong on the fine."""
    found = evaluation(scored(1, aspect=CLEAN, fine=FINE), scored(1, aspect=CLEAN))
    assert found.tables["aspect"][CLEAN].metrics.pairwise_accuracy.value == 1
    row = found.tables["fine_aspect"][FINE].metrics
    assert (row.n, row.pairwise_accuracy.value) == (1, 0)


def test_baselines_stand_in_every_row() -> None:
    """Three of four chosen sides are longer: "longer wins" gets .75 plainly, .5 balanced."""
    found = evaluation(*(scored(1, longer=each) for each in (True, True, True, False)))
    for row in [found.overall, *(row for rows in found.tables.values() for row in rows.values())]:
        baselines = row.to_json()["baselines"]
        assert baselines["random"] == {"pairwise_accuracy": 0.5, "length_balanced_accuracy": 0.5}
        assert baselines["longer wins"]["pairwise_accuracy"] == 0.75
        assert baselines["longer wins"]["length_balanced_accuracy"] == 0.5


def test_another_model_stands_beside_with_the_paired_difference() -> None:
    """Ours is right on 3 of 4 and theirs on 1 of those 4: .75, .25, .5 gained, in every group."""
    signs = [(1, 1), (1, -1), (1, -1), (-1, -1)]
    groups = [f"r/{index}" for index in range(8) for _ in signs]
    ours = [scored(a, group=g) for (a, _), g in zip(signs * 8, groups, strict=True)]
    theirs = [scored(b, group=g) for (_, b), g in zip(signs * 8, groups, strict=True)]
    found = evaluation(*ours, others=(Contender("old", theirs, PLAIN),))
    beside = found.overall.beside["old"]
    assert beside.metrics.pairwise_accuracy.value == 0.25
    gain = beside.gain.pairwise_accuracy
    assert (gain.value, gain.low, gain.high) == (0.5, 0.5, 0.5)


def test_only_pairs_that_both_scored_are_compared() -> None:
    ours = [scored(1), scored(1, longer=False)]
    theirs = [scored(None), scored(-1, longer=False)]
    found = evaluation(*ours, others=(Contender("old", theirs, PLAIN),))
    beside = found.overall.beside["old"]
    assert (beside.metrics.n, beside.gain.n, beside.gain.pairwise_accuracy.value) == (1, 1, 1.0)


def test_verdicts_are_counted_on_pairs_and_on_neutral_edits_a_review_judges() -> None:
    """Verdicts from |margin| log 9 on (P .9): two given, one right; one of two edits flagged."""
    calibration = Calibration({FIX: CriterionCalibration(1.0, worse_at=0.1, better_at=0.9)})
    pairs = [scored(3), scored(-3), scored(1), scored(None)]
    edits = [scored(3, tie=True), scored(1, tie=True), scored(3, tie=True, judged=False)]
    found = count_verdicts([*pairs, *edits], calibration, FIX)
    assert (found.pairs, found.given, found.right) == (3, 2, 1)
    assert (found.neutral, found.flagged) == (2, 1)
    assert found.to_json()["neutral_called_worse"] == 0.25
    assert any_neutral_flagged(edits, calibration, [FIX]) == (1, 4)


def test_the_wilson_interval_is_that_of_the_books() -> None:
    """9 of 10 at z = 1.96: centre (.9 + .1921) / 1.3841 = .7890, half-width .1932."""
    assert wilson(9, 10) == (pytest.approx(0.5958, abs=2e-4), pytest.approx(0.9821, abs=2e-4))
    assert wilson(0, 0) == (None, None)


class LengthScorer:
    criteria = (FIX, FINE)
    reads_intent = False

    def rewards(
        self, codes: Sequence[str], *, intent: str = ""
    ) -> Sequence[Mapping[str, float] | None]:
        return [{FIX: float(len(code) % 5), FINE: -float(len(code) % 3)} for code in codes]


def test_the_figures_are_those_of_themis_bench(tmp_path: Path) -> None:
    """Two programs count the same pairs: they must not say two things."""
    pairs = [
        PreferencePair(
            "", "x" * (i % 13), "x" * (i * i % 11), "C", FIX, FINE, source=f"o/r{i % 6}@1:f"
        )
        for i in range(90)
    ]
    bench = run_bench(pairs, LengthScorer(), PLAIN).to_json()
    scored_pairs = score_pairs(tmp_path / "m.zst", pairs, LengthScorer(), "model")
    found = evaluation(*scored_pairs)
    assert bench["overall"].items() <= found.overall.to_json().items()
    for name in ("aspect", "fine_aspect", "language", "subset"):
        for key, row in bench[name].items():
            assert row.items() <= found.tables[name][key].to_json().items()


def test_published_figures_stand_beside_ours_in_the_report() -> None:
    """All pairs right: 1.000 above the paper's .918."""
    published = Published.read()
    pairs = [
        scored(1, aspect=FIX, subset="RUNBUGRUN", group=f"g{index}") for index in range(50)
    ] + [scored(1, aspect=CLEAN, subset="ECCO", group=f"g{index}") for index in range(50)]
    text = Report(
        model="ours",
        records=["benchmark.parquet"],
        calibrated=True,
        evaluation=evaluation(*pairs),
        verdicts={},
        neutral_flagged=(0, 0),
        rankings={},
        published=(published, (FIX, CLEAN, "all")),
        pictures=[],
    ).to_markdown()
    assert "| model | Functional Correctness | Readability Maintainability | all |" in text
    assert "| **ours** | 1.000 [1.000, 1.000] | 1.000 [1.000, 1.000] | 1.000" in text
    assert "| Themis-RM-32B | .943 | .876 | .918 |" in text
    assert published.source in text
