"""What a calibrated model would have said: its verdicts on pairs and on neutral edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from review_core.calibration import Calibration
from review_core.types import Verdict
from training.evaluation.margins import ScoredPair


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """One criterion's verdicts.

    pairs: of its aspect, scored. given, right: verdicts on them other than `unsure`, and those that
    prefer the chosen side. neutral: edits that change nothing, scored and of a kind that a review
    judges; flagged: those called worse in one of the two directions they can be made in.
    """

    pairs: int
    given: int
    right: int
    neutral: int
    flagged: int

    def to_json(self) -> dict[str, Any]:
        """Counts, and the share of right ones with its Wilson interval."""
        low, high = wilson(self.right, self.given)
        return {
            "pairs": self.pairs,
            "given": self.given,
            "right": self.right,
            "precision": round(self.right / self.given, 4) if self.given else None,
            "precision_low": low,
            "precision_high": high,
            "neutral_edits": self.neutral,
            "neutral_called_worse": round(self.flagged / 2 / self.neutral, 4)
            if self.neutral
            else None,
        }


def count_verdicts(
    pairs: Sequence[ScoredPair], calibration: Calibration, criterion: str
) -> VerdictCounts:
    """The verdicts that `calibration` gives on this criterion."""
    scored = [pair for pair in pairs if pair.margins is not None and criterion in pair.margins]
    asked = [p for p in scored if not p.tie and criterion in (p.aspect, p.fine_aspect)]
    said = [_verdict(pair, calibration, criterion) for pair in asked]
    neutral = [pair for pair in scored if pair.tie and pair.judged]
    spoken = [_verdict(pair, calibration, criterion) is not Verdict.UNSURE for pair in neutral]
    return VerdictCounts(
        pairs=len(asked),
        given=sum(verdict is not Verdict.UNSURE for verdict in said),
        right=said.count(Verdict.BETTER),
        neutral=len(neutral),
        flagged=sum(spoken),
    )


def any_neutral_flagged(
    pairs: Sequence[ScoredPair], calibration: Calibration, criteria: Sequence[str]
) -> tuple[int, int]:
    """How many judged neutral edits some criterion calls worse when made in one of the two
    directions, counted once for each direction, and how many readings (two an edit) there are.
    """
    neutral = [pair for pair in pairs if pair.tie and pair.judged and pair.margins is not None]
    flagged = 0
    for pair in neutral:
        said = {_verdict(pair, calibration, key) for key in criteria}
        flagged += (Verdict.WORSE in said) + (Verdict.BETTER in said)
    return flagged, 2 * len(neutral)


def wilson(right: int, count: int, level: float = 0.95) -> tuple[float | None, float | None]:
    """The interval of a share of independent trials; (None, None) without trials.

    Source: Wilson (1927).
    """
    if not count:
        return None, None
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = right / count
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (share * (1 - share) / count + (z / (2 * count)) ** 2) ** 0.5
    return round(centre - half, 4), round(centre + half, 4)


def _verdict(pair: ScoredPair, calibration: Calibration, criterion: str) -> Verdict:
    margin = (pair.margins or {})[criterion]
    preference = calibration.preference(criterion, margin, pair.language)
    return calibration.verdict(criterion, preference, pair.language)
