"""What several commands take: where the settings are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from github_app.settings import Settings

settings_option = click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Settings as TOML; THEMIS_APP_* in the environment win over them.",
)


def settings_of(config: Path | None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings of this process.

    :param overrides: what options of the command gave; None for those that were not given.
    :raises ConfigurationError: naming what is missing or wrong.
    """
    from github_app.settings import load_settings

    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    return load_settings(os.environ, config, given)
