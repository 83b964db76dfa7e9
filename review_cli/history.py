"""`themis history`: how a branch fared, commit by commit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from review_cli.options import directory_option, judge_option, model_options, overrides

if TYPE_CHECKING:
    from review_core.history import History

LIMIT = 100


@click.command(
    epilog="Interrupted, it goes on where it stopped when called again: rewards are cached."
)
@click.argument("target", metavar="RANGE", default="HEAD")
@directory_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=LIMIT,
    show_default=True,
    metavar="N",
    help="The newest N commits at most.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "json", "html"]),
    default="terminal",
    show_default=True,
    help="How to show the trend.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@model_options
@judge_option
@click.option("--quiet", is_flag=True, help="No progress.")
def history(
    target: str,
    directory: Path,
    limit: int,
    form: str,
    output: Path | None,
    model: Path | None,
    threads: int | None,
    cache: bool,
    judge: Path | None,
    quiet: bool,
) -> None:
    """Review every commit of RANGE against its parent and show how the axes went.

    RANGE is A..B or A...B (what B has since it left A), or a revision (all that it has behind it);
    HEAD if it is left out. First parents are followed: a merge is one commit and stands for all
    that it brought.
    """
    from review_cli.output import write_out
    from review_cli.progress import shown_progress
    from review_core.config import load_settings
    from review_core.history import History, columns_of, walk
    from review_core.loading import load_judge, load_scorer
    from review_core.sources.filters import Limits
    from review_core.sources.first_parents import past_range
    from review_core.sources.git import git_change

    given = overrides(directory, model=model, threads=threads, cache=cache, judge=judge)
    settings = load_settings(directory, given, os.environ).settings
    limits = Limits(
        max_file_bytes=settings.max_file_bytes, include=settings.include, exclude=settings.exclude
    )
    past = past_range(directory, target, limit)
    scorer, calibration = load_scorer(settings)
    walked = walk(
        past.commits,
        lambda hash_: git_change(directory, hash_, limits=limits),
        scorer,
        calibration,
        settings,
        load_judge(settings, scorer.bundle, calibration),
    )
    commits = []
    try:
        with shown_progress("reviewing commits", quiet=quiet) as progress:
            for each in walked:
                commits.append(each)
                if progress is not None:
                    progress(len(commits), len(past.commits))
    except KeyboardInterrupt:
        click.echo(_interrupted(len(commits), len(past.commits), cached=cache), err=True)
        raise
    identity, axes = scorer.bundle.identity, scorer.bundle.manifest.axes
    found = History(target, identity, columns_of(axes), tuple(commits), past.left_out)
    file = None if output is None else directory / output
    write_out(_rendered(found, form, plain=file is not None), file)


def _interrupted(done: int, total: int, *, cached: bool) -> str:
    kept = "; their rewards are kept, the same command goes on from there" if cached else ""
    return f"themis: interrupted after {done} of {total} commits{kept}"


def _rendered(history: History, form: str, *, plain: bool) -> str:
    if form == "json":
        from review_core.renderers.history_json import render_history_json

        return render_history_json(history)
    if form == "html":
        from review_core.renderers.history_html import render_history_html

        return render_history_html(history)
    from review_cli.history_page import print_history
    from review_cli.output import capture

    return capture(lambda console: print_history(history, console), plain=plain)
