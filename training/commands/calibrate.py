"""`themis-train calibrate`: probabilities and thresholds of a bundle. Argument handling only."""

from __future__ import annotations

import json
from pathlib import Path

import click

from training.commands.arguments import FILE, FOLDER, RECORDS, read_records


@click.command()
@click.argument("bundle", type=FOLDER)
@click.argument("out", type=FILE)
@RECORDS
@click.option(
    "--precision",
    default=0.9,
    show_default=True,
    help="Least share of right verdicts on held-out pairs.",
)
@click.option(
    "--neutral-share",
    default=0.004,
    show_default=True,
    help="Greatest share of neutral edits called worse, per criterion.",
)
@click.option(
    "--unrelated-share",
    default=0.01,
    show_default=True,
    help="Greatest share of commits made for something else called worse, per criterion.",
)
@click.option("--threads", default=0, show_default=True, help="0: one a physical core.")
def calibrate(
    bundle: Path,
    out: Path,
    records: tuple[Path, ...],
    precision: float,
    neutral_share: float,
    unrelated_share: float,
    threads: int,
) -> None:
    """Measure BUNDLE on held-out RECORDS (neutral pairs among them) and write its calibration.json
    to OUT.
    """
    from review_core.bundle import load_bundle
    from review_core.cache import RewardCache, default_cache_path
    from review_core.engine import Engine
    from review_core.scorer import Scorer
    from training.calibrate import NoiseLimit
    from training.calibrate import calibrate as measure

    loaded = load_bundle(bundle)
    cache = RewardCache(default_cache_path())  # `themis bench` finds the rewards there
    scorer = Scorer(loaded, Engine(loaded, threads=threads), cache)
    limit = NoiseLimit(precision, neutral_share, unrelated_share)
    calibration = measure(read_records(records), scorer, limit)
    out.write_text(json.dumps(calibration, indent=2) + "\n", encoding="utf-8")
    for criterion, found in calibration["measured"].items():
        click.echo(f"{criterion:<28} {json.dumps(found)}")
