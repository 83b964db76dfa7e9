"""`themis config`: what is configured and where it came from, and what can be."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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
        (shown, value, resolved.origins[key])
        for key, values in resolved.values.items()
        for shown, value in _rows(key, values)
    ]
    keys = max(len(key) for key, _, _ in rows)
    values = min(max(len(value) for _, value, _ in rows), _WIDEST)
    lines = (f"{key:<{keys}}  {value:<{values}}  {origin}".rstrip() for key, value, origin in rows)
    write_out("\n".join(lines) + "\n")


_WIDEST = 48
"""A value that is longer pushes only its own origin aside."""


def _rows(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Keys and values as they are shown; each table of a list has its own."""
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for number, each in enumerate(value, 1):
            yield f"{key}[{number}]", json.dumps(each, ensure_ascii=False)
    else:
        yield key, "(unset)" if value is None else json.dumps(value, ensure_ascii=False)


@config.command()
def schema() -> None:
    """Print the JSON Schema of .themis.toml and [tool.themis]."""
    from review_cli.output import write_out
    from review_core.config import config_schema

    write_out(json.dumps(config_schema(), indent=2) + "\n")
