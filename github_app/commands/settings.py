"""`themis-github-app settings`: what can be set, and what is in force."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click

from github_app.commands.options import settings_of, settings_option


@click.command()
@settings_option
@click.option("--keys", is_flag=True, help="List all keys and what they mean; needs no settings.")
def settings(config: Path | None, keys: bool) -> None:
    """Print the settings in force, without secrets, or all keys there are."""
    from github_app.settings import PREFIX, Written

    if keys:
        for each in fields(Written):
            default = "" if each.default is None else f" Default: {each.default}."
            click.echo(f"{PREFIX}{each.name.upper()}\n    {each.metadata['meaning']}{default}")
        return
    found = settings_of(config)
    for name in found.__slots__:
        click.echo(f"{name} = {getattr(found, name)}")
