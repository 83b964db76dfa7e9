"""Other modes for some files: resolved once in the core, the same for every program."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_scorer import WORDS, FakeScorer

from review_core import api
from review_core.calibration import Calibration
from review_core.config import AxisMode, Settings, foreign_settings
from review_core.errors import ConfigurationError
from review_core.gates import blocking, refused
from review_core.path_rules import mode_at
from review_core.types import Axis, Change, FileChange, Report

RULES = """
[axes.readability]
mode = "off"

[[paths]]
match = ["legacy/"]
mode = "off"

[[paths]]
match = ["tools/*.py"]
mode = "monitor"
axes = {security = "block"}

[[paths]]
match = ["legacy/payments/", "!legacy/payments/old.py"]
axes = {security = "comment"}
"""


def settings(text: str = RULES) -> Settings:
    """As the App reads them from a repository; the command and the editor resolve the same way."""
    return foreign_settings({".themis.toml": text}).settings


def reviewed(calibration: Calibration, of: Settings, *paths: str, words: str = "safe") -> Report:
    """A review in which every file has one function that became worse."""
    head = "_".join(f"not_{word}" for word in words.split())
    files = [
        FileChange(path, "def pay():\n    return plain\n", f"def pay():\n    return {head}\n")
        for path in paths
    ]
    return api.review(Change("a", "b", tuple(files)), FakeScorer(), calibration, of)


@pytest.mark.parametrize(
    ("path", "axis", "mode"),
    [
        ("shop.py", Axis.SECURITY, AxisMode.COMMENT),
        ("shop.py", Axis.READABILITY, AxisMode.OFF),
        ("legacy/shop.py", Axis.SECURITY, AxisMode.OFF),
        ("src/legacy/shop.py", Axis.SECURITY, AxisMode.OFF),  # as .gitignore has it: anywhere
        ("tools/run.py", Axis.SECURITY, AxisMode.BLOCK),
        ("tools/run.py", Axis.READABILITY, AxisMode.MONITOR),
        ("tools/deep/run.py", Axis.SECURITY, AxisMode.COMMENT),
        ("legacy/payments/pay.py", Axis.SECURITY, AxisMode.COMMENT),  # the last that matches
        ("legacy/payments/pay.py", Axis.EFFICIENCY, AxisMode.OFF),  # and says something of it
        ("legacy/payments/old.py", Axis.SECURITY, AxisMode.OFF),
    ],
)
def test_the_last_rule_that_matches_and_speaks_of_the_axis_counts(
    path: str, axis: Axis, mode: AxisMode
) -> None:
    assert mode_at(path, axis, settings()) is mode


def test_the_order_of_rules_decides(calibration: Calibration) -> None:
    first = '[[paths]]\nmatch = ["a/"]\nmode = "off"\n'
    second = '[[paths]]\nmatch = ["*.py"]\nmode = "comment"\n'
    assert mode_at("a/b.py", Axis.SECURITY, settings(first + second)) is AxisMode.COMMENT
    assert mode_at("a/b.py", Axis.SECURITY, settings(second + first)) is AxisMode.OFF


def test_findings_are_shown_withheld_or_silent_by_their_files(calibration: Calibration) -> None:
    paths = ("legacy/pay.py", "legacy/payments/pay.py", "shop.py", "tools/run.py")
    report = reviewed(calibration, settings(), *paths, words="safe fast")
    assert [(each.path, each.axis.value) for each in report.findings] == [
        ("legacy/payments/pay.py", "security"),
        ("shop.py", "efficiency"),
        ("shop.py", "security"),
        ("tools/run.py", "security"),
    ]
    reasons = {
        (each.finding.path, each.finding.axis.value): each.reason for each in report.withheld
    }
    assert reasons == {
        ("legacy/pay.py", "efficiency"): "efficiency is off by configuration",
        ("legacy/pay.py", "security"): "security is off by configuration",
        ("legacy/payments/pay.py", "efficiency"): "efficiency is off by configuration",
        ("tools/run.py", "efficiency"): "monitored only",
    }
    shown = {each.function.path: set(each.scores) for each in report.functions}
    assert shown["legacy/pay.py"] == set()
    assert shown["legacy/payments/pay.py"] == {Axis.SECURITY}
    assert shown["shop.py"] == set(Axis) - {Axis.READABILITY}
    assert shown["tools/run.py"] == set(Axis)


def test_only_where_a_rule_says_so_a_finding_blocks(calibration: Calibration) -> None:
    precise = replace(calibration, precision=dict.fromkeys(WORDS, 0.97))
    report = reviewed(precise, settings(), "shop.py", "tools/run.py")
    assert [each.path for each in blocking(report.findings, settings(), precise)] == [
        "tools/run.py"
    ]


def test_a_block_that_is_refused_is_said_even_if_only_a_rule_asks_for_it(
    calibration: Calibration,
) -> None:
    criteria = ("Security_Hardness",)
    assert "block is refused" in str(refused(Axis.SECURITY, criteria, settings(), calibration))
    report = reviewed(calibration, settings(), "shop.py")
    assert any("security: block is refused" in notice for notice in report.notices)


def test_a_glob_that_is_none_is_a_mistake_in_the_configuration(calibration: Calibration) -> None:
    broken = settings('[[paths]]\nmatch = ["!"]\nmode = "off"\n')
    with pytest.raises(ConfigurationError, match="paths: "):
        reviewed(calibration, broken, "shop.py")
