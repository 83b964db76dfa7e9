"""Where a team's merge history puts the threshold of an axis: how often findings on what was left
alone would have come.

A merge is noisy at a threshold if it has a finding from there on, on a function that nobody touched
for days (`merged.Fate.KEPT`). The threshold is raised until the share of noisy merges is within the
budget, with CONFIDENCE: by the exact (Clopper-Pearson) upper bound. Thresholds are tried from the
highest down and the first that fails ends it, so that trying many costs no confidence; the budget
and the chance of error are divided among the columns of axes that have findings.

History can only quiet an axis. A finding on code that was left alone may be right and unheeded, so
what it shows is not how often findings are right, and it never lowers a threshold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from review_core.merged import Fate, Merged
from review_core.thresholds import CONFIDENCE, lower_bound
from review_core.types import Axis

BUDGET = 0.2
"""Noisy merges that a team puts up with unless it says otherwise: one in five."""

Labelled = Sequence[tuple[Merged, Sequence[Fate]]]


@dataclass(frozen=True, slots=True)
class Tally:
    """Functions by what became of them."""

    worse: int
    kept: int
    unknown: int

    @property
    def share(self) -> float | None:
        """Of those with a label, how many got worse; None without any."""
        labelled = self.worse + self.kept
        return self.worse / labelled if labelled else None


@dataclass(frozen=True, slots=True)
class Noise:
    """What a history comes to for axes that the same criteria serve.

    present: the P(worse) from which they have findings today. worse_at: the lowest threshold from
    there on that keeps the budget; None where too few merges could show any, or none keeps it.
    merges: with a function that has a label; noisy: those of them that are noisy at present.
    """

    axes: tuple[Axis, ...]
    present: float
    worse_at: float | None
    merges: int
    needed: int
    noisy: int
    findings: Tally

    @property
    def missing(self) -> int:
        """How many more merges it takes to show anything."""
        return max(self.needed - self.merges, 0)


def noise(
    history: Labelled, present: Mapping[tuple[Axis, ...], float], budget: float = BUDGET
) -> tuple[Noise, ...]:
    """For each column of axes what the history comes to.

    :param present: from which P(worse) each has findings, by the axes that share its criteria.
    :param budget: the share of merges that may be noisy, all columns together, in (0, 1).
    """
    parts = max(len(present), 1)
    own, alpha = budget / parts, (1 - CONFIDENCE) / parts
    merges = [labelled for labelled in history if _is_labelled(labelled)]
    found = []
    for axes, at in present.items():
        loudest = [loud for each in merges if (loud := _loudest(each, axes[0])) is not None]
        found.append(
            Noise(
                axes,
                at,
                _lowest(loudest, len(merges), at, own, alpha),
                len(merges),
                needed(own, alpha),
                sum(loud >= at for loud in loudest),
                tally(history, axes[0]),
            )
        )
    return tuple(found)


def tally(history: Labelled, axis: Axis | None = None, *, found: bool = True) -> Tally:
    """What became of scored functions: of those with a finding (on an axis), or those without."""
    counts = dict.fromkeys(Fate, 0)
    for merge, fates in history:
        for function, fate in zip(merge.functions, fates, strict=True):
            has = bool(function.worse) if axis is None else axis in function.worse
            if function.scored and has is found:
                counts[fate] += 1
    return Tally(counts[Fate.WORSE], counts[Fate.KEPT], counts[Fate.UNKNOWN])


def needed(budget: float, alpha: float) -> int:
    """How many merges it takes: if none is noisy, the bound just reaches the budget.

    :raises ValueError: unless both lie between 0 and 1.
    """
    if not (0 < budget < 1 and 0 < alpha < 1):
        raise ValueError("budget and chance of error must lie between 0 and 1")
    return math.ceil(math.log(alpha) / math.log(1 - budget))


def upper_bound(count: int, of: int, alpha: float) -> float:
    """The share p that `count` of `of` or fewer have a chance of alpha to come from."""
    return 1 - lower_bound(of - count, of, alpha)


def _lowest(
    loudest: Sequence[float], merges: int, present: float, budget: float, alpha: float
) -> float | None:
    """The lowest threshold that keeps the budget, on two decimals, from the present one up."""
    if merges < needed(budget, alpha):
        return None

    def keeps(at: float) -> bool:
        noisy = sum(loud >= at for loud in loudest)
        return upper_bound(noisy, merges, alpha) <= budget

    if keeps(present):
        return present
    steps = range(math.floor(present * 100) + 1, 100)
    return next((step / 100 for step in steps if keeps(step / 100)), None)


def _is_labelled(labelled: tuple[Merged, Sequence[Fate]]) -> bool:
    merge, fates = labelled
    functions = zip(merge.functions, fates, strict=True)
    return any(function.scored and fate is not Fate.UNKNOWN for function, fate in functions)


def _loudest(labelled: tuple[Merged, Sequence[Fate]], axis: Axis) -> float | None:
    """The highest P(worse) of a finding of the axis on a function that was left alone."""
    merge, fates = labelled
    kept: Iterable[float] = (
        function.worse[axis]
        for function, fate in zip(merge.functions, fates, strict=True)
        if fate is Fate.KEPT and axis in function.worse
    )
    return max(kept, default=None)
