"""`themis config`: what is configured and where it came from, and what can be."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from review_cli.options import directory_option


@click.group()
def config() -> None:
    """Show the configuration or its schema."""


@config.command()
@directory_option
def show(directory: Path) -> None:
    """Print every setting as resolved for DIR and where it came from."""
    from review_cli.output import write_out
    from review_core.config import load_settings

    resolved = load_settings(directory, environment=os.environ)
    rows = [
        (key, "(unset)" if value is None else json.dumps(value, ensure_ascii=False))
        for key, value in resolved.values.items()
    ]
    keys, values = (max(len(row[part]) for row in rows) for part in (0, 1))
    lines = (
        f"{key:<{keys}}  {value:<{values}}  {resolved.origins[key]}".rstrip() for key, value in rows
    )
    write_out("\n".join(lines) + "\n")


@config.command()
def schema() -> None:
    """Print the JSON Schema of .themis.toml and [tool.themis]."""
    from review_cli.output import write_out
    from review_core.config import config_schema

    write_out(json.dumps(config_schema(), indent=2) + "\n")
