"""`themis-train tiny-base` and `student`: the starting points. Argument handling only."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.arguments import FOLDER, RECORDS, read_records


@click.command("tiny-base")
@click.argument("out", type=FOLDER)
@RECORDS
@click.option("--vocabulary", default=1024, show_default=True, help="Token ids of its tokenizer.")
def tiny_base(out: Path, records: tuple[Path, ...], vocabulary: int) -> None:
    """Write a random two-layer causal model with a tokenizer trained on RECORDS: to rehearse the
    road, not to use.
    """
    from training.tiny import write_tiny_base

    write_tiny_base(
        out,
        [code for pair in read_records(records) for code in (pair.chosen, pair.rejected)],
        vocabulary,
    )


@click.command()
@click.argument("base")
@click.argument("out", type=FOLDER)
@RECORDS
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
    cut_student(base, out, spec, texts_by_language(read_records(records), characters), card)
