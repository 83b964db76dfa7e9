"""Writes what a benchmark found: JSON with machine, command and commit, a table, a picture."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measuring import command, commit, machine


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name and their cells, a row at a time, as texts."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        """As Markdown; the first column is words, the others are numbers."""
        lines = [self.columns, ("---", *("--:" for _ in self.columns[1:])), *self.rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Finding:
    """A benchmark's result. notes: what a reader of the table must know."""

    title: str
    figures: Mapping[str, Any]
    table: Table
    notes: Sequence[str]
    picture: str


def add_out(parser: argparse.ArgumentParser) -> None:
    """The option that names the result."""
    parser.add_argument(
        "--out", type=Path, help="a .json file; the table and the picture are put beside it"
    )


def tell(found: Finding, module: str, out: Path | None) -> None:
    """Print the table, and write JSON, .md and .svg if `out` is given.

    :param module: of the benchmark, as it is run.
    """
    typed = command(module)
    about = machine()
    where = f"{about['processor']}, {about['cores']} cores, commit {commit()}"
    page = f"# {found.title}\n\n{found.table}\n"
    page += "".join(f"- {note}\n" for note in found.notes)
    page += f"- {where}\n- `{typed}`\n"
    print(page, end="")
    if out is None:
        return
    result = {
        "what": found.title,
        **found.figures,
        "notes": list(found.notes),
        "machine": about,
        "commit": commit(),
        "command": typed,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    out.with_suffix(".md").write_text(page, "utf-8")
    out.with_suffix(".svg").write_text(found.picture, "utf-8")


def megabytes(size: int | None) -> str:
    """A size of memory as a table has it."""
    return "-" if size is None else f"{size / 1e6:,.0f}"


def seconds(value: float) -> str:
    """A time as a table has it: three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
