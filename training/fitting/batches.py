"""The batches of a run: which pairs, how each is asked this time, and in which rows they are read.

A batch follows from settings, seed and step alone, so that an interrupted run draws the same again;
every process draws the whole batch and reads its share.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from review_core.layout import normalise
from training.card import Card
from training.fitting.examples import Example, Question, full_prompt
from training.fitting.settings import FitSettings
from training.objective import Asked, Whole
from training.packing import Row, Sides, pack, packed_length


@dataclass(frozen=True, slots=True)
class Drawn:
    """A pair as it is read this time."""

    example: Example
    sides: Sides
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Pairs that are read in one pass.

    row: them packed, or None to read the sides padded. pairs, heads: shape (q,), which pair of the
    part and which head answers each question; asked: what is wanted. indices: which of the pairs
    that were divided.
    """

    sides: tuple[Sides, ...]
    row: Row | None
    pairs: Tensor
    heads: Tensor
    asked: Asked
    indices: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Tokens that are computed, padding left out."""
        if self.row is not None:
            return len(self.row.ids)
        return sum(len(side.ids) for sides in self.sides for side in sides)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from."""

    drawn: tuple[Drawn, ...]
    parts: tuple[Part, ...]
    whole: Whole


def steps_of(examples: int, settings: FitSettings) -> int:
    """How many steps a run has."""
    steps = settings.epochs * math.ceil(examples / settings.batch)
    return min(steps, settings.max_steps or steps)


def batches(
    examples: Sequence[Example], card: Card, tokenizer: Tokenizer, settings: FitSettings, first: int
) -> Iterator[Batch]:
    """The batches from step `first` on, made ahead by threads: most of the work, tokenising, holds
    no lock.
    """

    def make(indices: list[int], epoch: int) -> Batch:
        drawn = []
        for index in indices:
            rng = random.Random(f"{settings.seed}:{epoch}:{index}")
            drawn.append(draw(examples[index], card, tokenizer, settings, rng))
        return batch_of(drawn, card, settings)

    waiting: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(settings.loaders) as makers:
        for indices, epoch in _plan(len(examples), settings, first):
            waiting.append(makers.submit(make, indices, epoch))
            if len(waiting) > settings.loaders:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _plan(count: int, settings: FitSettings, first: int) -> Iterator[tuple[list[int], int]]:
    step, steps = 0, steps_of(count, settings)
    for epoch in range(settings.epochs):
        order = list(range(count))
        random.Random(f"{settings.seed}/{epoch}").shuffle(order)
        for start in range(0, count, settings.batch):
            if first <= step < steps:
                yield order[start : start + settings.batch], epoch
            step += 1


def draw(
    example: Example, card: Card, tokenizer: Tokenizer, settings: FitSettings, rng: random.Random
) -> Drawn:
    """A pair with or without its intent, and asked: with heads, all of its questions; by prompt,
    one of them, with its own prompt, that of all criteria or none.
    """
    intent = "" if rng.random() < settings.intent_dropout else example.pair.input
    if all(criterion.prompt is None for criterion in card.criteria.values()):
        return Drawn(example, render(example, card, tokenizer, "", intent), example.questions)
    one = rng.choice(example.questions)
    weight = sum(question.weight for question in example.questions)
    kind = rng.random()
    prompt = card.criteria[one.criterion].prompt or ""
    if kind < settings.no_prompt:
        prompt = ""
    elif kind < settings.no_prompt + settings.full_prompt:
        prompt = full_prompt(card)
    question = Question(one.criterion, one.target, weight)
    return Drawn(example, render(example, card, tokenizer, prompt, intent), (question,))


def render(example: Example, card: Card, tokenizer: Tokenizer, prompt: str, intent: str) -> Sides:
    """Both sides as token sequences."""
    chosen, rejected = (
        card.layout.render(tokenizer, normalise(code), criterion=prompt, intent=intent)
        for code in (example.pair.chosen, example.pair.rejected)
    )
    return chosen, rejected


def batch_of(drawn: Sequence[Drawn], card: Card, settings: FitSettings) -> Batch:
    """A batch and what its parts are parts of."""
    questions = [question for each in drawn for question in each.questions]
    whole = Whole(
        weight=sum(question.weight for question in questions),
        questions=len(questions),
        tokens=sum(len(each.sides[0].ids) - 1 for each in drawn),
    )
    parts = tuple(divide(drawn, card, row_tokens=settings.row_tokens, packing=settings.packing))
    return Batch(tuple(drawn), parts, whole)


def divide(drawn: Sequence[Drawn], card: Card, *, row_tokens: int, packing: bool) -> Iterator[Part]:
    """Parts of at most `row_tokens` tokens, or of one pair.

    Packed, in the order given; padded, by length, so that little is padded.
    """
    sides = [each.sides for each in drawn]
    if packing:
        for row in pack(sides, range(len(sides)), card.pooling, row_tokens):
            yield _part(drawn, row.pairs, row, card)
        return
    by_length = sorted(range(len(sides)), key=lambda index: _longest(sides[index]))
    waiting: list[int] = []
    for index in by_length:
        if waiting and 2 * (len(waiting) + 1) * _longest(sides[index]) > row_tokens:
            yield _part(drawn, waiting, None, card)
            waiting = []
        waiting.append(index)
    if waiting:
        yield _part(drawn, waiting, None, card)


def _longest(sides: Sides) -> int:
    return max(len(side.ids) for side in sides)


def _part(drawn: Sequence[Drawn], indices: Sequence[int], row: Row | None, card: Card) -> Part:
    mine = [drawn[index] for index in indices]
    asked = [(at, question) for at, each in enumerate(mine) for question in each.questions]
    return Part(
        sides=tuple(each.sides for each in mine),
        row=row,
        pairs=torch.tensor([at for at, _ in asked]),
        heads=torch.tensor([card.criteria[question.criterion].head for _, question in asked]),
        asked=Asked(
            target=torch.tensor([question.target for _, question in asked]),
            weight=torch.tensor([question.weight for _, question in asked]),
            length=torch.tensor([mine[at].example.length for at, _ in asked]),
        ),
        indices=tuple(indices),
    )


def chosen_spans(part: Part) -> list[tuple[int, int]]:
    """Where the chosen sides stand in a packed part: half-open, one a pair."""
    spans, start = [], 0
    for sides in part.sides:
        spans.append((start, start + len(sides[0].ids)))
        start += packed_length(sides)
    return spans
