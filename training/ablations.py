"""Compares ways of fitting heads on finished features and says what each is worth, with intervals,
as Markdown. Reads no code and trains nothing below the heads.

Everything is measured on held-out pairs, or, without them, on the training pairs in parts by
repository, each by heads fitted to the other parts.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from review_core.errors import InputError
from review_core.metrics import Estimate, PairOutcome, compare, measure
from review_core.records import PreferencePair
from training.criteria import CRITERIA
from training.features import common_depths, load_features
from training.heads import fit_heads
from training.sampling import COMMITS, chosen_is_longer
from training.specs import AblationSettings, HeadSpec

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sample:
    """Pairs with their features, shape (pairs, 2 sides: chosen then rejected, hidden)."""

    pairs: Sequence[PreferencePair]
    states: NDArray[np.float32]

    def where(self, keep: Sequence[bool]) -> Sample:
        """The pairs for which `keep` is true."""
        some = [pair for pair, each in zip(self.pairs, keep, strict=True) if each]
        return Sample(some, self.states[np.array(keep, dtype=bool)])


@dataclass(frozen=True, slots=True)
class Measured:
    """What heads made of held-out pairs. neutral: median over criteria of the 90th percentile of a
    neutral edit's |margin| over the median |margin| of the criterion's pairs; None without neutral
    edits.
    """

    outcomes: tuple[PairOutcome, ...]
    neutral: float | None

    def of(self, **wanted: str) -> tuple[PairOutcome, ...]:
        """The outcomes whose fields have these values."""
        return tuple(
            outcome
            for outcome in self.outcomes
            if all(getattr(outcome, name) == value for name, value in wanted.items())
        )


class Bench:
    """Fits heads to some features and measures them on others; remembers what it measured."""

    def __init__(self, train: Sequence[Path], held_out: Sequence[Path], folds: int) -> None:
        self._train, self._held_out, self._folds = tuple(train), tuple(held_out), folds
        self._measured: dict[HeadSpec, Measured] = {}
        self._splits: tuple[tuple[int, str], list[tuple[Sample, Sample]]] | None = None
        self.depths = common_depths((*train, *held_out))

    def measured(self, spec: HeadSpec) -> Measured:
        """What `spec`, its depth given, comes to."""
        if spec not in self._measured:
            found: list[PairOutcome] = []
            neutral: list[float] = []
            for learn, test in self.splits(spec):
                heads = fit_heads(learn.pairs, learn.states, spec)
                outcomes, quiet = _judged(test, heads)
                found += outcomes
                neutral += quiet
            self._measured[spec] = Measured(
                tuple(found), float(np.median(neutral)) if neutral else None
            )
            log.info("ablate: %d settings measured", len(self._measured))
        return self._measured[spec]

    def splits(self, spec: HeadSpec) -> list[tuple[Sample, Sample]]:
        """What is learned from and what is measured on, at the spec's depth and pooling."""
        assert spec.depth is not None
        at = spec.depth, spec.pooling
        if self._splits is None or self._splits[0] != at:
            self._splits = at, list(self._load(*at))
        return self._splits[1]

    def _load(self, depth: int, pooling: str) -> Iterator[tuple[Sample, Sample]]:
        train = Sample(*load_features(self._train, depth, pooling))
        if self._held_out:
            held_out = Sample(*load_features(self._held_out, depth, pooling))
            shared = {p.group for p in train.pairs if not p.tie} & {p.group for p in held_out.pairs}
            if repositories := sorted(group for group in shared if "/" in group):
                raise InputError(
                    f"{len(repositories)} repositories ({repositories[0]} ...) are on both sides; "
                    "measure on others"
                )
            yield train, held_out
            return
        groups = sorted({pair.group for pair in train.pairs})
        if len(groups) < self._folds:
            raise InputError(
                f"{len(groups)} repositories cannot be cut into {self._folds} parts; "
                "give --held-out features, or fewer --folds"
            )
        part = {group: index % self._folds for index, group in enumerate(groups)}
        for fold in range(self._folds):
            inside = [part[pair.group] == fold for pair in train.pairs]
            yield train.where([not each for each in inside]), train.where(inside)


def ablate(bench: Bench, settings: AblationSettings) -> Iterator[str]:
    """The tables that the settings name, one after the other, each as Markdown.

    :raises InputError: for a table that is none.
    """
    tables = {
        "settings": settings_table,
        "grid": grid_table,
        "criteria": criteria_table,
        "languages": languages_table,
    }
    for name in settings.tables:
        if name not in tables:
            raise InputError(f"there is no table {name}; there are {', '.join(tables)}")
    for name in settings.tables:
        yield tables[name](bench, settings)


def settings_table(bench: Bench, settings: AblationSettings) -> str:
    """One setting changed at a time."""
    base = _base(bench, settings)
    rows = [("reference", base)]
    rows.append(("without length control", replace(base, balance=False)))
    rows.append(("length control and a penalty on the gap", replace(base, decorrelate=0.3)))
    rows.append(("the penalty alone", replace(base, balance=False, decorrelate=0.3)))
    if any(pair.tie for learn, _ in bench.splits(base) for pair in learn.pairs):
        rows.append(("without neutral pairs", replace(base, tie_weight=0.0)))
    rows.append(("no head that all criteria share", replace(base, shared=False)))
    rows.append(("last token", replace(base, pooling="last")))
    for depth in _depths(bench, settings)[:-1]:
        rows.append((f"layer {depth}", replace(base, depth=depth)))
    aspects = _aspects(bench.measured(base))
    header = ["", "LBA", "gain", "plain", "longer wins", *aspects, "commits", "neutral"]
    lines = []
    for name, spec in rows:
        found = bench.measured(spec)
        whole = measure(found.outcomes)
        gain = compare(found.outcomes, bench.measured(base).outcomes).length_balanced_accuracy
        lines.append(
            [
                name,
                _interval(whole.length_balanced_accuracy),
                "" if spec == base else _interval(gain, sign=True),
                _figure(whole.pairwise_accuracy.value),
                _figure(whole.size_only_baseline),
                *(_balanced(found.of(aspect=aspect)) for aspect in aspects),
                _balanced(found.of(subset=COMMITS)),
                "" if found.neutral is None else f"{found.neutral:.2f}",
            ]
        )
    return (
        f"### One setting changed at a time (layer {base.depth}, ridge {base.ridge})\n\n"
        f"{_table(header, lines)}\n"
        "LBA: length-balanced accuracy; under an aspect, its own. gain: LBA less that of the first "
        "row on the same pairs. neutral: 90th percentile of a neutral edit's margin over the "
        "median margin of the pairs.\n"
    )


def grid_table(bench: Bench, settings: AblationSettings) -> str:
    """Layers by ridge, LBA each."""
    base = _base(bench, settings)
    lines = [
        [
            f"layer {depth}",
            *(
                _balanced(bench.measured(replace(base, depth=depth, ridge=ridge)).outcomes)
                for ridge in settings.ridges
            ),
        ]
        for depth in _depths(bench, settings)
    ]
    header = ["LBA", *(f"ridge {ridge:g}" for ridge in settings.ridges)]
    return f"### How deep, and how hard heads are held back\n\n{_table(header, lines)}"


def criteria_table(bench: Bench, settings: AblationSettings) -> str:
    """Each criterion by a fit of all and by a fit of its own."""
    base = _base(bench, settings)
    together = bench.measured(base)
    lines = []
    for aspect in _aspects(together):
        alone = bench.measured(replace(base, criteria=(aspect,), shared=False)).of(aspect=aspect)
        lines.append([aspect, *_against(alone, together.of(aspect=aspect))])
    header = ["", "pairs", "LBA, all criteria", "LBA, this one alone", "gain of it alone"]
    return f"### All criteria together, or each alone\n\n{_table(header, lines)}"


def languages_table(bench: Bench, settings: AblationSettings) -> str:
    """Each language by a fit of all and by a fit of its own."""
    base = _base(bench, settings)
    together = bench.measured(base)
    learned = [pair.language for pair in bench.splits(base)[0][0].pairs if not pair.tie]
    lines = []
    for language in sorted({outcome.language for outcome in together.outcomes} & set(learned)):
        alone = bench.measured(replace(base, languages=(language,)))
        own = _against(alone.of(language=language), together.of(language=language))
        lines.append([language, f"{learned.count(language)}", *own, _balanced(alone.outcomes)])
    header = ["", "learned from", "pairs", "LBA, all languages", "LBA, this one alone"]
    header += ["gain of it alone", "it alone, on all languages"]
    return f"### All languages together, or each alone\n\n{_table(header, lines)}"


def _base(bench: Bench, settings: AblationSettings) -> HeadSpec:
    depth = _depths(bench, settings)[-1]
    return HeadSpec(depth=depth, ridge=settings.ridge, tie_weight=settings.tie_weight)


def _depths(bench: Bench, settings: AblationSettings) -> Sequence[int]:
    return settings.depths or bench.depths


def _aspects(measured: Measured) -> list[str]:
    present = {outcome.aspect for outcome in measured.outcomes}
    return [key for key in CRITERIA if key in present]


def _judged(
    test: Sample, heads: dict[str, NDArray[np.float32]]
) -> tuple[list[PairOutcome], list[float]]:
    """Outcomes of the pairs whose aspect has a head, and by criterion how neutral edits compare."""
    difference = test.states[:, 0] - test.states[:, 1]  # pairs x hidden
    tie = np.array([pair.tie for pair in test.pairs])
    aspect = np.array([pair.aspect for pair in test.pairs])
    outcomes, neutral = [], []
    margins = {key: difference @ head for key, head in heads.items()}
    for index, pair in enumerate(test.pairs):
        if not pair.tie and pair.aspect in heads:
            outcomes.append(_outcome(pair, float(margins[pair.aspect][index])))
    for key in heads:
        mine = ~tie & (aspect == key)
        if tie.any() and mine.any():
            typical = float(np.median(np.abs(margins[key][mine])))
            neutral.append(float(np.percentile(np.abs(margins[key][tie]), 90)) / (typical or 1.0))
    return outcomes, neutral


def _outcome(pair: PreferencePair, margin: float) -> PairOutcome:
    return PairOutcome(
        margin=margin,
        preference=0.5 * (1.0 + math.tanh(margin / 2)),  # uncalibrated: no figure here reads it
        aspect=pair.aspect,
        language=pair.language,
        subset=pair.subset or "unknown",
        group=pair.group,
        longer=chosen_is_longer(pair),
    )


def _against(alone: Sequence[PairOutcome], together: Sequence[PairOutcome]) -> list[str]:
    gain = compare(alone, together).length_balanced_accuracy
    figures = [measure(each).length_balanced_accuracy for each in (together, alone)]
    return [f"{len(together)}", *map(_interval, figures), _interval(gain, sign=True)]


def _balanced(outcomes: Sequence[PairOutcome]) -> str:
    return _figure(measure(outcomes).length_balanced_accuracy.value)


def _figure(value: float | None, *, sign: bool = False) -> str:
    """Three digits, without the zero before the point; "-" where nothing can be said."""
    if value is None:
        return "-"
    text = f"{value:+.3f}" if sign else f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text


def _interval(estimate: Estimate, *, sign: bool = False) -> str:
    value = _figure(estimate.value, sign=sign)
    if estimate.low is None:
        return value
    low, high = (_figure(bound, sign=sign) for bound in (estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
