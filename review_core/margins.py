"""What a review asks of a scorer: how much more reward a function gets at head than at base."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from review_core.languages import Language, language_named
from review_core.layout import normalise
from review_core.types import Axis, BundleIdentity, ChangedFunction, FunctionReview

Progress = Callable[[int, int], None]


class Manifest(Protocol):
    """What a review needs to know of a model."""

    @property
    def axes(self) -> Mapping[Axis, Sequence[str]]:
        """The criteria that serve each axis."""

    @property
    def languages(self) -> Sequence[str]:
        """The languages in distribution, by name."""

    @property
    def max_tokens(self) -> int:
        """The longest sequence it reads."""


class Model(Protocol):
    """The bundle behind a scorer."""

    @property
    def manifest(self) -> Manifest:
        """What it says of itself."""

    @property
    def identity(self) -> BundleIdentity:
        """Its name and hash."""


class Meter(Protocol):
    """What a scorer has done since it was made."""

    @property
    def sequences(self) -> int:
        """Sequences asked for."""

    @property
    def cache_hits(self) -> int:
        """Of these, answered from the cache."""

    @property
    def tokens(self) -> int:
        """Tokens in the sequences."""

    @property
    def tokens_computed(self) -> int:
        """Tokens that went through the model."""


Counts = tuple[int, int, int, int]
"""What a meter showed: sequences, cache_hits, tokens, tokens_computed."""


def read_meter(meter: Meter, since: Counts = (0, 0, 0, 0)) -> Counts:
    """What was done, all of it or since an earlier look."""
    return (
        meter.sequences - since[0],
        meter.cache_hits - since[1],
        meter.tokens - since[2],
        meter.tokens_computed - since[3],
    )


class Scorer(Protocol):
    """What scores. `review_core.scorer.Scorer`, or a test's fake."""

    @property
    def bundle(self) -> Model:
        """Its model."""

    @property
    def statistics(self) -> Meter:
        """What it has done so far."""

    def rewards(
        self, codes: Sequence[str], *, intent: str = "", progress: Progress | None = None
    ) -> Sequence[Mapping[str, float] | None]:
        """Reward by criterion for each code, None where it is longer than the model reads."""


Rewards = Callable[[Sequence[str]], Sequence[Mapping[str, float] | None]]
Margins = Mapping[str, float]


def margins_of(pairs: Sequence[tuple[str, str]], rewards: Rewards) -> Iterator[Margins | None]:
    """reward(head) - reward(base) by criterion, asked at once; None where a side is too long."""
    codes = [code for pair in pairs for code in pair]
    answers = rewards(codes) if codes else ()
    for base, head in zip(answers[::2], answers[1::2], strict=True):
        if base is None or head is None:
            yield None
        else:
            yield {criterion: head[criterion] - base[criterion] for criterion in head}


def sides_of(function: ChangedFunction) -> tuple[str, str]:
    """Base and head as the model reads them.

    :raises ValueError: if there is one side only.
    """
    if function.base is None or function.head is None:
        raise ValueError(f"{function.path}: {function.name} has one side only")
    return normalise(function.base.text), normalise(function.head.text)


def sides_read(review: FunctionReview) -> tuple[str, str]:
    """Base and head as the model reads them: of a function too long for it, the window.

    :raises ValueError: if there is one side only.
    """
    if (window := review.window) is not None:
        return normalise(window.base.text), normalise(window.head.text)
    return sides_of(review.function)


def language_at(function: ChangedFunction) -> Language:
    """The language a function is written in.

    :raises ValueError: if it is none of ours.
    """
    language = language_named(function.language)
    if language is None:
        raise ValueError(f"{function.path}: {function.language} is not a language of ours")
    return language
