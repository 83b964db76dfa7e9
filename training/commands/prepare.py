"""`themis-train prepare`, `sample` and `neutral`: which pairs are learned from. Argument handling
only.
"""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.arguments import FILE, FOLDER, RECORDS, read_records
from training.preparation.settings import PrepareSettings
from training.sampling import NeutralSettings, SampleSettings
from training.settings import stage_options, write_settings


@click.command()
@click.argument("out", type=FOLDER)
@RECORDS
@stage_options(PrepareSettings, "prepare")
def prepare(out: Path, records: tuple[Path, ...], settings: PrepareSettings) -> None:
    """Merge RECORDS, filter and split them, and write train, dev and test sets into the folder OUT.

    RECORDS are .jsonl, .jsonl.zst or .parquet files of ours, of Themis's or of TRL's preference
    formats. OUT gets train.jsonl.zst, dev.jsonl.zst, test.jsonl.zst, report.md with pictures,
    stats.json and prepare.toml. Run again to go on after an interruption.
    """
    from training.preparation.pipeline import prepare as make

    prepared = make(out, records, settings)
    for name, counted in prepared.sets.items():
        click.echo(f"{out / name}.jsonl.zst: {counted.pairs} pairs")


@click.command()
@click.argument("out", type=FILE)
@RECORDS
@stage_options(SampleSettings, "sample")
def sample(out: Path, records: tuple[Path, ...], settings: SampleSettings) -> None:
    """Draw a length-matched training set from RECORDS into OUT."""
    from review_core.records import write_pairs
    from training.sampling import length_matched

    drawn = length_matched(
        read_records(records),
        per_cell=settings.per_cell,
        max_ratio=settings.max_ratio,
        max_characters=settings.max_characters,
        count=settings.count,
        seed=settings.seed,
    )
    click.echo(f"{out}: {write_pairs(out, drawn)} pairs")
    write_settings(out.with_name(f"{out.name}.toml"), "sample", settings, records=records)


@click.command()
@click.argument("out", type=FILE)
@RECORDS
@stage_options(NeutralSettings, "neutral")
def neutral(out: Path, records: tuple[Path, ...], settings: NeutralSettings) -> None:
    """Make neutral pairs (renamed locals, layout, comments, imports) of RECORDS into OUT."""
    from review_core.records import write_pairs
    from training.sampling import neutral_pairs

    short = [
        pair
        for pair in read_records(records)
        if len(pair.chosen) + len(pair.rejected) <= settings.max_characters
    ]
    drawn = neutral_pairs(short, settings.count, seed=settings.seed)
    click.echo(f"{out}: {write_pairs(out, drawn)} pairs")
    write_settings(out.with_name(f"{out.name}.toml"), "neutral", settings, records=records)
