"""Reads a trained checkpoint: a Hugging Face sequence-classification folder and our themis.json.
Trains nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review_core.bundle import Criterion, Pooling
from review_core.errors import InputError
from review_core.layout import Layout
from review_core.types import Axis

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ABOUT = "themis.json"
_FAMILIES = ("qwen2", "qwen3")

PRECISIONS: Mapping[str, tuple[int | None, int | None]] = {
    "fp32": (None, None),
    "int8": (8, 8),
    "int4": (4, None),
    "mixed": (4, 8),
}
"""Bits of the linear layers and of the embedding table, by name on the command line."""


@dataclass(frozen=True, slots=True)
class Quantisation:
    """How weights are stored; None for fp32.

    weight_bits, block_size: linear layers, 4 or 8 bits, one scale for each block of that many
    inputs. embedding_bits: the table's rows, 8 bits, one scale a row. The reward head always stays
    fp32.
    """

    weight_bits: int | None = None
    block_size: int = 64
    embedding_bits: int | None = None

    def __post_init__(self) -> None:
        """:raises ValueError: for what the runtime cannot read."""
        if self.weight_bits not in (None, 4, 8):
            raise ValueError(f"weight_bits is 4, 8 or null, not {self.weight_bits}")
        if self.embedding_bits not in (None, 8):
            raise ValueError(f"embedding_bits is 8 or null, not {self.embedding_bits}")
        if self.block_size < 16 or self.block_size & (self.block_size - 1):
            raise ValueError(f"block_size is a power of two from 16, not {self.block_size}")

    @property
    def precision(self) -> str:
        """Its name in the manifest and on the command line."""
        bits = (self.weight_bits, self.embedding_bits)
        named = next((name for name, known in PRECISIONS.items() if known == bits), None)
        return named or f"linear {bits[0] or 'fp32'}, embedding {bits[1] or 'fp32'}"

    def named(self, precision: str) -> Quantisation:
        """The quantisation of that name, with this one's block size."""
        if precision == self.precision:
            return self
        weight_bits, embedding_bits = PRECISIONS[precision]
        return replace(self, weight_bits=weight_bits, embedding_bits=embedding_bits)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What themis.json says of the model in `path`. The fields mean what the manifest's of the same
    name do.
    """

    path: Path
    name: str
    base: str
    licence: str
    layout: Layout
    pooling: Pooling
    criteria: Mapping[str, Criterion]
    axes: Mapping[Axis, tuple[str, ...]]
    languages: tuple[str, ...]
    max_tokens: int
    quantisation: Quantisation
    metrics: Mapping[str, Any] = field(default_factory=dict)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read `path`/themis.json and see that the rest is there.

    :raises InputError: naming the file or field that is missing or wrong.
    """
    for name in ("config.json", "tokenizer.json", ABOUT):
        if not (path / name).is_file():
            raise InputError(
                f"{path} has no {name}; a checkpoint is a folder that themis-train wrote"
            )
    try:
        about = json.loads((path / ABOUT).read_bytes())
        return Checkpoint(
            path=path,
            name=str(about["name"]),
            base=str(about["base"]),
            licence=str(about["licence"]),
            layout=Layout.from_json(about["layout"]),
            pooling=Pooling(about["pooling"]),
            criteria={key: Criterion(**asked) for key, asked in about["criteria"].items()},
            axes={Axis(axis): tuple(keys) for axis, keys in about["axes"].items()},
            languages=tuple(about["languages"]),
            max_tokens=int(about["max_tokens"]),
            quantisation=Quantisation(**about["quantisation"]),
            metrics=dict(about.get("metrics", {})),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(
            f"{path / ABOUT} is not valid ({reason}); see model_export/checkpoint.py for its fields"
        ) from error


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
    for key, criterion in checkpoint.criteria.items():
        named = config.id2label.get(criterion.head) if criterion.prompt is None else key
        if criterion.head >= config.num_labels or named != key:
            raise InputError(
                f"{checkpoint.path}: {ABOUT} asks head {criterion.head} for {key}, "
                "which id2label in config.json does not confirm; make the two agree"
            )
    import torch

    model = AutoModelForSequenceClassification.from_pretrained(checkpoint.path, dtype=torch.float32)
    return model.eval()  # type: ignore[no-any-return]
