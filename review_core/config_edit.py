"""Changes values in a configuration that a person wrote: comments, order and layout stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from review_core.config import FILE_NAME
from review_core.errors import ConfigurationError


def edited(text: str, file: Path, values: Mapping[str, Any]) -> str:
    """The text of a configuration file with values set; tables that are missing are added.

    :param file: what the text is of: in pyproject.toml ours is the table `tool.themis`.
    :param values: by dotted key.
    :raises ConfigurationError: if the text is not TOML, or has no table where one belongs.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    ours: tuple[str, ...] = () if file.name == FILE_NAME else ("tool", "themis")
    try:
        document = tomlkit.parse(text)
        for key, value in values.items():
            *tables, name = *ours, *key.split(".")
            within: Any = document
            for depth, table in enumerate(tables, 1):
                if table not in within:
                    within[table] = tomlkit.table(is_super_table=depth < len(tables))
                within = within[table]
            within[name] = value
        return tomlkit.dumps(document)
    except (TOMLKitError, TypeError, RecursionError) as error:
        raise ConfigurationError(f"{file} cannot be edited: {error}; set it by hand") from error
