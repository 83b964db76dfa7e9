"""The fp32 ONNX graph of a reward model, written by Optimum's exporter. Knows nothing of
quantisation or manifests.

Why Optimum with an OnnxConfig of our own, and not `torch.onnx.export` over a thin wrapper:

- Optimum's stock tasks cannot ask for this graph. `text-classification` pools inside it (by pad id,
  which is wrong for a text that ends in one) and has no past; `feature-extraction-with-past`
  returns states that it cannot take back in. Both follow from the config, so the config is what we
  replace: one graph whose past may be empty, rewards at every token.
- What we would have to write ourselves around torch.onnx is then Optimum's: names and dynamic axes
  of the states, example inputs for grouped-query attention, and patches for what transformers
  writes untraceably (masks through vmap, cache updates). With torch 2.13 and transformers 4.57 a
  bare trace stops inside the mask code.
- torch's newer exporter (`dynamo=True`) over a wrapper gives a correct graph too, but took three
  times as long at 600 M parameters, for the same rewards.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optimum.exporters.onnx import export
from optimum.exporters.onnx.config import TextDecoderWithPositionIdsOnnxConfig
from optimum.utils import (
    DummyTextInputGenerator,
    MistralDummyPastKeyValuesGenerator,
    NormalizedTextConfigWithGQA,
)
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.cache_utils import Cache


class RewardAtEveryToken(nn.Module):
    """A sequence-classification model without its pooling: the head applied to every token's final
    hidden state.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.config = model.config
        self.body: Any = model.base_model
        self.score: Any = model.score

    def forward(
        self,
        input_ids: Tensor,  # batch x tokens
        attention_mask: Tensor,  # batch x (past + tokens)
        position_ids: Tensor,  # batch x tokens
        past_key_values: Cache | None = None,
    ) -> dict[str, Any]:
        """Rewards (batch x tokens x heads) and the states of past and tokens together."""
        output = self.body(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            use_cache=True,
        )
        return {
            "rewards": self.score(output.last_hidden_state),
            "past_key_values": output.past_key_values,
        }


class RewardOnnxConfig(TextDecoderWithPositionIdsOnnxConfig):  # type: ignore[misc]
    """Inputs and outputs of the graph contract, for any decoder with grouped-query attention
    (Qwen2, Qwen3).
    """

    NORMALIZED_CONFIG_CLASS = NormalizedTextConfigWithGQA
    DUMMY_INPUT_GENERATOR_CLASSES = (DummyTextInputGenerator, MistralDummyPastKeyValuesGenerator)
    DUMMY_PKV_GENERATOR_CLASS = MistralDummyPastKeyValuesGenerator

    def __init__(self, config: Any) -> None:
        # Of Optimum's tasks only text generation traces several new tokens on top of a past; the
        # others assume one.
        super().__init__(config, task="text-generation", use_past=True, use_past_in_inputs=True)

    @property
    def outputs(self) -> dict[str, dict[int, str]]:
        """Rewards first, then present.N.key and present.N.value."""
        axes = {"rewards": {0: "batch_size", 1: "sequence_length"}}
        self.add_past_key_values(axes, direction="outputs")
        return axes


def export_graph(model: PreTrainedModel, path: Path) -> None:
    """Write the fp32 graph of `model`, a sequence-classification model, to `path`.

    Weights beyond protobuf's 2 GB go to one file beside it, as Optimum names it.
    """
    with _quiet_tracing():
        export(RewardAtEveryToken(model).eval(), RewardOnnxConfig(model.config), path)


@contextmanager
def _quiet_tracing() -> Iterator[None]:
    """Tracing warns once per Python branch on a shape; parity checks, not warnings, say whether the
    graph is right.
    """
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter_log.setLevel(level)
