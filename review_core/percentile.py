"""Where a new function stands among the functions of its repository: information, never a verdict.

A new function has no base, and a reward alone means little: published figures have it tell better
from worse code with an AUC of .61 at this size, where pairs are told apart four times in five
(FACTS: pooled absolute scores). So no threshold looks at it, nothing is found by it, and it is told
with that caveat. Comments are taken out on both sides: praise must not buy a place.

Rewards go with size: the bundled model's for readability falls with length, the one for correctness
rises. So a function is compared with those of its size alone, from half to twice its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from review_core.comments import without_comments
from review_core.config import AxisMode
from review_core.excuses import NOT_OF_TESTS, is_test
from review_core.findings import percent
from review_core.judge import Judge
from review_core.languages import Language, language_named
from review_core.layout import normalise
from review_core.margins import Rewards
from review_core.path_rules import mode_at
from review_core.types import Axis, ChangedFunction, FunctionKind, FunctionReview, Standing

Peers = Callable[[Language, bool], Sequence[str]]
"""Texts of functions of a language, of tests or of what is no test; `sources.peers` gives them."""

LEAST = 30
"""Functions of its size that it takes: with 30, a share is uncertain by 18 points either way."""

CAVEAT = (
    "standings of new functions are information: a reward without a base to compare it with tells "
    "good code from bad hardly better than chance"
)
_KINDS = (FunctionKind.FUNCTION, FunctionKind.METHOD)


def with_standings(
    reviews: Sequence[FunctionReview], judge: Judge, rewards: Rewards, peers: Peers
) -> list[FunctionReview]:
    """The reviews; those of new functions with where they stand, on axes that are on there."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for at, review in enumerate(reviews):
        if _is_new(review.function) and review.function.language in judge.model.languages:
            key = review.function.language, is_test(review.function.path)
            groups.setdefault(key, []).append(at)
    told = list(reviews)
    for (name, tests), indices in groups.items():
        language = language_named(name)
        others = [] if language is None else list(dict.fromkeys(peers(language, tests)))
        if language is None or len(others) < LEAST:
            continue
        codes = [_bare(text, language) for text in others]
        theirs = [*zip(codes, rewards(codes), strict=True)]
        ours = [_bare(reviews[at].function.shown.text, language) for at in indices]
        for at, code, reward in zip(indices, ours, rewards(ours), strict=True):
            alike = [each for other, each in theirs if each and _is_of_a_size(code, other)]
            if reward is not None and len(alike) >= LEAST:
                standings = _standings(reviews[at].function, reward, alike, judge)
                told[at] = replace(reviews[at], standings=tuple(standings))
    return told


def words(standings: Iterable[Standing]) -> str:
    """`above 34 % of 80 functions of its size here on readability, 60 % on correctness`."""
    told = list(standings)
    if not told:
        return ""
    first, *more = (f"{percent(each.share)} {{}}on {', '.join(each.axes)}" for each in told)
    among = f"of {told[0].among} functions of its size here "
    return "above " + ", ".join((first.format(among), *(each.format("") for each in more)))


def notices(reviews: Iterable[FunctionReview]) -> Iterator[str]:
    """What a reader must know of standings, where there are some."""
    if any(review.standings for review in reviews):
        yield CAVEAT


def _is_new(function: ChangedFunction) -> bool:
    return function.base is None and function.head is not None and function.kind in _KINDS


def _is_of_a_size(code: str, other: str) -> bool:
    return len(code) <= 2 * len(other) and len(other) <= 2 * len(code)


def _bare(text: str, language: Language) -> str:
    return normalise(without_comments(normalise(text), language))


def _standings(
    function: ChangedFunction,
    reward: Mapping[str, float],
    others: Sequence[Mapping[str, float]],
    judge: Judge,
) -> Iterator[Standing]:
    shared: dict[str, list[Axis]] = {}
    for axis in Axis:
        silent = axis in NOT_OF_TESTS and is_test(function.path)
        if silent or mode_at(function.path, axis, judge.settings) is AxisMode.OFF:
            continue
        for criterion in judge.model.axes.get(axis, ()):
            if _speaks(judge, criterion, function.language):
                shared.setdefault(criterion, []).append(axis)
    for criterion, axes in shared.items():
        below = sum(each[criterion] < reward[criterion] for each in others)
        yield Standing(tuple(axes), criterion, below / len(others), len(others))


def _speaks(judge: Judge, criterion: str, language: str) -> bool:
    """Whether the model was ever precise enough on a criterion, of pairs, to say something."""
    curve = judge.calibration.of(criterion, language)
    return curve.worse_at is not None or curve.better_at is not None
