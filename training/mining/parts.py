"""What mining leaves on disk for each repository, and the sums over all. Writes whole files only.

A repository is two files: its pairs, and its ledger, which is written last. A ledger that was made
with the same settings from the same commit says that there is nothing to do.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from review_core.records import PreferencePair, read_pairs, write_pairs
from training.mining.clones import Clone


@dataclass(slots=True)
class Ledger:
    """How the commits of one repository, or of all, were spent.

    made: what it was made of, for comparing. refused: why the repository gave nothing (its licence,
    a failure), or None. Each commit read is either one `with_pairs` or among `dropped`; each
    function that a labelled commit changed is a pair or among `functions_dropped`.
    """

    made: str = ""
    licence: str | None = None
    refused: str | None = None
    failed: bool = False
    commits: int = 0
    with_pairs: int = 0
    pairs: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    functions_dropped: Counter[str] = field(default_factory=Counter)
    criteria: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)

    @property
    def adds_up(self) -> bool:
        """Whether every commit read is accounted for."""
        return self.commits == self.with_pairs + self.dropped.total()

    def count(self, pairs: Sequence[PreferencePair]) -> None:
        """Enter the pairs of one commit."""
        self.pairs += len(pairs)
        self.with_pairs += bool(pairs)
        for pair in pairs:
            self.criteria[pair.fine_aspect or pair.aspect] += 1
            self.languages[pair.language] += 1

    def to_json(self) -> dict[str, Any]:
        """As it is written: counters from the greatest count down, then by name."""
        values: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, Counter):
                value = dict(sorted(value.items(), key=lambda item: (-item[1], item[0])))
            values[each.name] = value
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Ledger:
        """:raises TypeError: for what no ledger is."""
        ledger = cls(**values)
        for name in ("dropped", "functions_dropped", "criteria", "languages"):
            setattr(ledger, name, Counter(getattr(ledger, name)))
        return ledger


@dataclass(frozen=True, slots=True)
class Parts:
    """The folder of all repositories' files."""

    folder: Path

    def finished(self, clone: Clone, made: str) -> Ledger | None:
        """The ledger of a clone that was mined to its end, with the same settings; else None."""
        try:
            ledger = Ledger.from_json(json.loads(self._ledger(clone).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return ledger if ledger.made == made and not ledger.failed else None

    def ledger(self, clone: Clone) -> Ledger | None:
        """Whatever there is."""
        try:
            return Ledger.from_json(json.loads(self._ledger(clone).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, clone: Clone, pairs: Sequence[PreferencePair], ledger: Ledger) -> None:
        """Write both files of a clone, the ledger last."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ledger(clone).unlink(missing_ok=True)  # it would speak for other pairs
        write_whole(self._pairs(clone), pairs)
        _replace(self._ledger(clone), json.dumps(ledger.to_json(), indent=1) + "\n")

    def pairs(self, clones: Iterable[Clone]) -> Iterator[PreferencePair]:
        """The pairs of these clones, in their order."""
        for clone in clones:
            ledger = self.ledger(clone)
            if ledger is not None and ledger.pairs:
                yield from read_pairs(self._pairs(clone))

    def _pairs(self, clone: Clone) -> Path:
        return self.folder / f"{clone.stem}.jsonl.zst"

    def _ledger(self, clone: Clone) -> Path:
        return self.folder / f"{clone.stem}.json"


def write_whole(path: Path, pairs: Iterable[PreferencePair]) -> int:
    """Write a record file that is there only once it is whole; return the number of pairs."""
    unfinished = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        count = write_pairs(unfinished, pairs)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def write_totals(path: Path, ledgers: Iterable[tuple[str, Ledger]]) -> dict[str, Any]:
    """Write stats.json: the sum of all ledgers, and how many repositories were refused and why."""
    total = Ledger()
    repositories: Counter[str] = Counter()
    licences: Counter[str] = Counter()
    failures = {}
    for name, each in ledgers:
        repositories[each.refused if each.refused and not each.failed else _state(each)] += 1
        if each.failed:
            failures[name] = each.refused
        licences[each.licence or "unknown"] += each.pairs
        for key in ("commits", "with_pairs", "pairs"):
            setattr(total, key, getattr(total, key) + getattr(each, key))
        for key in ("dropped", "functions_dropped", "criteria", "languages"):
            getattr(total, key).update(getattr(each, key))
    told = total.to_json()
    for key in ("made", "licence", "refused", "failed"):
        del told[key]
    written = {
        "repositories": dict(repositories.most_common()),
        "failures": failures,
        **told,
        "licences": dict(+licences),
    }
    _replace(path, json.dumps(written, indent=1) + "\n")
    return written


def _state(ledger: Ledger) -> str:
    return "failed" if ledger.failed else "mined"


def _replace(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{os.getpid()}-{path.name}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
