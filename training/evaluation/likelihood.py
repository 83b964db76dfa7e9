"""A causal language model's own opinion of code: the mean log-likelihood of its tokens. The
baseline that says how much of a reward model is its base.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModelForCausalLM

from review_core.errors import InputError
from review_core.layout import normalise
from training.evaluation.scorers import token_batches

_SLICE = 512
"""Tokens whose logits are held at once: a vocabulary of 150,000 takes .3 GB for so many."""


class LikelihoodScorer:
    """Rewards code with the mean log-likelihood of its tokens, in nats; the same on every
    criterion.

    The first token has nothing before it and does not count.
    """

    def __init__(
        self,
        folder: Path,
        criteria: Sequence[str],
        *,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
        batch_tokens: int = 8192,
        max_tokens: int = 4096,
    ) -> None:
        """:raises InputError: if the folder holds no causal model or no tokenizer.json."""
        try:
            self._model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{folder} holds no causal language model ({str(error).splitlines()[0]})"
            ) from error
        if not (folder / "tokenizer.json").exists():
            raise InputError(f"{folder} has no tokenizer.json; save the tokenizer beside the model")
        self._model.eval().to(device)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._batch_tokens, self._max_tokens = batch_tokens, max_tokens
        self.criteria = tuple(criteria)
        self.reads_intent = False

    def rewards(self, codes: Sequence[str], *, intent: str = "") -> list[dict[str, float] | None]:
        """By criterion for each code; None where it is too long, or shorter than two tokens."""
        distinct = list(dict.fromkeys(codes))
        ids = [self._ids(normalise(code)) for code in distinct]
        readable = [index for index, each in enumerate(ids) if 2 <= len(each) <= self._max_tokens]
        found: dict[str, float] = {}
        for batch in token_batches(readable, [len(each) for each in ids], self._batch_tokens):
            values = self._likelihoods([ids[index] for index in batch])
            found |= {distinct[i]: float(value) for i, value in zip(batch, values, strict=True)}
        return [
            dict.fromkeys(self.criteria, found[code]) if code in found else None for code in codes
        ]

    def _ids(self, code: str) -> list[int]:
        encoded: list[int] = self._tokenizer.encode(code, add_special_tokens=False).ids
        return encoded

    @torch.no_grad()
    def _likelihoods(self, sequences: Sequence[list[int]]) -> Tensor:
        """Mean log-likelihood of each sequence's tokens after the first, shape (b,), nats."""
        longest = max(map(len, sequences))
        ids = torch.zeros(len(sequences), longest, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)] = torch.tensor(sequence)
            mask[row, : len(sequence)] = 1
        ids, mask = ids.to(self._model.device), mask.to(self._model.device)
        hidden = self._model.base_model(
            input_ids=ids, attention_mask=mask, use_cache=False
        ).last_hidden_state[:, :-1]  # b x t-1 x hidden
        head = self._model.get_output_embeddings()
        kept = mask[:, 1:].bool()
        states, targets = hidden[kept], ids[:, 1:][kept]  # tokens x hidden, tokens
        logs = torch.cat(
            [
                -torch.nn.functional.cross_entropy(
                    head(states[at : at + _SLICE]).float(),
                    targets[at : at + _SLICE],
                    reduction="none",
                )
                for at in range(0, len(targets), _SLICE)
            ]
        )
        rows = torch.arange(len(sequences), device=ids.device)[:, None].expand_as(kept)[kept]
        sums = torch.zeros(len(sequences), device=ids.device).index_add_(0, rows, logs)
        return (sums / kept.sum(1)).cpu()
