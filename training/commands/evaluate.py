"""`themis-train evaluate`: the figures of a checkpoint. Argument handling only."""

from __future__ import annotations

import json
from pathlib import Path

import click

from training.commands.arguments import FOLDER, RECORDS, read_records


@click.command()
@click.argument("checkpoint", type=FOLDER)
@RECORDS
def evaluate(checkpoint: Path, records: tuple[Path, ...]) -> None:
    """Print the figures of CHECKPOINT on RECORDS as JSON, scored in torch.

    (`themis bench` measures bundles.)
    """
    from review_core.bench import run_bench
    from review_core.calibration import Calibration, CriterionCalibration
    from training.model import CheckpointScorer

    scorer = CheckpointScorer(checkpoint)
    plain = Calibration({key: CriterionCalibration(temperature=1.0) for key in scorer.criteria})
    click.echo(json.dumps(run_bench(read_records(records), scorer, plain).to_json(), indent=2))
