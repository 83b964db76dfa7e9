"""Measures whether a graph says what torch says: at every token, in one pass or in pieces. Decides
by fixed gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, groupby
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from review_core.bundle import Manifest, Pooling
from review_core.layout import normalise
from review_core.session import Row, Session, State
from training.card import Card

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Rewards: TypeAlias = NDArray[np.float32]  # tokens x heads
Ids: TypeAlias = tuple[int, ...]

_TOGETHER = 4
"""Sequences whose states are held at the same time: 600 tokens of a 0.6B model take 140 MB, and a
run has them twice."""

PROBE = '''\
def merge_intervals(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join intervals that touch or overlap; the result is sorted."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            last_start, last_end = merged.pop()
            merged.append((last_start, max(last_end, end)))
        else:
            merged.append((start, end))
    return merged


def total_length(intervals: list[tuple[int, int]]) -> int:
    return sum(end - start for start, end in merge_intervals(intervals))


class Calendar:
    def __init__(self, busy: list[tuple[int, int]]) -> None:
        self._busy = merge_intervals(busy)

    def is_free(self, at: int) -> bool:
        return not any(start <= at < end for start, end in self._busy)
'''
"""A text of ours that every bundle is probed with."""


@dataclass(frozen=True, slots=True)
class Gates:
    """The most that may differ. Relative ones are to the largest reward seen, or to 1 if that is
    smaller.
    """

    export: float = 1e-4
    """Pooled rewards of the fp32 graph against torch's, absolute (DESIGN 9)."""
    export_token: float = 1e-5
    """The same at every token, relative."""
    stored: float = 1e-5
    """Quantised graph against the fp32 graph of the same rounded weights, relative."""
    cached: float = 1e-5
    """Read in pieces, in batches, padded, in another order or by other threads, against one full
    pass alone, relative.
    """
    half: float = 0.02
    """The two above for 16-bit weights, whose layers round their inputs to 16 bits as well."""
    integers: float = 0.1
    """Layers in integers against fp32, pooled, relative. It finds a wrong graph; whether rounding
    is good enough is what sign agreement says.
    """
    sign_agreement: float = 0.995
    """Share of margins above .1 that keep their sign when weights are rounded."""
    accuracy_loss: float = 0.005
    """Pairwise accuracy that a variant may lose against the reference (DESIGN 9)."""


@dataclass(frozen=True, slots=True)
class Parity:
    """What was measured, in logits; None: nothing to compare.

    export: of pooled rewards, after export. export_token, linear, embedding: the largest difference
    after that step, at any token. cached: pieces against full pass on the final graph. rounding:
    pooled rewards of the final graph (of the rounded weights in torch, where this machine cannot
    run it) against the checkpoint's own; sign_agreement: of the margins between any two samples.
    half: 16-bit graph against fp32; None, as cached then is, where this machine cannot run it.
    integers: pooled rewards of layers in integers against fp32. largest: the largest reward of a
    token, for scale. tokens: how many were compared.
    """

    export: float
    export_token: float
    linear: float | None
    embedding: float | None
    cached: float | None
    rounding: float
    sign_agreement: float | None
    largest: float
    tokens: int
    half: float | None = None
    integers: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The manifest's `parity`."""
        return asdict(self)

    def failures(self, gates: Gates) -> list[str]:
        """One line for each gate that is not met."""
        scale = max(1.0, self.largest)
        checks = [
            ("fp32 graph against torch", self.export, gates.export),
            ("fp32 graph against torch, by token", self.export_token, gates.export_token * scale),
            ("4- or 8-bit linear layers against fp32", self.linear, gates.stored * scale),
            ("8-bit embedding against fp32", self.embedding, gates.stored * scale),
            ("16-bit layers against fp32", self.half, gates.half * scale),
            ("layers in integers against fp32", self.integers, gates.integers * scale),
            (
                "cached against full pass",
                self.cached,
                (gates.cached if self.half is None else gates.half) * scale,
            ),
        ]
        lines = [
            f"{name}: rewards differ by {found:.2e}, at most {most:.0e} is allowed"
            for name, found, most in checks
            if found is not None and not found <= most  # a NaN fails
        ]
        if self.sign_agreement is not None and self.sign_agreement < gates.sign_agreement:
            lines.append(
                f"rounded weights keep the sign of {self.sign_agreement:.1%} of margins, "
                f"{gates.sign_agreement:.1%} is asked"
            )
        return lines


def samples(tokenizer: Tokenizer, model: Card | Manifest) -> list[Ids]:
    """Token sequences to compare on: the probe and its beginnings as the model reads them, and
    random tokens.
    """
    prompt = next(iter(model.criteria.values())).prompt or ""
    lines = PROBE.splitlines(keepends=True)
    texts = ["".join(lines[: round(len(lines) * part / 8)]) for part in range(1, 9)]
    read = [model.layout.render(tokenizer, normalise(text), criterion=prompt).ids for text in texts]
    random = np.random.default_rng(7)
    size = tokenizer.get_vocab_size()
    noise = [tuple(random.integers(0, size, length).tolist()) for length in (1, 17, 64, 300)]
    return [ids[: model.max_tokens] for ids in (*read, *noise)]


def torch_rewards(model: PreTrainedModel, ids: Ids) -> Rewards:
    """The reference: the head on every token's hidden state, one full pass."""
    import torch

    body: Any = model.base_model
    head: Any = model.score
    with torch.inference_mode():
        hidden = body(input_ids=torch.tensor([ids])).last_hidden_state  # 1 x tokens x hidden
        rewards: Rewards = head(hidden)[0].numpy()
    return rewards


def full_pass(session: Session, ids: Ids) -> Rewards:
    """One row, no past."""
    return session.run([Row(ids)])[0].rewards


def in_pieces(session: Session, batch: Sequence[Ids]) -> list[Rewards]:
    """Each sequence read in three pieces of its own lengths, a few sequences together: those with
    pasts of one length in padded batches.
    """
    parts = (batch[start : start + _TOGETHER] for start in range(0, len(batch), _TOGETHER))
    return [rewards for part in parts for rewards in _in_pieces(session, part)]


def _in_pieces(session: Session, batch: Sequence[Ids]) -> list[Rewards]:
    found: list[list[Rewards]] = [[] for _ in batch]
    pasts: list[tuple[State, ...]] = [() for _ in batch]
    thirds = [(ids[: len(ids) // 3], ids[len(ids) // 3 : -1], ids[-1:]) for ids in batch]
    for pieces in zip(*thirds, strict=True):
        rows = {
            index: Row(piece, pasts[index], keep_state=True)
            for index, piece in enumerate(pieces)
            if piece
        }
        by_past = sorted(rows, key=lambda index: rows[index].past_tokens)
        for _, group in groupby(by_past, key=lambda index: rows[index].past_tokens):
            reading = list(group)
            results = session.run([rows[index] for index in reading])
            for index, result in zip(reading, results, strict=True):
                found[index].append(result.rewards)
                if result.state is not None:
                    pasts[index] += (result.state,)
    return [np.concatenate(parts) for parts in found]


def largest_difference(first: Sequence[Rewards], second: Sequence[Rewards]) -> float:
    """The largest |difference| at any token of any sequence."""
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))


def largest_reward(batch: Sequence[Rewards]) -> float:
    """The largest |reward| of a token, which differences are judged against."""
    return max(float(np.abs(rewards).max()) for rewards in batch)


def pooled(rewards: Sequence[Rewards], pooling: Pooling) -> list[Rewards]:
    """The reward of each whole sequence, shape (1, heads)."""
    last = pooling is Pooling.LAST
    return [each[-1:] if last else each.mean(axis=0, keepdims=True) for each in rewards]


def sign_agreement(
    reference: Sequence[Rewards], other: Sequence[Rewards], threshold: float = 0.1
) -> float | None:
    """Share of the margins between any two samples, per head, beyond `threshold` that keep their
    sign.

    :param reference: per sample its mean reward, shape (heads,); `other` likewise.
    :return: None if no margin is that large.
    """
    kept: list[bool] = []
    for a, b in combinations(range(len(reference)), 2):
        before, after = reference[a] - reference[b], other[a] - other[b]
        clear = np.abs(before) > threshold
        kept += (np.sign(before) == np.sign(after))[clear].tolist()
    return sum(kept) / len(kept) if kept else None
