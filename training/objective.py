"""What a reward model is trained to minimise. Pure functions of tensors; each term can be switched
off by its weight.

Source of the form: Themis (arXiv 2605.00754), appendix A: Bradley-Terry, plus the language-model
loss on the chosen side, plus reward centring.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import cross_entropy, softplus


@dataclass(frozen=True, slots=True)
class Objective:
    """Weights of the terms; 0 switches a term off. The paper's code stage uses lambda .25 and mu
    .001.
    """

    language_weight: float = 0.0
    centring_weight: float = 0.001

    def __call__(
        self,
        chosen: Tensor,
        rejected: Tensor,
        target: Tensor,
        weight: Tensor,
        language_loss: Tensor | None = None,
    ) -> Tensor:
        """The loss of a batch.

        :param chosen: rewards, shape (b,), logits. :param rejected: likewise.
        :param target: shape (b,), wanted P(chosen better): 1, or .5 for a tie.
        :param weight: shape (b,), relative weight of each pair.
        :param language_loss: mean nats a token of the chosen sides; needed if its weight is not 0.
        """
        total = bradley_terry_loss(chosen, rejected, target, weight)
        if self.centring_weight:
            total = total + self.centring_weight * centring_penalty(chosen, rejected)
        if self.language_weight:
            if language_loss is None:
                raise ValueError("the objective has a language term but got no language loss")
            total = total + self.language_weight * language_loss
        return total


def bradley_terry_loss(
    chosen: Tensor, rejected: Tensor, target: Tensor | None = None, weight: Tensor | None = None
) -> Tensor:
    """Weighted mean cross-entropy between `target` and sigmoid(chosen - rejected).

    Source: Bradley & Terry (1952). With target 1 this is -log sigmoid(margin); with .5 it is least,
    log 2, at margin 0.

    :param chosen: rewards, shape (b,), logits.
    :param rejected: rewards of the same pairs, shape (b,).
    :param target: P(chosen better), shape (b,); all 1 when None.
    :param weight: shape (b,); all equal when None.
    :return: a scalar in nats.
    """
    margin = chosen - rejected
    loss = softplus(-margin)
    if target is not None:  # t*softplus(-m) + (1-t)*softplus(m) = softplus(-m) + (1-t)*m
        loss = loss + (1 - target) * margin
    return loss.mean() if weight is None else (weight * loss).sum() / weight.sum()


def centring_penalty(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Mean of (chosen + rejected)^2: keeps rewards near 0, which margins alone leave free.

    Source: Themis, appendix A; after Eisenstein et al. (2023).
    """
    return (chosen + rejected).pow(2).mean()


def language_model_loss(logits: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
    """Mean next-token cross-entropy over the real tokens, in nats.

    :param logits: shape (b, t, vocabulary). :param ids: shape (b, t). :param mask: shape (b, t), 1
    on real tokens.
    """
    targets = ids[:, 1:].masked_fill(mask[:, 1:] == 0, -100)  # b x t-1
    return cross_entropy(logits[:, :-1].transpose(1, 2), targets, ignore_index=-100)
