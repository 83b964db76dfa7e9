"""The benchmark of 4-bit rounding at tiny size: each way begins with the model's own weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.changes import Source, edits
from benchmarks.rounding import WAYS, each_way, margin_finding, margins, perplexities
from model_export.checkpoint import load_model, read_checkpoint
from training.rounding import round_blocks

Make = Callable[..., Path]


def test_each_way_begins_with_the_models_own_weights(tiny_checkpoint: Make) -> None:
    model = load_model(read_checkpoint(tiny_checkpoint("qwen2")))
    weight = model.base_model.layers[0].mlp.up_proj.weight
    own = weight.detach().clone()
    seen = {way.name: weight.detach().clone() for way in each_way(model, 32)}
    plain, rotated = (seen[way.name] for way in WAYS[2:])
    assert torch.equal(seen["as they are"], own)
    assert torch.equal(plain, round_blocks(own, 4, 32))
    assert float((rotated - own).square().sum()) > 2 * float((plain - own).square().sum())
    assert torch.equal(round_blocks(rotated, 4, 32), rotated)


def test_margins_move_more_in_four_bits_than_in_eight(
    tiny_checkpoint: Make, history: Source
) -> None:
    found = margins(tiny_checkpoint("qwen2"), edits(history, 3), 32, WAYS[:3])
    assert found["as they are"].error == 0.0
    assert 0 < found["8 bits, nearest"].error < found["4 bits, nearest"].error
    result = margin_finding("tiny", found, 32, 2)
    assert "| 4 bits, nearest |" in str(result.table)


def test_perplexity_is_of_this_repositorys_code(tiny_language_model: Path) -> None:
    root = Path(__file__).parents[2]
    found = perplexities(tiny_language_model, root, 1, 32, WAYS[:2])
    assert 100 < found["as they are"] < 2000  # random weights over some 350 words
