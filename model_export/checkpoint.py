"""Reads a trained checkpoint: a Hugging Face sequence-classification folder, and our themis.json or
the prompts of a published model. Trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from model_export.prompts import Prompts
from model_export.published import published_card
from review_core.errors import InputError
from training.card import CARD, Card, Quantisation

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_FAMILIES = ("qwen2", "qwen3")

PRECISIONS: Mapping[str, tuple[int | None, int | None]] = {
    "fp32": (None, None),
    "int8": (8, 8),
    "int4": (4, None),
    "mixed": (4, 8),
}
"""Bits of the linear layers and of the embedding table, by name on the command line."""


def precision_of(quantisation: Quantisation) -> str:
    """The name of a quantisation in the manifest and on the command line."""
    bits = (quantisation.weight_bits, quantisation.embedding_bits)
    named = next((name for name, known in PRECISIONS.items() if known == bits), None)
    return named or f"linear {bits[0] or 'fp32'}, embedding {bits[1] or 'fp32'}"


def with_precision(quantisation: Quantisation, precision: str) -> Quantisation:
    """The quantisation of that name, with the given one's block size."""
    if precision == precision_of(quantisation):
        return quantisation
    weight_bits, embedding_bits = PRECISIONS[precision]
    return replace(quantisation, weight_bits=weight_bits, embedding_bits=embedding_bits)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint folder and what its card says."""

    path: Path
    card: Card


def read_checkpoint(path: Path, prompts: Prompts | None = None) -> Checkpoint:
    """Read the card in `path` and see that the rest is there.

    :param prompts: for a published checkpoint, which has no card.
    :raises InputError: naming the file or field that is missing or wrong.
    """
    for name in ("config.json", "tokenizer.json"):
        if not (path / name).is_file():
            raise InputError(
                f"{path} has no {name}; a checkpoint is a folder that themis-train wrote, or one "
                "as published"
            )
    if (path / CARD).is_file():
        if prompts is not None:
            raise InputError(
                f"{path} has a {CARD}, which says how it is asked; leave out --prompts"
            )
        return Checkpoint(path, Card.read(path))
    if prompts is None:
        raise InputError(
            f"{path} has no {CARD}; a checkpoint is a folder that themis-train wrote, and a "
            "published Themis-RM model needs --prompts as well, which themis-export prompts makes"
        )
    return Checkpoint(path, published_card(path, prompts))


def load_model(checkpoint: Checkpoint) -> PreTrainedModel:
    """The torch model in fp32, ready to score.

    :raises InputError: if it is not of a family whose graph we know, or its heads are not the
        criteria's.
    """
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.from_pretrained(checkpoint.path)
    if config.model_type not in _FAMILIES:
        raise InputError(
            f"{checkpoint.path} is a {config.model_type} model; "
            f"only {' and '.join(_FAMILIES)} can be exported"
        )
    if getattr(config, "use_sliding_window", False):
        raise InputError(
            f"{checkpoint.path} attends through a sliding window, which prefixes cannot share; "
            "train with use_sliding_window false"
        )
    for key, criterion in checkpoint.card.criteria.items():
        named = config.id2label.get(criterion.head) if criterion.prompt is None else key
        if criterion.head >= config.num_labels or named != key:
            raise InputError(
                f"{checkpoint.path}: {CARD} asks head {criterion.head} for {key}, "
                "which id2label in config.json does not confirm; make the two agree"
            )
    import torch

    model = AutoModelForSequenceClassification.from_pretrained(checkpoint.path, dtype=torch.float32)
    return model.eval()  # type: ignore[no-any-return]
