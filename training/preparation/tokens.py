"""Reads a base's tokenizer.json, by itself: no framework."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from review_core.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a file, or of the folder that a file tokenizer.json is in.

    :raises InputError: if it is none.
    """
    from tokenizers import Tokenizer

    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise InputError(f"{file} is not a tokenizer.json: {error}") from error
