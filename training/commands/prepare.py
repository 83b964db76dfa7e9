"""`themis-train sample` and `neutral`: which pairs are learned from. Argument handling only."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.arguments import FILE, RECORDS, read_records


@click.command()
@click.argument("out", type=FILE)
@RECORDS
@click.option(
    "--per-cell",
    default=1900,
    show_default=True,
    help="Most pairs of an aspect, source kind and length direction.",
)
@click.option(
    "--max-ratio",
    default=1.5,
    show_default=True,
    help="Most pairs of one length direction for one of the other.",
)
@click.option(
    "--max-characters", default=2400, show_default=True, help="Most characters of a pair."
)
@click.option("--count", type=int, help="Most pairs in all.  [default: no limit]")
@click.option("--seed", default=0, show_default=True)
def sample(
    out: Path,
    records: tuple[Path, ...],
    per_cell: int,
    max_ratio: float,
    max_characters: int,
    count: int | None,
    seed: int,
) -> None:
    """Draw a length-matched training set from RECORDS into OUT."""
    from review_core.records import write_pairs
    from training.sampling import length_matched

    drawn = length_matched(
        read_records(records),
        per_cell=per_cell,
        max_ratio=max_ratio,
        max_characters=max_characters,
        count=count,
        seed=seed,
    )
    click.echo(f"{out}: {write_pairs(out, drawn)} pairs")


@click.command()
@click.argument("out", type=FILE)
@RECORDS
@click.option("--count", default=1500, show_default=True, help="Most edits to make.")
@click.option(
    "--max-characters",
    default=3000,
    show_default=True,
    help="Most characters of a pair drawn from.",
)
@click.option("--seed", default=0, show_default=True)
def neutral(
    out: Path, records: tuple[Path, ...], count: int, max_characters: int, seed: int
) -> None:
    """Make neutral pairs (renamed locals, layout, comments, imports) of RECORDS into OUT."""
    from review_core.records import write_pairs
    from training.sampling import neutral_pairs

    short = [p for p in read_records(records) if len(p.chosen) + len(p.rejected) <= max_characters]
    click.echo(f"{out}: {write_pairs(out, neutral_pairs(short, count, seed=seed))} pairs")
