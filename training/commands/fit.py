"""`themis-train fit`: training by gradient. Argument handling only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from training.commands.arguments import FOLDER, RECORDS, read_records


@click.command()
@click.argument("start", type=FOLDER)
@click.argument("out", type=FOLDER)
@RECORDS
@click.option(
    "--trainable", default="lora", show_default=True, type=click.Choice(["all", "lora", "heads"])
)
@click.option("--epochs", default=1, show_default=True)
@click.option("--batch", default=16, show_default=True, help="Pairs a step.")
@click.option("--learning-rate", default=2e-4, show_default=True)
@click.option(
    "--language-weight",
    default=0.0,
    show_default=True,
    help="Weight of the language-model loss on chosen sides.",
)
@click.option(
    "--centring-weight", default=0.001, show_default=True, help="Weight of (reward + reward)^2."
)
@click.option(
    "--dtype", default="float32", show_default=True, type=click.Choice(["float32", "bfloat16"])
)
@click.option("--seed", default=0, show_default=True)
def fit(
    start: Path,
    out: Path,
    records: tuple[Path, ...],
    language_weight: float,
    centring_weight: float,
    **settings: Any,
) -> None:
    """Train the checkpoint START on RECORDS by gradient and write OUT.

    Run again to go on from the last saved step.
    """
    from training.fit import FitSettings
    from training.fit import fit as train
    from training.objective import Objective

    objective = Objective(language_weight, centring_weight)
    train(
        start,
        read_records(records),
        FitSettings(objective=objective, **settings),
        out,
        name=out.name,
    )
