"""`themis-github-app serve`: the web side and the workers, kept alive by one parent process."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from github_app.commands.options import settings_of, settings_option

if TYPE_CHECKING:
    from github_app.database import Database
    from github_app.settings import Settings
    from github_app.supervisor import Child


@click.command()
@settings_option
@click.option("--host", metavar="NAME", help="Where to listen, instead of what is set.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port, likewise.")
@click.option("--workers", type=click.IntRange(0), metavar="N", help="How many, likewise.")
def serve(config: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Take deliveries in and review: one web process, and as many workers as set.

    A process that dies is started again. SIGTERM lets work end, or hands it back.
    """
    settings = settings_of(config, {"host": host, "port": port, "workers": workers})
    from github_app.database import open_database
    from github_app.jobs.executors import make_due
    from github_app.jobs.reconciliation import DUE_AT_START
    from github_app.processes import log_of, stop_on_signals
    from github_app.supervisor import supervise

    log_of(settings)
    stopping = threading.Event()
    stop_on_signals(stopping.set)
    database = open_database(settings.database_url.reveal())  # brought up to date before the rest
    try:
        make_due(database, DUE_AT_START)
        children = children_of(settings, config, database)
        supervise(children, stopping, shutdown_seconds=settings.shutdown_seconds)
    finally:
        database.close()


def children_of(settings: Settings, config: Path | None, database: Database) -> Sequence[Child]:
    """The web process, and the workers, each under a new name at every start."""
    from github_app.jobs.executors import bury, new_executor_id
    from github_app.supervisor import Child

    this = [sys.executable, "-m", "github_app.cli"]
    file = [] if config is None else ["--config", str(config)]
    listen = ["--host", settings.host, "--port", str(settings.port)]

    def worker() -> list[str]:
        name = ["--executor", new_executor_id(), "--workers", str(settings.workers)]
        return [*this, "worker", *file, "--supervised", *name]

    def ended(command: Sequence[str]) -> None:
        # It is certainly dead: its work need not wait until its silence is noticed.
        bury(database, command[command.index("--executor") + 1])

    web = Child("web", lambda: [*this, "web", *file, "--supervised", *listen])
    return [web, *(Child(f"worker {n + 1}", worker, ended) for n in range(settings.workers))]
