"""Turns a model's hidden states so that no value in them stands out, and its weights so that it
says the same.

Some channels of a language model's hidden states are tens of times larger than the rest; rounded to
8 bits, those leave the rest a few steps. A rotation spreads them over all channels. It is put into
the weights in front of and behind each hidden state, so it costs nothing when the model runs
(QuaRot, arXiv 2404.00456, without its rotations at run time).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_SEED = 0
_ROWS = 16384
"""Of the embedding table, turned together: a large table in double precision is a gigabyte."""


def rotate(model: PreTrainedModel, head: Any = None) -> None:
    """Turn the hidden states between layers and, per head, the values inside attention, in place.

    The weights of the norms go into the layers behind them, since a rotation commutes only with a
    norm that weighs all channels alike.

    :param head: the linear layer that reads the last hidden states; None for a reward model's.
    """
    import torch

    model_of_any_kind: Any = model
    body: Any = model.base_model
    head = model_of_any_kind.score if head is None else head
    config = model.config
    generator = torch.Generator().manual_seed(_SEED)
    turn = _rotation(config.hidden_size, generator)
    with torch.no_grad():
        for layer in body.layers:
            attention, mlp = layer.self_attn, layer.mlp
            _absorb(layer.input_layernorm, attention.q_proj, attention.k_proj, attention.v_proj)
            _absorb(layer.post_attention_layernorm, mlp.gate_proj, mlp.up_proj)
            for linear in (
                attention.q_proj,
                attention.k_proj,
                attention.v_proj,
                mlp.gate_proj,
                mlp.up_proj,
            ):
                _put(linear.weight, linear.weight.double() @ turn)
            for linear in (attention.o_proj, mlp.down_proj):
                _put(linear.weight, turn.T @ linear.weight.double())
            _turn_values(attention, config, generator)
        _absorb(body.norm, head)
        _put(head.weight, head.weight.double() @ turn)
        for rows in body.embed_tokens.weight.split(_ROWS):
            _put(rows, rows.double() @ turn)


def _turn_values(attention: Any, config: Any, generator: torch.Generator) -> None:
    """Each key-value head's values, and back in the output projection of the heads that read it."""
    groups, size = config.num_key_value_heads, attention.head_dim
    values = attention.v_proj.weight.view(groups, size, -1)
    out = attention.o_proj.weight
    readers = out.view(out.shape[0], groups, -1, size)  # hidden x groups x heads x head_dim
    for group in range(groups):
        turn = _rotation(size, generator)
        _put(values[group], turn.T @ values[group].double())
        if attention.v_proj.bias is not None:
            bias = attention.v_proj.bias.view(groups, size)[group]
            _put(bias, turn.T @ bias.double())
        _put(readers[:, group], readers[:, group].double() @ turn)


def _absorb(norm: Any, *behind: Any) -> None:
    for linear in behind:
        _put(linear.weight, linear.weight.double() * norm.weight.double())
    norm.weight.fill_(1)


def _put(weight: torch.Tensor, turned: torch.Tensor) -> None:
    weight.copy_(turned.to(weight.dtype))


def _rotation(size: int, generator: torch.Generator) -> torch.Tensor:
    """A random orthogonal matrix, size x size, in double precision."""
    import torch

    random = torch.randn(size, size, dtype=torch.float64, generator=generator)
    orthogonal, upper = torch.linalg.qr(random)
    rotation: torch.Tensor = orthogonal * torch.sign(torch.diagonal(upper))
    return rotation
