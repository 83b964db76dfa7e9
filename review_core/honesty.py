"""Whether a verdict is about the code: it is asked for again without what should not count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from review_core.comments import without_comments
from review_core.judge import Judge, unsure
from review_core.margins import Rewards, language_at, margins_of, sides_of
from review_core.types import FunctionReview, Verdict

LEANS_ON_COMMENTS = "leans on comments"


def check_honesty(
    reviews: Sequence[FunctionReview], judge: Judge, rewards: Rewards
) -> list[FunctionReview]:
    """Score what got a verdict again without comments; what does not hold becomes unsure."""
    checked = list(reviews)
    at, bare = [], []
    for index, review in enumerate(reviews):
        if any(score.verdict is not Verdict.UNSURE for score in review.scores.values()):
            language = language_at(review.function)
            base, head = sides_of(review.function)
            pair = without_comments(base, language), without_comments(head, language)
            if pair != (base, head):
                at.append(index)
                bare.append(pair)
    for index, margins in zip(at, margins_of(bare, rewards), strict=True):
        review = reviews[index]
        language = language_at(review.function)
        scores = {
            axis: score
            if margins is not None and judge.holds(score, margins, language)
            else unsure(score, LEANS_ON_COMMENTS)
            for axis, score in review.scores.items()
        }
        checked[index] = replace(review, scores=scores)
    return checked
