"""From a margin to a preference and a verdict, as a bundle's calibration says. Fits nothing."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from review_core.errors import BundleError
from review_core.types import Verdict

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Isotonic:
    """A measured curve: preference by margin, linear between the points, flat outside.

    Margins rise and preferences do not fall.
    """

    margins: tuple[float, ...]
    preferences: tuple[float, ...]

    def __post_init__(self) -> None:
        """:raises ValueError: unless both lists are of one length and in order."""
        if not self.margins or len(self.margins) != len(self.preferences):
            raise ValueError("isotonic needs as many preferences as margins, and at least one")
        if list(self.margins) != sorted(set(self.margins)):
            raise ValueError("isotonic margins must rise")
        if list(self.preferences) != sorted(self.preferences):
            raise ValueError("isotonic preferences must not fall")
        if not 0.0 <= self.preferences[0] <= self.preferences[-1] <= 1.0:
            raise ValueError("isotonic preferences are probabilities")

    def __call__(self, margin: float) -> float:
        """The preference at `margin`."""
        right = bisect_right(self.margins, margin)
        if right == 0:
            return self.preferences[0]
        if right == len(self.margins):
            return self.preferences[-1]
        below, above = self.margins[right - 1], self.margins[right]
        low, high = self.preferences[right - 1], self.preferences[right]
        return low + (high - low) * (margin - below) / (above - below)


@dataclass(frozen=True, slots=True)
class CriterionCalibration:
    """One criterion's curve and thresholds.

    worse_at, better_at: the preference from which that verdict is given, None for never.
    """

    temperature: float
    worse_at: float | None = None
    better_at: float | None = None
    isotonic: Isotonic | None = None

    def preference(self, margin: float) -> float:
        """P(head better), in [0, 1]."""
        if self.isotonic is not None:
            return self.isotonic(margin)
        return 0.5 * (1.0 + math.tanh(margin / self.temperature / 2))  # sigmoid, without overflow

    def verdict(self, preference: float) -> Verdict:
        """The verdict that the preference is enough for."""
        if self.worse_at is not None and preference <= self.worse_at:
            return Verdict.WORSE
        if self.better_at is not None and preference >= self.better_at:
            return Verdict.BETTER
        return Verdict.UNSURE


@dataclass(frozen=True, slots=True)
class Calibration:
    """All criteria; `languages` holds those of languages that were calibrated apart.

    precision: share of right verdicts on repositories left out, for criteria where it was measured.
    """

    criteria: Mapping[str, CriterionCalibration]
    languages: Mapping[str, Mapping[str, CriterionCalibration]] = field(default_factory=dict)
    precision: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Calibration:
        """Read format 1; `languages`, optional, maps a language to criteria of the same form.

        :raises BundleError: if a field is missing or out of range.
        """
        found = document.get("format") if isinstance(document, Mapping) else None
        if found != FORMAT:
            raise BundleError(
                f"calibration.json has format {found!r} and this version reads {FORMAT}; "
                "upgrade themis-review or export the bundle again"
            )
        try:
            return cls(
                _criteria(document["criteria"]),
                {name: _criteria(each) for name, each in document.get("languages", {}).items()},
                dict(_precision(document.get("measured", {}))),
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BundleError(
                f"calibration.json is not valid ({type(error).__name__}: {error}); "
                "export the bundle again"
            ) from error

    def preference(self, criterion: str, margin: float, language: str | None = None) -> float:
        """Calibrated P(head better) for a margin in logits, in [0, 1]."""
        return self.of(criterion, language).preference(margin)

    def verdict(
        self,
        criterion: str,
        preference: float,
        language: str | None = None,
        *,
        worse_at: float | None = None,
    ) -> Verdict:
        """What may be said at this preference.

        :param worse_at: the P(worse) that a configuration asks for in place of our threshold.
        """
        verdict = self.of(criterion, language).verdict(preference)
        if worse_at is None:
            return verdict
        if 1 - preference >= worse_at:
            return Verdict.WORSE
        return Verdict.UNSURE if verdict is Verdict.WORSE else verdict

    def of(self, criterion: str, language: str | None = None) -> CriterionCalibration:
        """A criterion's curve and thresholds.

        :raises BundleError: if the calibration lacks the criterion.
        """
        own = self.languages.get(language, {}) if language is not None else {}
        found = own.get(criterion) or self.criteria.get(criterion)
        if found is None:
            raise BundleError(
                f"calibration.json says nothing of {criterion}; "
                "calibrate it and export the bundle again"
            )
        return found


def _criteria(document: Mapping[str, Mapping[str, Any]]) -> dict[str, CriterionCalibration]:
    return {key: _criterion(key, fields) for key, fields in document.items()}


def _precision(measured: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The lesser of both readings: as counted, and with both directions of length alike."""
    for key, about in measured.items():
        held_out = about.get("held_out") or {}
        right, balanced = held_out.get("right"), held_out.get("right_length_balanced")
        if right is not None and balanced is not None:
            yield key, min(float(right), float(balanced))


def _criterion(key: str, fields: Mapping[str, Any]) -> CriterionCalibration:
    temperature = float(fields["temperature"])
    if not (math.isfinite(temperature) and temperature > 0):
        raise ValueError(f"{key}: temperature must be positive")
    worse_at, better_at = (
        _probability(key, name, fields[name]) for name in ("worse_at", "better_at")
    )
    if (worse_at or 0.0) > 0.5 or (1.0 if better_at is None else better_at) < 0.5:
        raise ValueError(f"{key}: worse_at is at most .5 and better_at at least .5")
    curve = fields.get("isotonic")
    isotonic = (
        None
        if curve is None
        else Isotonic(
            tuple(float(x) for x in curve["margins"]),
            tuple(float(x) for x in curve["preferences"]),
        )
    )
    return CriterionCalibration(temperature, worse_at, better_at, isotonic)


def _probability(key: str, name: str, value: Any) -> float | None:
    if value is None:
        return None
    if not 0.0 <= float(value) <= 1.0:
        raise ValueError(f"{key}: {name} must be in [0, 1]")
    return float(value)
