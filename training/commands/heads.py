"""`themis-train features` and `heads`: linear heads on a frozen reader. Argument handling only."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.arguments import FOLDER, RECORDS, read_records


@click.command()
@click.argument("student", type=FOLDER)
@click.argument("out", type=FOLDER)
@RECORDS
@click.option(
    "--depths",
    default="7",
    show_default=True,
    help="After which layers to read, with commas between.",
)
@click.option("--max-tokens", default=1024, show_default=True, help="Longest side that is read.")
@click.option("--workers", default=2, show_default=True, help="Processes, one thread each.")
def features(
    student: Path, out: Path, records: tuple[Path, ...], depths: str, max_tokens: int, workers: int
) -> None:
    """Read RECORDS with the frozen STUDENT; write pooled states to the folder OUT. Run again to go
    on.
    """
    from training.card import Card
    from training.features import FeatureSpec, extract

    layers = tuple(int(depth) for depth in depths.split(","))
    card = Card.read(student)
    spec = FeatureSpec(layers, card.layout, max_tokens)
    prompts = {key: criterion.prompt or "" for key, criterion in card.criteria.items()}
    extract(student, read_records(records), spec, out, criterion_texts=prompts, workers=workers)


@click.command()
@click.argument("student", type=FOLDER)
@click.argument("out", type=FOLDER)
@click.argument("folders", nargs=-1, required=True, type=FOLDER, metavar="FEATURES...")
@click.option(
    "--depth",
    required=True,
    type=int,
    help="The layer to put the heads on; deeper ones are cut off.",
)
@click.option("--pooling", default="mean", show_default=True, type=click.Choice(["mean", "last"]))
@click.option("--ridge", default=0.03, show_default=True)
@click.option(
    "--tie-weight",
    default=0.2,
    show_default=True,
    help="Weight of all neutral pairs together, for 1 of the others.",
)
@click.option("--name", help="What the model is called.  [default: the name of OUT]")
def heads(
    student: Path,
    out: Path,
    folders: tuple[Path, ...],
    depth: int,
    pooling: str,
    ridge: float,
    tie_weight: float,
    name: str | None,
) -> None:
    """Fit one reward head a criterion (one for all, if the student is asked by prompt) on FEATURES
    and write the checkpoint OUT.
    """
    from dataclasses import replace

    from review_core.bundle import Pooling
    from training.card import Card
    from training.features import load_features
    from training.heads import HeadSpec, fit_heads, fit_one_head, write_checkpoint

    pairs, states = load_features(folders, depth, pooling)
    card = replace(Card.read(student), pooling=Pooling(pooling), name=name or out.name)
    spec = HeadSpec(ridge=ridge, tie_weight=tie_weight)
    fit = fit_one_head if any(each.prompt for each in card.criteria.values()) else fit_heads
    fitted = fit(pairs, states, spec)
    write_checkpoint(student, depth, fitted, card, out)
    click.echo(f"{out}: heads on {len(pairs)} pairs at layer {depth}")
