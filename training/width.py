"""Cuts the feed-forward width of a decoder: keeps the neurons of each layer that write most on
sample texts, and refits what the kept ones write, so that the layer says what it said. Chooses no
width and rounds nothing.

Layers are cut from the first to the last, each judged on what the ones below it, narrow already,
give it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)
_RIDGE = 1e-3
"""Of the mean energy of a kept neuron: holds the refitted weights near the pretrained ones where
the sample says little.
"""


@dataclass(frozen=True, slots=True)
class NarrowedLayer:
    """What the cut did to one layer.

    kept: neurons, in their old order, shape (width,). cut_error, error: the change of what its
    feed-forward wrote on the sample, relative to that (root of summed squares over tokens, each
    weighed as below), by the cut alone and after the repair.
    """

    kept: Tensor
    cut_error: float
    error: float


@torch.no_grad()
def narrow(
    body: Any, sequences: Sequence[Tensor], width: int, *, repair: bool = True
) -> list[NarrowedLayer]:
    """Cut every layer of `body` to `width` neurons, in place.

    A neuron counts as much as it writes: the root mean square of act(gate) * up over the sample's
    tokens, times the norm of its column of down_proj. The repair is the least-squares solution for
    down_proj with a small ridge around what it was, so on the sample it never does worse. Tokens
    weigh as the inverse of their state's length, because what reads a state normalises it: a few
    tokens (the first of a sequence) are a hundred times as long as others and would decide alone.

    Source: Sun et al. (2024, arXiv 2306.11695) for the measure, on neurons instead of weights; He,
    Zhang & Sun (2017, arXiv 1707.06168) for the repair.

    :param body: a decoder of transformers with `layers`, each with `mlp.gate_proj`, `up_proj` and
        `down_proj`: Qwen2, Qwen3, Llama.
    :param sequences: token ids of the sample, each of shape (t,).
    :raises ValueError: if `width` is none that a layer can be cut to, or there is no sample.
    """
    present = body.config.intermediate_size
    if not 0 < width <= present:
        raise ValueError(f"a feed-forward of {present} neurons cannot be cut to {width}")
    if not sequences:
        raise ValueError("neurons are chosen by what they do on a sample, and there is none")
    calls = [_first_call(body, sequence) for sequence in sequences]
    done: list[NarrowedLayer] = []
    for index, layer in enumerate(body.layers):
        outputs, active = _run(layer, calls)
        lengths = torch.cat([output[0].norm(dim=-1, keepdim=True) for output in outputs])
        cut, lost = _narrow_layer(layer.mlp, active / lengths, width, repair=repair)
        log.info(
            "width: layer %d, %d of %d neurons, error %.3f, %.3f after the repair",
            *(index, width, present, cut.cut_error, cut.error),
        )
        done.append(cut)
        parts = (lost * lengths).split([call.hidden.shape[1] for call in calls])
        calls = [
            _Call(output - part.to(output.dtype), call.others)
            for call, output, part in zip(calls, outputs, parts, strict=True)
        ]
    body.config.intermediate_size = width
    return done


@torch.no_grad()
def relative_error(body: Any, sequences: Sequence[Tensor], before: Sequence[Tensor]) -> float:
    """How far the final states are from what they were, relative to that, over all tokens.

    :param before: `final_states` of the same sequences.
    """
    now = final_states(body, sequences)
    pairs = list(zip(now, before, strict=True))
    changed = sum(float((new - old).pow(2).sum()) for new, old in pairs)
    return float((changed / sum(float(old.pow(2).sum()) for _, old in pairs)) ** 0.5)


@torch.no_grad()
def final_states(body: Any, sequences: Sequence[Tensor]) -> list[Tensor]:
    """What `body` ends with, of each sequence read alone; shape (t, hidden), float32."""
    return [body(input_ids=ids[None], use_cache=False)[0][0].float() for ids in sequences]


@dataclass(frozen=True, slots=True)
class _Call:
    """What a layer is called with: hidden states, shape (1, t, hidden), and all else (mask,
    positions), which is the same for each layer.
    """

    hidden: Tensor
    others: Mapping[str, Any]


class _Reached(Exception):  # noqa: N818 - no error: how a forward pass is left early
    def __init__(self, call: _Call) -> None:
        self.call = call


def _first_call(body: Any, ids: Tensor) -> _Call:
    """What the first layer would be called with: the family's own code makes masks and
    positions.
    """

    def catch(_: nn.Module, given: tuple[Tensor, ...], others: dict[str, Any]) -> None:
        raise _Reached(_Call(given[0], others))

    hook = body.layers[0].register_forward_pre_hook(catch, with_kwargs=True)
    try:
        body(input_ids=ids[None], use_cache=False)
    except _Reached as reached:
        return reached.call
    finally:
        hook.remove()
    raise AssertionError("a decoder calls its first layer")


def _run(layer: Any, calls: Sequence[_Call]) -> tuple[list[Tensor], Tensor]:
    """What the layer gives for each call, and what its neurons do at all tokens, shape (tokens,
    neurons).
    """
    active: list[Tensor] = []
    hook = layer.mlp.down_proj.register_forward_pre_hook(
        lambda _, given: active.append(given[0][0].float())
    )
    outputs = [layer(call.hidden, **call.others) for call in calls]
    hook.remove()
    return outputs, torch.cat(active)


def _narrow_layer(
    mlp: Any, active: Tensor, width: int, *, repair: bool
) -> tuple[NarrowedLayer, Tensor]:
    """Cut a layer to what `active`, shape (tokens, neurons), needs; also what it then writes no
    longer, shape (tokens, hidden).
    """
    down = mlp.down_proj.weight.float()  # hidden x neurons
    kept = (active.norm(dim=0) * down.norm(dim=0)).topk(width).indices.sort().values
    dropped = torch.ones(len(down[0]), dtype=torch.bool).index_fill(0, kept, 0)
    staying = active[:, kept]  # tokens x width
    lost = active[:, dropped] @ down[:, dropped].T  # tokens x hidden
    whole = float((staying @ down[:, kept].T + lost).norm())
    cut_error = float(lost.norm())
    weight = down[:, kept]
    if repair and bool(dropped.any()):
        among = (staying.T @ staying).double()
        among.diagonal().add_(_RIDGE * among.diagonal().mean() + 1e-12)
        missed = (staying.T @ lost).double()  # width x hidden
        patch = torch.cholesky_solve(missed, torch.linalg.cholesky(among)).float()
        lost, weight = lost - staying @ patch, weight + patch.T
    mlp.down_proj = _linear(weight, mlp.down_proj.bias, mlp.down_proj)
    for name in ("gate_proj", "up_proj"):
        old = getattr(mlp, name)
        setattr(mlp, name, _linear(old.weight[kept], _at(old.bias, kept), old))
    mlp.intermediate_size = width
    whole = whole or 1.0  # a layer that writes nothing loses nothing
    return NarrowedLayer(kept, cut_error / whole, float(lost.norm()) / whole), lost


def _at(bias: Tensor | None, kept: Tensor) -> Tensor | None:
    return None if bias is None else bias[kept]


def _linear(weight: Tensor, bias: Tensor | None, like: nn.Linear) -> nn.Linear:
    made = nn.Linear(
        weight.shape[1], weight.shape[0], bias=bias is not None, dtype=like.weight.dtype
    )
    made.weight.copy_(weight)
    if bias is not None:
        made.bias.copy_(bias)
    return made.requires_grad_(like.weight.requires_grad)
