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
from review_core.layout import TokenSequence, normalise
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


def pooled_rewards(
    model: PreTrainedModel, sequences: Sequence[TokenSequence], pooling: str, pad_id: int = 0
) -> Tensor:
    """Rewards of whole sequences; shape (sequences, heads), float32. Padding is on the right and
    cannot be seen.
    """
    hidden, mask = hidden_states(model, sequences, pad_id)
    rewards = heads_of(model)(hidden).float()  # b x t x heads
    return pool(rewards, mask, sequences, pooling)


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


class CheckpointScorer:
    """Scores code with a checkpoint in torch, one full pass a sequence: the reference, and what
    benches training.
    """

    def __init__(self, folder: Path, *, dtype: torch.dtype = torch.float32) -> None:
        self.model, self.tokenizer, self.card = load_checkpoint(folder, dtype)

    @property
    def criteria(self) -> list[str]:
        """The criterion keys it answers."""
        return list(self.card.criteria)

    @property
    def reads_intent(self) -> bool:
        """Whether its layout has an intent slot."""
        return "intent" in self.card.layout.segments

    @torch.no_grad()
    def rewards(self, codes: Sequence[str], *, intent: str = "") -> list[dict[str, float] | None]:
        """Reward by criterion for each code; None where the sequence is longer than the card's
        max_tokens.
        """
        return [self._rewards(normalise(code), intent) for code in codes]

    def _rewards(self, code: str, intent: str) -> dict[str, float] | None:
        by_prompt: dict[str, Tensor] = {}
        found: dict[str, float] = {}
        for criterion in self.card.criteria:
            prompt = self.card.criteria[criterion].prompt or ""
            if prompt not in by_prompt:
                sequence = self.card.layout.render(
                    self.tokenizer, code, criterion=prompt, intent=intent
                )
                if len(sequence.ids) > self.card.max_tokens:
                    return None
                by_prompt[prompt] = pooled_rewards(self.model, [sequence], self.card.pooling)[0]
            found[criterion] = float(by_prompt[prompt][self.card.criteria[criterion].head])
        return found
