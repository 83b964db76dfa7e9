"""`themis bench`: a model measured on files of preference pairs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_cli.options import directory_option, model_options, overrides

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from review_core.bench import BenchTable
    from review_core.metrics import Estimate, Metrics
    from review_core.types import BundleIdentity

_HEADINGS = ("n", "accuracy", "LBA", "size", "ECE")
_COVERAGES = (0.75, 0.5, 0.25)
_LEGEND = """\
LBA: accuracy, pairs whose better side is longer or shorter counting the same; length alone: .500
size: what "longer is better" gets. ECE: calibration error. at N %: accuracy of the surest N %
[95 % interval, by bootstrap over repositories]"""


@click.command(short_help="Measure a model on preference pairs.")
@click.argument("pairs", nargs=-1, required=True, type=click.Path(path_type=Path))
@directory_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Read the first N pairs of each file."
)
@model_options
def bench(
    pairs: tuple[Path, ...],
    directory: Path,
    as_json: bool,
    limit: int | None,
    model: Path | None,
    threads: int | None,
    cache: bool,
) -> None:
    """Measure a model on PAIRS, .jsonl or .jsonl.zst files of preference pairs.

    Accuracy stands beside what length alone would get: length-balanced accuracy is .50 for a model
    that only knows which side is longer. Intervals are 95 %, by bootstrap over repositories.
    """
    from review_cli.output import capture, write_out
    from review_cli.progress import shown_progress
    from review_core.bench import run_bench
    from review_core.config import load_settings
    from review_core.loading import load_scorer
    from review_core.records import read_pairs

    given = overrides(directory, model=model, threads=threads, cache=cache)
    settings = load_settings(directory, given, os.environ).settings
    records = [each for file in pairs for each in islice(read_pairs(directory / file), limit)]
    with shown_progress("loading the model", quiet=False):
        scorer, calibration = load_scorer(settings)
    with shown_progress("scoring pairs", quiet=False) as progress:
        table = run_bench(records, scorer, calibration, progress=progress)
    identity = scorer.bundle.identity
    if as_json:
        bundle = {"name": identity.name, "sha256": identity.sha256}
        write_out(json.dumps({"bundle": bundle, **table.to_json()}, indent=2) + "\n")
    else:
        write_out(capture(lambda console: print_bench(table, identity, console)))


def print_bench(table: BenchTable, bundle: BundleIdentity, console: Console) -> None:
    """Print the figures: all pairs, then by aspect, language and subset."""
    from review_core.renderers.view import counted, model_name

    grid = _grid(table, coverages=_COVERAGES)
    if console.is_terminal and _width(grid, console) > console.width:
        grid = _grid(table, coverages=())
    console.width = max(console.width, _width(grid, console))  # a figure is never cut
    console.print(grid)
    console.print(f"\n{_LEGEND}", style="dim", soft_wrap=True)
    unscored = f", {counted(table.unscored, 'pair')} too long to score" if table.unscored else ""
    pairs = counted(table.overall.n, "pair")
    console.print(f"{pairs}{unscored}; model {model_name(bundle)}", style="bold", soft_wrap=True)


def _width(grid: Table, console: Console) -> int:
    """The columns that the whole grid needs."""
    from rich.measure import Measurement

    return Measurement.get(console, console.options.update(max_width=1000), grid).maximum


def _grid(table: BenchTable, coverages: Sequence[float]) -> Table:
    from rich.table import Table

    grid = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    grid.add_column("", no_wrap=True)
    for heading in (*_HEADINGS, *(f"at {share:.0%}".replace("%", " %") for share in coverages)):
        grid.add_column(heading, justify="right", no_wrap=True)
    grid.add_row("all", *_figures(table.overall, coverages), style="bold")
    for group, rows in table.by.items():
        if rows:
            grid.add_row()
            grid.add_row(group.replace("_", " "), style="cyan")
        for name, metrics in rows.items():
            grid.add_row(f"  {name}", *_figures(metrics, coverages))
    return grid


def _figures(metrics: Metrics, coverages: Sequence[float]) -> tuple[str, ...]:
    at = dict(metrics.accuracy_at_coverage)
    return (
        str(metrics.n),
        _estimate(metrics.pairwise_accuracy),
        _estimate(metrics.length_balanced_accuracy),
        _number(metrics.size_only_baseline),
        _number(metrics.calibration_error),
        *(_number(at.get(share)) for share in coverages),
    )


def _estimate(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return _number(estimate.value)
    return f"{_number(estimate.value)} [{_number(estimate.low, 2)} {_number(estimate.high, 2)}]"


def _number(value: float | None, decimals: int = 3) -> str:
    """`.713`; a hyphen where nothing can be said."""
    return "-" if value is None else f"{value:.{decimals}f}".removeprefix("0")
