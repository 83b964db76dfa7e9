"""Options that several commands share, and how they become settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

directory_option = click.option(
    "-C",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Run as if started there.",
)


def model_options(command: _Command) -> _Command:
    """--model, --threads and --no-cache."""
    for option in (
        click.option("--no-cache", "cache", flag_value=False, default=True, help="Score all anew."),
        click.option("--threads", type=int, metavar="N", help="Threads of the model."),
        click.option(
            "--model", type=click.Path(path_type=Path), metavar="BUNDLE", help="The model's folder."
        ),
    ):
        command = option(command)
    return command


judge_option = click.option(
    "--judge",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="The folder of a second, better model, asked where the first leans and is unsure.",
)


def overrides(
    directory: Path,
    *,
    model: Path | None,
    threads: int | None,
    cache: bool,
    judge: Path | None = None,
) -> dict[str, Any]:
    """The settings that the options were given for, by dotted key."""
    given: dict[str, Any] = {}
    if model is not None:
        given["model"] = str(directory / model.expanduser())
    if judge is not None:
        given["judge.model"] = str(directory / judge.expanduser())
    if threads is not None:
        given["threads"] = threads
    if not cache:
        given["cache.enabled"] = False
    return given
