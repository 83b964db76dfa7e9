"""`themis-export`: checkpoint to bundle, and checks of bundles. Argument handling only; write.py
and verify.py do the work.

Exit codes: 0 done, 1 a gate was not met, 2 bad usage or input, 3 a fault of ours.
"""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

import click

from model_export.errors import GateError
from review_core.errors import InputError

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="themis-review")
def cli() -> None:
    """Turn a trained checkpoint into a bundle, and check bundles."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")


@cli.command()
@click.argument("checkpoint")
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
    "--variants",
    metavar="LIST",
    help="Several graphs in one bundle, in order of preference, as int8,fp32,fp16: those of "
    "--precision, and fp16 and bf16 for CUDA.",
)
@click.option(
    "--prompts",
    type=_FILE,
    help="For a published Themis-RM checkpoint: how it is asked, as `prompts` found it.",
)
def bundle(
    checkpoint: str,
    out: Path,
    calibration: Path | None,
    precision: str | None,
    variants: str | None,
    prompts: Path | None,
) -> int:
    """Export CHECKPOINT to a bundle at OUT, checking it against torch at every step.

    CHECKPOINT is a folder, or owner/name[@revision] on the Hugging Face hub.
    """
    from dataclasses import replace

    from model_export.checkpoint import read_checkpoint, with_precision
    from model_export.hub import find_checkpoint
    from model_export.prompts import Prompts
    from model_export.storage import storages
    from model_export.write import write_bundle
    from training.card import CARD

    if precision and variants:
        raise click.UsageError("--precision is for one graph and --variants for several; drop one")
    source = find_checkpoint(checkpoint)
    read = read_checkpoint(source.path, Prompts.read(prompts) if prompts else None)
    if not (source.path / CARD).is_file():
        read = replace(read, card=read.card.named(source.name))
    quantisation = read.card.quantisation
    if precision:
        quantisation = with_precision(quantisation, precision)
    named = [name.strip() for name in variants.split(",")] if variants else []
    storages(named, quantisation)  # a wrong name is said before torch is loaded
    command = f"themis-export bundle {source.origin} {out.resolve().name}"
    command += f" --precision {precision}" if precision else ""
    command += f" --variants {','.join(named)}" if named else ""
    try:
        made = write_bundle(
            read,
            out,
            quantisation=quantisation,
            precisions=named,
            calibration=calibration,
            command=command,
            progress=_tell,
        )
    except GateError as error:
        return _found_wanting(error)
    size = sum(file.stat().st_size for file in out.iterdir())
    stored = ", ".join(variant.precision for variant in made.manifest.variants)
    click.echo(f"{out}: {made.identity.name}, {stored}, {size:,} bytes")
    for name, value in made.manifest.parity.items():
        if isinstance(value, (int, float)):
            click.echo(f"  {name:<15} {value:.3g}")
    if (peak := _peak_memory()) is not None:
        click.echo(f"  {'peak memory':<15} {peak / 2**20:,.0f} MiB")
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
@click.option("--against", metavar="CHECKPOINT", help="What it was made of: compare with torch.")
@click.option(
    "--pairs",
    type=_FILE,
    help="Preference pairs (.jsonl or .jsonl.zst): accuracy, calibration and changed verdicts of "
    "each graph.",
)
@click.option(
    "--prompts", type=_FILE, help="Warn if the bundle asks its criteria by other texts than these."
)
@click.option("--report", type=_FILE, help="Write what was measured here, as JSON.")
def verify(
    path: Path, against: str | None, pairs: Path | None, prompts: Path | None, report: Path | None
) -> int:
    """Check every graph of a bundle; with a gate not met, exit with 1.

    Hashes, format, probe; the same rewards whatever the batch, padding, order, threads or pieces;
    the signs of quantised graphs' margins against the fp32 graph or the checkpoint.
    """
    from review_core.bundle import load_bundle

    bundle = load_bundle(path)
    from model_export.checkpoint import read_checkpoint
    from model_export.hub import find_checkpoint
    from model_export.prompts import Prompts
    from model_export.verify import prompts_differ, verify_bundle
    from review_core.records import read_pairs

    known = Prompts.read(prompts) if prompts else None
    if known and (differing := prompts_differ(bundle, known)):
        click.echo(
            f"themis-export: warning: {path} asks {', '.join(differing)} by other words than "
            f"{prompts} (sha256 {known.sha256[:12]}), and other words get other rewards",
            err=True,
        )
    checkpoint = None
    if against:
        source = find_checkpoint(against)
        published = known if not (source.path / "themis.json").is_file() else None
        checkpoint = read_checkpoint(source.path, published)
    found = verify_bundle(
        bundle,
        checkpoint,
        pairs=list(read_pairs(pairs)) if pairs else (),
        progress=_tell,
    )
    if report is not None:
        _write_json(report, found.to_json())
    for each in found.variants:
        click.echo(f"{each.precision} ({each.file}), {each.ran or 'cannot run here: not measured'}")
        for check in each.checks:
            click.echo(f"  {check.name:<22} {check.found:.3g}")
        if each.pairs is not None:
            for name, value in asdict(each.pairs).items():
                click.echo(f"  {name.replace('_', ' '):<22} {'-' if value is None else value}")
    try:
        found.require()
    except GateError as error:
        return _found_wanting(error)
    click.echo(f"{path}: {bundle.identity.name} {bundle.identity.sha256[:12]} is sound")
    return 0


@cli.command("serve-format")
@click.argument("path", metavar="BUNDLE", type=_FOLDER)
@click.argument("out", type=_FOLDER)
@click.option("--precision", help="Which of the bundle's graphs.  [default: its first]")
@click.option(
    "--max-batch", type=click.IntRange(1), default=16, show_default=True, help="Texts at once."
)
def serve_format(path: Path, out: Path, precision: str | None, max_batch: int) -> int:
    """Write BUNDLE as a model repository of Triton Inference Server at OUT.

    For stateless scoring: one full pass a text, batched by the server.
    """
    from review_core.bundle import load_bundle

    bundle = load_bundle(path)
    from model_export.serving import Batching, write_repository

    folder = write_repository(bundle, out, precision=precision, batching=Batching(max_batch))
    click.echo(f"{folder}: serve it with tritonserver --model-repository={out}")
    return 0


def main() -> None:
    """Run the command line and exit."""
    from review_core.command import exit_with

    exit_with(cli, "themis-export")


def _tell(step: str) -> None:
    click.echo(f"themis-export: {step}", err=True)


def _write_json(file: Path, document: object) -> None:
    try:
        file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror}") from error


def _peak_memory() -> int | None:
    """The most memory this process held, in bytes; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _found_wanting(error: GateError) -> int:
    click.echo(f"themis-export: {error}", err=True)
    return 1
