"""`themis-train ablate`: what each choice of the heads is worth. Argument handling only."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.arguments import FILE, FOLDER
from training.settings import stage_options, write_settings
from training.specs import AblationSettings


@click.command()
@click.argument("out", type=FILE)
@click.argument("features", nargs=-1, required=True, type=FOLDER)
@click.option(
    "--held-out",
    multiple=True,
    type=FOLDER,
    help="Features to measure on; may be given several times.  [default: parts of FEATURES]",
)
@stage_options(AblationSettings, "ablate")
def ablate(
    out: Path,
    features: tuple[Path, ...],
    held_out: tuple[Path, ...],
    settings: AblationSettings,
) -> None:
    """Fit heads to FEATURES in several ways, measure each, and write tables to OUT (Markdown)."""
    from training.ablations import Bench
    from training.ablations import ablate as tables

    bench = Bench(features, held_out, settings.folds)
    done: list[str] = []
    for table in tables(bench, settings):
        done.append(table)
        out.write_text("\n".join(done), encoding="utf-8")  # what was made survives a kill
    write_settings(
        out.with_suffix(".toml"), "ablate", settings, features=features, held_out=held_out
    )
    click.echo(f"{out}: {len(done)} tables")
