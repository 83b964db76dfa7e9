"""Which findings may fail a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from review_core.api import review
from review_core.calibration import Calibration
from review_core.config import AxisMode, Settings, default_settings
from review_core.findings import MONITORED
from review_core.gates import blocking, refused
from review_core.types import Axis, Change, FileChange, Report

SECURITY = "Security_Hardness"


def settings(mode: AxisMode, worse_at: float | None = None) -> Settings:
    settings = default_settings()
    axis = replace(settings.axes[Axis.SECURITY], mode=mode, worse_at=worse_at)
    return replace(settings, axes={**settings.axes, Axis.SECURITY: axis})


def measured(calibration: Calibration, precision: float) -> Calibration:
    return replace(calibration, precision={SECURITY: precision})


@pytest.mark.parametrize(
    ("mode", "worse_at", "precision", "blocks"),
    [
        (AxisMode.BLOCK, None, 0.96, True),
        (AxisMode.BLOCK, 0.95, 0.96, True),  # stricter than the .9 that was measured
        (AxisMode.BLOCK, 0.8, 0.96, False),  # laxer: what was measured says nothing of it
        (AxisMode.BLOCK, None, 0.949, False),
        (AxisMode.COMMENT, None, 0.99, False),
    ],
)
def test_a_finding_blocks_only_where_asked_and_measured_to_be_precise(
    report: Report,
    calibration: Calibration,
    mode: AxisMode,
    worse_at: float | None,
    precision: float,
    blocks: bool,
) -> None:
    found = blocking(report.findings, settings(mode, worse_at), measured(calibration, precision))
    assert [each.axis for each in found] == ([Axis.SECURITY] if blocks else [])


def test_a_refused_block_is_said_with_what_the_model_states(calibration: Calibration) -> None:
    block = settings(AxisMode.BLOCK)
    assert refused(Axis.SECURITY, (SECURITY,), block, measured(calibration, 0.96)) is None
    assert refused(Axis.SECURITY, (SECURITY,), settings(AxisMode.COMMENT), calibration) is None
    told = refused(Axis.SECURITY, (SECURITY,), block, measured(calibration, 0.934))
    assert told == (
        "security: block is refused and findings are comments; it needs a precision of 95 % "
        "on held-out data, the model states 93.4 %"
    )
    assert str(refused(Axis.SECURITY, (SECURITY,), block, calibration)).endswith("states none")
    lax = settings(AxisMode.BLOCK, 0.8)
    told = refused(Axis.SECURITY, (SECURITY,), lax, measured(calibration, 0.96))
    assert str(told).endswith("the model was measured with a stricter worse_at")


def test_a_bundle_states_the_lesser_of_its_two_held_out_readings() -> None:
    document: dict[str, Any] = {
        "format": 1,
        "criteria": {},
        "measured": {
            "A": {"held_out": {"right": 0.96, "right_length_balanced": 0.93}},
            "B": {"held_out": {"right": None, "right_length_balanced": None}},
            "C": {"pairs": 0},
        },
    }
    assert Calibration.from_json(document).precision == {"A": 0.93}


def judged(mode: AxisMode, fake_scorer: Callable[..., Any], calibration: Calibration) -> Report:
    file = FileChange("a.py", "def f():\n    return 1\n", "def f():\n    return not_safe\n")
    change = Change("base", "head", (file,))
    return review(change, fake_scorer(), calibration, settings(mode))


def test_a_monitored_axis_is_scored_and_withheld(
    fake_scorer: Callable[..., Any], calibration: Calibration
) -> None:
    report = judged(AxisMode.MONITOR, fake_scorer, calibration)
    assert report.findings == ()
    assert [each.reason for each in report.withheld] == [MONITORED]
    assert Axis.SECURITY in report.functions[0].scores


def test_a_refused_block_is_a_comment_and_a_notice(
    fake_scorer: Callable[..., Any], calibration: Calibration
) -> None:
    report = judged(AxisMode.BLOCK, fake_scorer, calibration)
    assert [each.axis for each in report.findings] == [Axis.SECURITY]
    assert any(notice.startswith("security: block is refused") for notice in report.notices)
