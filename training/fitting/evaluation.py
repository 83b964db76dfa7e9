"""Measures a model that is being trained on held-out pairs, as `themis bench` would: by a pair's
own criterion, with its intent if the model reads one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from review_core.metrics import PairOutcome, measure
from review_core.records import PreferencePair
from training.card import Card
from training.fitting.batches import Drawn, Part, divide, render
from training.fitting.examples import Example, Question, unfit
from training.fitting.settings import FitSettings
from training.sampling import chosen_is_longer


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Pairs to measure on, rendered once; ties and pairs that do not fit are left out."""

    drawn: tuple[Drawn, ...]

    @classmethod
    def of(
        cls,
        pairs: Iterable[PreferencePair],
        card: Card,
        tokenizer: Tokenizer,
        settings: FitSettings,
    ) -> HeldOut:
        """Those of the pairs that the model can be asked about."""
        longest = settings.max_tokens or card.max_tokens
        drawn = []
        for pair in pairs:
            if pair.tie or unfit(pair, card, tokenizer, longest):
                continue
            example = Example(pair, (Question(pair.aspect, 1.0),))
            prompt = card.criteria[pair.aspect].prompt or ""
            sides = render(example, card, tokenizer, prompt, pair.input)
            drawn.append(Drawn(example, sides, example.questions))
        return cls(tuple(drawn))


def shares(parts: Iterable[Part], rank: int, world: int) -> Iterator[tuple[Part, bool]]:
    """The parts of one process, and whether each counts: all processes get as many, for they must
    call the model as often; who would get one too few reads a part of another's for nothing.
    """
    group: list[Part] = []
    for part in parts:
        group.append(part)
        if len(group) == world:
            yield group[rank], True
            group = []
    if group:
        yield (group[rank], True) if rank < len(group) else (group[0], False)


@torch.no_grad()
def evaluate(
    reader: nn.Module, held: HeldOut, card: Card, settings: FitSettings, accelerator: Any
) -> dict[str, Any]:
    """Figures on held-out pairs: length-balanced and plain accuracy, "longer wins", and the first
    by aspect. Every process calls it and gets the same.
    """
    margins = torch.zeros(len(held.drawn), dtype=torch.float64)
    parts = divide(held.drawn, card, row_tokens=settings.row_tokens, packing=settings.packing)
    training = reader.training
    reader.eval()
    for part, counts in shares(parts, accelerator.process_index, accelerator.num_processes):
        rewards, _ = reader(part)  # pairs x 2 x heads
        if counts:
            asked = rewards[part.pairs, :, part.heads]  # one question a pair
            margins[list(part.indices)] = (asked[:, 0] - asked[:, 1]).double().cpu()
    reader.train(training)
    margins = accelerator.reduce(margins.to(accelerator.device), "sum").cpu()
    return figures(held.drawn, margins.tolist())


def figures(drawn: Sequence[Drawn], margins: Sequence[float]) -> dict[str, Any]:
    """What is logged of an evaluation; `lba` is None if no aspect has both directions."""
    outcomes = [
        _outcome(each.example.pair, margin) for each, margin in zip(drawn, margins, strict=True)
    ]
    overall = measure(outcomes)
    by_aspect = {
        aspect: measure([each for each in outcomes if each.aspect == aspect])
        for aspect in sorted({outcome.aspect for outcome in outcomes})
    }
    return {
        "n": overall.n,
        "lba": overall.length_balanced_accuracy.value,
        "plain": overall.pairwise_accuracy.value,
        "longer_wins": overall.size_only_baseline,
        "loss": sum(math.log1p(math.exp(-abs(m))) + max(0.0, -m) for m in margins) / len(margins),
        "lba_by_aspect": {
            aspect: metrics.length_balanced_accuracy.value for aspect, metrics in by_aspect.items()
        },
    }


def _outcome(pair: PreferencePair, margin: float) -> PairOutcome:
    return PairOutcome(
        margin=margin,
        preference=0.5 * (1.0 + math.tanh(margin / 2)),
        aspect=pair.aspect,
        language=pair.language,
        subset=pair.subset or "unknown",
        group=pair.group,
        longer=chosen_is_longer(pair),
    )
