"""`themis rank`: reads options, has the core compare, shows what comes of it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from review_cli.candidates import OPERANDS
from review_cli.options import directory_option, model_options, overrides

_HELP = f"""Say which CANDIDATE is best on each axis, BASE among them.

A group is a tie: the model cannot tell. With several functions it counts in how many a candidate
is better or worse; margins of different functions are never added.

{OPERANDS}"""


@click.command(help=_HELP)
@click.argument("base", metavar="BASE")
@click.argument("candidates", nargs=-1, required=True, metavar="CANDIDATE...")
@directory_option
@click.option("--function", metavar="NAME", help="Compare this function alone.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    show_default=True,
    help="How to show the ranking.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@click.option("--intent", metavar="TEXT", default="", help="What the candidates are for.")
@model_options
def rank(
    base: str,
    candidates: tuple[str, ...],
    directory: Path,
    function: str | None,
    form: str,
    output: Path | None,
    intent: str,
    model: Path | None,
    threads: int | None,
    cache: bool,
) -> None:
    """Rank candidates; `_HELP` is what the user reads."""
    from review_cli.candidates import alternatives_of
    from review_cli.output import capture, write_out
    from review_cli.progress import shown_progress
    from review_core.alternatives import compare
    from review_core.config import load_settings
    from review_core.loading import load_scorer
    from review_core.sources.filters import Limits

    given = overrides(directory, model=model, threads=threads, cache=cache)
    settings = load_settings(directory, given, os.environ).settings
    limits = Limits(
        max_file_bytes=settings.max_file_bytes, include=settings.include, exclude=settings.exclude
    )
    alternatives = alternatives_of(directory, base, candidates, limits)
    with shown_progress("loading the model", quiet=False):
        scorer, calibration = load_scorer(settings)
    with shown_progress("reading functions", quiet=False) as progress:
        comparison = compare(
            base,
            alternatives,
            scorer,
            calibration,
            settings,
            function=function,
            intent=intent,
            progress=progress,
        )
    file = None if output is None else directory / output
    if form == "json":
        import json

        from review_core.renderers.comparison import comparison_to_json

        write_out(json.dumps(comparison_to_json(comparison), indent=2) + "\n", file)
        return
    from review_cli.ranking_page import print_comparison

    plain = file is not None
    write_out(capture(lambda console: print_comparison(comparison, console), plain=plain), file)
