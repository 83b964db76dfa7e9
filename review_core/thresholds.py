"""Where a team's own answers put the threshold of an axis, and when they are too few to say.

A threshold is written only where the answers show, with CONFIDENCE, that findings from there on are
right as often as wanted: the exact (Clopper-Pearson) lower bound of the share of right answers. So
many answers are needed that a flawless record would just show it; fewer could not, whatever they
say. At 80 % these are 20.

Answers exist for findings that were shown, above the threshold of their time. They can show that it
has to rise, and that one set lower by hand holds; not that the bundle's own could fall.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from review_core.feedback import Answer
from review_core.types import Axis

CONFIDENCE = 0.95
WANTED = 0.8
"""The share of right findings that a team asks for unless it says otherwise."""
_PARTS = (1.0, 0.75, 0.5, 0.25)
"""Which shares of the answers, the surest first, may set the threshold. Each is one more chance to
be lucky, so the chance of error is divided among them (Bonferroni)."""
_ALPHA = (1 - CONFIDENCE) / len(_PARTS)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many answers there are on a criterion, how many say right, and how many it takes."""

    criterion: str
    answers: int
    right: int
    needed: int

    @property
    def missing(self) -> int:
        """How many more it takes to try."""
        return max(self.needed - self.answers, 0)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an axis' answers come to.

    worse_at: the P(worse) from which findings are right as often as wanted, None where the answers
    do not show it. counts: one for each criterion of the axis.
    """

    axis: Axis
    worse_at: float | None
    counts: tuple[Counted, ...]

    @property
    def missing(self) -> bool:
        """Whether a criterion has too few answers for any threshold."""
        return any(each.missing for each in self.counts)


def proposals(
    answers: Iterable[Answer],
    axes: Mapping[Axis, Sequence[str]],
    bundle: str,
    wanted: float = WANTED,
) -> tuple[Proposal, ...]:
    """For each axis of a model what the answers to its findings come to.

    An axis has one threshold for all its criteria, so each of them must show it, and the highest
    counts: a threshold makes a criterion speak that the bundle may keep silent.

    :param axes: criteria by axis, as the manifest has them.
    :param bundle: the model's hash; answers to another's findings say nothing of this one's.
    :param wanted: the share of findings that are to be right, in (0, 1).
    """
    judged = _judged(answers, bundle)
    found = []
    for axis in Axis:
        if criteria := axes.get(axis, ()):
            each = [judged.get(criterion, ()) for criterion in criteria]
            thresholds = [threshold(answered, wanted) for answered in each]
            shown = [at for at in thresholds if at is not None]
            counts = tuple(
                Counted(criterion, len(of), sum(right for _, right in of), needed(wanted))
                for criterion, of in zip(criteria, each, strict=True)
            )
            worse_at = max(shown) if len(shown) == len(thresholds) else None
            found.append(Proposal(axis, worse_at, counts))
    return tuple(found)


def threshold(answered: Sequence[tuple[float, bool]], wanted: float) -> float | None:
    """The lowest P(worse) from which answers show that findings are right as often as wanted.

    :param answered: P(worse) of each finding, and whether it was right.
    :return: in [.5, 1], on two decimals; None where they do not show it from anywhere.
    """
    surest = sorted((worse for worse, _ in answered), reverse=True)
    for part in _PARTS:
        count = math.ceil(part * len(surest))
        if count < needed(wanted):
            return None
        at = max(math.floor(surest[count - 1] * 100) / 100, 0.5)
        above = [right for worse, right in answered if worse >= at]
        if lower_bound(sum(above), len(above)) >= wanted:
            return at
    return None


def needed(wanted: float) -> int:
    """How many answers it takes: if all of them are right, the bound just reaches `wanted`.

    :raises ValueError: unless 0 < wanted < 1.
    """
    if not 0 < wanted < 1:
        raise ValueError("the share that is wanted must lie between 0 and 1")
    return math.ceil(math.log(_ALPHA) / math.log(wanted))


def lower_bound(right: int, count: int, alpha: float = _ALPHA) -> float:
    """The share p that `right` of `count` or more have a chance of alpha to come from.

    Source: Clopper & Pearson (1934), one-sided. Found by halving, to 1e-9.
    """
    if right == 0:
        return 0.0
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        if _at_least(right, count, middle) < alpha:
            low = middle
        else:
            high = middle
    return low


def _at_least(right: int, count: int, share: float) -> float:
    """P(X >= right) of a binomial; by logarithms, since counts may be in the thousands."""
    if share <= 0.0:
        return 0.0
    logs = (
        math.lgamma(count + 1)
        - math.lgamma(hits + 1)
        - math.lgamma(count - hits + 1)
        + hits * math.log(share)
        + (count - hits) * math.log1p(-share)
        for hits in range(right, count + 1)
    )
    return math.fsum(map(math.exp, logs))


def _judged(answers: Iterable[Answer], bundle: str) -> Mapping[str, list[tuple[float, bool]]]:
    """P(worse) and the answer by criterion; what several answers say of one change counts once."""
    last: dict[tuple[str, str, str], tuple[float, bool]] = {}
    for answer in answers:
        finding = answer.finding
        if finding.bundle == bundle:
            key = finding.criterion, finding.base, finding.head
            last[key] = 1 - finding.preference, answer.right
    judged: dict[str, list[tuple[float, bool]]] = {}
    for (criterion, _, _), each in last.items():
        judged.setdefault(criterion, []).append(each)
    return judged
