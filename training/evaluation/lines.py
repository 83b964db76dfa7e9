"""The lines of a text file, plain or zstd."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from review_core.errors import InputError


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank.

    :raises InputError: if the file cannot be read.
    """
    import zstandard

    try:
        with path.open("rb") as raw:
            stream = (
                zstandard.ZstdDecompressor().stream_reader(raw) if path.suffix == ".zst" else raw
            )
            with io.TextIOWrapper(stream, encoding="utf-8") as text:
                for number, line in enumerate(text, 1):
                    if line.strip():
                        yield number, line
    except OSError as error:
        raise InputError(f"cannot open {path}: {error.strerror}") from error
    except (zstandard.ZstdError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not a zstd or text file: {error}") from error
