from __future__ import annotations

import torch
from torch import nn

from training.rounding import round_blocks, round_in_the_loop


def test_rounding_twice_changes_nothing_and_the_extreme_is_kept() -> None:
    weight = torch.randn(8, 64, generator=torch.Generator().manual_seed(0))
    once = round_blocks(weight, 4, 16)
    assert torch.equal(round_blocks(once, 4, 16), once)
    blocks, rounded = weight.reshape(-1, 16), once.reshape(-1, 16)
    at = blocks.abs().argmax(1, keepdim=True)
    assert torch.allclose(rounded.gather(1, at), blocks.gather(1, at))
    assert all(len(row.unique()) <= 16 for row in rounded)


def test_rounding_leaves_zeros_zero() -> None:
    assert not round_blocks(torch.zeros(2, 32), 4, 16).any()


def test_training_sees_rounded_weights_and_passes_the_gradient_by() -> None:
    """y = w x with x = 1: dy/dw is 1 wherever the rounding moved w to."""
    layer = nn.Linear(32, 4, bias=False)
    before = layer.weight.detach().clone()
    round_in_the_loop(nn.Sequential(layer), 4, 32)
    layer(torch.ones(1, 32)).sum().backward()
    assert torch.allclose(layer.weight, round_blocks(before, 4, 32), atol=1e-7)
    gradient = layer.parametrizations.weight.original.grad  # type: ignore[union-attr, operator]
    assert torch.equal(gradient, torch.ones(4, 32))


def test_what_is_not_trained_is_left_alone() -> None:
    layer = nn.Linear(32, 4, bias=False).requires_grad_(False)
    before = layer.weight.clone()
    round_in_the_loop(nn.Sequential(layer), 4, 32)
    assert torch.equal(layer.weight, before)
