"""Asks teachers for their margins on preference pairs and keeps them in a file, for students to be
fitted to. Trains nothing.

Several teachers are one: their margins are averaged. An interrupted run goes on where it stopped
and ends with the same file.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import PreTrainedModel

from review_core.bench import PairScorer, batches
from review_core.errors import InputError
from review_core.layout import TokenSequence, normalise
from review_core.records import PreferencePair
from training.card import CARD
from training.evaluation.scorers import open_model, torch_device, weights_hash
from training.evaluation.settings import ScoringSettings
from training.margins import Margins, margin_line, pair_key
from training.model import load_checkpoint
from training.packing import Sides, pack, rewards_of
from training.specs import TeachSettings

log = logging.getLogger(__name__)


class Teacher(Protocol):
    """What has an opinion on pairs."""

    @property
    def criteria(self) -> Sequence[str]:
        """The criterion keys it answers."""

    @property
    def identity(self) -> str:
        """Changes with anything that changes its margins."""

    def margins(self, pairs: Sequence[PreferencePair]) -> list[Margins | None]:
        """reward(chosen) - reward(rejected) by criterion for each pair; None where a side is too
        long.
        """


def teach(
    out: Path, teachers: Sequence[Teacher], pairs: Sequence[PreferencePair], batch: int
) -> int:
    """Write the margins of all `pairs`, in order, to `out`; return how many pairs had a side too
    long.

    A pair is answered by all teachers or by none, for the criteria that all of them answer: an
    average of some would have another scale.

    :raises InputError: if `out` is of other records or teachers, or they answer nothing in common.
    """
    criteria = [
        key for key in teachers[0].criteria if all(key in each.criteria for each in teachers)
    ]
    if not criteria:
        raise InputError("the teachers answer no criterion in common; ask fewer of them")
    _stamp(out, teachers, batch)
    lines = _whole_lines(out, pairs, batch)
    out.write_text("".join(lines), encoding="utf-8")
    silent = sum('"margins": {}' in line for line in lines)
    with out.open("a", encoding="utf-8") as written:
        for start in range(len(lines), len(pairs), batch):
            some = pairs[start : start + batch]
            for pair, margins in zip(some, _averaged(teachers, criteria, some), strict=True):
                silent += margins is None
                written.write(margin_line(pair, margins))
            written.flush()
            log.info("teach: %d of %d pairs", start + len(some), len(pairs))
    return silent


def _averaged(
    teachers: Sequence[Teacher], criteria: Sequence[str], pairs: Sequence[PreferencePair]
) -> Iterator[Margins | None]:
    for said in zip(*(teacher.margins(pairs) for teacher in teachers), strict=True):
        known = [margins for margins in said if margins is not None]
        if len(known) < len(teachers):
            yield None
            continue
        yield {key: sum(each[key] for each in known) / len(known) for key in criteria}


def _stamp(out: Path, teachers: Sequence[Teacher], batch: int) -> None:
    """Record who is asked beside `out`, or see that a run that goes on asks the same."""
    path = out.with_name(out.name + ".json")
    stamp = {"teachers": [teacher.identity for teacher in teachers], "batch": batch}
    if not out.exists():
        path.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    elif not path.exists() or json.loads(path.read_text("utf-8")) != stamp:
        raise InputError(f"{out} is of other teachers or settings; give another file, or remove it")


def _whole_lines(out: Path, pairs: Sequence[PreferencePair], batch: int) -> list[str]:
    """The lines of the batches that were finished: a batch is computed whole or not at all, so that
    the last digits do not depend on where a run was broken off.
    """
    if not out.exists():
        return []
    lines = out.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    if len(lines) < len(pairs):
        del lines[len(lines) - len(lines) % batch :]
    keys = [json.loads(line)["key"] for line in lines]
    if keys != [pair_key(pair) for pair in pairs[: len(lines)]]:
        raise InputError(f"{out} is of other records; give another file, or remove it")
    if lines:
        log.info("teach: going on after %d pairs", len(lines))
    return lines


def open_teacher(folder: Path, settings: TeachSettings) -> Teacher:
    """The bundle or checkpoint in `folder`.

    :raises ThemisError: if it is neither, or something of it is missing.
    """
    if (folder / CARD).exists():
        return CheckpointTeacher(folder, settings)
    opened = open_model(folder, ScoringSettings(threads=settings.threads, cache=settings.cache))
    return ScorerTeacher(opened.scorer, opened.identity, settings)


class ScorerTeacher:
    """Asks a scorer, one side at a time; of a bundle, or whatever else scores code."""

    def __init__(self, scorer: PairScorer, identity: str, settings: TeachSettings) -> None:
        self.criteria = tuple(scorer.criteria)
        self.identity = f"{identity} intent={settings.intent}"
        self._scorer = scorer
        self._tells_intent = settings.intent and scorer.reads_intent

    def margins(self, pairs: Sequence[PreferencePair]) -> list[Margins | None]:
        """As `Teacher` says."""
        found: list[Margins | None] = []
        for some, intent in batches(pairs, by_intent=self._tells_intent):
            codes = [code for pair in some for code in (pair.chosen, pair.rejected)]
            rewards = self._scorer.rewards(codes, intent=intent)
            for chosen, rejected in zip(rewards[::2], rewards[1::2], strict=True):
                found.append(
                    None
                    if chosen is None or rejected is None
                    else {key: chosen[key] - rejected[key] for key in self.criteria}
                )
        return found


class CheckpointTeacher:
    """Asks a checkpoint in torch, several pairs a pass, what the sides of a pair share once."""

    def __init__(self, folder: Path, settings: TeachSettings) -> None:
        model, self._tokenizer, self._card = load_checkpoint(folder, getattr(torch, settings.dtype))
        module: Any = model  # transformers wraps `to` in a way that types lose
        self._model: PreTrainedModel = module.to(torch_device(settings.device))
        self._settings = settings
        self._longest = settings.max_tokens or self._card.max_tokens
        self.criteria = tuple(self._card.criteria)
        told = [settings.row_tokens, settings.intent, settings.dtype, self._longest]
        self.identity = f"{weights_hash(folder)} {told}"

    @torch.no_grad()
    def margins(self, pairs: Sequence[PreferencePair]) -> list[Margins | None]:
        """As `Teacher` says."""
        found: list[dict[str, float] | None] = [{} for _ in pairs]
        for prompt in dict.fromkeys(each.prompt or "" for each in self._card.criteria.values()):
            asked = {
                key: criterion.head
                for key, criterion in self._card.criteria.items()
                if (criterion.prompt or "") == prompt
            }
            sides = [self._sides(pair, prompt) for pair in pairs]
            for index, each in enumerate(sides):
                if not all(
                    side.code[0] < side.code[1] and len(side.ids) <= self._longest for side in each
                ):
                    found[index] = None
            order = [index for index, margins in enumerate(found) if margins is not None]
            order.sort(key=lambda index: len(sides[index][0].ids))
            for row in pack(sides, order, self._card.pooling, self._settings.row_tokens):
                rewards = rewards_of(self._model, row)  # pairs x sides x heads
                for index, by_head in zip(
                    row.pairs, (rewards[:, 0] - rewards[:, 1]).tolist(), strict=True
                ):
                    mine = found[index]
                    if mine is not None:
                        mine.update({key: by_head[head] for key, head in asked.items()})
        return list(found)

    def _sides(self, pair: PreferencePair, prompt: str) -> Sides:
        chosen, rejected = (
            self._render(code, prompt, pair) for code in (pair.chosen, pair.rejected)
        )
        return chosen, rejected

    def _render(self, code: str, prompt: str, pair: PreferencePair) -> TokenSequence:
        intent = pair.input if self._settings.intent else ""
        return self._card.layout.render(
            self._tokenizer, normalise(code), criterion=prompt, intent=intent
        )
