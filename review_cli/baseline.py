"""`themis baseline`: accept the findings there are, so that only new ones are told."""

from __future__ import annotations

import os
from pathlib import Path

import click

from review_cli.changes import TARGETS, change_of, change_options
from review_cli.options import judge_option, model_options, overrides


@click.group()
def baseline() -> None:
    """Accept findings that a team has seen and lives with."""


@baseline.command(
    help=f"""Write the findings of a change to .themis-baseline.json: withheld from now on.

It is written anew in the folder of -C, for the model in use; commit it. An edited function is
judged anew.

{TARGETS}"""
)
@change_options
@model_options
@judge_option
def write(
    targets: tuple[str, ...],
    directory: Path,
    staged: bool,
    patch: str | None,
    base_dir: str | None,
    model: Path | None,
    threads: int | None,
    cache: bool,
    judge: Path | None,
) -> None:
    """Write the baseline; the decorator's help is what the user reads."""
    from review_cli.output import write_out
    from review_cli.progress import shown_progress
    from review_core import api
    from review_core.baseline import FILE_NAME, baseline_text
    from review_core.config import load_settings
    from review_core.loading import load_judge, load_scorer
    from review_core.renderers.view import counted

    given = overrides(directory, model=model, threads=threads, cache=cache, judge=judge)
    settings = load_settings(directory, given, os.environ).settings
    change = change_of(directory, targets, staged, patch, base_dir, settings)
    scorer, calibration = load_scorer(settings)
    second = load_judge(settings, scorer.bundle, calibration)
    with shown_progress("reading functions", quiet=False) as progress:
        report = api.review(change, scorer, calibration, settings, progress=progress, second=second)
    file = directory / FILE_NAME
    write_out(baseline_text(report.bundle, report.findings, report.judge), file)
    click.echo(f"{file}: {counted(len(report.findings), 'finding')}")
