"""The baseline: written, found, read; withholds what it knows and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_scorer import IDENTITY, FakeScorer

from review_core import api
from review_core.baseline import FILE_NAME, NO_BASELINE, Baseline, baseline_text, load_baseline
from review_core.calibration import Calibration
from review_core.config import default_settings
from review_core.errors import ConfigurationError
from review_core.types import Change, FileChange, Report

BASE = "def f(a):\n    return a\n\n\ndef g(a):\n    return a\n"
HEAD = BASE.replace("return a", "return not_safe")


def report(calibration: Calibration, baseline: Baseline, head: str = HEAD) -> Report:
    change = Change("a", "b", (FileChange("f.py", BASE, head),))
    return api.review(change, FakeScorer(), calibration, default_settings(), baseline=baseline)


def test_what_the_baseline_knows_is_withheld_and_an_edited_function_is_not(
    calibration: Calibration,
) -> None:
    first = report(calibration, NO_BASELINE)
    assert len(first.findings) == 2
    known = Baseline.from_text(baseline_text(first.bundle, first.findings[:1]), "x")
    again = report(calibration, known)
    assert [each.function for each in again.findings] == ["g"]
    assert [each.reason for each in again.withheld] == ["in the baseline"]
    moved = report(calibration, known, "import os\n\n\n" + HEAD)
    assert [each.function for each in moved.findings] == ["g"]
    edited = report(calibration, known, HEAD.replace("return not_safe", "return not_safe + 1", 1))
    assert [each.function for each in edited.findings] == ["f", "g"]


def test_a_baseline_of_another_model_is_said_to_be_of_no_use(calibration: Calibration) -> None:
    first = report(calibration, NO_BASELINE)
    other = replace(IDENTITY, sha256="cd" * 32)
    known = Baseline.from_text(baseline_text(other, first.findings), "repo/baseline")
    (notice,) = report(calibration, known).notices
    assert notice.startswith("repo/baseline was written with another model")


def test_an_empty_baseline_says_nothing(calibration: Calibration) -> None:
    empty = Baseline.from_text(baseline_text(replace(IDENTITY, sha256="cd"), ()), "x")
    assert report(calibration, empty).notices == ()


def test_the_file_has_a_line_a_finding_in_an_order_of_its_own(calibration: Calibration) -> None:
    found = report(calibration, NO_BASELINE).findings
    text = baseline_text(IDENTITY, found)
    assert text == baseline_text(IDENTITY, found[::-1])
    lines = [line.strip(" ,") for line in text.split("\n") if '"id"' in line]
    assert {json.loads(line)["function"] for line in lines} == {"f", "g"}


def test_the_nearest_file_up_to_the_repository_s_root_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(baseline_text(IDENTITY, ()))
    root = tmp_path / "repository"
    (root / "deep" / "er").mkdir(parents=True)
    (root / ".git").mkdir()
    assert load_baseline(root / "deep") is NO_BASELINE
    (root / FILE_NAME).write_text(baseline_text(IDENTITY, ()))
    assert load_baseline(root / "deep" / "er").source == str(root / FILE_NAME)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "is no baseline"),
        ("{", "is no baseline"),
        ('{"format": 2}', "has format 2 and this version reads 1"),
        ('{"format": 1, "bundle": "x", "findings": [{}]}', "is no baseline .*id"),
        ("\udcff", "is no baseline"),
    ],
)
def test_a_file_that_is_none_is_named_with_what_to_do(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"the file {message}.*write it again"):
        Baseline.from_text(text, "the file")
