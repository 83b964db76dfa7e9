"""Honest numbers from scored preference pairs: accuracy that length cannot buy, with intervals and
calibration error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COVERAGES = (1.0, 0.75, 0.5, 0.25)
_BOOTSTRAPS = 1000
_BINS = 15
_FLOOR_DRAWS = 200


@dataclass(frozen=True, slots=True)
class PairOutcome:
    """One scored pair.

    margin = reward(chosen) - reward(rejected), in logits. preference: calibrated P(chosen better),
    in [0, 1]. longer: whether the chosen side has more characters, None if both have as many.
    group: its repository, or whatever else is resampled whole.
    """

    margin: float
    preference: float
    aspect: str
    language: str
    subset: str
    group: str
    longer: bool | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval (percentile bootstrap over groups); None where nothing can be
    said.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict[str, float | None]:
        """Value and bounds, rounded to 4 decimals."""
        return {name: _rounded(getattr(self, name)) for name in ("value", "low", "high")}


@dataclass(frozen=True, slots=True)
class Difference:
    """Ours less theirs on the same pairs, each with its 95 % interval (the same groups drawn for
    both).
    """

    n: int
    pairwise_accuracy: Estimate
    length_balanced_accuracy: Estimate

    def to_json(self) -> dict[str, object]:
        """All fields, rounded to 4 decimals."""
        return {
            "n": self.n,
            "pairwise_accuracy": self.pairwise_accuracy.to_json(),
            "length_balanced_accuracy": self.length_balanced_accuracy.to_json(),
        }


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Pairs of like confidence: how sure the model was and how often it was right, both means."""

    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class CalibrationFloor:
    """The calibration error that a perfectly calibrated model would measure with these confidences:
    bins of few pairs are never even.

    mean: expected. high: what one such measurement in 20 exceeds.
    """

    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a table row says.

    length_balanced_accuracy: within each aspect the mean of the accuracy where chosen is longer and
    where it is shorter, then the mean over aspects; "longer wins" and "shorter wins" score .5.
    size_only_baseline: accuracy of "longer wins", ties counted half. calibration_error: expected,
    over 15 bins of equal count of max(p, 1-p) against being right. accuracy_at_coverage: accuracy
    over the most confident share of the pairs.
    """

    n: int
    pairwise_accuracy: Estimate
    length_balanced_accuracy: Estimate
    size_only_baseline: float | None
    calibration_error: float | None
    accuracy_at_coverage: tuple[tuple[float, float | None], ...]

    def to_json(self) -> dict[str, object]:
        """As `themis bench --json` prints it."""
        return {
            "n": self.n,
            "pairwise_accuracy": self.pairwise_accuracy.to_json(),
            "length_balanced_accuracy": self.length_balanced_accuracy.to_json(),
            "size_only_baseline": _rounded(self.size_only_baseline),
            "ece": _rounded(self.calibration_error),
            "accuracy_at_coverage": {
                str(round(100 * share)): _rounded(value)
                for share, value in self.accuracy_at_coverage
            },
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def measure(outcomes: Sequence[PairOutcome], *, seed: int = 0) -> Metrics:
    """All figures of one set of pairs. A margin of exactly 0 is wrong: the model did not tell."""
    right = np.array([outcome.margin > 0 for outcome in outcomes], dtype=float)
    confidence = confidences(outcomes)
    size_only = [0.5 if outcome.longer is None else float(outcome.longer) for outcome in outcomes]
    samples = _group_samples(outcomes, seed)
    return Metrics(
        n=len(outcomes),
        pairwise_accuracy=_estimate(_cell_sums(outcomes, right, ["all"] * len(outcomes)), samples),
        length_balanced_accuracy=_balanced(outcomes, right, samples),
        size_only_baseline=float(np.mean(size_only)) if outcomes else None,
        calibration_error=expected_calibration_error(confidence, right),
        accuracy_at_coverage=tuple(
            (share, _accuracy_at(confidence, right, share)) for share in COVERAGES
        ),
    )


def mean_by_group(values: Sequence[tuple[str, float]], *, seed: int = 0) -> Estimate:
    """The mean of (group, value) with its interval over groups; no interval for one group."""
    groups = sorted({group for group, _ in values})
    if not groups:
        return Estimate(None)
    row = {group: index for index, group in enumerate(groups)}
    sums, counts = np.zeros((len(groups), 1)), np.zeros((len(groups), 1))
    for group, value in values:
        sums[row[group]] += value
        counts[row[group]] += 1
    return _estimate((sums, counts, ["all"]), _draws(len(groups), seed))


def compare(
    ours: Sequence[PairOutcome], theirs: Sequence[PairOutcome], *, seed: int = 0
) -> Difference:
    """How much better ours is, by a paired bootstrap over groups.

    :param theirs: the outcomes of the same pairs in the same order.
    :raises ValueError: if they are not of the same pairs.
    """
    if [_place(each) for each in ours] != [_place(each) for each in theirs]:
        raise ValueError("outcomes to compare must be of the same pairs in the same order")
    gain = np.array(
        [float(a.margin > 0) - float(b.margin > 0) for a, b in zip(ours, theirs, strict=True)]
    )
    samples = _group_samples(ours, seed)
    return Difference(
        len(ours),
        _estimate(_cell_sums(ours, gain, ["all"] * len(ours)), samples),
        _balanced(ours, gain, samples),
    )


def confidences(outcomes: Sequence[PairOutcome]) -> NDArray[np.float64]:
    """max(p, 1 - p) of each pair's preference; shape (n,), each in [.5, 1]."""
    return np.array([abs(outcome.preference - 0.5) + 0.5 for outcome in outcomes])


def expected_calibration_error(
    confidence: NDArray[np.float64], right: NDArray[np.float64]
) -> float | None:
    """Mean gap between confidence and accuracy over bins of equal count; None without pairs.

    :param confidence: shape (n,), each in [.5, 1]. :param right: shape (n,), 1 where the model was
    right.
    """
    if not len(right):
        return None
    bins = reliability(confidence, right)
    return float(sum(each.n * abs(each.confidence - each.accuracy) for each in bins) / len(right))


def reliability(
    confidence: NDArray[np.float64], right: NDArray[np.float64], bins: int = _BINS
) -> tuple[ReliabilityBin, ...]:
    """Up to `bins` bins of equal count, by rising confidence: what a reliability diagram shows."""
    return tuple(
        ReliabilityBin(len(part), float(confidence[part].mean()), float(right[part].mean()))
        for part in _bins(confidence, bins)
    )


def calibration_floor(confidence: NDArray[np.float64], *, seed: int = 0) -> CalibrationFloor | None:
    """What `expected_calibration_error` measures when each pair is right with the probability that
    its confidence says, over 200 draws; None without pairs.

    Source: the bias of binned estimators, Roelofs et al. (2022).
    """
    if not len(confidence):
        return None
    draws = np.random.default_rng(seed).random((_FLOOR_DRAWS, len(confidence)))
    right = (draws < confidence).astype(float)  # draws x n
    errors = np.zeros(_FLOOR_DRAWS)
    for part in _bins(confidence):
        errors += len(part) * abs(right[:, part].mean(1) - confidence[part].mean())
    errors /= len(confidence)
    return CalibrationFloor(float(errors.mean()), float(np.percentile(errors, 95)))


def accuracy_by_coverage(
    confidence: NDArray[np.float64], right: NDArray[np.float64], points: int = 40
) -> tuple[tuple[float, float], ...]:
    """(coverage, accuracy over the most confident share of the pairs), from 1 / points to 1."""
    curve = []
    for step in range(1, points + 1):
        at = _accuracy_at(confidence, right, step / points)
        if at is not None:
            curve.append((step / points, at))
    return tuple(curve)


def _place(outcome: PairOutcome) -> tuple[str, str, bool | None]:
    return outcome.group, outcome.aspect, outcome.longer


def _bins(confidence: NDArray[np.float64], bins: int = _BINS) -> list[NDArray[np.intp]]:
    order = np.argsort(confidence, kind="stable")
    return [part for part in np.array_split(order, bins) if len(part)]


def _accuracy_at(
    confidence: NDArray[np.float64], right: NDArray[np.float64], share: float
) -> float | None:
    kept = np.argsort(-confidence, kind="stable")[: round(share * len(right))]
    return float(right[kept].mean()) if len(kept) else None


# A statistic is a ratio of sums over cells; with sums per (group, cell) a bootstrap is one matrix
# product.
_CellSums = tuple[
    NDArray[np.float64], NDArray[np.float64], list[str]
]  # hits, counts: groups x cells


def _cell_sums(
    outcomes: Sequence[PairOutcome], right: NDArray[np.float64], cells: Sequence[str | None]
) -> _CellSums:
    groups = sorted({outcome.group for outcome in outcomes})
    names = sorted({cell for cell in cells if cell is not None})
    row, column = {g: i for i, g in enumerate(groups)}, {c: i for i, c in enumerate(names)}
    hits, counts = np.zeros((len(groups), len(names))), np.zeros((len(groups), len(names)))
    for outcome, hit, cell in zip(outcomes, right, cells, strict=True):
        if cell is not None:
            hits[row[outcome.group], column[cell]] += hit
            counts[row[outcome.group], column[cell]] += 1
    return hits, counts, names


def _group_samples(outcomes: Sequence[PairOutcome], seed: int) -> NDArray[np.float64]:
    """How often each group is drawn in each bootstrap; shape (bootstraps, groups)."""
    return _draws(len({outcome.group for outcome in outcomes}), seed)


def _draws(groups: int, seed: int) -> NDArray[np.float64]:
    if not groups:
        return np.zeros((0, 0))
    draws = np.random.default_rng(seed).multinomial(groups, [1 / groups] * groups, _BOOTSTRAPS)
    return draws.astype(float)


def _estimate(sums: _CellSums, samples: NDArray[np.float64]) -> Estimate:
    """Accuracy averaged over the cells, each cell counting the same."""
    hits, counts, _ = sums
    if not counts.size:
        return Estimate(None)
    value = float((hits.sum(0) / counts.sum(0)).mean())
    if len(hits) < 2:
        return Estimate(value)  # one group: nothing to resample
    with np.errstate(invalid="ignore"):
        drawn = (samples @ hits) / (
            samples @ counts
        )  # bootstraps x cells; nan where a cell was not drawn
    whole = drawn[~np.isnan(drawn).any(1)].mean(1)
    if not len(whole):
        return Estimate(value)
    low, high = np.percentile(whole, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


def _balanced(
    outcomes: Sequence[PairOutcome], right: NDArray[np.float64], samples: NDArray[np.float64]
) -> Estimate:
    """Mean over aspects of the mean over directions = mean over cells, if both directions of an
    aspect exist.
    """
    directions = {(outcome.aspect, outcome.longer) for outcome in outcomes}
    whole = {aspect for aspect, _ in directions if {(aspect, True), (aspect, False)} <= directions}
    cells = [
        f"{outcome.aspect}/{outcome.longer}"
        if outcome.longer is not None and outcome.aspect in whole
        else None
        for outcome in outcomes
    ]
    return _estimate(_cell_sums(outcomes, right, cells), samples)
