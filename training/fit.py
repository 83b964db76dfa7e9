"""Trains a reward model by gradient: all weights, low-rank adapters or the heads alone, from any
checkpoint with a card.

One plain loop, so that every step can be read. A run is its settings and seed: batches, dropout and
order follow from them, and an interrupted run goes on from its last saved step.
"""

from __future__ import annotations

import json
import logging
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from review_core.layout import TokenSequence, normalise
from review_core.records import PreferencePair
from training.card import Card
from training.model import heads_of, hidden_states, load_checkpoint, pool
from training.objective import Objective, language_model_loss
from training.sampling import chosen_is_longer

log = logging.getLogger(__name__)
_ADAPTED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class FitSettings:
    """trainable: which weights move. batch: pairs a step. intent_dropout: share of pairs shown
    without their intent (an editor has none). balance: weigh the two length directions of each
    aspect alike. save_every: steps between saves.
    """

    trainable: Literal["all", "lora", "heads"] = "lora"
    lora_rank: int = 16
    epochs: int = 1
    batch: int = 16
    learning_rate: float = 2e-4
    final_learning_rate: float = 1e-5
    warm_up: float = 0.05
    weight_decay: float = 0.1
    clip: float = 1.5
    intent_dropout: float = 0.5
    balance: bool = True
    seed: int = 0
    dtype: str = "float32"
    save_every: int = 50
    objective: Objective = field(default_factory=Objective)


def fit(
    start: Path, pairs: Sequence[PreferencePair], settings: FitSettings, out: Path, *, name: str
) -> None:
    """Train from `start` and write a checkpoint folder to `out`, with its log (log.jsonl) and
    settings beside it.

    Pairs with a side longer than the card's max_tokens are left out and counted in the log.
    """
    torch.manual_seed(settings.seed)
    model, tokenizer, card = load_checkpoint(start, getattr(torch, settings.dtype))
    examples = [example for pair in pairs if (example := _example(pair, card, tokenizer))]
    log.info("fit: %d of %d pairs are short enough", len(examples), len(pairs))
    weights = _weights(examples, balance=settings.balance)
    trained = _make_trainable(model, settings)
    parameters = [parameter for parameter in trained.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, settings.learning_rate, (0.9, 0.95), 1e-8, settings.weight_decay
    )
    steps = settings.epochs * math.ceil(len(examples) / settings.batch)
    out.mkdir(parents=True, exist_ok=True)
    (out / "fit.json").write_text(json.dumps(asdict(settings), indent=1) + "\n")
    done = _resume(out / "state.pt", trained, optimiser)
    batches = enumerate(_batches(len(examples), settings))
    _rewind(out / "log.jsonl", done)
    with (out / "log.jsonl").open("a", encoding="utf-8") as lines:
        for step, (batch, rng) in batches:
            if step < done:
                continue
            rate = _learning_rate(step, steps, settings)
            for group in optimiser.param_groups:
                group["lr"] = rate
            loss, right = _batch_loss(
                model, [examples[i] for i in batch], weights[batch], card, settings, rng
            )
            if not torch.isfinite(loss):
                raise FloatingPointError(
                    f"the loss is {float(loss)} at step {step}; lower the learning rate"
                )
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, settings.clip)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            entry = {"step": step, "of": steps, "loss": loss.item(), "right": right, "rate": rate}
            lines.write(json.dumps(entry) + "\n")
            lines.flush()
            if (step + 1) % settings.save_every == 0:
                log.info("fit: step %d of %d, loss %.4f", step + 1, steps, loss.item())
                _save(out / "state.pt", trained, optimiser, step + 1)
    _write(trained, card.named(name), start, out)


@dataclass(frozen=True, slots=True)
class _Example:
    """A pair, rendered with and without its intent."""

    pair: PreferencePair
    criterion: str
    with_intent: tuple[TokenSequence, TokenSequence]
    without: tuple[TokenSequence, TokenSequence]


def _example(pair: PreferencePair, card: Card, tokenizer: Any) -> _Example | None:
    if pair.aspect not in card.criteria:
        return None
    both = [
        tuple(
            card.layout.render(
                tokenizer,
                normalise(code),
                criterion=card.criteria[pair.aspect].prompt or "",
                intent=intent,
            )
            for code in (pair.chosen, pair.rejected)
        )
        for intent in (pair.input, "")
    ]
    if any(len(side.ids) > card.max_tokens or side.code[0] == side.code[1] for side in both[0]):
        return None
    return _Example(pair, pair.aspect, (both[0][0], both[0][1]), (both[1][0], both[1][1]))


def _weights(examples: Sequence[_Example], *, balance: bool) -> Tensor:
    if not balance:
        return torch.ones(len(examples))
    keys = [(example.criterion, chosen_is_longer(example.pair)) for example in examples]
    counts = {key: keys.count(key) for key in set(keys)}
    criteria = {criterion for criterion, _ in counts}
    per_criterion = {
        name: sum(n for (criterion, _), n in counts.items() if criterion == name)
        / sum(criterion == name for criterion, _ in counts)
        for name in criteria
    }
    return torch.tensor([per_criterion[key[0]] / counts[key] for key in keys])


def _make_trainable(model: PreTrainedModel, settings: FitSettings) -> nn.Module:
    if settings.trainable == "lora":
        from peft import LoraConfig, get_peft_model

        adapters = LoraConfig(
            r=settings.lora_rank,
            lora_alpha=2 * settings.lora_rank,
            target_modules=list(_ADAPTED),
            modules_to_save=["score"],
        )
        return get_peft_model(model, adapters)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(settings.trainable == "all" or name.startswith("score."))
    return model


def _batches(count: int, settings: FitSettings) -> Iterator[tuple[list[int], random.Random]]:
    """Index batches of every epoch, each with the randomness of its own step: a resumed run draws
    the same.
    """
    step = 0
    for epoch in range(settings.epochs):
        order = list(range(count))
        random.Random(f"{settings.seed}/{epoch}").shuffle(order)
        for start in range(0, count, settings.batch):
            yield order[start : start + settings.batch], random.Random(f"{settings.seed}:{step}")
            step += 1


def _learning_rate(step: int, steps: int, settings: FitSettings) -> float:
    """Linear warm-up, then a cosine down to the final rate."""
    warm = max(1, round(settings.warm_up * steps))
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    along = (step - warm) / max(1, steps - warm)
    span = settings.learning_rate - settings.final_learning_rate
    return settings.final_learning_rate + span * 0.5 * (1 + math.cos(math.pi * along))


def _batch_loss(
    model: PreTrainedModel,
    examples: Sequence[_Example],
    weights: Tensor,
    card: Card,
    settings: FitSettings,
    rng: random.Random,
) -> tuple[Tensor, float]:
    """The objective of a batch, and the share of its pairs that come out right."""
    sides = [
        example.without if rng.random() < settings.intent_dropout else example.with_intent
        for example in examples
    ]
    sequences = [side[0] for side in sides] + [side[1] for side in sides]
    hidden, mask = hidden_states(model, sequences)
    heads = torch.tensor(
        [card.criteria[_criterion(example, card, rng)].head for example in examples] * 2
    )
    rewards = pool(heads_of(model)(hidden), mask, sequences, card.pooling).float()  # 2b x heads
    rewards = rewards.gather(1, heads[:, None])[:, 0]
    chosen, rejected = rewards.chunk(2)
    language = None
    if settings.objective.language_weight:
        # The cut base keeps its (tied) table: it stands in for the head that a causal model would
        # have.
        count = len(examples)
        logits = hidden[:count] @ cast(nn.Embedding, model.get_input_embeddings()).weight.T
        ids = nn.utils.rnn.pad_sequence(
            [torch.tensor(sequence.ids) for sequence in sequences[:count]], batch_first=True
        )
        kept = ids.shape[1]
        language = language_model_loss(logits[:, :kept].float(), ids, mask[:count, :kept])
    target = torch.tensor([0.5 if example.pair.tie else 1.0 for example in examples])
    loss = settings.objective(chosen, rejected, target, weights, language)
    return loss, float((chosen > rejected).float().mean())


def _criterion(example: _Example, card: Card, rng: random.Random) -> str:
    """A neutral pair is neutral by every criterion: a model with heads is told so by one drawn at
    random.
    """
    return rng.choice(sorted(card.criteria)) if example.pair.tie else example.criterion


def _save(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, step: int) -> None:
    moving = {name: value for name, value in model.named_parameters() if value.requires_grad}
    partial = path.with_suffix(".partial")
    torch.save({"weights": moving, "optimiser": optimiser.state_dict(), "step": step}, partial)
    partial.rename(path)


def _resume(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["weights"], strict=False)
    optimiser.load_state_dict(state["optimiser"])
    log.info("fit: going on from step %d", state["step"])
    return int(state["step"])


def _rewind(path: Path, done: int) -> None:
    """Keep the log of the first `done` steps: those after the last save are about to run again."""
    kept = (
        path.read_text(encoding="utf-8").splitlines(keepends=True)[:done] if path.exists() else []
    )
    path.write_text("".join(kept), encoding="utf-8")


def _write(trained: nn.Module, card: Card, start: Path, out: Path) -> None:
    model: Any = trained
    if hasattr(model, "merge_and_unload"):  # adapters end inside the weights: a plain folder
        model = model.merge_and_unload()
    model.save_pretrained(out)
    (out / "tokenizer.json").write_bytes((start / "tokenizer.json").read_bytes())
    card.write(out)
