"""Turns margins on held-out pairs into probabilities and thresholds: one temperature and one noise
limit a criterion.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from review_core.bench import PairScorer
from review_core.comments import same_code
from review_core.languages import language_named
from review_core.metrics import expected_calibration_error
from review_core.records import PreferencePair
from training.sampling import chosen_is_longer

_TEMPERATURES = (0.01, 100.0)


@dataclass(frozen=True, slots=True)
class NoiseLimit:
    """When a verdict may be given.

    precision: least share of right verdicts among those given on held-out pairs, both length
    directions weighing alike. neutral: greatest share of neutral edits, read either way, that may
    be called worse, per criterion. flagged: fewer verdicts than this on the held-out pairs prove
    nothing: the criterion stays silent.
    """

    precision: float = 0.9
    neutral: float = 0.004
    flagged: int = 20


def calibrate(
    pairs: Sequence[PreferencePair], scorer: PairScorer, limit: NoiseLimit
) -> dict[str, Any]:
    """calibration.json for a scorer.

    :param pairs: held-out pairs; those with `tie` set are neutral edits and count for every
        criterion, but for edits of comments or layout alone: a review never judges those.
    """
    pairs = [pair for pair in pairs if not (pair.tie and _never_judged(pair))]
    codes = [code for pair in pairs for code in (pair.chosen, pair.rejected)]
    rewards = scorer.rewards(codes)
    asked: dict[str, list[tuple[float, bool | None]]] = defaultdict(list)
    neutral: dict[str, list[float]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        chosen, rejected = rewards[2 * index], rewards[2 * index + 1]
        if chosen is None or rejected is None:
            continue
        for criterion in scorer.criteria:
            margin = chosen[criterion] - rejected[criterion]
            if pair.tie:
                neutral[criterion].append(margin)
            elif criterion in (pair.aspect, pair.fine_aspect):
                asked[criterion].append((margin, chosen_is_longer(pair)))
    criteria, measured = {}, {}
    for criterion in scorer.criteria:
        rows = asked[criterion]
        margins = np.array([margin for margin, _ in rows])
        weights = _direction_weights([longer for _, longer in rows])
        criteria[criterion], measured[criterion] = _calibrate_criterion(
            margins, weights, np.abs(np.array(neutral[criterion])), limit
        )
    return {"format": 1, "criteria": criteria, "measured": measured}


def fit_temperature(margins: NDArray[np.float64]) -> float:
    """The T that makes sigmoid(margin / T) likeliest, given that each margin is right side up.
    Source: Guo et al. (2017).

    A model that is wrong more often than right gets the flattest curve allowed, not a negative one.
    """

    def cost(log_temperature: float) -> float:
        return float(np.logaddexp(0, -margins / math.exp(log_temperature)).mean())

    low, high = (math.log(bound) for bound in _TEMPERATURES)
    return math.exp(float(minimize_scalar(cost, bounds=(low, high), method="bounded").x))


def least_margin(
    margins: NDArray[np.float64],
    weights: NDArray[np.float64],
    neutral: NDArray[np.float64],
    limit: NoiseLimit,
) -> float | None:
    """The smallest |margin| from which verdicts keep `limit`, on these pairs; None if there is
    none.

    Each pair is read both ways (base to head, head to base), so a margin at or above the limit is
    one right "worse" and one at or below its negative is one wrong "worse". A neutral edit of
    |margin| m, read both ways, is called worse once.

    :param neutral: |margin| of neutral edits.
    """
    for candidate in np.sort(np.abs(margins)):
        given = np.abs(margins) >= candidate
        if given.sum() < limit.flagged:
            return None
        right = weights[given & (margins > 0)].sum() / weights[given].sum()
        quiet = not len(neutral) or (neutral >= candidate).mean() / 2 <= limit.neutral
        if right >= limit.precision and quiet:
            return float(candidate)
    return None


def _calibrate_criterion(
    margins: NDArray[np.float64],
    weights: NDArray[np.float64],
    neutral: NDArray[np.float64],
    limit: NoiseLimit,
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    if not len(margins):  # nothing to learn from: never a verdict
        silent = {"temperature": 1.0, "worse_at": None, "better_at": None, "isotonic": None}
        return silent, {"pairs": 0}
    temperature = fit_temperature(margins)
    least = least_margin(margins, weights, neutral, limit)
    worse_at = None if least is None else round(1 / (1 + math.exp(least / temperature)), 4)
    confidence = 1 / (1 + np.exp(-np.abs(margins) / temperature))
    given = np.abs(margins) >= (math.inf if least is None else least)
    measured = {
        "pairs": len(margins),
        "neutral_edits": len(neutral),
        "ece": _rounded(expected_calibration_error(confidence, (margins > 0).astype(float))),
        "verdicts_on_pairs": int(given.sum()),
        "right": _rounded(float((margins[given] > 0).mean()) if given.any() else None),
        "right_length_balanced": _rounded(
            float(weights[given & (margins > 0)].sum() / weights[given].sum())
            if given.any()
            else None
        ),
        "neutral_called_worse": _rounded(
            float((neutral >= least).mean() / 2) if least is not None and len(neutral) else None
        ),
    }
    curve = {
        "temperature": round(temperature, 4),
        "worse_at": worse_at,
        "better_at": None if worse_at is None else round(1 - worse_at, 4),
        "isotonic": None,
    }
    return curve, measured


def _never_judged(pair: PreferencePair) -> bool:
    language = language_named(pair.language)
    return language is not None and same_code(pair.rejected, pair.chosen, language)


def _direction_weights(longer: Sequence[bool | None]) -> NDArray[np.float64]:
    """Weights that give the pairs whose chosen side is longer and those whose is shorter the same
    total.
    """
    counts = {direction: max(1, longer.count(direction)) for direction in (True, False)}
    mean = sum(counts.values()) / 2
    return np.array([1.0 if each is None else mean / counts[each] for each in longer])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
