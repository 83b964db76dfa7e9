"""Measures a bundle on files of preference pairs: `themis bench` and training's evaluation both
come through here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol

from review_core.calibration import Calibration
from review_core.errors import InputError
from review_core.metrics import Metrics, PairOutcome, measure
from review_core.records import PreferencePair

_BATCH = 64  # pairs scored together: enough to share prefixes, few enough for progress to move


class PairScorer(Protocol):
    """What a bench needs of a scorer."""

    @property
    def criteria(self) -> Sequence[str]:
        """The criterion keys it answers."""

    @property
    def reads_intent(self) -> bool:
        """Whether its layout has an intent slot."""

    def rewards(
        self, codes: Sequence[str], *, intent: str = ""
    ) -> Sequence[Mapping[str, float] | None]:
        """Reward by criterion for each code, None where it is too long."""


@dataclass(frozen=True, slots=True)
class BenchTable:
    """Figures over all pairs and by aspect, fine aspect, language and subset; `unscored` pairs were
    too long.
    """

    overall: Metrics
    by: Mapping[str, Mapping[str, Metrics]]
    unscored: int

    def to_json(self) -> dict[str, Any]:
        """As `themis bench --json` prints it."""
        tables = {
            name: {key: metrics.to_json() for key, metrics in rows.items()}
            for name, rows in self.by.items()
        }
        return {"overall": self.overall.to_json(), "unscored": self.unscored, **tables}


def run_bench(
    pairs: Sequence[PreferencePair],
    scorer: PairScorer,
    calibration: Calibration,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> BenchTable:
    """Score every pair by the criterion its aspect names; chosen must score strictly higher.

    Ties (neutral edits) have no better side and are left out.

    :raises InputError: if no criterion of the model answers to any pair's aspect.
    """
    known = [pair for pair in pairs if pair.aspect in scorer.criteria and not pair.tie]
    if pairs and all(pair.tie for pair in pairs):
        raise InputError(
            f"all {len(pairs)} pairs are neutral edits, which have no better side; "
            "name a file of preferences"
        )
    if not known:
        named = sorted({pair.aspect for pair in pairs})[:5]
        raise InputError(
            f"none of the {len(pairs)} pairs has an aspect this model answers "
            f"({', '.join(scorer.criteria)}); the file has {', '.join(named) or 'no records'}"
        )
    outcomes: list[PairOutcome] = []
    fine: list[PairOutcome] = []
    for pair, chosen, rejected in _scored(known, scorer, progress):
        outcomes.append(_outcome(pair, pair.aspect, chosen, rejected, calibration))
        own = pair.fine_aspect
        if own and own in scorer.criteria and own != pair.aspect:
            fine.append(_outcome(pair, own, chosen, rejected, calibration))
    by = {name: _rows(outcomes, attrgetter(name)) for name in ("aspect", "language", "subset")}
    by["fine_aspect"] = _rows(fine, lambda outcome: outcome.aspect)
    return BenchTable(measure(outcomes), by, len(known) - len(outcomes))


def _scored(
    pairs: Sequence[PreferencePair],
    scorer: PairScorer,
    progress: Callable[[int, int], None] | None,
) -> Iterator[tuple[PreferencePair, Mapping[str, float], Mapping[str, float]]]:
    done = 0
    for batch, intent in batches(pairs, by_intent=scorer.reads_intent):
        codes = [code for pair in batch for code in (pair.chosen, pair.rejected)]
        rewards = scorer.rewards(codes, intent=intent)
        for index, pair in enumerate(batch):
            chosen, rejected = rewards[2 * index], rewards[2 * index + 1]
            if chosen is not None and rejected is not None:
                yield pair, chosen, rejected
        done += len(batch)
        if progress:
            progress(done, len(pairs))


def batches(
    pairs: Sequence[PreferencePair], *, by_intent: bool
) -> Iterator[tuple[list[PreferencePair], str]]:
    """Pairs to score together, in order, and the intent that they share ("" unless it is read)."""
    runs: Iterable[tuple[str, Iterable[PreferencePair]]] = (
        groupby(pairs, key=lambda pair: pair.input) if by_intent else [("", pairs)]
    )
    for intent, run in runs:
        same = list(run)
        for start in range(0, len(same), _BATCH):
            yield same[start : start + _BATCH], intent


def _outcome(
    pair: PreferencePair,
    criterion: str,
    chosen: Mapping[str, float],
    rejected: Mapping[str, float],
    calibration: Calibration,
) -> PairOutcome:
    margin = chosen[criterion] - rejected[criterion]
    same_length = len(pair.chosen) == len(pair.rejected)
    return PairOutcome(
        margin=margin,
        preference=calibration.preference(criterion, margin, pair.language),
        aspect=criterion,
        language=pair.language,
        subset=pair.subset or "unknown",
        group=pair.group,
        longer=None if same_length else len(pair.chosen) > len(pair.rejected),
    )


def _rows(outcomes: Sequence[PairOutcome], key: Callable[[PairOutcome], str]) -> dict[str, Metrics]:
    found: dict[str, list[PairOutcome]] = defaultdict(list)
    for outcome in outcomes:
        found[key(outcome)].append(outcome)
    return {name: measure(found[name]) for name in sorted(found)}
