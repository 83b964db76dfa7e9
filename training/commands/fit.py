"""`themis-train fit`: training by gradient. Argument handling only."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from training.commands.arguments import FOLDER, RECORDS, read_records
from training.fitting.settings import FitSettings
from training.settings import stage_options, write_settings

TRY_AGAIN = 75
"""The exit code of a run whose time was up: EX_TEMPFAIL of sysexits."""


@click.command()
@click.argument("start")
@click.argument("out", type=FOLDER)
@RECORDS
@stage_options(FitSettings, "fit")
def fit(start: str, out: Path, records: tuple[Path, ...], settings: FitSettings) -> int:
    """Train START on RECORDS by gradient and write the checkpoint OUT.

    START is a checkpoint, or any causal language model (name or folder), which gets reward heads.
    Run again to go on from the last save; under accelerate launch it runs in many processes.
    training/recipes has the configurations of the paper's two stages.
    """
    logging.getLogger("huggingface_hub").setLevel(logging.WARNING)
    from training.fitting.loop import fit as train
    from training.margins import read_margins

    pairs, held_out = read_records(records), read_records(settings.held_out)
    soft = read_margins(settings.teacher) if settings.teacher else None
    out.mkdir(parents=True, exist_ok=True)
    write_settings(out, "fit", settings, start=start, records=records)
    done = train(start, pairs, settings, out, name=out.name, held_out=held_out, soft=soft)
    if not done.finished:
        click.echo(f"{out}: time is up after step {done.steps} of {done.of}; run again to go on")
        return TRY_AGAIN
    click.echo(
        f"{out}: {done.pairs} pairs, {done.of} steps; kept the checkpoint of step {done.kept}"
    )
    return 0
