"""What a client is asked to watch on disk: configuration, repositories, and sources where files
that are not open are reviewed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from lsprotocol import types as lsp

from lsp_server.uris import uri_of
from review_core.config import FILE_NAME
from review_core.languages import LANGUAGES

_LONGEST = 4096
"""Characters of a `.git` file that are read: a path."""


def endings() -> list[str]:
    """The endings of files in a language of ours, without the dot."""
    return [end[1:] for language in LANGUAGES for end in language.extensions]


def watchers(
    outside: Mapping[Path, Path], *, sources: bool, relative: bool
) -> list[lsp.FileSystemWatcher]:
    """What to watch.

    :param outside: git's folders that no workspace folder holds, as `git_folders` finds them.
    :param sources: whether files in our languages count.
    :param relative: whether the client can watch outside of the workspace.
    """
    globs: list[str | lsp.RelativePattern] = [
        *(f"**/{FILE_NAME}", "**/pyproject.toml", "**/.git/HEAD", "**/.git/index")
    ]
    if sources:
        globs.append(f"**/*.{{{','.join(endings())}}}")
    if relative:
        globs += [lsp.RelativePattern(uri_of(each), "{HEAD,index}") for each in sorted(outside)]
    return [lsp.FileSystemWatcher(glob) for glob in globs]


def git_folders(folders: Iterable[Path]) -> dict[Path, Path]:
    """Where git keeps HEAD and index of each folder's repository, if not in one of the folders' own
    `.git`: of a part of a larger repository, of a worktree. With the working tree each belongs to.
    """
    inside = list(folders)
    found = {}
    for folder in inside:
        tree = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)
        if tree is not None and (kept := _git_folder(tree)) is not None:
            found[kept] = tree
    return {
        kept: tree
        for kept, tree in found.items()
        if kept.name != ".git" or not any(kept.is_relative_to(folder) for folder in inside)
    }


def _git_folder(tree: Path) -> Path | None:
    entry = tree / ".git"
    if entry.is_dir():
        return entry
    try:
        with entry.open(encoding="utf-8") as file:
            told = file.read(_LONGEST)
    except (OSError, UnicodeDecodeError):
        return None
    kind, _, path = told.strip().partition(": ")
    return (tree / path).resolve() if kind == "gitdir" else None
