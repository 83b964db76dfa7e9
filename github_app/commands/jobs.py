"""`themis-github-app jobs`: looks at the queue and dead letters, and gives these another life."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from github_app.commands.options import settings_of, settings_option
from review_core.errors import InputError

if TYPE_CHECKING:
    from github_app.database import Database
    from github_app.jobs.table import Entry, JobTable

STATES = ("waiting", "started", "done", "duplicate", "superseded", "dead")


@click.group()
def jobs() -> None:
    """Look at deliveries and their work; `retry` gives a dead letter another life."""


@jobs.command("list")
@settings_option
@click.option(
    "--state",
    "states",
    type=click.Choice(STATES),
    multiple=True,
    help="Those in this state; again for more. Default: waiting, started and dead.",
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, metavar="N")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(config: Path | None, states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List deliveries, the newest first."""
    from github_app.jobs.states import State

    with closing(_database(config)) as database:
        asked = [State(state) for state in states or ("waiting", "started", "dead")]
        entries = _table(database).entries(asked, limit)
    for entry in entries:
        click.echo(json.dumps(_as_dict(entry)) if as_json else _as_line(entry))


@jobs.command()
@settings_option
@click.argument("number", type=int)
def show(config: Path | None, number: int) -> None:
    """Show all there is about a delivery, by its NUMBER in the list, as JSON."""
    from github_app.encoding import task_as_json

    with closing(_database(config)) as database:
        found = _table(database).entry(number)
    if found is None:
        raise InputError(f"there is no delivery {number}; `jobs list` shows what there is")
    entry, task = found
    shown = {**_as_dict(entry), "task": json.loads(task_as_json(task))}
    click.echo(json.dumps(shown, indent=2))


@jobs.command()
@settings_option
@click.argument("numbers", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
def retry(config: Path | None, numbers: tuple[int, ...], everything: bool) -> None:
    """Do dead letters again, with as many attempts as at first."""
    if bool(numbers) == everything:
        raise click.UsageError("give the NUMBERS of dead letters, or --all")
    with closing(_database(config)) as database:
        table = _table(database)
        if everything:
            click.echo(f"{table.retry_all()} wait again")
            return
        for number in numbers:
            if not table.retry(number):
                raise InputError(f"delivery {number} is not dead; `jobs list --state dead` shows")
            click.echo(f"{number} waits again")


def _database(config: Path | None) -> Database:
    from github_app.database import open_database

    return open_database(settings_of(config).database_url.reveal())


def _table(database: Database) -> JobTable:
    import time

    from github_app.jobs.table import JobTable

    return JobTable(database, time.time)


def _as_dict(entry: Entry) -> dict[str, object]:
    return {
        name: _moment(value) if name.endswith("_at") else value
        for name in entry.__slots__
        for value in [getattr(entry, name)]
    }


def _as_line(entry: Entry) -> str:
    tries = f" after {entry.failures} failures" if entry.failures else ""
    reason = f": {entry.reason}" if entry.reason else ""
    return f"{entry.seq}  {_moment(entry.received_at)}  {entry.state}  {entry.key}{tries}{reason}"


def _moment(seconds: float | None) -> str | None:
    return (
        None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat("T", "seconds")
    )
