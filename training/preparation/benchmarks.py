"""Keeps benchmarks out of training data: no run of words in common with a given file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review_core.errors import InputError
from review_core.records import PreferencePair, open_text
from training.preparation.formats import rows
from training.preparation.funnel import Drop

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """grams: hashes of the runs of `length` words, each with the file it was first found in."""

    grams: Mapping[int, str]
    length: int
    code_too: bool

    @classmethod
    def read(cls, paths: Iterable[Path], length: int, *, code_too: bool) -> Benchmarks:
        """The runs of words of record files (prompts, and code if it counts) and plain texts.

        Of a row with no prompt every text counts.

        :raises InputError: if a file cannot be read or has no words.
        """
        grams: dict[int, str] = {}
        for path in paths:
            before = len(grams)
            any_words = False
            for text in _texts(path, code_too=code_too):
                for gram in runs(text, length):
                    any_words = True
                    grams.setdefault(gram, path.name)
            if not any_words and len(grams) == before:
                raise InputError(f"{path} has no text to keep out; give a record or text file")
        return cls(grams, length, code_too)

    def __call__(self, pair: PreferencePair) -> Drop | None:
        """Drop a pair that shares a run of words with a benchmark."""
        texts = [pair.input, *((pair.chosen, pair.rejected) if self.code_too else ())]
        for text in texts:
            for gram in runs(text, self.length):
                if gram in self.grams:
                    return Drop("benchmark", f"{self.length} words of {self.grams[gram]}")
        return None


def runs(text: str, length: int) -> Iterator[int]:
    """Hashes of every `length` words in a row, in lower case; a shorter text is one run."""
    words = [word.encode() for word in _WORD.findall(text.casefold())]
    for start in range(max(1, len(words) - length + 1) if words else 0):
        run = b" ".join(words[start : start + length])
        yield int.from_bytes(hashlib.blake2b(run, digest_size=8).digest())


_RECORDS = (".jsonl", ".json", ".zst", ".parquet")
_PROMPTS = ("input", "prompt", "question", "instruction")
_CODE = ("chosen", "rejected")


def _texts(path: Path, *, code_too: bool) -> Iterator[str]:
    if path.suffix not in _RECORDS:
        try:
            with open_text(path) as lines:
                yield lines.read()
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8 text") from error
        return
    for row in rows(path):
        if row.values is None:
            raise InputError(f"{path}:{row.number} is no JSON object; a record file has one a line")
        fields = [name for name in (*_PROMPTS, *(_CODE if code_too else ())) if name in row.values]
        if not set(fields) & set(_PROMPTS):
            fields = list(row.values)
        for name in fields:
            yield from _strings(row.values[name])


def _strings(value: Any) -> Iterator[str]:
    """Every text in a value, of messages their contents."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if name != "role":
                yield from _strings(each)
