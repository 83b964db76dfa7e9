"""The whole way from record files to a folder with a training set.

Pairs pass through files, block by block. For each pair that gets as far, memory holds about 150
bytes to find its doubles and 30 to split it, and the disk 512 bytes of signature; comparing near
duplicates holds 100 bytes for each two that are alike. A few million pairs fit in a few gigabytes.
"""

from __future__ import annotations

import json
import logging
import shutil
import struct
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from review_core.errors import InputError
from review_core.records import PreferencePair, read_pairs, write_pairs
from training.preparation.duplicates import Comparisons
from training.preparation.formats import Row, rows
from training.preparation.funnel import Drop, Funnel
from training.preparation.judging import judged
from training.preparation.likeness import PERMUTATIONS, Signatures, code_text, likeness, signature
from training.preparation.made import with_made
from training.preparation.partial_results import PartialResults
from training.preparation.perplexity import Perplexity, perplexity
from training.preparation.report import write_report
from training.preparation.settings import PrepareSettings
from training.preparation.splits import SETS, clusters, group_of, split
from training.preparation.statistics import Statistics
from training.sampling import Cell, cell_of, matched_positions
from training.settings import write_settings

log = logging.getLogger(__name__)

PARTIAL = "partial.sqlite"
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was made: the counts on the way and what is in each set, by its name."""

    funnel: Funnel
    sets: dict[str, Statistics]


def prepare(out: Path, records: Sequence[Path], settings: PrepareSettings) -> Prepared:
    """Write train, dev and test .jsonl.zst, stats.json, report.md with its pictures, and
    prepare.toml into the folder `out`.

    What is there is replaced when all is made. Perplexities and signatures are kept in
    `out`/partial.sqlite: run again to go on after an interruption or with other settings.

    :raises InputError: if a file cannot be read or holds no pair, or none is left.
    """
    work = out / "work"
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}; name another folder") from error
    funnel, comparisons = Funnel(), Comparisons()
    write_pairs(work / "judged.jsonl.zst", _judged(records, settings, funnel, comparisons))
    distinct, kept = work / "distinct.jsonl.zst", _Kept()
    with ExitStack() as stack:
        partial = stack.enter_context(PartialResults(out / PARTIAL))
        prints = stack.enter_context((work / "signatures").open("wb"))
        pairs = _distinct(work / "judged.jsonl.zst", comparisons, funnel)
        pairs = _likely(pairs, settings, partial, funnel)
        write_pairs(distinct, _signed(pairs, settings, partial, kept, prints))
    log.info("prepare: comparing and splitting %d pairs", len(kept.groups))
    sets = _sets(kept, work / "signatures", settings, funnel)
    counted = {name: Statistics() for name in SETS}
    for name in SETS:
        seed = settings.seed * len(SETS) + SETS.index(name)
        pairs = (p for p, where in zip(read_pairs(distinct), sets, strict=True) if where == name)
        pairs = with_made(pairs, settings.neutral, settings.injected, seed=seed)
        count = write_pairs(work / f"{name}.jsonl.zst", _counted(pairs, counted[name]))
        log.info("prepare: %s: %d pairs", name, count)
    prepared = Prepared(funnel, counted)
    described = _described(prepared)
    (out / "stats.json").write_text(
        json.dumps(described, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    write_settings(out, "prepare", settings, records=records)
    write_report(out, funnel, counted, settings)
    for name in SETS:
        (work / f"{name}.jsonl.zst").replace(out / f"{name}.jsonl.zst")
    shutil.rmtree(work)
    if not funnel.left:
        raise InputError(f"no pair is left of {funnel.read}; {out / 'report.md'} says why")
    return prepared


def _described(prepared: Prepared) -> dict[str, object]:
    sets = {name: counted.to_json() for name, counted in prepared.sets.items()}
    return {"funnel": prepared.funnel.to_json(), "sets": sets}


# --- rows, one by one -----------------------------------------------------------------------------


def _judged(
    records: Sequence[Path], settings: PrepareSettings, funnel: Funnel, comparisons: Comparisons
) -> Iterator[PreferencePair]:
    read: Counter[Path] = Counter()
    unformed: Counter[Path] = Counter()
    for row, result in judged((row for path in records for row in rows(path)), settings):
        funnel.read += 1
        read[row.path] += 1
        if funnel.read % 10_000 == 0:
            log.info("prepare: %d rows read, %d pairs kept", funnel.read, funnel.left)
        if isinstance(result, Drop):
            funnel.drop(result)
            if result.step == "format":
                unformed[row.path] += 1
                _tell(row, result, unformed[row.path])
            continue
        comparisons.add(result)
        yield result
    for path in records:
        if not read[path]:
            log.warning("prepare: %s is empty", path)
        elif read[path] == unformed[path]:
            raise InputError(
                f"{path} holds no preference pair in {read[path]} rows; a pair has a chosen and a "
                "rejected side, and a language and an aspect of its own or given by --language and "
                "--aspect"
            )
    if not funnel.read:
        raise InputError("the record files are empty; give some with preference pairs")


def _tell(row: Row, drop: Drop, count: int, most: int = 3) -> None:
    if count <= most:
        more = "; others like it are counted only" if count == most else ""
        log.warning("prepare: %s:%d is left out: %s%s", row.path, row.number, drop.reason, more)


# --- pairs beside one another ---------------------------------------------------------------------


def _distinct(path: Path, comparisons: Comparisons, funnel: Funnel) -> Iterator[PreferencePair]:
    for pair in read_pairs(path):
        if drop := comparisons.judge(pair):
            funnel.drop(drop)
        else:
            yield pair


def _likely(
    pairs: Iterator[PreferencePair],
    settings: PrepareSettings,
    partial: PartialResults,
    funnel: Funnel,
) -> Iterator[PreferencePair]:
    model = perplexity(settings.kenlm, settings.likelihood_base)
    if model is None or not settings.max_perplexity:
        yield from pairs
        return
    done = 0
    for batch in _batches(pairs):
        for pair, value in zip(batch, _perplexities(model, batch, partial), strict=True):
            if pair.input.strip() and not value <= settings.max_perplexity:
                funnel.drop(Drop("perplexity", f"more than {settings.max_perplexity:g}"))
            else:
                yield pair
        done += len(batch)
        log.info("prepare: perplexity of %d prompts", done)


def _perplexities(
    model: Perplexity, batch: Sequence[PreferencePair], partial: PartialResults
) -> list[float]:
    def compute(texts: list[str]) -> list[bytes]:
        return [struct.pack("<d", value) for value in model(texts)]

    values = partial.get(model.name, [pair.input for pair in batch], compute)
    return [float(struct.unpack("<d", value)[0]) for value in values]


@dataclass(slots=True)
class _Kept:
    """What is remembered of each pair, in order: numbers for its group and its aspect, its cell."""

    groups: array[int] = field(default_factory=lambda: array("l"))
    aspects: array[int] = field(default_factory=lambda: array("l"))
    cells: array[int] = field(default_factory=lambda: array("l"))
    numbers: dict[object, int] = field(default_factory=dict)

    def add(self, pair: PreferencePair, settings: PrepareSettings) -> None:
        self.groups.append(self._number(group_of(pair, settings.group)))
        self.aspects.append(self._number(("aspect", pair.aspect)))
        self.cells.append(self._number(cell_of(pair)))

    def cells_at(self, positions: Sequence[int]) -> Iterator[Cell]:
        names: dict[int, Cell] = {
            number: name
            for name, number in self.numbers.items()
            if isinstance(name, tuple) and len(name) == 3
        }
        return (names[self.cells[position]] for position in positions)

    def _number(self, name: object) -> int:
        return self.numbers.setdefault(name, len(self.numbers))


def _signed(
    pairs: Iterator[PreferencePair],
    settings: PrepareSettings,
    partial: PartialResults,
    kept: _Kept,
    prints: BinaryIO,
) -> Iterator[PreferencePair]:
    def compute(texts: list[str]) -> list[bytes]:
        return [signature(text, settings.shingle) for text in texts]

    for batch in _batches(pairs):
        if settings.near_duplicates != "keep":
            texts = [code_text(pair) for pair in batch]
            prints.writelines(partial.get(f"minhash 1 {settings.shingle}", texts, compute))
        for pair in batch:
            kept.add(pair, settings)
            yield pair
        if len(kept.groups) % (20 * _BATCH) == 0:
            log.info("prepare: signatures of %d pairs", len(kept.groups))


def _batches(pairs: Iterator[PreferencePair]) -> Iterator[list[PreferencePair]]:
    batch: list[PreferencePair] = []
    for pair in pairs:
        batch.append(pair)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


# --- the sets -------------------------------------------------------------------------------------


def _sets(kept: _Kept, prints: Path, settings: PrepareSettings, funnel: Funnel) -> list[str | None]:
    """Where each pair goes; None for one that is dropped."""
    count = len(kept.groups)
    links: tuple[tuple[int, int], ...] = ()
    dropped = np.zeros(count, dtype=bool)
    if settings.near_duplicates != "keep" and count:
        signatures: Signatures = np.memmap(prints, "<u4", "r", shape=(count, PERMUTATIONS))
        aspects = np.array(kept.aspects, dtype=np.int32)
        drop = settings.near_duplicates == "drop"
        alike = likeness(signatures, aspects, settings.min_likeness, drop=drop)
        links, dropped = alike.links, alike.dropped
        reason = f"Jaccard {settings.min_likeness:g} or more"
        funnel.drop(Drop("near_duplicate", reason), int(dropped.sum()))
    left = np.flatnonzero(~dropped).tolist()
    together = clusters(kept.groups, links)
    shares = {"train": 1 - settings.dev - settings.test, "dev": settings.dev, "test": settings.test}
    found = split(
        [together[at] for at in left], [kept.aspects[at] for at in left], shares, seed=settings.seed
    )
    sets: list[str | None] = [None] * count
    for at, name in zip(left, found, strict=True):
        sets[at] = name
    if settings.match_length:
        _match_lengths(sets, kept, settings, funnel)
    return sets


def _match_lengths(
    sets: list[str | None], kept: _Kept, settings: PrepareSettings, funnel: Funnel
) -> None:
    training = [at for at, name in enumerate(sets) if name == "train"]
    drawn = matched_positions(
        kept.cells_at(training),
        per_cell=settings.per_cell,
        max_ratio=settings.max_ratio,
        seed=settings.seed,
    )
    chosen = {training[position] for position in drawn}
    for at in training:
        if at not in chosen:
            sets[at] = None
            funnel.drop(Drop("length_matched", "of the frequent length direction"))


def _counted(pairs: Iterator[PreferencePair], counts: Statistics) -> Iterator[PreferencePair]:
    for pair in pairs:
        counts.add(pair)
        yield pair
