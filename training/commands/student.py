"""`themis-train tiny-base` and `student`: the starting points. Argument handling only."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.arguments import FOLDER, RECORDS, read_records
from training.settings import stage_options, write_settings
from training.specs import StudentSpec


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
@stage_options(StudentSpec, "student")
def student(base: str, out: Path, records: tuple[Path, ...], settings: StudentSpec) -> None:
    """Cut BASE to a student at OUT, its vocabulary counted and its neurons chosen on RECORDS.

    BASE is a causal language model (name or folder), or a checkpoint that was trained: its reward
    heads are kept.
    """
    from training.criteria import Asking
    from training.sampling import texts_by_language
    from training.student import cut_student, student_card

    texts = texts_by_language(read_records(records), settings.characters)
    card = student_card(out.name, base, settings.licence, settings, Asking(settings.ask))
    cut_student(base, out, settings, texts, card)
    write_settings(out, "student", settings, base=base, records=records)
