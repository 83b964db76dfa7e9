"""`themis-train teach`: a teacher's margins. Argument handling only."""

from __future__ import annotations

from pathlib import Path

import click

from training.commands.arguments import FILE, read_records
from training.settings import stage_options, write_settings
from training.specs import TeachSettings


@click.command()
@click.argument("out", type=FILE)
@click.argument("teacher", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("records", nargs=-1, required=True, type=click.Path(path_type=Path))
@stage_options(TeachSettings, "teach")
def teach(out: Path, teacher: Path, records: tuple[Path, ...], settings: TeachSettings) -> None:
    """Ask TEACHER, a checkpoint or a bundle, for its margins on RECORDS and write them to OUT. Run
    again to go on.

    Folders among RECORDS are further teachers: the margins are the average of all.
    """
    from training.teaching import open_teacher
    from training.teaching import teach as ask

    folders = [teacher, *(path for path in records if path.is_dir())]
    files = tuple(path for path in records if not path.is_dir())
    if not files:
        raise click.UsageError("there are teachers, but no RECORDS to ask them about")
    pairs = read_records(files)
    silent = ask(out, [open_teacher(each, settings) for each in folders], pairs, settings.batch)
    write_settings(out.with_suffix(".toml"), "teach", settings, teachers=folders, records=files)
    click.echo(f"{out}: {len(pairs) - silent} of {len(pairs)} pairs; {silent} have a side too long")
