"""`themis-train evaluate`: the figures of a model. Argument handling only."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.arguments import FILE, FOLDER
from training.evaluation.settings import EvaluateSettings
from training.settings import stage_options


@click.command()
@click.argument("out", type=FOLDER)
@click.argument("model", type=FOLDER)
@click.argument("records", nargs=-1, required=True, type=FILE)
@stage_options(EvaluateSettings, "evaluate")
def evaluate(out: Path, model: Path, records: tuple[Path, ...], settings: EvaluateSettings) -> None:
    """Measure MODEL, a bundle or a checkpoint, on RECORDS and write the report, its numbers and
    every pair's margins into OUT.

    RECORDS: pairs in our schema, Themis's or Themis-CodeRewardBench's own files (.jsonl,
    .jsonl.zst, .parquet), or lists of several responses a prompt (prompt, responses, scores or
    correct). Run again, it scores only what is missing.
    """
    from training.evaluation.run import REPORT
    from training.evaluation.run import evaluate as measure

    made = measure(out, model, records, settings)
    if "overall" in made:
        whole = made["overall"]
        accuracy, balanced = whole["pairwise_accuracy"], whole["length_balanced_accuracy"]
        click.echo(
            f"{whole['n']} pairs: accuracy {accuracy['value']}, "
            f"length-balanced {balanced['value']}, ECE {whole['ece']}"
        )
    click.echo(str(out / REPORT))
