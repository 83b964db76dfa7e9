"""`themis-train mine`: clones to preference pairs. Argument handling only."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.arguments import FOLDER
from training.mining.settings import MineSettings
from training.settings import stage_options


@click.command()
@click.argument("out", type=FOLDER)
@click.argument("clones", nargs=-1, required=True, type=FOLDER)
@stage_options(MineSettings, "mine")
def mine(out: Path, clones: tuple[Path, ...], settings: MineSettings) -> None:
    """Mine the history of CLONES, local git repositories or folders of them, into the folder OUT:
    pairs.jsonl.zst, and stats.json, which accounts for every commit. Run again to go on.
    """
    from training.mining.run import mine as run

    done = run(out, clones, settings)
    if done is not None:
        click.echo(f"{out}: {done['pairs']} pairs of {done['commits']} commits")
        for criterion, count in done["criteria"].items():
            click.echo(f"{criterion:<28} {count}")
        for name, why in done["failures"].items():
            click.echo(f"{name} failed: {why}", err=True)
