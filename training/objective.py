"""What a reward model is trained to minimise. Pure functions of tensors; each term can be switched
off by its weight.

Source of the form: Themis (arXiv 2605.00754), appendix A: Bradley-Terry, plus the language-model
loss on the chosen side, plus reward centring.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear, softplus
from torch.utils.checkpoint import checkpoint

Centring = Literal["sum", "absolute"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted of a part of a batch; each of shape (q,), one entry a question (a pair asked
    for one criterion).

    target: P(chosen better): 1, .5 for a tie, between by a teacher's word. weight: relative.
    length: log of chosen's over rejected's length, centred and scaled within the criterion; 0 for a
    tie.
    """

    target: Tensor
    weight: Tensor
    length: Tensor

    def to(self, device: torch.device) -> Asked:
        """The same on a device."""
        return Asked(self.target.to(device), self.weight.to(device), self.length.to(device))


@dataclass(frozen=True, slots=True)
class Whole:
    """What the parts of a batch are parts of, so that their losses add up to its loss: the sum of
    the weights, how many questions, how many predicted tokens.
    """

    weight: float
    questions: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Terms:
    """The loss of a part of a batch, each term times its weight; scalars."""

    preference: Tensor
    centring: Tensor
    language: Tensor
    length: Tensor

    @property
    def total(self) -> Tensor:
        """What is minimised."""
        return self.preference + self.centring + self.language + self.length


@dataclass(frozen=True, slots=True)
class Objective:
    """Weights of the terms; 0 switches a term off. The paper's code stage uses lambda .25 and mu
    .001; the public script .1 and .01, and "absolute" centring.
    """

    language_weight: float = 0.0
    centring_weight: float = 0.001
    centring: Centring = "sum"
    length_weight: float = 0.0

    def __call__(
        self,
        chosen: Tensor,
        rejected: Tensor,
        asked: Asked,
        whole: Whole,
        language: Tensor | None = None,
        trend: LengthTrend | None = None,
    ) -> Terms:
        """The loss of a part of a batch.

        :param chosen: rewards, shape (q,), logits. :param rejected: likewise.
        :param language: nats over the part's chosen sides, summed; needed if its weight is not 0.
        :param trend: how margins have gone with length; needed if that weight is not 0.
        """
        losses = asked.weight * bradley_terry(chosen, rejected, asked.target)
        zero = losses.new_zeros(())
        spread = centring_terms(chosen, rejected, self.centring).sum() / whole.questions
        if self.language_weight and language is None:
            raise ValueError("the objective has a language term but got no language loss")
        if self.length_weight and trend is None:
            raise ValueError("the objective has a length term but got no trend")
        return Terms(
            preference=losses.sum() / whole.weight,
            centring=self.centring_weight * spread if self.centring_weight else zero,
            language=self.language_weight * language / max(1, whole.tokens)
            if self.language_weight and language is not None
            else zero,
            length=self.length_weight
            * trend.slope
            * (asked.length * (chosen - rejected)).sum()
            / whole.questions
            if self.length_weight and trend is not None
            else zero,
        )


def bradley_terry(chosen: Tensor, rejected: Tensor, target: Tensor | None = None) -> Tensor:
    """Cross-entropy between `target` and sigmoid(chosen - rejected), in nats, shape (b,).

    Source: Bradley & Terry (1952). With target 1 this is -log sigmoid(margin); with .5 it is least,
    log 2, at margin 0.

    :param chosen: rewards, shape (b,), logits.
    :param rejected: rewards of the same pairs, shape (b,).
    :param target: P(chosen better), shape (b,); all 1 when None.
    """
    margin = chosen - rejected
    loss = softplus(-margin)
    if target is not None:  # t*softplus(-m) + (1-t)*softplus(m) = softplus(-m) + (1-t)*m
        loss = loss + (1 - target) * margin
    return loss


def bradley_terry_loss(
    chosen: Tensor, rejected: Tensor, target: Tensor | None = None, weight: Tensor | None = None
) -> Tensor:
    """Weighted mean of `bradley_terry`: a scalar in nats, log 2 for a model that cannot tell.

    :param weight: shape (b,); all equal when None.
    """
    loss = bradley_terry(chosen, rejected, target)
    return loss.mean() if weight is None else (weight * loss).sum() / weight.sum()


def centring_penalty(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Mean of (chosen + rejected)^2: keeps rewards near 0, which margins alone leave free.

    Source: Themis, appendix A; after Eisenstein et al. (2023).
    """
    return centring_terms(chosen, rejected, "sum").mean()


def centring_terms(chosen: Tensor, rejected: Tensor, how: Centring) -> Tensor:
    """(chosen + rejected)^2 as in the paper, or (|chosen| + |rejected|)^2 as in its public script,
    which also holds margins small; shape (b,).
    """
    if how == "absolute":
        return (chosen.abs() + rejected.abs()).pow(2)
    return (chosen + rejected).pow(2)


def soft_target(hard: float, margin: float, weight: float, temperature: float) -> float:
    """The target that mixes a label with a teacher's preference.

    The loss is linear in its target, so that this equals mixing the two losses.

    :param margin: the teacher's, in logits. :param weight: the teacher's share, in [0, 1].
    """
    preference = 0.5 * (1.0 + math.tanh(margin / temperature / 2))  # sigmoid, without overflow
    return (1 - weight) * hard + weight * preference


def token_losses(states: Tensor, table: Tensor, targets: Tensor, *, at_once: int = 1024) -> Tensor:
    """Summed cross-entropy of next tokens, in nats, never holding more than `at_once` rows of
    logits: 1,024 x 152k in float32 are .6 GB, a whole row of a batch would be many.

    :param states: shape (t, hidden). :param table: shape (vocabulary, hidden).
    :param targets: shape (t,), the id that follows each state.
    """

    def part(some: Tensor, wanted: Tensor) -> Tensor:
        return cross_entropy(linear(some, table).float(), wanted, reduction="sum")

    total = states.new_zeros((), dtype=torch.float32)
    for some, wanted in zip(states.split(at_once), targets.split(at_once), strict=True):
        # Logits are computed again in the backward pass instead of kept.
        total = total + checkpoint(part, some, wanted, use_reentrant=False)
    return total


@dataclass(slots=True)
class LengthTrend:
    """How margins have gone with length over the last steps, for a penalty on their squared
    correlation.

    The correlation of a few pairs is noise and that of a batch cut in parts is not the sum of
    theirs; so both moments are averaged over steps, and a step's gradient is that of the square at
    the average: 2 rho x (mean of length x margin) / spread. Source of the aim: Shen et al. (2023),
    "Loose lips sink ships", who also take length out of a reward model.
    """

    covariance: float = 0.0
    square: float = 0.0
    weight: float = 0.0
    memory: float = 0.95

    def observe(self, product: float, square: float) -> None:
        """Add a batch: means of length x margin and of margin^2."""
        self.covariance = self.memory * self.covariance + (1 - self.memory) * product
        self.square = self.memory * self.square + (1 - self.memory) * square
        self.weight = self.memory * self.weight + (1 - self.memory)

    @property
    def correlation(self) -> float:
        """In about [-1, 1]; 0 before the first batch."""
        if not self.square:
            return 0.0
        return (self.covariance / self.weight) / math.sqrt(self.square / self.weight)

    @property
    def slope(self) -> float:
        """What length x margin is weighed by."""
        if not self.square:
            return 0.0
        return 2 * self.correlation / math.sqrt(self.square / self.weight)
