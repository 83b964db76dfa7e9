"""`themis-train calibrate`: probabilities and thresholds of a model. Argument handling only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from training.calibrate import CalibrateSettings
from training.commands.arguments import FILE, FOLDER
from training.settings import stage_options, write_settings


@click.command()
@click.argument("model", type=FOLDER)
@click.argument("out", type=FILE)
@click.argument("records", nargs=-1, required=True, type=FILE)
@stage_options(CalibrateSettings, "calibrate")
def calibrate(
    model: Path, out: Path, records: tuple[Path, ...], settings: CalibrateSettings
) -> None:
    """Measure MODEL, a bundle or a checkpoint, on held-out RECORDS (neutral pairs among them) and
    write its calibration.json to OUT.

    Margins are kept beside OUT: run again, with other settings, it scores only what is missing.
    """
    from training.calibrate import calibrate as measure
    from training.evaluation.benchmark import read_records
    from training.evaluation.margins import pairs_hash, score_pairs
    from training.evaluation.scorers import open_model
    from training.evaluation.settings import ScoringSettings

    opened = open_model(model, ScoringSettings(settings.threads, settings.cache))
    pairs = [pair for path in records for pair in read_records(path)]
    out.parent.mkdir(parents=True, exist_ok=True)
    kept = out.with_name(f"margins-{opened.identity[:8]}-{pairs_hash(pairs)[:8]}.jsonl.zst")
    scored = score_pairs(kept, pairs, opened.scorer, opened.identity)
    made = measure(scored, list(opened.scorer.criteria), settings, opened.shown)
    out.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    write_settings(out.parent, "calibrate", settings, model=model, records=list(records))
    for line in _table(made):
        click.echo(line)


def _table(made: dict[str, Any]) -> list[str]:
    """A line a criterion: calibration error held out, in sample and its floor; what it says."""
    lines = [
        f"{'':<28} {'pairs':>5} {'curve':>11}  {'ECE':>5} {'(fit)':>7} {'floor':>6}   "
        "verdicts held out, right, on other commits"
    ]
    for key, found in made["measured"].items():
        if not found["pairs"]:
            lines.append(f"{key:<28} {0:>5}  no pairs: silent")
            continue
        said = found["held_out"]
        speech = (
            f"{said['verdicts_on_pairs']}, {said['right']} "
            f"[{said['right_low']}, {said['right_high']}], {said['unrelated_called_worse']}"
            if made["criteria"][key]["better_at"] is not None
            else "silent"
        )
        lines.append(
            f"{key:<28} {found['pairs']:>5} {found['curve']:>11}  {_share(found['ece_held_out'])} "
            f"({_share(found['ece'])}) {_share(found['ece_floor'])}   {speech}"
        )
    budget = made["budget"]
    lines.append(
        f"wrong comments a pull request of {budget['functions_a_pull_request']:g} functions: "
        f"{budget['wrong_comments_expected']} expected, "
        f"{budget['wrong_comments_a_pull_request']} allowed"
    )
    return lines


def _share(value: float | None) -> str:
    return "  -  " if value is None else f"{value:.3f}"
