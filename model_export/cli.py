"""`themis-export`: checkpoint to bundle, and checks of bundles. Argument handling only; write.py
does the work.

Exit codes: 0 done, 1 a gate was not met, 2 bad usage or input, 3 a fault of ours.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from model_export.errors import GateError

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="themis-review")
def cli() -> None:
    """Turn a trained checkpoint into a bundle, and check bundles."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")


@cli.command()
@click.argument("checkpoint", type=_FOLDER)
@click.argument("out", type=_FOLDER)
@click.option(
    "--calibration",
    type=_FILE,
    help="A calibration.json; without one the bundle never gives a verdict.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "int8", "int4", "mixed"]),
    help="How weights are stored: int4 leaves the embedding fp32, mixed has it in 8 bits and "
    "the rest in 4.  [default: as themis.json says]",
)
@click.option(
    "--prompts",
    type=_FILE,
    help="For a published Themis-RM checkpoint: how it is asked, as `prompts` found it.",
)
def bundle(
    checkpoint: Path,
    out: Path,
    calibration: Path | None,
    precision: str | None,
    prompts: Path | None,
) -> int:
    """Export CHECKPOINT to a bundle at OUT, checking it against torch at every step."""
    from model_export.checkpoint import precision_of, read_checkpoint, with_precision
    from model_export.prompts import Prompts
    from model_export.write import write_bundle

    read = read_checkpoint(checkpoint, Prompts.read(prompts) if prompts else None)
    quantisation = read.card.quantisation
    if precision:
        quantisation = with_precision(quantisation, precision)
    command = f"themis-export bundle {checkpoint.name} {out.name}"
    try:
        made = write_bundle(
            read,
            out,
            quantisation=quantisation,
            calibration=calibration,
            command=command + (f" --precision {precision}" if precision else ""),
        )
    except GateError as error:
        return _found_wanting(error)
    size = sum(file.stat().st_size for file in out.iterdir())
    click.echo(f"{out}: {made.identity.name}, {precision_of(quantisation)}, {size:,} bytes")
    for name, value in made.manifest.parity.items():
        if value is not None:
            click.echo(f"  {name:<15} {value:.3g}")
    return 0


@cli.command()
@click.argument("out", type=_FILE)
@click.option(
    "--from",
    "checkout",
    required=True,
    type=click.Path(path_type=Path),
    help="A checkout of the repository that evaluates Themis-RM, or the script in it.",
)
def prompts(out: Path, checkout: Path) -> int:
    """Write to OUT how published Themis-RM models are asked, read from their authors' code.

    The code is parsed and never run.
    """
    from model_export.prompts import find_prompts

    found = find_prompts(checkout)
    found.write(out)
    click.echo(f"{out}: {len(found.texts)} prompts of {found.source}, {found.sha256[:12]}")
    return 0


@cli.command()
@click.argument("path", metavar="BUNDLE", type=_FOLDER)
@click.option(
    "--against", type=_FOLDER, help="The checkpoint it was made of: compare with torch as well."
)
def verify(path: Path, against: Path | None) -> int:
    """Check a bundle: hashes, format, graph, probe, cached against full reading."""
    from review_core.bundle import load_bundle

    bundle = load_bundle(path)
    from model_export.checkpoint import read_checkpoint
    from model_export.write import verify_bundle

    try:
        measured = verify_bundle(bundle, read_checkpoint(against) if against else None)
    except GateError as error:
        return _found_wanting(error)
    click.echo(f"{path}: {bundle.identity.name} {bundle.identity.sha256[:12]} is sound")
    for name, value in measured.items():
        click.echo(f"  {name:<15} {value:.3g}")
    return 0


def main() -> None:
    """Run the command line and exit."""
    from review_core.command import exit_with

    exit_with(cli, "themis-export")


def _found_wanting(error: GateError) -> int:
    click.echo(f"themis-export: {error}", err=True)
    return 1
