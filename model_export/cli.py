"""`themis-export`: checkpoint to bundle, and checks of bundles. Argument handling only; write.py
does the work.

Exit codes: 0 done, 1 a gate was not met, 2 bad usage or input, 3 a fault of ours.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from model_export.errors import GateError
from review_core.errors import ThemisError

_FOLDER = click.Path(path_type=Path, file_okay=False)


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
    type=click.Path(path_type=Path, dir_okay=False),
    help="A calibration.json; without one the bundle never gives a verdict.",
)
@click.option(
    "--precision",
    type=click.Choice(["fp32", "int8", "int4", "mixed"]),
    help="How weights are stored: int4 leaves the embedding fp32, mixed has it in 8 bits and "
    "the rest in 4.  [default: as themis.json says]",
)
def bundle(checkpoint: Path, out: Path, calibration: Path | None, precision: str | None) -> None:
    """Export CHECKPOINT to a bundle at OUT, checking it against torch at every step."""
    from model_export.checkpoint import read_checkpoint
    from model_export.write import write_bundle

    read = read_checkpoint(checkpoint)
    quantisation = read.quantisation.named(precision) if precision else read.quantisation
    command = f"themis-export bundle {checkpoint.name} {out.name}"
    made = write_bundle(
        read,
        out,
        quantisation=quantisation,
        calibration=calibration,
        command=command + (f" --precision {precision}" if precision else ""),
    )
    size = sum(file.stat().st_size for file in out.iterdir())
    click.echo(f"{out}: {made.identity.name}, {quantisation.precision}, {size:,} bytes")
    for name, value in made.manifest.parity.items():
        if value is not None:
            click.echo(f"  {name:<15} {value:.3g}")


@cli.command()
@click.argument("path", metavar="BUNDLE", type=_FOLDER)
@click.option(
    "--against", type=_FOLDER, help="The checkpoint it was made of: compare with torch as well."
)
def verify(path: Path, against: Path | None) -> None:
    """Check a bundle: hashes, format, graph, probe, cached against full reading."""
    from review_core.bundle import load_bundle

    bundle = load_bundle(path)
    from model_export.checkpoint import read_checkpoint
    from model_export.write import verify_bundle

    measured = verify_bundle(bundle, read_checkpoint(against) if against else None)
    click.echo(f"{path}: {bundle.identity.name} {bundle.identity.sha256[:12]} is sound")
    for name, value in measured.items():
        click.echo(f"  {name:<15} {value:.3g}")


def main(arguments: Sequence[str] | None = None) -> None:
    """The console script; exits always.

    :param arguments: those of the process when None.
    """
    try:
        code = cli.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except ThemisError as error:
        click.echo(f"themis-export: {error}", err=True)
        sys.exit(2)
    except GateError as error:
        click.echo(f"themis-export: {error}", err=True)
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        sys.exit(3)
    sys.exit(code or 0)
