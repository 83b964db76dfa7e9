"""The objective, held to numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from training.objective import (
    Objective,
    bradley_terry_loss,
    centring_penalty,
    language_model_loss,
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


def test_the_language_term_averages_over_real_next_tokens_only() -> None:
    """Uniform logits over 4 ids cost log 4 a token, whatever padding says."""
    logits = torch.zeros(2, 3, 4)
    ids = torch.tensor([[1, 2, 3], [1, 2, 0]])
    mask = torch.tensor([[1, 1, 1], [1, 1, 0]])
    assert language_model_loss(logits, ids, mask).item() == pytest.approx(math.log(4))
    logits[1, 1, 3] = 50.0  # predicts padding's place: must not count
    assert language_model_loss(logits, ids, mask).item() == pytest.approx(math.log(4))


def test_terms_can_be_switched_off_and_add_up() -> None:
    """Margin 0, rewards 1 and 1: log 2 + .5 * (1 + 1)^2 + 2 * .25 = .693147 + 2 + .5."""
    ones, unit = torch.ones(1), torch.ones(1)
    plain = Objective(language_weight=0, centring_weight=0)(ones, ones, unit, unit)
    assert plain.item() == pytest.approx(math.log(2))
    full = Objective(language_weight=2, centring_weight=0.5)
    assert full(ones, ones, unit, unit, torch.tensor(0.25)).item() == pytest.approx(3.193147)
    with pytest.raises(ValueError, match="language"):
        full(ones, ones, unit, unit)
