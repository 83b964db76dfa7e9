"""From margins to probabilities: the curves that calibration may choose from. Each is fitted to all
criteria at once, because criteria with few pairs borrow from the others.

A pair is given with its better side first, so a margin's sign says whether the model was right, and
every curve is the same read either way: p(-m) = 1 - p(m).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize, minimize_scalar
from scipy.special import expit

from review_core.calibration import CriterionCalibration, Isotonic

Margins = NDArray[np.float64]
Fit = Callable[[Mapping[str, Margins]], dict[str, CriterionCalibration]]
"""Curves of all criteria from the margins of each; one without margins stays without a curve."""

_TEMPERATURES = (0.01, 100.0)
_BIN = 25
_SLOPE = 0.002
_ROUNDS = 10
_GRID = 24
"""Points of a written curve on either side of 0: interpolation is off by less than .002."""


def fit_temperatures(margins: Mapping[str, Margins]) -> dict[str, CriterionCalibration]:
    """One parameter a criterion, nothing shared."""
    return {
        key: CriterionCalibration(fit_temperature(some))
        for key, some in margins.items()
        if len(some)
    }


def fit_isotonics(margins: Mapping[str, Margins]) -> dict[str, CriterionCalibration]:
    """A measured curve a criterion, nothing shared."""
    return {
        key: CriterionCalibration(fit_temperature(some), isotonic=fit_isotonic(some))
        for key, some in margins.items()
        if len(some)
    }


def fit_shrunk(margins: Mapping[str, Margins]) -> dict[str, CriterionCalibration]:
    """Curves with a steepness, a bend and an asymptote, each drawn towards what the criteria have
    in common, the more the fewer pairs there are.
    """
    curves = fit_hierarchy(margins)
    return {
        key: CriterionCalibration(
            fit_temperature(margins[key]), isotonic=curve.table(float(np.abs(margins[key]).max()))
        )
        for key, curve in curves.items()
    }


def fit_temperature(margins: Margins) -> float:
    """The T that makes sigmoid(margin / T) likeliest, given that each margin is right side up.
    Source: Guo et al. (2017).

    A model that is wrong more often than right gets the flattest curve allowed, not a negative one.
    """

    def cost(log_temperature: float) -> float:
        return float(np.logaddexp(0, -margins / math.exp(log_temperature)).mean())

    low, high = (math.log(bound) for bound in _TEMPERATURES)
    return math.exp(float(minimize_scalar(cost, bounds=(low, high), method="bounded").x))


def fit_isotonic(margins: Margins) -> Isotonic:
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


@dataclass(frozen=True, slots=True)
class LapseCurve:
    """p(m) = lapse / 2 + (1 - lapse) * sigmoid(sign(m) * (|m| / temperature) ^ power).

    lapse: the share of pairs, in [0, 1], that are right or wrong whatever the margin says (labels
    that are wrong, errors that the model is sure of): the curve ends at 1 - lapse / 2. power: 1 is
    temperature scaling, less bends the curve so that large margins add less.
    Sources: beta calibration, Kull et al. (2017), held symmetric; the lapse rate of psychometric
    functions, Wichmann & Hill (2001).
    """

    temperature: float
    power: float
    lapse: float

    def __call__(self, margins: Margins) -> Margins:
        """Preferences, of the shape of `margins`."""
        bent = np.sign(margins) * (np.abs(margins) / self.temperature) ** self.power
        found: Margins = self.lapse / 2 + (1 - self.lapse) * expit(bent)
        return found

    def table(self, greatest: float) -> Isotonic:
        """The curve as calibration.json holds it, up to four times the greatest margin seen."""
        top = 4 * (greatest or 1.0)
        # Where the sigmoid bends, whatever the power: equal steps of it from 0 to its end.
        steps = np.linspace(0, 1, _GRID + 1)[1:]
        end = min(8.0, (top / self.temperature) ** self.power)
        at = self.temperature * (steps * end) ** (1 / self.power)
        sizes = sorted({round(float(each), 6) for each in [*at, top]} - {0.0})
        values = self(np.array(sizes))
        half = dict(zip(sizes, (round(float(each), 6) for each in values), strict=True))
        points = {-size: round(1 - value, 6) for size, value in half.items()} | {0.0: 0.5} | half
        return Isotonic(tuple(sorted(points)), tuple(points[size] for size in sorted(points)))


_CENTRE = np.array([0.0, 0.0, -2.0])
_SPREAD = np.array([1.5, 0.4, 1.0])
"""What is thought of log(T / median |margin|), log(power) and logit(lapse) before any pair is seen:
mean and standard deviation of what criteria have in common.
"""
_CRITERION_SPREAD = np.array([0.5, 0.2, 0.5])
"""How far criteria are thought to lie apart, as if two had been seen."""
_SEEN = 2.0


def fit_hierarchy(margins: Mapping[str, Margins]) -> dict[str, LapseCurve]:
    """A curve a criterion, their parameters drawn from one normal distribution that is estimated
    with them (empirical Bayes: expectation-maximisation with Laplace's approximation).

    Source: Gelman et al., Bayesian Data Analysis (2013), chapter 5.
    """
    some = {key: each for key, each in margins.items() if len(each)}
    scales = {key: float(np.median(np.abs(each))) or 1.0 for key, each in some.items()}
    scaled = {key: each / scales[key] for key, each in some.items()}
    centre, spread = _CENTRE.copy(), _CRITERION_SPREAD.copy()
    found = dict.fromkeys(some, centre)
    for _ in range(_ROUNDS):
        fits = {key: _posterior(scaled[key], found[key], centre, spread) for key in some}
        found = {key: mode for key, (mode, _) in fits.items()}
        if not fits:
            break
        modes = np.array(list(found.values()))  # criteria x 3
        variances = np.array([variance for _, variance in fits.values()])
        # The mean of the criteria, drawn to what was thought before by how little they agree.
        weight = len(modes) / spread**2
        centre = (modes.sum(0) / spread**2 + _CENTRE / _SPREAD**2) / (weight + 1 / _SPREAD**2)
        squares = ((modes - centre) ** 2 + variances).sum(0) + _SEEN * _CRITERION_SPREAD**2
        spread = np.sqrt(squares / (len(modes) + _SEEN))
    return {
        key: LapseCurve(scales[key] * math.exp(log_t), math.exp(log_power), float(expit(lapse)))
        for key, (log_t, log_power, lapse) in found.items()
    }


def _posterior(
    margins: Margins, start: Margins, centre: Margins, spread: Margins
) -> tuple[Margins, Margins]:
    """The likeliest parameters under the prior, and their variances there; shapes (3,)."""

    def cost(parameters: Margins) -> tuple[float, Margins]:
        p, slopes = _curve(margins, parameters)
        away = (parameters - centre) / spread
        value = -np.log(p).sum() + 0.5 * (away**2).sum()
        return float(value), -(slopes / p).sum(1) + away / spread

    mode = minimize(cost, start, jac=True, method="BFGS", options={"gtol": 1e-3}).x
    p, slopes = _curve(margins, mode)
    information = (slopes / (p * (1 - p))) @ slopes.T + np.diag(1 / spread**2)
    return mode, np.diag(np.linalg.inv(information))


def _curve(margins: Margins, parameters: Margins) -> tuple[Margins, Margins]:
    """The preference of each margin, and its slopes in the three parameters; (n,) and (3, n)."""
    log_t, log_power, log_odds = parameters
    power, lapse = math.exp(min(log_power, 3.0)), float(expit(log_odds))
    size = np.maximum(np.abs(margins), 1e-9)
    apart = np.log(size) - log_t
    bent = np.sign(margins) * np.exp(np.minimum(power * apart, 5.0))
    share = expit(bent)
    p = np.clip(lapse / 2 + (1 - lapse) * share, 1e-9, 1 - 1e-9)
    steep = (1 - lapse) * share * (1 - share) * bent
    slopes = np.array([-power * steep, power * apart * steep, lapse * (1 - lapse) * (0.5 - share)])
    return p, slopes


CURVES: Mapping[str, Fit] = {
    "temperature": fit_temperatures,
    "isotonic": fit_isotonics,
    "shrunk": fit_shrunk,
}
"""By the name that calibration.json gives for what was chosen."""


def preferences(curve: CriterionCalibration, margins: Margins) -> Margins:
    """`curve.preference` of each margin."""
    if curve.isotonic is not None:
        found: Margins = np.interp(margins, curve.isotonic.margins, curve.isotonic.preferences)
        return found
    scaled: Any = expit(margins / curve.temperature)
    return np.asarray(scaled)
