"""Turns margins on held-out pairs into probabilities and thresholds, and says what they do on
repositories that they were not chosen on.

Curves are chosen by their likelihood on repositories left out of the fit. For what is stated of
verdicts, all of it (choice, fit, threshold) is done again without a tenth of the repositories, ten
times; the one thing chosen by these very figures is how strict a threshold must be, of six degrees.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from review_core.calibration import CriterionCalibration
from review_core.metrics import (
    calibration_floor,
    expected_calibration_error,
    mean_by_group,
)
from training.evaluation.curves import CURVES, Margins, preferences
from training.evaluation.evidence import Evidence, gather, group_folds, in_fold, outside
from training.evaluation.margins import ScoredPair
from training.evaluation.thresholds import Noise, NoiseLimit, least_confidence_on, noise
from training.evaluation.verdicts import wilson
from training.settings import setting

log = logging.getLogger(__name__)
_INNER_FOLDS = 5
_STRICTNESS = (1.0, 0.75, 0.5, 0.3, 0.15, 0.05)
"""Shares of the noise allowed that a threshold is chosen with: what is within the limit on the
pairs it was chosen on seldom is on others.
"""
_SILENT: Mapping[str, Any] = {
    "temperature": 1.0,
    "worse_at": None,
    "better_at": None,
    "isotonic": None,
}


@dataclass(frozen=True, slots=True)
class CalibrateSettings:
    """Settings of `calibrate`: how much noise a user bears, and how it is measured."""

    precision: float = setting(
        0.9, "Least share of right verdicts on pairs of repositories left out."
    )
    wrong_comments: float = setting(
        0.2, "Most wrong comments a pull request, all criteria together; .2: one in five."
    )
    functions: float = setting(10.0, "Functions that a pull request changes.")
    speaking: int | None = setting(
        None, "Criteria that share the noise budget.  [default: those that end up with a verdict]"
    )
    neutral_share: float = setting(
        0.02, "Greatest share of neutral edits called worse, all criteria together."
    )
    flagged: int = setting(20, "Fewer verdicts than this on held-out pairs prove nothing.")
    folds: int = setting(10, "Parts that the repositories are divided into, each left out once.")
    threads: int = setting(0, "Threads of a bundle's engine. 0: one a core that it may use.")
    cache: bool = setting(True, "Remember rewards in the user's cache.")

    def limit(self, speaking: int) -> NoiseLimit:
        """What one of so many speaking criteria may do."""
        return NoiseLimit(
            precision=self.precision,
            neutral=self.neutral_share / speaking,
            unrelated=self.wrong_comments / self.functions / speaking,
            flagged=self.flagged,
        )


def calibrate(
    pairs: Sequence[ScoredPair],
    criteria: Sequence[str],
    settings: CalibrateSettings,
    shown: Collection[str] | None = None,
) -> dict[str, Any]:
    """calibration.json for these margins.

    :param pairs: held-out pairs; those with `tie` set are neutral edits and count for every
        criterion, but for edits of comments or layout alone: a review never judges those.
    :param shown: the criteria that a review shows, which share the noise budget; all if None.
    """
    evidence = gather(pairs, criteria)
    study = _Study.of(evidence, settings.folds)
    speaking, verdicts = _share_budget(study, settings, shown)
    written, measured = {}, {}
    for key in criteria:
        curve = study.whole.curves.get(key)
        if curve is None:  # nothing to learn from: never a verdict
            written[key], measured[key] = dict(_SILENT), {"pairs": 0}
        else:
            written[key] = _written(curve, verdicts[key].least)
            measured[key] = _measured(study, key, verdicts[key])
    return {
        "format": 1,
        "criteria": written,
        "measured": measured,
        "budget": _budget(settings, speaking, verdicts, shown),
    }


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Curves fitted on some evidence: what was chosen for each criterion, and why.

    nats: mean cost a pair of every kind of curve, on repositories left out of the fit.
    """

    evidence: Mapping[str, Evidence]
    curves: Mapping[str, CriterionCalibration]
    kinds: Mapping[str, str]
    nats: Mapping[str, Mapping[str, float]]

    @classmethod
    def on(cls, evidence: Mapping[str, Evidence]) -> _Fitted:
        """Choose and fit: the kind of curve that is likeliest on repositories it was not fitted
        on.
        """
        costs = _held_out_costs(evidence)
        kinds = _choose_kinds(costs)
        fits = {name: fit(_asked(evidence)) for name, fit in CURVES.items()}
        nats = {
            key: {name: float(cost.mean()) if len(cost) else math.nan for name, cost in of.items()}
            for key, of in costs.items()
        }
        curves = {key: fits[kinds[key]][key] for key in fits["temperature"]}
        return cls(evidence, curves, kinds, nats)


@dataclass(frozen=True, slots=True)
class _Study:
    """The calibration on all evidence, and the same procedure with each fold left out in turn.

    parts: fitted without a fold, and the evidence of that fold.
    """

    whole: _Fitted
    parts: Sequence[tuple[_Fitted, Mapping[str, Evidence]]]

    @classmethod
    def of(cls, evidence: Mapping[str, Evidence], folds: int) -> _Study:
        assigned = _folds(evidence, folds)
        parts = []
        for fold in sorted(set(assigned.values())):
            rest = {key: each.where(outside(assigned, fold)) for key, each in evidence.items()}
            left_out = {key: each.where(in_fold(assigned, fold)) for key, each in evidence.items()}
            if any(len(each.asked.margins) for each in rest.values()):
                parts.append((_Fitted.on(rest), left_out))
                log.info("calibrate: %d of %d folds", len(parts), len(set(assigned.values())))
        return cls(_Fitted.on(evidence), parts)

    def held_out(self, key: str) -> tuple[Margins, Margins]:
        """Confidence in each pair of a criterion by the calibration that did not see its
        repository, and whether it was right (1 or 0); shapes (n,).
        """
        confidence, right = [np.array([])], [np.array([])]
        for fitted, left_out in self.parts:
            margins = left_out[key].asked.margins
            if key in fitted.curves and len(margins):
                confidence.append(preferences(fitted.curves[key], np.abs(margins)))
                right.append((margins > 0).astype(float))
        return np.concatenate(confidence), np.concatenate(right)


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """A criterion's threshold: the least confidence, None for never.

    strictness: the share of the allowed noise it was chosen with. held_out: what such thresholds do
    on repositories left out of their choice. leasts: those thresholds, one a fold.
    """

    least: float | None
    strictness: float | None
    held_out: Noise
    leasts: tuple[float | None, ...]


def _share_budget(
    study: _Study, settings: CalibrateSettings, shown: Collection[str] | None
) -> tuple[int, dict[str, _Verdicts]]:
    """Thresholds such that the criteria that speak share the budget, in as few shares as are
    enough: what a silent one does not need goes to the others.
    """
    keys = list(study.whole.curves)
    counted = [key for key in keys if shown is None or key in shown]
    most = max(1, len(counted))
    for shares in [settings.speaking] if settings.speaking else range(1, most + 1):
        limit = settings.limit(shares)
        found = {key: _choose_threshold(study, key, limit) for key in keys}
        if sum(found[key].least is not None for key in counted) <= shares:
            break
    return shares, found


def _choose_threshold(study: _Study, key: str, limit: NoiseLimit) -> _Verdicts:
    """The laxest threshold that keeps the limit on repositories left out of its choice."""
    silent = _Verdicts(None, None, Noise(), ())
    for strictness in _STRICTNESS:
        stricter = limit.stricter(strictness)
        leasts: list[float | None] = []
        sums = []
        for fitted, left_out in study.parts:
            curve, least = fitted.curves.get(key), None
            if curve is not None:
                least = least_confidence_on(curve, fitted.evidence[key], stricter)
                sums.append(noise(curve, least, left_out[key]))
            leasts.append(least)
        held_out = reduce(add, sums, Noise())
        if held_out.keeps(limit):
            least = least_confidence_on(
                study.whole.curves[key], study.whole.evidence[key], stricter
            )
            return _Verdicts(least, strictness, held_out, tuple(leasts))
        silent = _Verdicts(None, None, held_out, tuple(leasts))
    return silent


_Costs = Mapping[str, Mapping[str, Margins]]
"""Nats of each pair, by criterion and kind of curve; pairs in one order for all kinds."""


def _held_out_costs(evidence: Mapping[str, Evidence]) -> _Costs:
    """What each pair costs under curves fitted without its repository; nothing where there is but
    one repository.
    """
    assigned = _folds(evidence, _INNER_FOLDS)
    costs: dict[str, dict[str, list[float]]] = {
        key: {name: [] for name in CURVES} for key in evidence
    }
    for fold in sorted(set(assigned.values())):
        rest = {key: each.where(outside(assigned, fold)) for key, each in evidence.items()}
        left_out = {key: each.where(in_fold(assigned, fold)) for key, each in evidence.items()}
        for name, fit in CURVES.items():
            for key, curve in fit(_asked(rest)).items():
                likely = preferences(curve, left_out[key].asked.margins)
                costs[key][name] += (-np.log(np.maximum(likely, 1e-9))).tolist()
    return {
        key: {name: np.array(nats) for name, nats in by_name.items()}
        for key, by_name in costs.items()
    }


def _choose_kinds(costs: _Costs) -> dict[str, str]:
    """The kind that is likeliest over all criteria; another where a criterion prefers it by more
    than a standard error of the difference, so that a hundred pairs do not choose by chance. Where
    nothing can be told, what borrows most.

    Source of the rule: Breiman et al. (1984), one standard error.
    """
    totals = {name: sum(float(of[name].sum()) for of in costs.values()) for name in CURVES}
    common = min(totals, key=totals.__getitem__) if any(totals.values()) else "shrunk"
    kinds = {}
    for key, of in costs.items():
        cost = {name: float(nats.sum()) for name, nats in of.items()}
        best = min(cost, key=cost.__getitem__)
        gain = of[common] - of[best]
        sure = len(gain) > 1 and gain.sum() > gain.std(ddof=1) * math.sqrt(len(gain))
        kinds[key] = best if sure else common
    return kinds


def _asked(evidence: Mapping[str, Evidence]) -> dict[str, Margins]:
    return {key: each.asked.margins for key, each in evidence.items()}


def _folds(evidence: Mapping[str, Evidence], count: int) -> dict[str, int]:
    return group_folds(
        [
            sample.groups
            for each in evidence.values()
            for sample in (each.asked, each.neutral, each.unrelated)
        ],
        count,
    )


def _written(curve: CriterionCalibration, least: float | None) -> dict[str, Any]:
    return {
        "temperature": round(curve.temperature, 4),
        # Rounded towards silence.
        "worse_at": None if least is None else math.floor((1 - least) * 1e6) / 1e6,
        "better_at": None if least is None else math.ceil(least * 1e6) / 1e6,
        "isotonic": curve.isotonic
        and {"margins": curve.isotonic.margins, "preferences": curve.isotonic.preferences},
    }


def _measured(study: _Study, key: str, verdicts: _Verdicts) -> dict[str, Any]:
    curve, evidence = study.whole.curves[key], study.whole.evidence[key]
    margins = evidence.asked.margins
    confidence = preferences(curve, np.abs(margins))
    found = noise(curve, verdicts.least, evidence)
    held_confidence, held_right = study.held_out(key)
    floor = calibration_floor(confidence)
    return {
        "pairs": len(margins),
        "repositories": len(set(evidence.asked.groups.tolist())),
        "neutral_edits": found.neutral,
        "unrelated_commits": found.unrelated,
        "curve": study.whole.kinds[key],
        "held_out_nats": {
            name: None if math.isnan(cost) else _rounded(cost)
            for name, cost in study.whole.nats[key].items()
        },
        "ece": _rounded(expected_calibration_error(confidence, (margins > 0).astype(float))),
        "ece_held_out": _rounded(expected_calibration_error(held_confidence, held_right)),
        "ece_floor": None if floor is None else _rounded(floor.mean),
        "ece_floor_high": None if floor is None else _rounded(floor.high),
        **_said(found),
        "strictness": verdicts.strictness,
        "held_out": _said(verdicts.held_out) | _precision(verdicts.held_out),
        "stability": _stability(study, key, verdicts),
    }


def _said(found: Noise) -> dict[str, Any]:
    spoken = found.given > 0
    return {
        "verdicts_on_pairs": found.given,
        "right": _rounded(found.right / found.given if spoken else None),
        "right_length_balanced": _rounded(found.right_weight / found.weight if spoken else None),
        "neutral_called_worse": _rounded(
            found.neutral_flagged / 2 / found.neutral if spoken and found.neutral else None
        ),
        "unrelated_called_worse": _rounded(
            found.unrelated_flagged / found.unrelated if spoken and found.unrelated else None
        ),
    }


def _precision(found: Noise) -> dict[str, Any]:
    """Intervals of the share of right verdicts: Wilson's, as if each stood for itself, and by
    bootstrap over repositories, which says nothing where all were right or one repository spoke.
    """
    low, high = wilson(found.right, found.given)
    drawn = mean_by_group([(group, float(right)) for group, right in found.said])
    return {
        "right_low": low,
        "right_high": high,
        "right_low_by_repository": _rounded(drawn.low),
        "right_high_by_repository": _rounded(drawn.high),
        "repositories": len({group for group, _ in found.said}),
    }


def _stability(study: _Study, key: str, verdicts: _Verdicts) -> dict[str, Any] | None:
    """How much of what is said hangs on a tenth of the repositories.

    kept: of the verdicts on the pairs, the share that a calibration without a fold gives too, over
    the folds: mean and least. speaks_at: range of |margin|, logits, from which they speak; None in
    it for never.
    """
    if verdicts.least is None:
        return None
    margins = np.abs(study.whole.evidence[key].asked.margins)
    given = preferences(study.whole.curves[key], margins) >= verdicts.least
    kept: list[float] = []
    ends: list[float | None] = []
    for (fitted, _), least in zip(study.parts, verdicts.leasts, strict=True):
        curve = fitted.curves.get(key)
        if curve is None or least is None:
            kept.append(0.0)
            ends.append(None)
            continue
        also = preferences(curve, margins) >= least
        kept.append(float((given & also).sum() / given.sum()))
        ends.append(float(margins[also].min()) if also.any() else None)
    known = [end for end in ends if end is not None]
    return {
        "kept_mean": _rounded(float(np.mean(kept))),
        "kept_least": _rounded(min(kept)),
        "speaks_at": [_rounded(min(known)), _rounded(max(known))] if known else None,
        "silent_folds": ends.count(None),
    }


def _budget(
    settings: CalibrateSettings,
    speaking: int,
    verdicts: Mapping[str, _Verdicts],
    shown: Collection[str] | None,
) -> dict[str, Any]:
    """What was allowed, and what is expected of it on repositories left out."""
    spoken = [
        each.held_out
        for key, each in verdicts.items()
        if each.least is not None and (shown is None or key in shown)
    ]
    shares = [each.unrelated_flagged / each.unrelated for each in spoken if each.unrelated]
    limit = settings.limit(speaking)
    return {
        "wrong_comments_a_pull_request": settings.wrong_comments,
        "functions_a_pull_request": settings.functions,
        "shares": speaking,
        "unrelated_called_worse_at_most": _rounded(limit.unrelated),
        "neutral_called_worse_at_most": _rounded(limit.neutral),
        "criteria_that_speak": len(spoken),
        "wrong_comments_expected": _rounded(settings.functions * sum(shares)),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
