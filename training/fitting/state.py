"""What is written: the state to go on from, and checkpoints, which are plain folders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import torch
from huggingface_hub import save_torch_state_dict
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_state_dict,
)
from torch.nn.utils import parametrize

from review_core.errors import InputError
from training.card import Card
from training.fitting.examples import Example
from training.fitting.settings import FitSettings
from training.fitting.start import Start
from training.margins import pair_key
from training.rounding import Rounded, round_blocks

STATE = "state.pt"


def fingerprint(source: str, examples: Sequence[Example], settings: FitSettings) -> str:
    """What a state belongs to: start, examples, and the settings that alter a step."""
    told = [
        f"{field.name}={getattr(settings, field.name)}"
        for field in fields(settings)
        if field.name not in settings.changes_nothing
    ]
    digest = hashlib.sha256(json.dumps([source, *told]).encode())
    for example in examples:
        digest.update(f"{pair_key(example.pair)}{example.questions}".encode())
    return digest.hexdigest()


def save_state(
    path: Path,
    reader: nn.Module,
    optimiser: torch.optim.Optimizer,
    about: dict[str, Any],
    *,
    main: bool,
) -> None:
    """Save what moves, at once or not at all. Every process calls it, the main one writes."""
    weights, moments = get_state_dict(reader, optimiser, options=_options(frozen=False))
    if main:
        partial = path.with_suffix(".partial")
        torch.save({"weights": weights, "optimiser": moments, **about}, partial)
        partial.replace(path)


def load_state(
    path: Path, reader: nn.Module, optimiser: torch.optim.Optimizer, wanted: str
) -> dict[str, Any] | None:
    """Take up what was saved; None if nothing was.

    :raises InputError: if it was saved by another run.
    """
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["fingerprint"] != wanted:
        raise InputError(
            f"{path.parent} holds a run with other settings or records; give another folder, or "
            "remove it"
        )
    set_state_dict(
        reader,
        optimiser,
        model_state_dict=state.pop("weights"),
        optim_state_dict=state.pop("optimiser"),
        options=_options(frozen=False),
    )
    return state


def _options(*, frozen: bool) -> StateDictOptions:
    return StateDictOptions(
        full_state_dict=True, cpu_offload=True, ignore_frozen_params=not frozen, strict=False
    )


def write_checkpoint(out: Path, reader: nn.Module, start: Start, card: Card, *, main: bool) -> None:
    """Write a plain sequence-classification folder with its card; the run is not disturbed. Every
    process calls it, the main one writes.
    """
    state = get_model_state_dict(reader, options=_options(frozen=True))
    if not main:
        return
    model: Any = start.model
    out.mkdir(parents=True, exist_ok=True)
    weights = plain_weights(
        model,
        {
            name.removeprefix("model."): cast(Tensor, value)
            for name, value in state.items()
            if name.startswith("model.")
        },
    )
    save_torch_state_dict(weights, out)
    model.config.architectures = [f"{type(model).__name__}"]
    model.config.save_pretrained(out)
    start.save_tokenizer(out)
    card.write(out)


def plain_weights(model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights under the names of the plain model: adapters added in, rounded ones rounded."""
    plain: dict[str, Tensor] = {}
    for name, value in state.items():
        module, _, kind = name.partition(".lora_")
        if kind:
            continue
        if name.endswith(".parametrizations.weight.original"):
            name = name.removesuffix(".parametrizations.weight.original")
            rounding = _rounding(model.get_submodule(name))
            block = None if rounding.block_size == value.shape[1] else rounding.block_size
            plain[f"{name}.weight"] = round_blocks(value.float(), rounding.bits, block)
        elif ".base_layer." in name:
            module, _, rest = name.partition(".base_layer.")
            if rest == "weight":
                down, up = (state[f"{module}.lora_{side}.default.weight"] for side in "AB")
                scale = model.get_submodule(module).scaling["default"]  # type: ignore[index]
                value = (value.float() + scale * (up.float() @ down.float())).to(value.dtype)
            plain[f"{module}.{rest}"] = value
        else:
            plain[name] = value
    # Copies: what a sharded model gathers may be a view of more than its own storage.
    return {name: value.contiguous().clone() for name, value in plain.items()}


def _rounding(module: nn.Module) -> Rounded:
    assert parametrize.is_parametrized(module, "weight")
    rounded: Any = module.parametrizations
    found: Rounded = rounded.weight[0]
    return found
