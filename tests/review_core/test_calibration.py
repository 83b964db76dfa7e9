from __future__ import annotations

import math
from typing import Any

import pytest

from review_core.calibration import Calibration
from review_core.errors import BundleError
from review_core.types import Verdict


def document(**fields: Any) -> dict[str, Any]:
    criterion = {"temperature": 2.0, "worse_at": 0.1, "better_at": 0.9, "isotonic": None, **fields}
    return {"format": 1, "criteria": {"Readability": criterion}}


def test_a_preference_is_the_sigmoid_of_the_margin_over_the_temperature() -> None:
    """Margin 4 at temperature 2: 1 / (1 + e^-2) = .8808; its negative: 1 - .8808."""
    calibration = Calibration.from_json(document())
    assert calibration.preference("Readability", 4.0) == pytest.approx(0.880797, abs=1e-6)
    assert calibration.preference("Readability", -4.0) == pytest.approx(0.119203, abs=1e-6)
    assert calibration.preference("Readability", 0.0) == 0.5


def test_a_huge_margin_overflows_nothing() -> None:
    calibration = Calibration.from_json(document(temperature=1e-3))
    assert calibration.preference("Readability", 1e6) == 1.0
    assert calibration.preference("Readability", -1e6) == 0.0


def test_an_isotonic_table_replaces_the_sigmoid_linear_inside_and_flat_outside() -> None:
    """Halfway between (-1, .2) and (1, .6) lies (0, .4)."""
    table = {"margins": [-1.0, 1.0], "preferences": [0.2, 0.6]}
    calibration = Calibration.from_json(document(isotonic=table))
    found = [calibration.preference("Readability", margin) for margin in (-9, -1, 0, 1, 9)]
    assert found == pytest.approx([0.2, 0.2, 0.4, 0.6, 0.6])


def test_a_threshold_is_reached_by_the_preference_that_equals_it() -> None:
    calibration = Calibration.from_json(document())
    said = [calibration.verdict("Readability", p) for p in (0.1, 0.1001, 0.8999, 0.9)]
    assert said == [Verdict.WORSE, Verdict.UNSURE, Verdict.UNSURE, Verdict.BETTER]


def test_without_thresholds_a_criterion_is_always_unsure() -> None:
    calibration = Calibration.from_json(document(worse_at=None, better_at=None))
    assert calibration.verdict("Readability", 0.0) is Verdict.UNSURE
    assert calibration.verdict("Readability", 1.0) is Verdict.UNSURE


def test_a_language_that_was_calibrated_apart_uses_its_own_curve() -> None:
    """Python's temperature 1 makes margin 2 the 1 / (1 + e^-2) that others have at margin 4."""
    own = {"temperature": 1.0, "worse_at": None, "better_at": None, "isotonic": None}
    calibration = Calibration.from_json(
        {**document(), "languages": {"Python": {"Readability": own}}}
    )
    expected = 1 / (1 + math.exp(-2))
    assert calibration.preference("Readability", 2.0, "Python") == pytest.approx(expected)
    assert calibration.preference("Readability", 4.0, "Go") == pytest.approx(expected)
    assert calibration.verdict("Readability", 0.95, "Python") is Verdict.UNSURE


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"temperature": 0}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"temperature": "warm"}, "warm"),
        ({"worse_at": 0.6}, "worse_at is at most .5"),
        ({"better_at": 0.4}, "better_at at least .5"),
        ({"worse_at": -0.1}, r"worse_at must be in \[0, 1\]"),
        ({"better_at": 1.1}, r"better_at must be in \[0, 1\]"),
        ({"isotonic": {"margins": [0, 0], "preferences": [0.1, 0.2]}}, "must rise"),
        ({"isotonic": {"margins": [0, 1], "preferences": [0.3, 0.2]}}, "must not fall"),
        ({"isotonic": {"margins": [0, 1], "preferences": [0.3]}}, "as many"),
        ({"isotonic": {"margins": [], "preferences": []}}, "at least one"),
        ({"isotonic": {"margins": [0], "preferences": [1.5]}}, "probabilities"),
        ({"isotonic": {"margins": [0]}}, "preferences"),
    ],
)
def test_a_calibration_that_makes_no_sense_is_named(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(BundleError, match=rf"{told}.*export the bundle again"):
        Calibration.from_json(document(**fields))


@pytest.mark.parametrize("found", [None, 2, "1"])
def test_another_format_asks_for_an_upgrade(found: object) -> None:
    with pytest.raises(BundleError, match="this version reads 1; upgrade"):
        Calibration.from_json({**document(), "format": found})


@pytest.mark.parametrize("broken", [{"format": 1}, {"format": 1, "criteria": []}, []])
def test_a_calibration_of_another_shape_is_a_bundle_error(broken: Any) -> None:
    with pytest.raises(BundleError):
        Calibration.from_json(broken)


def test_a_criterion_without_calibration_is_named() -> None:
    with pytest.raises(BundleError, match="says nothing of Security_Hardness"):
        Calibration.from_json(document()).preference("Security_Hardness", 1.0)
