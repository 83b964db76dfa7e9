"""Turns margins on held-out pairs into probabilities and thresholds: one temperature and one noise
limit a criterion.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize_scalar

from review_core.bench import PairScorer
from review_core.calibration import CriterionCalibration, Isotonic
from review_core.comments import same_code
from review_core.languages import language_named
from review_core.metrics import expected_calibration_error
from review_core.records import PreferencePair
from training.criteria import CRITERIA
from training.sampling import COMMITS, chosen_is_longer

_TEMPERATURES = (0.01, 100.0)
_BIN = 25
_FOLDS = 5
_SLOPE = 0.002


@dataclass(frozen=True, slots=True)
class NoiseLimit:
    """When a verdict may be given.

    precision: least share of right verdicts among those given on held-out pairs, both length
    directions weighing alike. neutral: greatest share of neutral edits, read either way, that may
    be called worse, per criterion. unrelated: that of commits made for the sake of something else,
    in the direction they were made: most of what a review sees. flagged: fewer verdicts than this
    on the held-out pairs prove nothing: the criterion stays silent.

    Ten changed functions a pull request and two criteria with verdicts: .01 is one wrong comment in
    five pull requests.
    """

    precision: float = 0.9
    neutral: float = 0.004
    unrelated: float = 0.01
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
    asked: dict[str, list[tuple[float, bool | None, str]]] = defaultdict(list)
    neutral: dict[str, list[float]] = defaultdict(list)
    unrelated: dict[str, list[float]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        chosen, rejected = rewards[2 * index], rewards[2 * index + 1]
        if chosen is None or rejected is None:
            continue
        for criterion in scorer.criteria:
            margin = chosen[criterion] - rejected[criterion]
            if pair.tie:
                neutral[criterion].append(margin)
            elif criterion in (pair.aspect, pair.fine_aspect):
                asked[criterion].append((margin, chosen_is_longer(pair), pair.group))
            elif pair.subset == COMMITS and _family(criterion) != _family(pair.aspect):
                unrelated[criterion].append(margin)
    criteria, measured = {}, {}
    for criterion in scorer.criteria:
        rows = asked[criterion]
        margins = np.array([margin for margin, _, _ in rows])
        weights = _direction_weights([longer for _, longer, _ in rows])
        criteria[criterion], measured[criterion] = _calibrate_criterion(
            margins,
            weights,
            [row[2] for row in rows],
            np.array(neutral[criterion]),
            np.array(unrelated[criterion]),
            limit,
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


def fit_isotonic(margins: NDArray[np.float64]) -> Isotonic:
    """Accuracy by |margin|, made to rise, as a curve that is the same read either way.

    Bins of about 25 pairs, each with one right and one wrong pair added: no bin claims more than
    its pairs can support. A tail of confident errors, which a temperature cannot follow, flattens
    the curve; a slope of .002 over its whole length stays, so that a threshold on the preference
    can still tell margins apart.
    """
    size, right = np.abs(margins), margins > 0
    parts = np.array_split(np.argsort(size, kind="stable"), max(1, len(size) // _BIN))
    counts = np.array([len(part) for part in parts])
    accuracy = np.array([(right[part].sum() + 1) / (len(part) + 2) for part in parts])
    rising = np.maximum(0.5, isotonic_regression(accuracy, weights=counts).x)
    levels = [(float(size[part].mean()), float(at)) for part, at in zip(parts, rising, strict=True)]
    levels.append((float(size.max()), float(rising[-1])))
    points = {0.0: 0.5}  # by margin: equal ones keep the last
    for at, share in levels:
        value = round(min(share, 0.997) + _SLOPE * at / float(size.max() or 1), 6)
        points |= {round(at, 6): value, -round(at, 6): 1 - value} if round(at, 6) else {}
    return Isotonic(tuple(sorted(points)), tuple(points[at] for at in sorted(points)))


def least_confidence(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    weights: NDArray[np.float64],
    neutral: NDArray[np.float64],
    unrelated: NDArray[np.float64],
    limit: NoiseLimit,
) -> float | None:
    """The smallest confidence from which verdicts keep `limit`, on these pairs; None if none does.

    Each pair is read both ways (base to head, head to base): one is a "worse" that is right or
    wrong as the pair is. A neutral edit, read both ways, is called worse once.

    :param confidence: max(p, 1 - p) of each pair. :param neutral: that of each neutral edit.
    :param unrelated: P(worse) of each commit made for something else.
    """
    for candidate in np.unique(confidence):
        given = confidence >= candidate
        if given.sum() < limit.flagged:
            return None
        share = weights[given & right].sum() / weights[given].sum()
        quiet = not len(neutral) or (neutral >= candidate).mean() / 2 <= limit.neutral
        apt = not len(unrelated) or (unrelated >= candidate).mean() <= limit.unrelated
        if share >= limit.precision and quiet and apt:
            return float(candidate)
    return None


def _calibrate_criterion(
    margins: NDArray[np.float64],
    weights: NDArray[np.float64],
    groups: Sequence[str],
    neutral: NDArray[np.float64],
    unrelated: NDArray[np.float64],
    limit: NoiseLimit,
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    if not len(margins):  # nothing to learn from: never a verdict
        silent = {"temperature": 1.0, "worse_at": None, "better_at": None, "isotonic": None}
        return silent, {"pairs": 0}
    curve, costs = _choose_curve(margins, groups)
    confidence = np.array([curve.preference(abs(margin)) for margin in margins])
    quiet = np.array([curve.preference(abs(margin)) for margin in neutral])
    worse = np.array([1 - curve.preference(margin) for margin in unrelated])
    right = margins > 0
    least = least_confidence(confidence, right, weights, quiet, worse, limit)
    given = confidence >= (math.inf if least is None else least)
    measured = {
        "pairs": len(margins),
        "neutral_edits": len(neutral),
        "held_out_nats": {name: _rounded(cost) for name, cost in costs.items()},
        "ece": _rounded(expected_calibration_error(confidence, right.astype(float))),
        "verdicts_on_pairs": int(given.sum()),
        "right": _rounded(float(right[given].mean()) if given.any() else None),
        "right_length_balanced": _rounded(
            float(weights[given & right].sum() / weights[given].sum()) if given.any() else None
        ),
        "neutral_called_worse": _rounded(
            float((quiet >= least).mean() / 2) if least is not None and len(quiet) else None
        ),
        "unrelated_commits": len(unrelated),
        "unrelated_called_worse": _rounded(
            float((worse >= least).mean()) if least is not None and len(worse) else None
        ),
    }
    written = {
        "temperature": round(curve.temperature, 4),
        # Rounded towards silence.
        "worse_at": None if least is None else math.floor((1 - least) * 1e6) / 1e6,
        "better_at": None if least is None else math.ceil(least * 1e6) / 1e6,
        "isotonic": curve.isotonic
        and {"margins": curve.isotonic.margins, "preferences": curve.isotonic.preferences},
    }
    return written, measured


def _choose_curve(
    margins: NDArray[np.float64], groups: Sequence[str]
) -> tuple[CriterionCalibration, dict[str, float]]:
    """The temperature or the isotonic curve, whichever is likelier on groups it was not fitted on.

    :return: the curve fitted on all, and the mean nats a pair of both, over five folds.
    """
    names = sorted(set(groups))
    fold = np.array([names.index(group) % _FOLDS for group in groups])
    fits: Mapping[str, Callable[[NDArray[np.float64]], CriterionCalibration]] = {
        "temperature": lambda some: CriterionCalibration(fit_temperature(some)),
        "isotonic": lambda some: CriterionCalibration(
            fit_temperature(some), isotonic=fit_isotonic(some)
        ),
    }
    costs = {}
    for name, make in fits.items():
        nats = []
        for left_out in sorted(set(fold)):
            if (fold != left_out).any():
                curve = make(margins[fold != left_out])
                nats += [
                    -math.log(max(curve.preference(m), 1e-9)) for m in margins[fold == left_out]
                ]
        costs[name] = float(np.mean(nats)) if nats else 0.0
    best = min(costs, key=lambda name: costs[name])  # the temperature, where nothing can be told
    return fits[best](margins), costs


def _family(criterion: str) -> str:
    return CRITERIA.get(criterion) or criterion


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
