"""The arguments that several commands take."""

from __future__ import annotations

from pathlib import Path

import click

from review_core.records import PreferencePair, read_pairs

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
RECORDS = click.argument("records", nargs=-1, required=True, type=FILE)


def read_records(records: tuple[Path, ...]) -> list[PreferencePair]:
    """The pairs of all files, in order."""
    return [pair for path in records for pair in read_pairs(path)]
