"""What a bench counts, and what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from review_core.bench import run_bench
from review_core.calibration import Calibration, CriterionCalibration
from review_core.errors import InputError
from review_core.records import PreferencePair

KEY = "Functional_Correctness"
PLAIN = Calibration({KEY: CriterionCalibration(temperature=1.0)})


class LongScorer:
    criteria = (KEY,)
    reads_intent = False

    def rewards(
        self, codes: Sequence[str], *, intent: str = ""
    ) -> Sequence[Mapping[str, float] | None]:
        return [{KEY: float(len(code))} for code in codes]


def test_neutral_edits_have_no_better_side_and_are_not_counted() -> None:
    right = PreferencePair("", "aa", "a", "C", KEY)
    edit = PreferencePair("", "a", "aa", "C", KEY, tie=True)
    table = run_bench([right, edit], LongScorer(), PLAIN)
    assert (table.overall.n, table.overall.pairwise_accuracy.value, table.unscored) == (1, 1.0, 0)


def test_nothing_but_neutral_edits_is_nothing_to_measure() -> None:
    with pytest.raises(InputError, match="all 1 pairs are neutral edits"):
        run_bench([PreferencePair("", "a", "b", "C", KEY, tie=True)], LongScorer(), PLAIN)
