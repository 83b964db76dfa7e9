"""How a graph's weights are stored, and on what it is meant to run. Changes no graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model_export.checkpoint import PRECISIONS, precision_of, with_precision
from review_core.errors import InputError
from training.card import Quantisation

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
HALVES = ("fp16", "bf16")
INTEGERS = "w8a8"
"""Weights and activations of 8 bits, multiplied as integers (integers.py)."""
PRECISION_NAMES = (*PRECISIONS, INTEGERS, *HALVES)


@dataclass(frozen=True, slots=True)
class Storage:
    """One graph of a bundle: `half` names the 16-bit float of its weights, else `quantisation` says
    how they are stored; with `integers` linear layers compute in them, one scale an output.
    """

    quantisation: Quantisation
    half: str | None = None
    integers: bool = False

    @property
    def precision(self) -> str:
        """Its name in the manifest and on the command line."""
        return INTEGERS if self.integers else self.half or precision_of(self.quantisation)

    @property
    def providers(self) -> tuple[str, ...]:
        """What it is meant for: integers for CPUs, which read them faster, 16-bit floats for GPUs,
        and fp32 for both.
        """
        if self.half:
            return (CUDA,)
        return (CUDA, CPU) if self.precision == "fp32" else (CPU,)


def storage_of(precision: str, card: Quantisation) -> Storage:
    """The storage of that name, with the block size of a checkpoint's card."""
    if precision == INTEGERS:
        return Storage(with_precision(card, "int8"), integers=True)
    if precision in HALVES:
        return Storage(with_precision(card, "fp32"), precision)
    return Storage(with_precision(card, precision))


def storages(precisions: Sequence[str], card: Quantisation) -> tuple[Storage, ...]:
    """Those of a bundle's graphs, in the order in which a runtime is to prefer them: what only a
    GPU runs before the rest, else as given.

    :raises InputError: for an unknown name, or one given twice.
    """
    for name in precisions:
        if name not in PRECISION_NAMES:
            raise InputError(
                f"{name!r} is no way to store weights; choose of {', '.join(PRECISION_NAMES)}"
            )
        if precisions.count(name) > 1:
            raise InputError(f"{name} is asked for twice; name each variant once")
    found = [storage_of(name, card) for name in precisions]
    return tuple(sorted(found, key=lambda each: CPU in each.providers))
