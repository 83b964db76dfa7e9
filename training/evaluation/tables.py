"""Rows of figures: a group of pairs, the model on it, and beside it what knows nothing and what is
to be replaced. Scores and draws nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from review_core.calibration import Calibration
from review_core.metrics import (
    CalibrationFloor,
    Difference,
    Metrics,
    PairOutcome,
    calibration_floor,
    compare,
    confidences,
    measure,
)
from training.evaluation.margins import ScoredPair
from training.sampling import COMMITS

RANDOM, LONGER = "random", "longer wins"


@dataclass(frozen=True, slots=True)
class Contender:
    """Something that scored the pairs: the model, a baseline, a model to be replaced."""

    name: str
    pairs: Sequence[ScoredPair]
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Beside:
    """A contender's figures on a row's pairs, and how much more the model gets; on those that both
    scored.
    """

    metrics: Metrics
    gain: Difference

    def to_json(self) -> dict[str, Any]:
        """Figures and difference."""
        return {**self.metrics.to_json(), "gain_over_it": self.gain.to_json()}


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of a group of pairs.

    floor: the calibration error to be expected of a perfectly calibrated model on as many pairs.
    """

    metrics: Metrics
    floor: CalibrationFloor | None
    beside: Mapping[str, Beside]

    def to_json(self) -> dict[str, Any]:
        """With the baselines that need no scoring: a coin, and "longer wins", ties counted half."""
        longer = self.metrics.size_only_baseline
        return {
            **self.metrics.to_json(),
            "ece_floor": None
            if self.floor is None
            else {"mean": round(self.floor.mean, 4), "high": round(self.floor.high, 4)},
            "baselines": {
                RANDOM: {"pairwise_accuracy": 0.5, "length_balanced_accuracy": 0.5},
                LONGER: {
                    "pairwise_accuracy": None if longer is None else round(longer, 4),
                    "length_balanced_accuracy": 0.5,
                },
                **{name: each.to_json() for name, each in self.beside.items()},
            },
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All tables of a model: {table: {group: row}}, the whole first.

    outcomes: the model's, by aspect, for curves. unscored: pairs too long; unasked: pairs of an
    aspect that the model does not answer; neutral: pairs without a better side.
    """

    overall: Row
    tables: Mapping[str, Mapping[str, Row]]
    outcomes: Mapping[str, Sequence[PairOutcome]]
    unscored: int
    unasked: int
    neutral: int


Pair = tuple[ScoredPair, PairOutcome]


def evaluate_pairs(model: Contender, others: Sequence[Contender]) -> Evaluation:
    """The tables of `model`, with `others` beside it; all scored the same pairs in the same order.

    A pair counts by its aspect, in the table of fine aspects by its fine one.
    """
    asked = [index for index, pair in enumerate(model.pairs) if not pair.tie]
    coarse = _counted(model, asked, lambda pair: pair.aspect)
    fine = {
        index: found
        for index, found in _counted(model, asked, lambda pair: pair.fine_aspect).items()
        if found[0].fine_aspect != found[0].aspect
    }
    rivals = {
        each.name: (
            _counted(each, list(coarse), lambda pair: pair.aspect),
            _counted(each, list(fine), lambda pair: pair.fine_aspect),
        )
        for each in others
    }

    def rows(of: Mapping[int, Pair], which: int, key: Callable[[Pair], str]) -> dict[str, Row]:
        return {
            name: _row(
                {index: of[index] for index in indices},
                {rival: both[which] for rival, both in rivals.items()},
            )
            for name, indices in _grouped(of, key).items()
        }

    commits = {index: pair for index, pair in coarse.items() if source_kind(pair[0]) == "commits"}
    tables = {
        "aspect": rows(coarse, 0, lambda pair: pair[1].aspect),
        "fine_aspect": rows(fine, 1, lambda pair: pair[1].aspect),
        "language": rows(coarse, 0, lambda pair: pair[0].language),
        "source_kind": rows(coarse, 0, lambda pair: source_kind(pair[0])),
        "commits_by_aspect": rows(commits, 0, lambda pair: pair[1].aspect),
        "commits_by_language": rows(commits, 0, lambda pair: pair[0].language),
        "subset": rows(coarse, 0, lambda pair: pair[0].subset),
    }
    by_aspect: dict[str, list[PairOutcome]] = defaultdict(list)
    for _, outcome in [*coarse.values(), *fine.values()]:
        by_aspect[outcome.aspect].append(outcome)
    unscored = sum(model.pairs[index].margins is None for index in asked)
    return Evaluation(
        overall=_row(coarse, {name: both[0] for name, both in rivals.items()}),
        tables={name: found for name, found in tables.items() if found},
        outcomes=dict(by_aspect),
        unscored=unscored,
        unasked=len(asked) - unscored - len(coarse),
        neutral=len(model.pairs) - len(asked),
    )


def source_kind(pair: ScoredPair) -> str:
    """`commits` for pairs that come from commits, ours or the benchmark's, else `collections`."""
    is_commit = pair.subset == COMMITS or pair.subset.startswith("COMMITPREFS_")
    return "commits" if is_commit else "collections"


def _counted(
    contender: Contender, indices: Iterable[int], criterion: Callable[[ScoredPair], str | None]
) -> dict[int, Pair]:
    found = {}
    for index in indices:
        pair = contender.pairs[index]
        asked = criterion(pair)
        outcome = pair.outcome(asked, contender.calibration) if asked else None
        if outcome is not None:
            found[index] = (pair, outcome)
    return found


def _grouped(pairs: Mapping[int, Pair], key: Callable[[Pair], str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, pair in pairs.items():
        groups[key(pair)].append(index)
    return {name: groups[name] for name in sorted(groups)}


def _row(pairs: Mapping[int, Pair], rivals: Mapping[str, Mapping[int, Pair]]) -> Row:
    ours = [outcome for _, outcome in pairs.values()]
    beside = {}
    for name, scored in rivals.items():
        both = [index for index in pairs if index in scored]
        theirs = [scored[index][1] for index in both]
        beside[name] = Beside(measure(theirs), compare([pairs[index][1] for index in both], theirs))
    return Row(measure(ours), calibration_floor(confidences(ours)), beside)
