"""Mines a set of clones into one file of preference pairs, going on where an earlier run ended."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from review_core.errors import InputError
from training.mining.candidates import Selection
from training.mining.clones import Clone, find_clones, never_mined
from training.mining.parts import Ledger, Parts, write_totals, write_whole
from training.mining.rules import load_rules
from training.mining.settings import MineSettings
from training.settings import write_settings

PAIRS, STATISTICS, PARTS, LOGS = "pairs.jsonl.zst", "stats.json", "parts", "logs"

log = logging.getLogger(__name__)


def mine(out: Path, clones: Sequence[Path], settings: MineSettings) -> dict[str, Any] | None:
    """Mine clones, or folders of them, into the folder `out`; return what stats.json says.

    A repository that is finished, of the same commit and with the same settings, is not read again.

    :return: None where the work was handed to Slurm and is not done: the same call collects it.
    :raises ThemisError: for settings, rules or paths that are wrong; and, in the end, where a
        repository was not mined for a fault of the executor.
    """
    found = find_clones(clones)
    parts = Parts(out / PARTS)
    steps = pipeline(found, parts, settings)
    out.mkdir(parents=True, exist_ok=True)
    write_settings(out, "mine", settings, clones=list(clones))
    if not _is_collected(found, parts, settings):
        log.info("%d repositories to look at", len(found))
        from training.mining.executors import run_steps

        if not run_steps(steps, len(found), out / LOGS, settings):
            log.info("handed to Slurm; run the same command again when it is done")
            return None
    ledgers = _ledgers(found, parts)
    write_whole(out / PAIRS, parts.pairs(found))
    return write_totals(out / STATISTICS, ledgers)


def pipeline(clones: Sequence[Clone], parts: Parts, settings: MineSettings) -> list[Any]:
    """The steps, for any executor of datatrove.

    :raises ConfigurationError: for settings or rules that are wrong.
    """
    from training.mining.steps import ApplyRules, CutPairs, ReadClones, WriteParts, fingerprint

    rules, selection = load_rules(settings.rules), Selection.of(settings)
    never = never_mined(settings.evaluation_only)
    made = fingerprint(settings, rules, never)
    return [
        ReadClones(clones, never, settings, made, parts),
        ApplyRules(rules, selection),
        CutPairs(selection, settings),
        WriteParts(parts),
    ]


def _ledgers(clones: Sequence[Clone], parts: Parts) -> list[tuple[str, Ledger]]:
    found = [(clone.name, parts.ledger(clone)) for clone in clones]
    missing = [name for name, ledger in found if ledger is None]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(found)} repositories were not mined, {missing[0]} among them; "
            f"{parts.folder.parent / LOGS} says why, and the same command goes on"
        )
    return [(name, ledger) for name, ledger in found if ledger is not None]


def _is_collected(clones: Sequence[Clone], parts: Parts, settings: MineSettings) -> bool:
    """Whether Slurm was given the work before and has done it."""
    if settings.executor != "slurm":
        return False  # the steps look for themselves what there is to do
    return all(parts.ledger(clone) is not None for clone in clones)
