"""Rewards by torch, one full pass a sequence and nothing shared: what everything faster is held
to.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel

from review_core.layout import TokenSequence, normalise
from training.model import heads_of, hidden_states, load_checkpoint, pool


def pooled_rewards(
    model: PreTrainedModel, sequences: Sequence[TokenSequence], pooling: str, pad_id: int = 0
) -> Tensor:
    """Rewards of whole sequences; shape (sequences, heads), float32. Padding is on the right and
    cannot be seen.
    """
    hidden, mask = hidden_states(model, sequences, pad_id)
    rewards = heads_of(model)(hidden).float()  # b x t x heads
    return pool(rewards, mask, sequences, pooling)


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
