"""Block-rounded weights: what quantisation keeps, and training with it in the loop.

Weights that will be stored in 4 bits are rounded on every forward pass, so that what is fitted is
what ships; the gradient passes the rounding as if it were not there (straight-through).
Source: Bengio et al. (2013), for the estimator.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


def round_blocks(weight: Tensor, bits: int, block_size: int | None) -> Tensor:
    """Nearest weights that symmetric block-wise quantisation can hold, as onnxruntime's MatMulNBits
    rounds them.

    Each run of `block_size` inputs of a row (the whole row when None) shares one scale: its entry
    of largest magnitude maps to -2^(bits-1), so rounding twice changes nothing.

    :param weight: shape (outputs, inputs); inputs must be a multiple of block_size.
    """
    rows, inputs = weight.shape
    blocks = weight.reshape(rows, -1, block_size or inputs)  # rows x blocks x block
    extreme = blocks.gather(
        2, blocks.abs().argmax(2, keepdim=True)
    )  # signed entry of largest magnitude
    low = -float(2 ** (bits - 1))
    scale = extreme / low
    steps = torch.where(
        scale == 0,
        torch.zeros_like(blocks),
        blocks / torch.where(scale == 0, torch.ones_like(scale), scale),
    )
    return (steps.round().clamp(low, -low - 1) * scale).reshape(rows, inputs)


class Rounded(nn.Module):
    """A parametrisation: the weight as it will be stored."""

    def __init__(self, bits: int, block_size: int) -> None:
        super().__init__()
        self.bits, self.block_size = bits, block_size

    def forward(self, weight: Tensor) -> Tensor:
        """The rounded weight, whose gradient is the plain one's."""
        with torch.no_grad():
            rounded = round_blocks(weight.float(), self.bits, self.block_size).to(weight.dtype)
        return weight + (rounded - weight).detach()


def round_in_the_loop(layers: nn.Module, bits: int, block_size: int) -> None:
    """Make every linear layer below `layers` that is being trained compute with rounded weights."""
    for module in layers.modules():
        if isinstance(module, nn.Linear) and module.weight.requires_grad:
            parametrize.register_parametrization(module, "weight", Rounded(bits, block_size))
