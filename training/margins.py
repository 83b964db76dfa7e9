"""The file in which a teacher's word is kept: JSON Lines, one object a pair in the order of the
records, {"key": pair_key, "margins": {criterion: margin}}. Imports no torch.

The margins are empty where a side was too long for a teacher.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from review_core.errors import InputError
from review_core.records import PreferencePair

Margins = Mapping[str, float]
"""What a teacher says of a pair, by criterion, in logits: above 0 it prefers chosen."""


def pair_key(pair: PreferencePair) -> str:
    """The name of a pair in such a file: sha256 of chosen, a zero byte, rejected; in hex."""
    return hashlib.sha256(f"{pair.chosen}\0{pair.rejected}".encode()).hexdigest()


def margin_line(pair: PreferencePair, margins: Margins | None) -> str:
    """A line of the file, with its line break."""
    rounded = {criterion: round(margin, 5) for criterion, margin in (margins or {}).items()}
    return json.dumps({"key": pair_key(pair), "margins": rounded}) + "\n"


def read_margins(path: Path) -> dict[str, Margins]:
    """Margins by the key of the pair.

    :raises InputError: naming file and line of what is not one.
    """
    found: dict[str, Margins] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; make it with themis-train teach"
        ) from error
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            found[record["key"]] = {key: float(value) for key, value in record["margins"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}:{number} is not a teacher's line; run themis-train teach again"
            ) from error
    return found


def margins_of(pairs: Sequence[PreferencePair], margins: Mapping[str, Margins]) -> list[Margins]:
    """What the teacher says of each pair; empty where it was not asked."""
    return [margins.get(pair_key(pair), {}) for pair in pairs]
