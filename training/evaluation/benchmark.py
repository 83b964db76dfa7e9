"""Reads records to be measured on, Themis-CodeRewardBench's own files among them, and knows that
benchmark when it sees it.

Its columns (from its card): id, prompt, chosen, rejected, language, aspect, subset; Parquet files
of the configurations Full, Stratified_Aspect and Stratified_Language.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from review_core.errors import InputError
from review_core.records import PreferencePair, pair_from_json, read_pairs
from training.evaluation.margins import ScoredPair

_LANGUAGES: Mapping[str, str] = {"CSharp": "C#", "Cpp": "C++"}
"""How the benchmark spells them, and we."""


@dataclass(frozen=True, slots=True)
class Published:
    """Figures of other models on the benchmark, as published.text.

    counts: pairs by aspect. models: name to accuracy by aspect, in [0, 1]; "all" is the whole.
    """

    source: str
    counts: Mapping[str, int]
    subsets: frozenset[str]
    models: Mapping[str, Mapping[str, float]]

    @classmethod
    def read(cls) -> Published:
        """Ours, from published.toml beside this module."""
        text = files("training.evaluation").joinpath("published.toml").read_text("utf-8")
        about = tomllib.loads(text)
        return cls(
            source=about["source"],
            counts=about["counts"],
            subsets=frozenset(about["subsets"]),
            models={
                name: {key: float(value) / 100 for key, value in figures.items()}
                for name, figures in about["models"].items()
            },
        )

    def complete(self, pairs: Sequence[ScoredPair]) -> tuple[str, ...]:
        """The aspects whose published figures may stand beside those of `pairs`: every pair of
        theirs is here, and "all" if that is so of each. None where a pair is not the benchmark's.
        """
        if not pairs or any(pair.subset not in self.subsets or pair.tie for pair in pairs):
            return ()
        found = Counter(pair.aspect for pair in pairs)
        whole = tuple(key for key, count in self.counts.items() if found[key] == count)
        return (*whole, "all") if len(whole) == len(self.counts) else whole


def read_records(path: Path) -> Iterator[PreferencePair]:
    """The pairs of a .jsonl, .jsonl.zst or .parquet file, languages spelled as we do.

    :raises InputError: naming file and record where one is not a pair.
    """
    pairs = _read_parquet(path) if path.suffix == ".parquet" else read_pairs(path)
    for pair in pairs:
        yield replace(pair, language=_LANGUAGES.get(pair.language, pair.language))


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file.

    :raises InputError: if it is none, or pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise InputError(
            f"reading {path} needs pyarrow; install it with: pip install 'themis-review[train]'"
        ) from error
    try:
        for batch in ParquetFile(path).iter_batches(512):
            yield from batch.to_pylist()
    except (OSError, ArrowException) as error:
        raise InputError(f"{path} is not a Parquet file: {error}") from error


def _read_parquet(path: Path) -> Iterator[PreferencePair]:
    for number, row in enumerate(read_rows(path), 1):
        try:
            yield pair_from_json(row)
        except KeyError as error:
            raise InputError(
                f"{path}: row {number} has no text column {error}; a pair needs prompt, chosen, "
                "rejected, language and aspect"
            ) from error


def first_record(path: Path) -> dict[str, Any]:
    """The first record as it stands, to tell what a file holds; empty where there is none.

    :raises InputError: if the file cannot be read.
    """
    if path.suffix == ".parquet":
        return next(read_rows(path), {})
    from training.evaluation.lines import read_lines

    try:
        for _, line in read_lines(path):
            found = json.loads(line)
            return found if isinstance(found, dict) else {}
    except json.JSONDecodeError:
        return {}  # whoever reads it for good says where it is wrong
    return {}
