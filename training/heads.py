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

from review_core.bundle import Criterion
from review_core.errors import InputError
from review_core.records import PreferencePair
from training.card import Card
from training.criteria import CRITERIA
from training.margins import Margins
from training.objective import bradley_terry_loss, centring_penalty, soft_target
from training.sampling import chosen_is_longer
from training.specs import HeadSpec

log = logging.getLogger(__name__)


def learned_from(pairs: Sequence[PreferencePair], spec: HeadSpec) -> NDArray[np.bool_]:
    """Which pairs `spec` learns from, shape (pairs,): those of its languages and criteria, and
    neutral pairs of its languages if they weigh anything.
    """
    wanted = set(spec.criteria or CRITERIA)
    return np.array(
        [
            (not spec.languages or pair.language in spec.languages)
            and (
                spec.tie_weight > 0 if pair.tie else bool({pair.aspect, pair.fine_aspect} & wanted)
            )
            for pair in pairs
        ],
        dtype=bool,
    )


def fit_heads(
    pairs: Sequence[PreferencePair],
    features: NDArray[np.float32],
    spec: HeadSpec,
    teacher: Sequence[Margins] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """One weight vector a criterion, for features as they are (the standardisation is folded in).

    Ties teach every criterion that the two sides are alike.

    :param features: shape (pairs, 2 sides: chosen then rejected, hidden); no NaN.
    :param teacher: margins for each pair, empty where the teacher has none.
    :raises InputError: if no pair is left to learn from.
    """
    kept = learned_from(pairs, spec)
    pairs = [pair for pair, keep in zip(pairs, kept, strict=True) if keep]
    features = features[kept]
    if teacher is not None:
        teacher = [margins for margins, keep in zip(teacher, kept, strict=True) if keep]
    if all(pair.tie for pair in pairs):
        raise InputError(
            "no pair has the criteria and languages asked for; ask for others, or give more records"
        )
    rows = _rows(pairs, spec, teacher)
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
        first = (chosen @ heads)[rows.pair, rows.criterion]
        second = (rejected @ heads)[rows.pair, rows.criterion]
        loss = bradley_terry_loss(first, second, rows.target, rows.weight)
        loss = loss + spec.centring_weight * centring_penalty(first, second)
        loss = loss + spec.ridge * blocks.pow(2).sum()
        if spec.decorrelate:
            loss = loss + spec.decorrelate * (rows.direction @ (first - second)).pow(2).sum()
        loss.backward()
        return loss

    before = optimiser.step(closure).item()
    log.info("heads: %d rows, loss %.4f -> %.4f nats", len(rows.pair), before, closure().item())
    heads = (ancestry @ blocks).detach().numpy() / scale
    fitted = dict(zip(CRITERIA, heads.astype(np.float32), strict=True))
    return {key: fitted[key] for key in CRITERIA if not spec.criteria or key in spec.criteria}


def fit_one_head(
    pairs: Sequence[PreferencePair],
    features: NDArray[np.float32],
    spec: HeadSpec,
    teacher: Sequence[Margins] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """One head for all pairs, where a prompt in the features says which criterion is meant."""
    key = next(iter(CRITERIA))
    kept = learned_from(pairs, spec)
    same = [
        replace(pair, aspect=key, fine_aspect=None)
        for pair, keep in zip(pairs, kept, strict=True)
        if keep
    ]
    if teacher is not None:
        # What the prompt of a pair asked for is all that its features know of.
        teacher = [
            {key: margins[pair.aspect]} if pair.aspect in margins else {}
            for pair, margins, keep in zip(pairs, teacher, kept, strict=True)
            if keep
        ]
    spec = replace(spec, criteria=(), languages=())
    return {"reward": fit_heads(same, features[kept], spec, teacher)[key]}


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


@dataclass(frozen=True, slots=True)
class _Rows:
    """Questions, each a pair asked for a criterion; all of shape (rows,) but one.

    target: wanted P(chosen better). direction: criteria x rows; its product with the margins is, by
    criterion, the mean margin where chosen is longer less that where it is shorter.
    """

    pair: Tensor
    criterion: Tensor
    target: Tensor
    weight: Tensor
    direction: Tensor


def _rows(
    pairs: Sequence[PreferencePair], spec: HeadSpec, teacher: Sequence[Margins] | None
) -> _Rows:
    asked, targets = _questions(pairs, spec, teacher)
    keys = np.array([_weight_key(pairs[index], criterion) for index, criterion in asked])
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
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
    longer = [None if pairs[i].tie else chosen_is_longer(pairs[i]) for i, _ in asked]
    direction = np.zeros((len(CRITERIA), len(asked)))
    for row, criterion in enumerate(CRITERIA):
        for sign, way in ((1.0, True), (-1.0, False)):
            mine = (criterion_of == criterion) & np.array([each is way for each in longer])
            if mine.any():
                direction[row, mine] = sign / mine.sum()
    return _Rows(
        pair=torch.tensor([index for index, _ in asked]),
        criterion=torch.tensor([list(CRITERIA).index(criterion) for _, criterion in asked]),
        target=torch.tensor(targets, dtype=torch.float32),
        weight=torch.tensor(per_row / per_row.mean(), dtype=torch.float32),
        direction=torch.tensor(direction, dtype=torch.float32),
    )


def _questions(
    pairs: Sequence[PreferencePair], spec: HeadSpec, teacher: Sequence[Margins] | None
) -> tuple[list[tuple[int, str]], list[float]]:
    """Which pair is asked for which criterion, and what P(chosen better) is wanted of each."""
    wanted = [key for key in CRITERIA if not spec.criteria or key in spec.criteria]
    asked: list[tuple[int, str]] = []
    targets: list[float] = []
    for index, pair in enumerate(pairs):
        said = teacher[index] if teacher is not None else {}
        for criterion in wanted:
            known = pair.tie or criterion in (pair.aspect, pair.fine_aspect)
            if not known and not (spec.teacher_criteria == "all" and criterion in said):
                continue
            asked.append((index, criterion))
            label = 0.5 if pair.tie else 1.0
            if criterion in said:
                # The label says nothing of other criteria: there the teacher has the only word.
                share = spec.teacher_weight if known else 1.0
                label = soft_target(label, said[criterion], share, spec.teacher_temperature)
            targets.append(label)
    return asked, targets


def _weight_key(pair: PreferencePair, criterion: str) -> str:
    return "tie" if pair.tie else f"{criterion}/{chosen_is_longer(pair)}"


def write_checkpoint(
    student: Path, depth: int, heads: Mapping[str, NDArray[np.float32]], card: Card, out: Path
) -> None:
    """The student's first `depth` layers with these heads, as a plain sequence-classification
    folder. A card that asks by head names these heads only, and the axes they serve.
    """
    model = AutoModelForSequenceClassification.from_pretrained(student, dtype=torch.float32)
    config, body = model.config, model.base_model
    body.layers = body.layers[:depth]
    config.num_hidden_layers = depth
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:depth]
    names = list(heads)
    with torch.no_grad():  # features are plainly normalised, whatever the student's norm was
        body.norm.weight.fill_(1.0)
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
    _served_by(names, card).write(out)


def _served_by(names: Sequence[str], card: Card) -> Card:
    if any(criterion.prompt is not None for criterion in card.criteria.values()):
        return card
    axes = {axis: tuple(key for key in keys if key in names) for axis, keys in card.axes.items()}
    return replace(
        card,
        criteria={name: Criterion(head=index) for index, name in enumerate(names)},
        axes={axis: keys for axis, keys in axes.items() if keys},
    )
