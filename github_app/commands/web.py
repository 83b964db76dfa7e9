"""`themis-github-app web`: the web side alone, for sites that run workers elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from github_app.commands.options import settings_of, settings_option


@click.command()
@settings_option
@click.option("--host", metavar="NAME", help="Where to listen, instead of what is set.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port, likewise.")
@click.option("--supervised", is_flag=True, hidden=True)
def web(config: Path | None, host: str | None, port: int | None, supervised: bool) -> None:
    """Take deliveries in, review nothing: for more machines than one, with PostgreSQL."""
    settings = settings_of(config, {"host": host, "port": port})
    from github_app.processes import log_of
    from github_app.web_process import run_web

    log_of(settings)
    run_web(settings, supervised=supervised)
