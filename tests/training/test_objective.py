"""The objective, held to numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from training.objective import (
    Asked,
    LengthTrend,
    Objective,
    Whole,
    bradley_terry_loss,
    centring_penalty,
    centring_terms,
    soft_target,
    token_losses,
)


def asked(count: int, target: float = 1.0, length: Tensor | None = None) -> Asked:
    return Asked(
        target=torch.full((count,), target),
        weight=torch.ones(count),
        length=torch.zeros(count) if length is None else length,
    )


def test_bradley_terry_is_the_log_loss_of_the_margins() -> None:
    """Margins 0 and 2: (log 2 + log(1 + e^-2)) / 2 = (.693147 + .126928) / 2 = .410038."""
    loss = bradley_terry_loss(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0]))
    assert loss.item() == pytest.approx(0.410038, abs=1e-6)


def test_a_tie_is_best_at_margin_zero_and_costs_the_same_either_way() -> None:
    """Target .5, margin m: .5 log(1+e^-m) + .5 log(1+e^m); log 2 at 0, and 1.126928 at 2 and -2."""
    half = torch.tensor([0.5])
    costs = [
        bradley_terry_loss(torch.tensor([margin]), torch.zeros(1), half).item()
        for margin in (0.0, 2.0, -2.0)
    ]
    assert costs == pytest.approx([math.log(2), 1.126928, 1.126928], abs=1e-6)


def test_weights_are_relative() -> None:
    """Losses .693147 and .126928 at weights 3 and 1: (3 * .693147 + .126928) / 4 = .551592."""
    chosen, rejected = torch.tensor([0.0, 2.0]), torch.zeros(2)
    for scale in (1.0, 10.0):
        weight = scale * torch.tensor([3.0, 1.0])
        loss = bradley_terry_loss(chosen, rejected, weight=weight)
        assert loss.item() == pytest.approx(0.551592, abs=1e-6)


def test_centring_pulls_both_rewards_to_zero_and_leaves_margins_alone() -> None:
    """(3 + 1)^2 = 16 and (2 - 2)^2 = 0: mean 8. Its gradient is the same on both sides."""
    chosen = torch.tensor([3.0, 2.0], requires_grad=True)
    rejected = torch.tensor([1.0, -2.0], requires_grad=True)
    penalty = centring_penalty(chosen, rejected)
    penalty.backward()  # type: ignore[no-untyped-call]
    assert penalty.item() == 8
    assert torch.equal(chosen.grad, rejected.grad)  # type: ignore[arg-type]


def test_the_public_scripts_centring_also_counts_opposed_rewards() -> None:
    """(|3| + |1|)^2 = 16, (|2| + |-2|)^2 = 16, against 16 and 0 in the paper."""
    chosen, rejected = torch.tensor([3.0, 2.0]), torch.tensor([1.0, -2.0])
    assert centring_terms(chosen, rejected, "absolute").tolist() == [16, 16]
    assert centring_terms(chosen, rejected, "sum").tolist() == [16, 0]


def test_a_teachers_word_mixes_with_the_label_as_their_losses_would() -> None:
    """Margin 2 at temperature 2: sigmoid(1) = .731059; with weight .25 beside a label of 1 the
    target is .75 + .25 * .731059 = .932765. At margin .5 the two losses are .474077 and
    .474077 + .268941 * .5 = .608548; mixed .75 to .25: .507695.
    """
    target = soft_target(1.0, 2.0, 0.25, 2.0)
    assert target == pytest.approx(0.932765, abs=1e-6)
    loss = bradley_terry_loss(torch.tensor([0.5]), torch.zeros(1), torch.tensor([target]))
    assert loss.item() == pytest.approx(0.507695, abs=1e-6)
    assert soft_target(0.5, 0.0, 1.0, 1.0) == 0.5
    assert soft_target(1.0, -1e6, 1.0, 1.0) == 0.0  # no overflow


def test_token_losses_are_those_of_whole_logits_in_pieces_and_so_are_their_gradients() -> None:
    """Uniform logits over 4 ids: 3 tokens cost 3 log 4 nats."""
    assert token_losses(torch.zeros(3, 5), torch.ones(4, 5), torch.tensor([0, 1, 3])).item() == (
        pytest.approx(3 * math.log(4))
    )
    torch.manual_seed(0)
    states = torch.randn(7, 5, requires_grad=True)
    table = torch.randn(11, 5, requires_grad=True)
    ids = torch.randint(11, (7,))
    grads = []
    for loss in (
        token_losses(states, table, ids, at_once=3),
        cross_entropy(states @ table.T, ids, reduction="sum"),
    ):
        grads.append(torch.autograd.grad(loss, (states, table)))
    for mine, theirs in zip(*grads, strict=True):
        assert torch.allclose(mine, theirs, atol=1e-5)


def test_terms_can_be_switched_off_and_add_up() -> None:
    """Margin 0, rewards 1 and 1: log 2 + .5 * (1 + 1)^2 + 2 * .25 = .693147 + 2 + .5."""
    ones, whole = torch.ones(1), Whole(weight=1.0, questions=1, tokens=4)
    plain = Objective(language_weight=0, centring_weight=0)(ones, ones, asked(1), whole)
    assert plain.total.item() == pytest.approx(math.log(2))
    full = Objective(language_weight=2, centring_weight=0.5)
    terms = full(ones, ones, asked(1), whole, language=torch.tensor(1.0))
    assert terms.total.item() == pytest.approx(3.193147)
    assert (terms.centring.item(), terms.language.item(), terms.length.item()) == (2, 0.5, 0)
    with pytest.raises(ValueError, match="language"):
        full(ones, ones, asked(1), whole)
    with pytest.raises(ValueError, match="trend"):
        Objective(length_weight=1)(ones, ones, asked(1), whole)


def test_the_losses_of_parts_add_up_to_the_loss_of_the_batch() -> None:
    chosen, rejected = torch.tensor([1.0, 3.0, -1.0]), torch.tensor([1.0, 1.0, 2.0])
    objective = Objective(centring_weight=0.1)
    whole = Whole(weight=3.0, questions=3, tokens=0)
    together = objective(chosen, rejected, asked(3), whole).total
    parts = [
        objective(chosen[at], rejected[at], asked(len(at)), whole).total
        for at in (torch.tensor([0]), torch.tensor([1, 2]))
    ]
    assert sum(part.item() for part in parts) == pytest.approx(together.item())


def test_the_length_trend_is_the_correlation_of_margins_with_length() -> None:
    """Margins 1, -1 at lengths 1, -1: correlation 1. Margins 2, 2: 0. After both, with memory .5:
    covariance (.5 * .5 + .0 * .5) / .75 = 1/3, square (.25 + .5 * 4) / .75 = 3; rho = 1/3 / sqrt 3
    = .19245, slope 2 rho / sqrt 3 = .22222.
    """
    trend = LengthTrend(memory=0.5)
    assert (trend.correlation, trend.slope) == (0, 0)
    trend.observe(product=1.0, square=1.0)
    assert trend.correlation == pytest.approx(1)
    trend.observe(product=0.0, square=4.0)
    assert trend.correlation == pytest.approx(0.192450, abs=1e-6)
    assert trend.slope == pytest.approx(0.222222, abs=1e-6)


def test_the_length_penalty_pushes_margins_away_from_length() -> None:
    """slope 2 at correlation 1; its gradient on margins is 2 * length / 2 questions."""
    trend = LengthTrend()
    trend.observe(product=1.0, square=1.0)
    chosen = torch.zeros(2, requires_grad=True)
    length = torch.tensor([1.0, -1.0])
    terms = Objective(centring_weight=0, length_weight=1.0)(
        *(chosen, torch.zeros(2), asked(2, length=length), Whole(2.0, 2, 0)), trend=trend
    )
    terms.length.backward()  # type: ignore[no-untyped-call]
    assert chosen.grad is not None
    assert chosen.grad.tolist() == pytest.approx([1, -1])
