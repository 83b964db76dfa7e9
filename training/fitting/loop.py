"""Trains a reward model by gradient: all weights, low-rank adapters or the heads alone.

One plain loop, so that every step can be read. A run is its settings, its records and its seed: an
interrupted one goes on from its last save and ends bit for bit where an unbroken one would. It runs
in one process or, under `accelerate launch`, in many; a step is the same for any number of them but
for the order of sums.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn.utils import parametrize

from review_core.errors import InputError
from review_core.records import PreferencePair
from training.fitting.batches import Batch, Part, batches, steps_of
from training.fitting.evaluation import HeldOut, evaluate, shares
from training.fitting.examples import Example, SoftLabels, make_examples
from training.fitting.record import RunLog
from training.fitting.schedule import learning_rate, warm_steps
from training.fitting.settings import FitSettings
from training.fitting.start import Start, load_start, make_reader
from training.fitting.state import STATE, fingerprint, load_state, save_state, write_checkpoint
from training.fitting.watch import Watch, check_finite
from training.margins import pair_key
from training.objective import LengthTrend, Objective

log = logging.getLogger(__name__)
BEST = "best"
RESULT = "result.json"


@dataclass(frozen=True, slots=True)
class FitResult:
    """finished: False if the time was up first. steps: how many were taken. kept: after which of
    them the checkpoint was written. seconds: of this call. held_out: its figures, if there are.
    """

    finished: bool
    steps: int
    of: int
    pairs: int
    kept: int
    seconds: float
    held_out: dict[str, Any] | None = None


def fit(
    start: str | Path,
    pairs: Sequence[PreferencePair],
    settings: FitSettings,
    out: Path,
    *,
    name: str,
    held_out: Sequence[PreferencePair] = (),
    soft: SoftLabels | None = None,
) -> FitResult:
    """Train from `start` (a checkpoint, or a causal model's folder or name) and write a checkpoint
    folder to `out`, with its logs, its result and the state to go on from beside it.

    :param held_out: what to measure on. :param soft: a teacher's margins.
    :raises InputError: if no pair is fit to learn from, or `out` holds another run.
    :raises TrainingStoppedError: if the run cannot end well.
    """
    begun = time.monotonic()
    accelerator = Accelerator()
    torch.manual_seed(settings.seed)
    at = load_start(str(start), settings)
    examples, dropped = make_examples(pairs, at.card, at.tokenizer, settings, soft)
    _report(examples, len(pairs), dropped, soft, main=accelerator.is_main_process)
    run = _Run(accelerator, at, settings, out, examples, name, begun)
    return run.train(HeldOut.of(held_out, at.card, at.tokenizer, settings))


def _report(
    examples: Sequence[Example], given: int, dropped: Any, soft: SoftLabels | None, *, main: bool
) -> None:
    reasons = "; ".join(f"{count}: {reason}" for reason, count in dropped.most_common())
    if not examples:
        raise InputError(f"none of the {given} pairs can be learned from ({reasons or 'no pairs'})")
    if main:
        left_out = f"; left out {reasons}" if reasons else ""
        log.info("fit: %d of %d pairs%s", len(examples), given, left_out)
    if soft is None:
        return
    taught = sum(pair_key(example.pair) in soft for example in examples)
    if not taught:
        raise InputError(
            "the teacher's file has none of these pairs; make it of the same records with "
            "themis-train teach"
        )
    if main:
        log.info("fit: the teacher knows %d of them", taught)


class _Run:
    """What a run holds while it goes."""

    def __init__(
        self,
        accelerator: Accelerator,
        start: Start,
        settings: FitSettings,
        out: Path,
        examples: Sequence[Example],
        name: str,
        begun: float,
    ) -> None:
        self.accelerator, self.start, self.settings, self.out = accelerator, start, settings, out
        self.examples, self.card, self.begun = examples, start.card.named(name), begun
        self.steps = steps_of(len(examples), settings)
        self.fingerprint = fingerprint(start.source, examples, settings)
        reader: nn.Module = make_reader(start, settings).to(accelerator.device)
        self.reader, self.optimiser = accelerator.prepare(reader, make_optimiser(reader, settings))
        penalty = settings.length_control == "penalty"
        self.objective = Objective(
            language_weight=settings.language_weight,
            centring_weight=settings.centring_weight,
            centring=settings.centring,
            length_weight=settings.length_weight if penalty else 0.0,
        )
        self.watch, self.trend = Watch(), LengthTrend()
        self.best: dict[str, Any] | None = None

    def train(self, held: HeldOut) -> FitResult:
        settings = self.settings
        self.out.mkdir(parents=True, exist_ok=True)
        first = self._take_up()
        last_save = done = first
        main = self.accelerator.is_main_process
        with RunLog(
            self.out if main else self.out / "processes" / str(self.accelerator.process_index),
            first,
        ) as logged:
            coming = batches(self.examples, self.start.card, self.start.tokenizer, settings, first)
            self.reader.train()
            for step, batch in enumerate(coming, first):
                logged.step(step, self._step(step, batch))
                done = step + 1
                if held.drawn and done < self.steps and _due(done, settings.evaluate_every):
                    logged.measured(step, self._measure(held, done))
                if self._time_is_up():
                    break
                if _due(done, settings.save_every):
                    self._save(done)
                    last_save = done
            if done > last_save:
                self._save(done)
            if done == self.steps and held.drawn:
                logged.measured(done - 1, self._measure(held, done))
        return self._end(done)

    def _step(self, step: int, batch: Batch) -> dict[str, float]:
        """Learn from one batch; its figures."""
        began = time.monotonic()
        # What is drawn in a step (dropout, were there any) follows from the step alone.
        torch.manual_seed(self.settings.seed * 1_000_003 + step)
        rate = learning_rate(step, self.steps, self.settings)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["share"]
        sums = self._accumulate(batch)
        norm = _number(self.accelerator.clip_grad_norm_(self._moving(), self.settings.clip))
        check_finite(step, sums["loss"], norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        questions, told = batch.whole.questions, max(1.0, sums.pop("told"))
        figures = {"of": self.steps, **sums, "norm": norm, "rate": rate}
        figures["right"] = sums["right"] / told
        for key in ("reward", "margin", "square", "product"):
            figures[key] = sums[key] / questions
        self.trend.observe(figures.pop("product"), square := figures.pop("square"))
        warm = warm_steps(self.steps, self.settings)
        self.watch.observe(step, warm, self.settings, figures["reward"], figures["margin"], square)
        figures["spread"] = self.watch.spread
        figures["length_correlation"] = self.trend.correlation
        figures["tokens_per_second"] = sums["tokens"] / (time.monotonic() - began)
        if self.accelerator.is_main_process and _due(step + 1, self.settings.log_every):
            log.info(
                "fit: step %d of %d, loss %.4f, right %.3f, |reward| %.2f, %.0f tokens/s",
                *(step + 1, self.steps, figures["loss"], figures["right"], figures["reward"]),
                figures["tokens_per_second"],
            )
        return figures

    def _accumulate(self, batch: Batch) -> dict[str, float]:
        """Gradients of a batch, part by part; the sums over all parts of all processes."""
        world = self.accelerator.num_processes
        mine = list(shares(batch.parts, self.accelerator.process_index, world))
        sums = torch.zeros(len(_SUMS), dtype=torch.float64, device=self.accelerator.device)
        with parametrize.cached():  # round the weights once a step, not once a part
            for at, (part, counts) in enumerate(mine):
                last = at == len(mine) - 1
                with _once(self.accelerator, self.reader, last=last):
                    loss, figures = self._part(part, batch)
                    # Gradients are averaged over processes; the sum is what is wanted.
                    self.accelerator.backward(loss * (world if counts else 0.0))
                if counts:
                    sums += figures
        summed: Any = self.accelerator.reduce(sums, "sum")
        return dict(zip(_SUMS, summed.tolist(), strict=True))

    def _part(self, part: Part, batch: Batch) -> tuple[Tensor, Tensor]:
        language = bool(self.objective.language_weight)
        rewards, nats = self.reader(part, language)  # pairs x 2 x heads
        device = rewards.device
        asked = part.asked.to(device)
        pairs, heads = part.pairs.to(device), part.heads.to(device)
        chosen, rejected = rewards[pairs, 0, heads], rewards[pairs, 1, heads]  # q
        terms = self.objective(
            chosen, rejected, asked, batch.whole, nats if language else None, self.trend
        )
        margin = (chosen - rejected).detach()
        told = asked.target > 0.5
        sums = (
            terms.total,
            terms.preference,
            terms.centring,
            terms.language,
            terms.length,
            ((margin > 0) & told).sum(),
            told.sum(),
            (chosen.abs() + rejected.abs()).sum() / 2,
            margin.sum(),
            margin.pow(2).sum(),
            (asked.length * margin).sum(),
            torch.tensor(part.tokens, device=device),
        )
        return terms.total, torch.stack([each.detach().double() for each in sums])

    def _moving(self) -> list[nn.Parameter]:
        return [each for each in self.reader.parameters() if each.requires_grad]

    def _measure(self, held: HeldOut, done: int) -> dict[str, Any]:
        """Figures after `done` steps; the checkpoint is written if there was no better one."""
        found = evaluate(self.reader, held, self.start.card, self.settings, self.accelerator)
        if self.accelerator.is_main_process:
            log.info(
                "fit: after %d steps, held out: LBA %s, plain %.3f, longer wins %.3f",
                *(done, f"{found['lba']:.3f}" if found["lba"] is not None else "unknown"),
                *(found["plain"], found["longer_wins"]),
            )
        if self.settings.keep == "best" and (
            self.best is None or (found["lba"] or 0.0) > (self.best["lba"] or 0.0)
        ):
            self.best = {"step": done, **found}
            self._write(self.out / BEST)
        return found

    def _write(self, folder: Path) -> None:
        write_checkpoint(
            folder, self.reader, self.start, self.card, main=self.accelerator.is_main_process
        )

    def _save(self, done: int) -> None:
        about = {
            "step": done,
            "fingerprint": self.fingerprint,
            "watch": self.watch.state(),
            "trend": asdict(self.trend),
            "best": self.best,
        }
        save_state(
            self.out / STATE,
            self.reader,
            self.optimiser.optimizer,
            about,
            main=self.accelerator.is_main_process,
        )

    def _take_up(self) -> int:
        """Go on where a run was saved; after how many steps."""
        state = load_state(
            self.out / STATE, self.reader, self.optimiser.optimizer, self.fingerprint
        )
        if state is None:
            return 0
        self.watch, self.trend = Watch(**state["watch"]), LengthTrend(**state["trend"])
        self.best = state["best"]
        if self.accelerator.is_main_process:
            log.info("fit: going on from step %d of %d", state["step"], self.steps)
        return int(state["step"])

    def _time_is_up(self) -> bool:
        limit = self.settings.max_minutes
        if limit is None:
            return False
        late = torch.tensor(float(time.monotonic() - self.begun > 60 * limit))
        # All processes stop at the same step: when the first of them is late.
        return bool(self.accelerator.reduce(late.to(self.accelerator.device), "sum").item())

    def _end(self, done: int) -> FitResult:
        finished = done == self.steps
        kept = done
        if finished and self.best is not None:
            kept = int(self.best["step"])
            if self.accelerator.is_main_process and (self.out / BEST).exists():
                for path in (self.out / BEST).iterdir():
                    path.replace(self.out / path.name)
                shutil.rmtree(self.out / BEST)
        elif finished:
            self._write(self.out)
        result = FitResult(
            finished,
            done,
            self.steps,
            len(self.examples),
            kept,
            round(time.monotonic() - self.begun, 1),
            self.best,
        )
        if self.accelerator.is_main_process:
            (self.out / RESULT).write_text(json.dumps(asdict(result), indent=1) + "\n")
        self.accelerator.wait_for_everyone()
        return result


_SUMS = (
    "loss",
    "preference",
    "centring",
    "language",
    "length",
    "right",
    "told",
    "reward",
    "margin",
    "square",
    "product",
    "tokens",
)
"""What is summed over the parts of a batch, in the order in which `_part` gives it."""


def make_optimiser(reader: nn.Module, settings: FitSettings) -> torch.optim.AdamW:
    """AdamW with the paper's form; `share` is what a group's rate is of the schedule's."""
    heads_share = (settings.head_learning_rate or settings.learning_rate) / settings.learning_rate
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in reader.named_parameters():
        if parameter.requires_grad:
            key = name.endswith("score.weight"), parameter.ndim > 1
            groups.setdefault(key, []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": settings.weight_decay if matrix else 0.0,
                "share": heads_share if head else 1.0,
            }
            for (head, matrix), parameters in groups.items()
        ],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        fused=torch.cuda.is_available(),
    )


def _once(accelerator: Accelerator, reader: nn.Module, *, last: bool) -> Any:
    """Processes exchange gradients with the last part of a batch only."""
    return nullcontext() if last else accelerator.no_sync(reader)


def _due(done: int, every: int) -> bool:
    return every > 0 and done % every == 0


def _number(norm: Any) -> float:
    """The length of the gradient; FSDP gives it in shards."""
    return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)
