"""Which of several texts is best, axis by axis, with ties where the model cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from review_core.api import Scorer
from review_core.calibration import Calibration
from review_core.types import Axis, Verdict


@dataclass(frozen=True, slots=True)
class Ranked:
    """One axis. groups: indices of the texts, the best first; those in one group are ties.

    criterion: the one that tells the texts apart best. preference: P(the first text is better than
    the last), in [0, 1]; .5 for a single text.
    """

    axis: Axis
    criterion: str
    groups: tuple[tuple[int, ...], ...]
    preference: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """A ranking on each axis, and the indices of texts that are longer than the model reads."""

    axes: tuple[Ranked, ...]
    too_long: tuple[int, ...]


def rank(
    texts: Sequence[str],
    scorer: Scorer,
    calibration: Calibration,
    *,
    language: str | None = None,
    intent: str = "",
) -> Ranking:
    """Order the texts by reward; a new group begins where one is confidently worse than its first.

    :param language: its name, where calibration knows languages apart.
    :raises BundleError: if the calibration lacks a criterion of the model.
    """
    rewards = dict(enumerate(scorer.rewards(texts, intent=intent)))
    readable = {at: found for at, found in rewards.items() if found is not None}
    ranked = []
    for axis, criteria in scorer.bundle.manifest.axes.items():
        candidates = [
            _ranked(
                axis, key, {at: each[key] for at, each in readable.items()}, calibration, language
            )
            for key in criteria
        ]
        ranked.append(max(candidates, key=lambda each: (len(each.groups), each.preference)))
    too_long = tuple(at for at, found in rewards.items() if found is None)
    return Ranking(tuple(ranked), too_long)


def _ranked(
    axis: Axis,
    criterion: str,
    rewards: dict[int, float],
    calibration: Calibration,
    language: str | None,
) -> Ranked:
    order = sorted(rewards, key=lambda at: (-rewards[at], at))
    groups: list[list[int]] = []
    for at in order:
        if groups:
            margin = rewards[at] - rewards[groups[-1][0]]
            preference = calibration.preference(criterion, margin, language)
            worse = calibration.verdict(criterion, preference, language) is Verdict.WORSE
        if not groups or worse:
            groups.append([at])
        else:
            groups[-1].append(at)
    spread = rewards[order[0]] - rewards[order[-1]] if len(order) > 1 else None
    best = 0.5 if spread is None else calibration.preference(criterion, spread, language)
    return Ranked(axis, criterion, tuple(map(tuple, groups)), best)
