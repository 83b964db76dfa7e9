"""`themis-train features` and `heads`: linear heads on a frozen reader. Argument handling only."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.arguments import FOLDER, RECORDS, read_records
from training.settings import stage_options, write_settings
from training.specs import FeatureSettings, HeadSpec


@click.command()
@click.argument("student", type=FOLDER)
@click.argument("out", type=FOLDER)
@RECORDS
@stage_options(FeatureSettings, "features")
def features(
    student: Path, out: Path, records: tuple[Path, ...], settings: FeatureSettings
) -> None:
    """Read RECORDS with the frozen STUDENT; write pooled states to the folder OUT. Run again to go
    on.
    """
    from training.card import Card
    from training.features import FeatureSpec, extract

    card = Card.read(student)
    spec = FeatureSpec(settings.depths, card.layout, settings.max_tokens, settings.dtype)
    prompts = {key: criterion.prompt or "" for key, criterion in card.criteria.items()}
    pairs = read_records(records)
    extract(student, pairs, spec, out, criterion_texts=prompts, workers=settings.workers)
    write_settings(out, "features", settings, student=student, records=records)


@click.command()
@click.argument("student", type=FOLDER)
@click.argument("out", type=FOLDER)
@click.argument("folders", nargs=-1, required=True, type=FOLDER, metavar="FEATURES...")
@stage_options(HeadSpec, "heads")
def heads(student: Path, out: Path, folders: tuple[Path, ...], settings: HeadSpec) -> None:
    """Fit one reward head a criterion (one for all, if the student is asked by prompt) on FEATURES
    and write the checkpoint OUT.
    """
    from dataclasses import replace

    from review_core.bundle import Pooling
    from training.card import Card
    from training.features import common_depths, load_features
    from training.heads import fit_heads, fit_one_head, learned_from, write_checkpoint
    from training.margins import margins_of, read_margins

    depth = settings.depth or common_depths(folders)[-1]
    pairs, states = load_features(folders, depth, settings.pooling)
    name, pooling = settings.name or out.name, Pooling(settings.pooling)
    card = replace(Card.read(student), pooling=pooling, name=name)
    said = margins_of(pairs, read_margins(settings.teacher)) if settings.teacher else None
    fit = fit_one_head if any(each.prompt for each in card.criteria.values()) else fit_heads
    fitted = fit(pairs, states, settings, said)
    write_checkpoint(student, depth, fitted, card, out)
    write_settings(out, "heads", settings, student=student, features=folders)
    learned = int(learned_from(pairs, settings).sum())
    taught = f", {sum(map(bool, said))} of them taught" if said else ""
    click.echo(f"{out}: heads on {learned} of {len(pairs)} pairs{taught} at layer {depth}")
