"""The change that a command is about: targets and options, and what they name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from review_cli.options import directory_option
from review_core.errors import InputError

if TYPE_CHECKING:
    from review_core.config import Settings
    from review_core.percentile import Peers
    from review_core.types import Change

_Command = TypeVar("_Command", bound=Callable[..., Any])

TARGETS = """\b
TARGET is
  nothing    the working tree, against HEAD
  A...B      what B changed since it left A, as a pull request shows it
  A..B       B against A
  REVISION   one commit, against its parent
  BASE HEAD  two files or two folders
"""


def change_options(command: _Command) -> _Command:
    """TARGET..., -C, --staged, --patch and --base-dir."""
    for option in (
        click.option(
            "--base-dir", metavar="DIR", help="Where the patch applies. Default: -C's folder."
        ),
        click.option(
            "--patch", metavar="FILE", help="Read a unified patch; - reads it from stdin."
        ),
        click.option("--staged", is_flag=True, help="Take what is staged, against HEAD."),
        directory_option,
        click.argument("targets", nargs=-1, metavar="[TARGET]..."),
    ):
        command = option(command)
    return command


def change_of(
    directory: Path,
    targets: tuple[str, ...],
    staged: bool,
    patch: str | None,
    base_dir: str | None,
    settings: Settings,
) -> Change:
    """The change that a command's targets and options name.

    :raises click.UsageError: where they exclude one another.
    :raises InputError: where there is no such change.
    """
    from review_core.sources.filters import Limits

    if len([one for one in (targets, staged, patch) if one]) > 1:
        raise click.UsageError("TARGET, --staged and --patch exclude one another; give one.")
    if base_dir is not None and patch is None:
        raise click.UsageError("--base-dir says where --patch applies; give both.")
    if len(targets) > 2:
        raise click.UsageError("At most two targets, a base and a head.")
    limits = Limits(
        max_file_bytes=settings.max_file_bytes, include=settings.include, exclude=settings.exclude
    )
    if patch is not None:
        from review_core.sources.patch import patch_change

        return patch_change(
            _patch_text(directory, patch), directory / (base_dir or ""), limits=limits
        )
    if len(targets) == 2:
        from review_core.sources.files import paths_change

        base, head = (directory / target for target in targets)
        for target, path in zip(targets, (base, head), strict=True):
            if not path.exists():
                raise InputError(
                    f"{target} does not exist; two targets are files or folders, "
                    f"and a range of commits is written A...B"
                )
        return paths_change(base, head, limits=limits)
    from review_core.sources.git import git_change

    return git_change(directory, targets[0] if targets else None, staged=staged, limits=limits)


def peers_of(
    directory: Path,
    change: Change,
    targets: tuple[str, ...],
    patch: str | None,
    settings: Settings,
) -> Peers | None:
    """What new functions are compared with, where the configuration asks for it: the base's.

    None for a patch and for two folders, which need no repository.
    """
    from review_core.sources.filters import Limits
    from review_core.sources.peers import git_peers

    if not settings.compare_new_functions or patch is not None or len(targets) == 2:
        return None
    limits = Limits(
        max_file_bytes=settings.max_file_bytes, include=settings.include, exclude=settings.exclude
    )
    return git_peers(directory, change.base, settings.compare_new_functions, limits)


def _patch_text(directory: Path, patch: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if patch == "-" else (directory / patch).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the patch {patch}: {error.strerror}") from error
    return raw.decode("utf-8", "replace")
