from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch_reference import pooled_rewards

from review_core.bundle import Pooling
from review_core.layout import normalise
from training.model import load_checkpoint
from training.packing import Sides, pack, packed_length, rewards_of, shared_head

CODE = (
    ("def f(x):\n    return x + 1\n", "def f(x):\n    return x - 1  # less\n"),
    ("a = 1\n", "b = 2\nc = 3\n"),
    ("x = [1, 2, 3]\n", "x = [1, 2, 3]\nx.append(4)\n"),  # one begins with the other
    ("same = 1\n", "same = 1\n"),
)


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
@pytest.mark.parametrize("pooling", [Pooling.MEAN, Pooling.LAST])
@pytest.mark.parametrize("room", [1, 60, 1000])
def test_a_row_gives_the_rewards_of_its_texts_read_alone(
    tiny_checkpoint: Callable[..., Path], family: str, pooling: Pooling, room: int
) -> None:
    """Whatever stands beside them in the row."""
    model, tokenizer, card = load_checkpoint(tiny_checkpoint(family))
    pairs: list[Sides] = []
    for chosen, rejected in CODE:
        first, second = (
            card.layout.render(tokenizer, normalise(code)) for code in (chosen, rejected)
        )
        pairs.append((first, second))
    rows = list(pack(pairs, [2, 0, 3, 1], pooling, room))
    assert sorted(pair for row in rows for pair in row.pairs) == [0, 1, 2, 3]
    assert len(rows) == {1: 4, 1000: 1}.get(room, len(rows))
    for row in rows:
        assert len(row.pairs) == 1 or len(row.ids) <= room
        found = rewards_of(model, row)
        for pair, rewards in zip(row.pairs, found, strict=True):
            alone = pooled_rewards(model, pairs[pair], pooling)
            assert torch.allclose(rewards, alone, atol=2e-5)


def test_a_shared_head_is_counted_once(tiny_checkpoint: Callable[..., Path]) -> None:
    _, tokenizer, card = load_checkpoint(tiny_checkpoint())
    first, second = (card.layout.render(tokenizer, code) for code in CODE[2])
    assert shared_head((first, second)) == len(first.ids) - 1  # all but the end mark
    assert packed_length((first, second)) == len(second.ids) + 1
    assert shared_head((first, first)) == len(first.ids)
