"""`themis-train`: from a base and preference pairs to a checkpoint and its calibration. Argument
handling only.

student -> sample, neutral -> features -> heads, or fit -> evaluate -> (themis-export bundle) ->
calibrate
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from review_core.records import PreferencePair

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_RECORDS = click.argument("records", nargs=-1, required=True, type=_FILE)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="themis-review")
def cli() -> None:
    """Make reward models for themis: cut a student, fit it to preference pairs, measure it,
    calibrate it.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")


def _read(records: tuple[Path, ...]) -> list[PreferencePair]:
    from review_core.records import read_pairs

    return [pair for path in records for pair in read_pairs(path)]


@cli.command("tiny-base")
@click.argument("out", type=_FOLDER)
@_RECORDS
@click.option("--vocabulary", default=1024, show_default=True, help="Token ids of its tokenizer.")
def tiny_base(out: Path, records: tuple[Path, ...], vocabulary: int) -> None:
    """Write a random two-layer causal model with a tokenizer trained on RECORDS: to rehearse the
    road, not to use.
    """
    from training.tiny import write_tiny_base

    write_tiny_base(
        out, [code for pair in _read(records) for code in (pair.chosen, pair.rejected)], vocabulary
    )


@cli.command()
@click.argument("base")
@click.argument("out", type=_FOLDER)
@_RECORDS
@click.option(
    "--layers", default=8, show_default=True, help="How many of the first layers to keep."
)
@click.option("--vocabulary", default=24576, show_default=True, help="How many token ids to keep.")
@click.option(
    "--weight-bits", default="4", show_default=True, type=click.Choice(["4", "8", "none"])
)
@click.option("--block-size", default=64, show_default=True, help="Weights that share a scale.")
@click.option(
    "--characters",
    default=4_000_000,
    show_default=True,
    help="Code read of each language to count tokens.",
)
@click.option("--base-name", help="What the card calls the base.  [default: BASE]")
@click.option("--licence", default="Apache-2.0", show_default=True)
@click.option(
    "--ask",
    default="heads",
    show_default=True,
    type=click.Choice(["heads", "prompt-first", "prompt-last"]),
    help="A reward head a criterion, or one head and a prompt before or after the code.",
)
def student(
    base: str,
    out: Path,
    records: tuple[Path, ...],
    layers: int,
    vocabulary: int,
    weight_bits: str,
    block_size: int,
    characters: int,
    base_name: str | None,
    licence: str,
    ask: str,
) -> None:
    """Cut BASE (a causal language model: name or folder) to a student at OUT, its vocabulary
    counted on RECORDS.
    """
    from training.criteria import Asking
    from training.sampling import texts_by_language
    from training.student import StudentSpec, cut_student, student_card

    bits = None if weight_bits == "none" else int(weight_bits)
    spec = StudentSpec(layers, vocabulary, weight_bits=bits, block_size=block_size)
    card = student_card(out.name, base_name or base, licence, spec, Asking(ask))
    cut_student(base, out, spec, texts_by_language(_read(records), characters), card)


@cli.command()
@click.argument("out", type=_FILE)
@_RECORDS
@click.option(
    "--per-cell",
    default=1900,
    show_default=True,
    help="Most pairs of an aspect, source kind and length direction.",
)
@click.option(
    "--max-ratio",
    default=1.5,
    show_default=True,
    help="Most pairs of one length direction for one of the other.",
)
@click.option(
    "--max-characters", default=2400, show_default=True, help="Most characters of a pair."
)
@click.option("--count", type=int, help="Most pairs in all.  [default: no limit]")
@click.option("--seed", default=0, show_default=True)
def sample(
    out: Path,
    records: tuple[Path, ...],
    per_cell: int,
    max_ratio: float,
    max_characters: int,
    count: int | None,
    seed: int,
) -> None:
    """Draw a length-matched training set from RECORDS into OUT."""
    from review_core.records import write_pairs
    from training.sampling import length_matched

    drawn = length_matched(
        _read(records),
        per_cell=per_cell,
        max_ratio=max_ratio,
        max_characters=max_characters,
        count=count,
        seed=seed,
    )
    click.echo(f"{out}: {write_pairs(out, drawn)} pairs")


@cli.command()
@click.argument("out", type=_FILE)
@_RECORDS
@click.option("--count", default=1500, show_default=True, help="Most edits to make.")
@click.option(
    "--max-characters",
    default=3000,
    show_default=True,
    help="Most characters of a pair drawn from.",
)
@click.option("--seed", default=0, show_default=True)
def neutral(
    out: Path, records: tuple[Path, ...], count: int, max_characters: int, seed: int
) -> None:
    """Make neutral pairs (renamed locals, layout, comments, imports) of RECORDS into OUT."""
    from review_core.records import write_pairs
    from training.sampling import neutral_pairs

    short = [p for p in _read(records) if len(p.chosen) + len(p.rejected) <= max_characters]
    click.echo(f"{out}: {write_pairs(out, neutral_pairs(short, count, seed=seed))} pairs")


@cli.command()
@click.argument("student", type=_FOLDER)
@click.argument("out", type=_FOLDER)
@_RECORDS
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
    extract(student, _read(records), spec, out, criterion_texts=prompts, workers=workers)


@cli.command()
@click.argument("student", type=_FOLDER)
@click.argument("out", type=_FOLDER)
@click.argument("folders", nargs=-1, required=True, type=_FOLDER, metavar="FEATURES...")
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


@cli.command()
@click.argument("start", type=_FOLDER)
@click.argument("out", type=_FOLDER)
@_RECORDS
@click.option(
    "--trainable", default="lora", show_default=True, type=click.Choice(["all", "lora", "heads"])
)
@click.option("--epochs", default=1, show_default=True)
@click.option("--batch", default=16, show_default=True, help="Pairs a step.")
@click.option("--learning-rate", default=2e-4, show_default=True)
@click.option(
    "--language-weight",
    default=0.0,
    show_default=True,
    help="Weight of the language-model loss on chosen sides.",
)
@click.option(
    "--centring-weight", default=0.001, show_default=True, help="Weight of (reward + reward)^2."
)
@click.option(
    "--dtype", default="float32", show_default=True, type=click.Choice(["float32", "bfloat16"])
)
@click.option("--seed", default=0, show_default=True)
def fit(
    start: Path,
    out: Path,
    records: tuple[Path, ...],
    language_weight: float,
    centring_weight: float,
    **settings: Any,
) -> None:
    """Train the checkpoint START on RECORDS by gradient and write OUT.

    Run again to go on from the last saved step.
    """
    from training.fit import FitSettings
    from training.fit import fit as train
    from training.objective import Objective

    objective = Objective(language_weight, centring_weight)
    train(start, _read(records), FitSettings(objective=objective, **settings), out, name=out.name)


@cli.command()
@click.argument("checkpoint", type=_FOLDER)
@_RECORDS
def evaluate(checkpoint: Path, records: tuple[Path, ...]) -> None:
    """Print the figures of CHECKPOINT on RECORDS as JSON, scored in torch.

    (`themis bench` measures bundles.)
    """
    from review_core.bench import run_bench
    from review_core.calibration import Calibration, CriterionCalibration
    from training.model import CheckpointScorer

    scorer = CheckpointScorer(checkpoint)
    plain = Calibration({key: CriterionCalibration(temperature=1.0) for key in scorer.criteria})
    click.echo(json.dumps(run_bench(_read(records), scorer, plain).to_json(), indent=2))


@cli.command()
@click.argument("bundle", type=_FOLDER)
@click.argument("out", type=_FILE)
@_RECORDS
@click.option(
    "--precision",
    default=0.9,
    show_default=True,
    help="Least share of right verdicts on held-out pairs.",
)
@click.option(
    "--neutral-share",
    default=0.004,
    show_default=True,
    help="Greatest share of neutral edits called worse, per criterion.",
)
@click.option(
    "--unrelated-share",
    default=0.01,
    show_default=True,
    help="Greatest share of commits made for something else called worse, per criterion.",
)
@click.option("--threads", default=0, show_default=True, help="0: one a physical core.")
def calibrate(
    bundle: Path,
    out: Path,
    records: tuple[Path, ...],
    precision: float,
    neutral_share: float,
    unrelated_share: float,
    threads: int,
) -> None:
    """Measure BUNDLE on held-out RECORDS (neutral pairs among them) and write its calibration.json
    to OUT.
    """
    from review_core.bundle import load_bundle
    from review_core.cache import RewardCache, default_cache_path
    from review_core.engine import Engine
    from review_core.scorer import Scorer
    from training.calibrate import NoiseLimit
    from training.calibrate import calibrate as measure

    loaded = load_bundle(bundle)
    cache = RewardCache(default_cache_path())  # `themis bench` finds the rewards there
    scorer = Scorer(loaded, Engine(loaded, threads=threads), cache)
    limit = NoiseLimit(precision, neutral_share, unrelated_share)
    calibration = measure(_read(records), scorer, limit)
    out.write_text(json.dumps(calibration, indent=2) + "\n", encoding="utf-8")
    for criterion, found in calibration["measured"].items():
        click.echo(f"{criterion:<28} {json.dumps(found)}")


def main() -> None:
    """Run the command line and exit."""
    from review_core.command import exit_with

    exit_with(cli, "themis-train")
