"""Which findings may fail a check: those on axes in `block` mode whose precision was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from review_core.calibration import Calibration
from review_core.config import AxisMode, Settings
from review_core.path_rules import mode_at, modes_of
from review_core.types import Axis, Finding

BLOCK_PRECISION = 0.95
"""The share of right verdicts, on repositories left out, from which a model may stop a merge."""


def blocking(
    findings: Iterable[Finding],
    settings: Settings,
    calibration: Calibration,
    judge: Calibration | None = None,
) -> tuple[Finding, ...]:
    """Those of the findings that fail the check.

    :param judge: the second model's, by which its own findings go; without it they fail nothing.
    """
    return tuple(
        each
        for each in findings
        if (of := judge if each.by_judge else calibration) is not None
        and mode_at(each.path, each.axis, settings) is AxisMode.BLOCK
        and _is_precise(each.axis, each.criterion, settings, of)
    )


def refused(
    axis: Axis, criteria: Sequence[str], settings: Settings, calibration: Calibration
) -> str | None:
    """Why `block` is not obeyed on this axis, None if it is or nobody asked for it."""
    asked = AxisMode.BLOCK in modes_of(axis, settings)
    if not asked or any(_is_precise(axis, each, settings, calibration) for each in criteria):
        return None
    stated = [calibration.precision[each] for each in criteria if each in calibration.precision]
    reason = f"states {max(stated):.1%}" if stated else "states none"
    if stated and max(stated) >= BLOCK_PRECISION:
        reason = "was measured with a stricter worse_at"
    return (
        f"{axis}: block is refused and findings are comments; it needs a precision of "
        f"{BLOCK_PRECISION:.0%} on held-out data, the model {reason}"
    ).replace("%", " %")


def _is_precise(axis: Axis, criterion: str, settings: Settings, calibration: Calibration) -> bool:
    wanted = settings.axes[axis].worse_at
    measured = calibration.of(criterion).worse_at
    # The precision was measured at the bundle's threshold; below it nobody knows.
    unmeasured = measured is None or (wanted is not None and wanted < 1 - measured)
    return not unmeasured and calibration.precision.get(criterion, 0.0) >= BLOCK_PRECISION
