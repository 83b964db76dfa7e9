"""Preference pairs on disk: Themis's record schema as JSON Lines, plain or zstd."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from review_core.errors import InputError

_REPOSITORY = re.compile(r"^([\w.-]+/[\w.-]+)@")


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """One preference: `chosen` is better than `rejected` in `aspect`, or as good when `tie` is set.

    The fields are those of the published preference data (system, input, chosen, rejected,
    language, aspect, source, idx); `fine_aspect`, `subset`, `licence` and `date` (YYYY-MM-DD, when
    it was written) are ours and optional.
    """

    input: str
    chosen: str
    rejected: str
    language: str
    aspect: str
    fine_aspect: str | None = None
    system: str | None = None
    source: str | None = None
    subset: str | None = None
    licence: str | None = None
    date: str | None = None
    idx: str | None = None
    tie: bool = False

    @property
    def group(self) -> str:
        """What must stay on one side of a split and is resampled whole: the repository, else the
        subset, else the record.
        """
        if self.source and (match := _REPOSITORY.match(self.source)):
            return match.group(1)
        return self.subset or self.source or self.idx or "unknown"


_ALIASES = {"prompt": "input", "license": "licence", "id": "idx"}
_FIELDS = frozenset(PreferencePair.__dataclass_fields__)
_REQUIRED = ("input", "chosen", "rejected", "language", "aspect")


def pair_from_json(record: dict[str, Any]) -> PreferencePair:
    """:raises KeyError: with the name of a required field that `record` lacks."""
    values = {_ALIASES.get(key, key): value for key, value in record.items()}
    for name in _REQUIRED:
        if not isinstance(values.get(name), str):
            raise KeyError(name)
    known = {key: value for key, value in values.items() if key in _FIELDS and value is not None}
    if "idx" in known:
        known["idx"] = str(known["idx"])
    return PreferencePair(**known)


def read_pairs(path: Path) -> Iterator[PreferencePair]:
    """Yield the pairs of a .jsonl or .jsonl.zst file, in order.

    :raises InputError: naming file, line and field where a record is not one.
    """
    with open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield pair_from_json(json.loads(line))
            except json.JSONDecodeError as error:
                raise InputError(
                    f"{path}:{number} is not JSON ({error.msg}); a record file has one object "
                    "a line"
                ) from error
            except KeyError as error:
                raise InputError(
                    f"{path}:{number} has no text field {error}; a pair needs "
                    f"{', '.join(_REQUIRED)}"
                ) from error


def write_pairs(path: Path, pairs: Iterable[PreferencePair]) -> int:
    """Write pairs as JSON Lines (zstd when the name ends in .zst), absent fields left out; return
    how many.
    """
    count = 0
    with open_text(path, write=True) as lines:
        for pair in pairs:
            record = {name: getattr(pair, name) for name in PreferencePair.__dataclass_fields__}
            kept = {
                name: value
                for name, value in record.items()
                if value is not None and value is not False
            }
            lines.write(json.dumps(kept, ensure_ascii=False) + "\n")
            count += 1
    return count


@contextmanager
def open_text(path: Path, *, write: bool = False) -> Iterator[TextIO]:
    """A text file, plain or (by its name's end, .zst) zstd, of one frame or several.

    :raises InputError: if it cannot be opened, or is no zstd file where its name says so.
    """
    try:
        raw = path.open("wb" if write else "rb")
    except OSError as error:
        raise InputError(f"cannot open {path}: {error.strerror}") from error
    with raw:
        if path.suffix != ".zst":
            with io.TextIOWrapper(raw, encoding="utf-8") as text:
                yield text
            return
        import zstandard

        try:
            codec = (
                zstandard.ZstdCompressor().stream_writer(raw)
                if write
                else zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
            )
            with io.TextIOWrapper(codec, encoding="utf-8") as text:
                yield text
        except zstandard.ZstdError as error:
            raise InputError(f"{path} is not a zstd file: {error}") from error
