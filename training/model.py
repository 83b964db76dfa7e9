"""A reward model in torch: loading a checkpoint, rewards at every token, how they are pooled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from review_core.errors import InputError
from review_core.layout import TokenSequence
from training.card import Card


def load_checkpoint(
    folder: Path, dtype: torch.dtype = torch.float32
) -> tuple[PreTrainedModel, Tokenizer, Card]:
    """The model in evaluation mode, its tokenizer and its card.

    :raises InputError: if something of the three is missing.
    """
    card = Card.read(folder)
    if not (folder / "tokenizer.json").exists():
        raise InputError(f"{folder} has no tokenizer.json; save the tokenizer beside the model")
    try:
        model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=dtype)
    except OSError as error:
        raise InputError(f"{folder} holds no model: {str(error).splitlines()[0]}") from error
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json")), card


def heads_of(model: nn.Module) -> nn.Linear:
    """The linear layer, without bias, that gives a token its rewards."""
    return cast(nn.Linear, model.score)


def hidden_states(
    model: PreTrainedModel, sequences: Sequence[TokenSequence], pad_id: int = 0
) -> tuple[Tensor, Tensor]:
    """Final states and mask of right-padded sequences; shapes (b, t, hidden) and (b, t)."""
    longest = max(len(sequence.ids) for sequence in sequences)
    ids = torch.full((len(sequences), longest), pad_id)
    mask = torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence.ids)] = torch.tensor(sequence.ids)
        mask[row, : len(sequence.ids)] = 1
    ids, mask = ids.to(model.device), mask.to(model.device)
    output = model.base_model(input_ids=ids, attention_mask=mask, use_cache=False)
    return output.last_hidden_state, mask


def pool(values: Tensor, mask: Tensor, sequences: Sequence[TokenSequence], pooling: str) -> Tensor:
    """Mean over each sequence's code tokens, or its last real token.

    :param values: shape (b, t, k). :param mask: shape (b, t). :return: shape (b, k).
    """
    if pooling == "last":
        last = mask.sum(1) - 1
        return values[torch.arange(len(values), device=values.device), last]
    inside = torch.zeros_like(mask, dtype=values.dtype)
    for row, sequence in enumerate(sequences):
        inside[row, slice(*sequence.code)] = 1
    counts = inside.sum(1, keepdim=True).clamp(min=1)
    return torch.einsum("bt,btk->bk", inside, values) / counts
