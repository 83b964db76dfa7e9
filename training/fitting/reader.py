"""The module that is trained: a part of a batch in, the rewards of its sides out.

One forward pass is one call, as DistributedDataParallel and FSDP need it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from review_core.bundle import Pooling
from training.fitting.batches import Part, chosen_spans
from training.model import hidden_states, pool
from training.objective import token_losses
from training.packing import hidden_of


class PairReader(nn.Module):
    """Reads with a sequence-classification model; its head in float32, whatever the rest is in.

    mixed: compute the rest in bfloat16. output: rows of the language-model head, if it is not the
    table of the embeddings. fused: use Liger's cross-entropy.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        pooling: Pooling,
        *,
        mixed: bool = False,
        output: nn.Linear | None = None,
        fused: bool = False,
    ) -> None:
        super().__init__()
        self.model, self.output = model, output
        self.pooling, self.mixed, self.fused = pooling, mixed, fused
        # Where FSDP cuts: its configuration need not name a family's decoder layer.
        self._no_split_modules = model._no_split_modules

    def forward(self, part: Part, language: bool = False) -> tuple[Tensor, Tensor]:
        """Rewards, shape (pairs, 2: chosen then rejected, heads), float32; and the summed nats of
        the chosen sides' next tokens, a scalar, 0 unless asked for.
        """
        device = self.model.device
        if part.row is not None:
            with self._precision(device):
                states = hidden_of(self.model, part.row)  # t x hidden
            pooled = part.row.pooling.to(device) @ states.float()  # 2 pairs x hidden
        else:
            flat = [side for at in (0, 1) for side in (sides[at] for sides in part.sides)]
            with self._precision(device):
                padded, mask = hidden_states(self.model, flat)  # 2 pairs x t x hidden
            pooled = pool(padded.float(), mask, flat, self.pooling)
            order = torch.arange(len(flat)).reshape(2, -1).T.flatten()
            pooled = pooled[order.to(device)]
            states = padded
        head: Any = self.model.score
        rewards = head(pooled).reshape(len(part.sides), 2, -1)
        if not language:
            return rewards, rewards.new_zeros(())
        return rewards, self._language(part, states)

    def _language(self, part: Part, states: Tensor) -> Tensor:
        if part.row is not None:
            chosen = [states[start:end] for start, end in chosen_spans(part)]
        else:
            chosen = [
                row[: len(sides[0].ids)] for row, sides in zip(states, part.sides, strict=False)
            ]
        before = torch.cat([row[:-1] for row in chosen])
        after = torch.cat([torch.tensor(sides[0].ids[1:]) for sides in part.sides])
        # A cut base keeps its (tied) table, which stands in for the head of a causal model.
        embeddings = cast(nn.Embedding, self.model.get_input_embeddings())
        table = embeddings.weight if self.output is None else self.output.weight
        after = after.to(states.device)
        with self._precision(states.device):
            if self.fused:
                from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss

                fused = LigerFusedLinearCrossEntropyLoss(reduction="sum")
                return cast(Tensor, fused(table.to(before.dtype), before, after))
            return token_losses(before, table, after)

    def _precision(self, device: torch.device) -> AbstractContextManager[Any]:
        return torch.autocast(device.type, torch.bfloat16) if self.mixed else nullcontext()
