"""What a confident `worse` leads to in a file: the axis' mode, or what a rule says for the path."""

from __future__ import annotations

from review_core.config import AxisMode, Settings
from review_core.globs import compiled
from review_core.types import Axis


def mode_at(path: str, axis: Axis, settings: Settings) -> AxisMode:
    """The mode of an axis in a file: the last rule counts that matches and speaks of the axis.

    :param path: POSIX, from the root of what is reviewed.
    :raises ConfigurationError: where a glob of a rule is not one.
    """
    for rule in reversed(settings.paths):
        if axis in rule.modes and compiled("paths", rule.match).match_file(path):
            return rule.modes[axis]
    return settings.axes[axis].mode


def modes_of(axis: Axis, settings: Settings) -> frozenset[AxisMode]:
    """Every mode that the axis may have in some file."""
    by_rules = (rule.modes[axis] for rule in settings.paths if axis in rule.modes)
    return frozenset((settings.axes[axis].mode, *by_rules))
