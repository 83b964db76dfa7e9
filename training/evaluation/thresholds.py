"""From how sure on a criterion may speak: the least confidence that keeps a noise limit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from review_core.calibration import CriterionCalibration
from training.evaluation.curves import Margins, preferences
from training.evaluation.evidence import Evidence


@dataclass(frozen=True, slots=True)
class NoiseLimit:
    """When a verdict may be given.

    precision: least share of right verdicts among those given on held-out pairs, both length
    directions weighing alike. neutral: greatest share of neutral edits, read either way, that may
    be called worse, per criterion. unrelated: that of commits made for the sake of something else,
    in the direction they were made: most of what a review sees. flagged: fewer verdicts than this
    on the held-out pairs prove nothing: the criterion stays silent.
    """

    precision: float = 0.9
    neutral: float = 0.004
    unrelated: float = 0.01
    flagged: int = 20

    def stricter(self, share: float) -> NoiseLimit:
        """With that share of the noise allowed, in (0, 1]."""
        return replace(
            self,
            precision=1 - (1 - self.precision) * share,
            neutral=self.neutral * share,
            unrelated=self.unrelated * share,
        )


@dataclass(frozen=True, slots=True)
class Noise:
    """What verdicts from some confidence on do on some evidence; sums, so that folds add up.

    right_weight, weight: of the verdicts given, weighed so that both directions of length count
    alike. neutral_flagged counts an edit once for the one direction in which it is called worse.
    said: the repository of each verdict given, and whether it was right.
    """

    asked: int = 0
    given: int = 0
    right: int = 0
    right_weight: float = 0.0
    weight: float = 0.0
    neutral: int = 0
    neutral_flagged: int = 0
    unrelated: int = 0
    unrelated_flagged: int = 0
    said: tuple[tuple[str, bool], ...] = ()

    def __add__(self, other: Noise) -> Noise:
        return Noise(*(getattr(self, name) + getattr(other, name) for name in Noise.__slots__))

    def keeps(self, limit: NoiseLimit) -> bool:
        """Whether these verdicts are within the limit."""
        return (
            self.given >= limit.flagged
            and self.right_weight >= limit.precision * self.weight
            and self.neutral_flagged <= 2 * limit.neutral * self.neutral
            and self.unrelated_flagged <= limit.unrelated * self.unrelated
        )


def noise(curve: CriterionCalibration, least: float | None, evidence: Evidence) -> Noise:
    """What verdicts from confidence `least` on, none if it is None, do on `evidence`."""
    from_on = np.inf if least is None else least
    margins, weights = evidence.asked.margins, evidence.weights
    given = preferences(curve, np.abs(margins)) >= from_on
    right = given & (margins > 0)
    neutral = preferences(curve, np.abs(evidence.neutral.margins)) >= from_on
    unrelated = 1 - preferences(curve, evidence.unrelated.margins) >= from_on
    return Noise(
        asked=len(margins),
        given=int(given.sum()),
        right=int(right.sum()),
        right_weight=float(weights[right].sum()),
        weight=float(weights[given].sum()),
        neutral=len(neutral),
        neutral_flagged=int(neutral.sum()),
        unrelated=len(unrelated),
        unrelated_flagged=int(unrelated.sum()),
        said=tuple(zip(evidence.asked.groups[given].tolist(), right[given].tolist(), strict=True)),
    )


def least_confidence_on(
    curve: CriterionCalibration, evidence: Evidence, limit: NoiseLimit
) -> float | None:
    """The smallest confidence from which verdicts keep `limit` on this evidence; None if none
    does.
    """
    margins = evidence.asked.margins
    return least_confidence(
        preferences(curve, np.abs(margins)),
        margins > 0,
        evidence.weights,
        preferences(curve, np.abs(evidence.neutral.margins)),
        1 - preferences(curve, evidence.unrelated.margins),
        limit,
    )


def least_confidence(
    confidence: Margins,
    right: NDArray[np.bool_],
    weights: Margins,
    neutral: Margins,
    unrelated: Margins,
    limit: NoiseLimit,
) -> float | None:
    """The smallest confidence from which verdicts keep `limit`, on these pairs; None if none does.

    Each pair is read both ways (base to head, head to base): one is a "worse" that is right or
    wrong as the pair is. A neutral edit, read both ways, is called worse once.

    :param confidence: max(p, 1 - p) of each pair. :param neutral: that of each neutral edit.
    :param unrelated: P(worse) of each commit made for something else.
    """
    candidates, first = np.unique(np.sort(confidence), return_index=True)
    order = np.argsort(confidence, kind="stable")
    # What is given from each candidate on: sums from there to the end.
    all_weights = np.cumsum(weights[order][::-1])[::-1][first]
    right_weights = np.cumsum((weights * right)[order][::-1])[::-1][first]
    fits = (
        (len(confidence) - first >= limit.flagged)
        & (right_weights >= limit.precision * all_weights - 1e-12)
        & (_share_from(neutral, candidates) / 2 <= limit.neutral)
        & (_share_from(unrelated, candidates) <= limit.unrelated)
    )
    return float(candidates[fits.argmax()]) if fits.any() else None


def _share_from(values: Margins, candidates: Margins) -> Margins:
    """The share of values that reach each candidate; 0 without values."""
    if not len(values):
        return np.zeros(len(candidates))
    below = np.searchsorted(np.sort(values), candidates, side="left")
    return np.asarray(1 - below / len(values))
