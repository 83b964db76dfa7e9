"""Globs as .gitignore has them, compiled once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from review_core.errors import ConfigurationError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


@lru_cache(maxsize=64)
def compiled(setting: str, patterns: tuple[str, ...]) -> GitIgnoreSpec:
    """What the patterns of a setting match.

    :raises ConfigurationError: naming the setting, where one is no glob.
    """
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise ConfigurationError(f"{setting}: {error}; write it as in .gitignore") from error
