"""Fits linear reward heads on the pooled features of a frozen student. Convex, minutes on a CPU,
the same every time.

A criterion's head is the sum of what all criteria share, what its family shares and what is its
own; each part is held back by a ridge penalty, so thin criteria lean on the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification

from review_core.records import PreferencePair
from training.card import Card
from training.criteria import CRITERIA
from training.objective import bradley_terry_loss, centring_penalty
from training.sampling import chosen_is_longer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """ridge: penalty on each part's weights, per standardised feature. balance: weigh the two
    length directions of each criterion alike. tie_weight: total weight of neutral pairs, relative
    to all others. centring_weight: as in Objective.
    """

    ridge: float = 0.01
    balance: bool = True
    tie_weight: float = 0.2
    centring_weight: float = 0.001
    shared: bool = True


def fit_heads(
    pairs: Sequence[PreferencePair], features: NDArray[np.float32], spec: HeadSpec
) -> dict[str, NDArray[np.float32]]:
    """One weight vector a criterion, for features as they are (the standardisation is folded in).

    Ties teach every criterion that the two sides are alike.

    :param features: shape (pairs, 2 sides: chosen then rejected, hidden); no NaN.
    """
    rows, asked, targets, weights = _design(pairs, spec)
    scale = (features[:, 0] - features[:, 1]).std(0) + 1e-6
    chosen, rejected = (
        torch.tensor((features[:, side] - features.mean((0, 1))) / scale) for side in (0, 1)
    )
    ancestry = _ancestry(spec)
    blocks = nn.Parameter(torch.zeros(ancestry.shape[1], features.shape[2]))  # parts x hidden
    optimiser = torch.optim.LBFGS(
        [blocks], max_iter=200, history_size=20, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        heads = (ancestry @ blocks).T  # hidden x criteria
        first, second = (chosen @ heads)[rows, asked], (rejected @ heads)[rows, asked]
        loss = bradley_terry_loss(first, second, targets, weights)
        loss = loss + spec.centring_weight * centring_penalty(first, second)
        loss = loss + spec.ridge * blocks.pow(2).sum()
        loss.backward()
        return loss

    before = optimiser.step(closure).item()
    log.info("heads: %d rows, loss %.4f -> %.4f nats", len(rows), before, closure().item())
    heads = (ancestry @ blocks).detach().numpy() / scale
    return dict(zip(CRITERIA, heads.astype(np.float32), strict=True))


def fit_one_head(
    pairs: Sequence[PreferencePair], features: NDArray[np.float32], spec: HeadSpec
) -> dict[str, NDArray[np.float32]]:
    """One head for all pairs, where a prompt in the features says which criterion is meant."""
    key = next(iter(CRITERIA))
    same = [replace(pair, aspect=key, fine_aspect=None) for pair in pairs]
    return {"reward": fit_heads(same, features, spec)[key]}


def _ancestry(spec: HeadSpec) -> Tensor:
    """Which parts make up each criterion's head: column 0 is shared by all; criteria x parts."""
    names = list(CRITERIA)
    matrix = torch.zeros(len(names), 1 + len(names))
    matrix[:, 0] = float(spec.shared)
    for row, (criterion, family) in enumerate(CRITERIA.items()):
        matrix[row, 1 + names.index(criterion)] = 1
        if family:
            matrix[row, 1 + names.index(family)] = 1
    return matrix


def _design(
    pairs: Sequence[PreferencePair], spec: HeadSpec
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Rows (a pair asked for a criterion): pair, criterion, target, weight, each (rows,)."""
    asked: list[tuple[int, str]] = []
    for index, pair in enumerate(pairs):
        if pair.tie:
            asked.extend((index, criterion) for criterion in CRITERIA)
            continue
        asked.append((index, pair.aspect))
        if pair.fine_aspect and pair.fine_aspect in CRITERIA and pair.fine_aspect != pair.aspect:
            asked.append((index, pair.fine_aspect))
    weights = np.array([_weight_key(pairs[index], criterion) for index, criterion in asked])
    _, inverse, counts = np.unique(weights, return_inverse=True, return_counts=True)
    per_row = 1 / counts[inverse] if spec.balance else np.ones(len(asked))
    criterion_of = np.array([criterion for _, criterion in asked])
    tie = np.array([pairs[index].tie for index, _ in asked])
    for criterion in (
        CRITERIA
    ):  # each criterion weighs as the root of its rows: thin ones count, but are not trusted alone
        mine = (criterion_of == criterion) & ~tie
        if mine.any():
            per_row[mine] *= np.sqrt(mine.sum()) / per_row[mine].sum()
    if tie.any():
        per_row[tie] *= spec.tie_weight * per_row[~tie].sum() / per_row[tie].sum()
    return (
        torch.tensor([index for index, _ in asked]),
        torch.tensor([list(CRITERIA).index(criterion) for _, criterion in asked]),
        torch.tensor([0.5 if pairs[index].tie else 1.0 for index, _ in asked]),
        torch.tensor(per_row / per_row.mean(), dtype=torch.float32),
    )


def _weight_key(pair: PreferencePair, criterion: str) -> str:
    return "tie" if pair.tie else f"{criterion}/{chosen_is_longer(pair)}"


def write_checkpoint(
    student: Path, depth: int, heads: Mapping[str, NDArray[np.float32]], card: Card, out: Path
) -> None:
    """The student's first `depth` layers with these heads, as a plain sequence-classification
    folder.
    """
    model = AutoModelForSequenceClassification.from_pretrained(student, dtype=torch.float32)
    config, body = model.config, model.base_model
    body.layers = body.layers[:depth]
    config.num_hidden_layers = depth
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:depth]
    names = list(heads)
    model.score = nn.Linear(config.hidden_size, len(names), bias=False)
    with torch.no_grad():
        model.score.weight.copy_(torch.tensor(np.stack([heads[name] for name in names])))
    config.num_labels, config.id2label = len(names), dict(enumerate(names))
    config.label2id = {name: index for index, name in enumerate(names)}
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        if (student / name).exists():
            (out / name).write_bytes((student / name).read_bytes())
    card.write(out)
