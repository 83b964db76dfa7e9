"""Chooses the scales of 4- and 8-bit weights by what rounding does to a layer's output. Stores
nothing.

Plain rounding gives a block the scale at which its largest weight is exact. In 4 bits that leaves
coarse steps for all the others: a smaller scale, which cuts the largest off, is often nearer on the
whole. Each block gets the scale, out of a few, whose squared error is least, each weight's error
counting by the mean square of the input it is multiplied with (measured on sample texts). Scales
grow no larger than plain ones, so the largest weight still lands on the lowest step: the quantiser
reads the same scale back from the rounded weights, and weights that were rounded in training
(training/rounding.py) do not change.

What is nearer by layer need not be better as a whole: a language model's perplexity rose by 11.8 %
with these scales and by 9.8 % with plain ones (benchmarks/results/rounding-language-model.md).

Source: clipping by search as in AWQ, Lin et al. (2023), with the diagonal of GPTQ's Hessian,
Frantar et al. (2022), as weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

SHRINKS = tuple(1.0 - 0.025 * step for step in range(17))  # 1.0, 0.975, ... 0.6


def round_by_search(
    weight: Tensor, bits: int, block_size: int, importance: Tensor | None = None
) -> Tensor:
    """The weights at the best of the scales tried; shape (outputs, inputs), as given.

    :param importance: mean square of each input, shape (inputs,); None counts all alike.
    """
    rows, inputs = weight.shape
    blocks = weight.reshape(rows, -1, block_size)  # rows x blocks x block
    extreme = blocks.gather(2, blocks.abs().argmax(2, keepdim=True))
    low = -float(2 ** (bits - 1))
    plain = extreme / low  # rows x blocks x 1
    counting = torch.ones(inputs) if importance is None else importance
    counting = counting.reshape(1, -1, block_size)
    best = torch.zeros_like(blocks)
    least = torch.full_like(plain, torch.inf)
    for shrink in SHRINKS:
        scale = plain * shrink
        steps = torch.where(scale == 0, 0.0, blocks / torch.where(scale == 0, 1.0, scale))
        rounded = steps.round().clamp(low, -low - 1) * scale
        error = ((rounded - blocks).square() * counting).sum(2, keepdim=True)
        better = error < least  # of equals the largest scale
        best = torch.where(better, rounded, best)
        least = torch.where(better, error, least)
    return best.reshape(rows, inputs)


def input_squares(layers: nn.Module, run: Any, batch: Sequence[Any]) -> Mapping[str, Tensor]:
    """The mean square of each input of every linear layer below `layers`, shape (inputs,), while
    `run` reads the batch.
    """
    sums: dict[str, Tensor] = {}
    counts: dict[str, int] = {}

    def watch(name: str) -> Any:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen = inputs[0].detach().reshape(-1, inputs[0].shape[-1])  # tokens x inputs
            sums[name] = sums.get(name, torch.zeros(seen.shape[1])) + seen.square().sum(0)
            counts[name] = counts.get(name, 0) + len(seen)

        return hook

    hooks = [
        module.register_forward_pre_hook(watch(name))
        for name, module in layers.named_modules()
        if isinstance(module, nn.Linear)
    ]
    try:
        for each in batch:
            run(each)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: total / counts[name] for name, total in sums.items()}
