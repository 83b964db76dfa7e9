"""Whether a verdict is about the code: it is asked for again without what should not count.

What that is, and in which order it is taken away, neutral.py says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from review_core.judge import Judge, unsure
from review_core.margins import Margins, Rewards, language_at, margins_of, sides_read
from review_core.neutral import COMMENTS, INFLUENCES, Influence, readings
from review_core.types import AxisScore, FunctionReview, Verdict

LEANS_ON_COMMENTS = COMMENTS.reason


def check_honesty(
    reviews: Sequence[FunctionReview],
    judge: Judge,
    rewards: Rewards,
    influences: Sequence[Influence] = INFLUENCES,
) -> list[FunctionReview]:
    """The reviews; a verdict that does not hold without an influence is unsure, and says which.

    Functions without a verdict cost nothing. One with a verdict is read twice more for each
    influence that is at work in its change, until no verdict is left; all functions are asked
    about an influence together. Where without it nothing differs, nothing is asked.
    """
    checked = list(reviews)
    left = {
        index: readings(*sides_read(review), language_at(review.function), influences)
        for index, review in enumerate(reviews)
        if _speaks(review)
    }
    while left:
        asked = {index: reading for index, each in left.items() if (reading := next(each, None))}
        differing = {at: sides for at, (_, sides) in asked.items() if sides[0] != sides[1]}
        found = dict(zip(differing, margins_of(list(differing.values()), rewards), strict=True))
        for index, (influence, _) in asked.items():
            checked[index] = _checked(checked[index], judge, found.get(index), influence)
        left = {index: left[index] for index in asked if _speaks(checked[index])}
    return checked


def _speaks(review: FunctionReview) -> bool:
    return any(score.verdict is not Verdict.UNSURE for score in review.scores.values())


def _checked(
    review: FunctionReview, judge: Judge, margins: Margins | None, influence: Influence
) -> FunctionReview:
    """The review at other margins; None where there are none, so that no verdict holds."""
    language = language_at(review.function)

    def holds(score: AxisScore) -> bool:
        if score.verdict is Verdict.UNSURE:
            return True
        return margins is not None and judge.holds(score, margins, language)

    scores = {
        axis: score if holds(score) else unsure(score, influence.reason)
        for axis, score in review.scores.items()
    }
    return replace(review, scores=scores)
