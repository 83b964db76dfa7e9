"""What a model says of changed functions: of the whole where it can read that, else of a window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from review_core.margins import Margins, Rewards, language_at, margins_of, sides_of, sides_read
from review_core.types import ChangedFunction, FunctionReview, Window
from review_core.windows import windows_of


def margins_read(
    reviews: Sequence[FunctionReview], rewards: Rewards
) -> Iterator[tuple[FunctionReview, Margins | None]]:
    """Each review, with its window if it was read in one, and its margins by criterion; None where
    no window of it can be read either.
    """
    whole = list(margins_of([sides_of(each.function) for each in reviews], rewards))
    windows = {
        at: _windows(reviews[at].function) for at, margins in enumerate(whole) if margins is None
    }
    found: dict[int, tuple[FunctionReview, Margins]] = {}
    while windows:  # all of a size at once; of nearly every function the first fits
        tried = {
            at: replace(reviews[at], window=window)
            for at, left in windows.items()
            if (window := next(left, None)) is not None
        }
        answers = margins_of([sides_read(each) for each in tried.values()], rewards)
        for (at, review), margins in zip(tried.items(), answers, strict=True):
            if margins is not None and review.window is not None:
                found[at] = _noted(review, review.window), margins
        windows = {at: left for at, left in windows.items() if at in tried and at not in found}
    for at, (review, margins) in enumerate(zip(reviews, whole, strict=True)):
        yield found.get(at, (review, margins))


def _windows(function: ChangedFunction) -> Iterator[Window]:
    if function.base is None or function.head is None:
        return iter(())
    return windows_of(function.base, function.head, language_at(function))


def _noted(review: FunctionReview, window: Window) -> FunctionReview:
    return replace(review, note="; ".join(filter(None, (review.note, window.words))))
