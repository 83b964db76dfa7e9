"""themis.json: what the weights of a checkpoint do not say. Imports no torch.

Written by training, read by export.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from review_core.bundle import Criterion, Pooling
from review_core.errors import InputError
from review_core.layout import Layout
from review_core.types import Axis

CARD = "themis.json"


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


@dataclass(frozen=True, slots=True)
class Card:
    """The fields mean what the manifest's of the same name do; `quantisation` is what the weights
    were rounded to, which export must use to lose nothing.
    """

    name: str
    base: str
    licence: str
    layout: Layout
    pooling: Pooling
    criteria: Mapping[str, Criterion]
    axes: Mapping[Axis, tuple[str, ...]]
    languages: tuple[str, ...]
    max_tokens: int
    quantisation: Quantisation = Quantisation()
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Card:
        """The card of a checkpoint folder.

        :raises InputError: if there is none, or naming what is wrong with it.
        """
        path = folder / CARD
        try:
            about = json.loads(path.read_bytes())
            return cls(
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
        except OSError as error:
            raise InputError(
                f"{folder} has no {CARD}; a checkpoint is a folder that themis-train wrote"
            ) from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise InputError(
                f"{path} is not valid ({reason}); training/card.py says what its fields are"
            ) from error

    def write(self, folder: Path) -> None:
        """Write the card into `folder`."""
        about = {
            "name": self.name,
            "base": self.base,
            "licence": self.licence,
            "layout": self.layout.to_json(),
            "pooling": self.pooling.value,
            "criteria": {key: _asked(criterion) for key, criterion in self.criteria.items()},
            "axes": {axis.value: list(keys) for axis, keys in self.axes.items()},
            "languages": list(self.languages),
            "max_tokens": self.max_tokens,
            "quantisation": {
                name: getattr(self.quantisation, name) for name in Quantisation.__slots__
            },
            "metrics": dict(self.metrics),
        }
        text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
        (folder / CARD).write_text(text, encoding="utf-8")

    def named(self, name: str) -> Card:
        """The same card under another name."""
        return replace(self, name=name)


def _asked(criterion: Criterion) -> dict[str, int | str]:
    return {"head": criterion.head} if criterion.prompt is None else {"prompt": criterion.prompt}
