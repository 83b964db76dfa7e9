"""Two files or folders as a change, and how sources read from disk: regular files, no links."""

from __future__ import annotations

import filecmp
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from review_core.errors import InputError
from review_core.sources.filters import (
    DEFAULT_LIMITS,
    Limits,
    collected,
    refused_by_name,
    refused_by_size,
    reviewed,
)
from review_core.sources.renames import renamed
from review_core.types import Change, FileChange, Skipped

_READ_ONLY = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def paths_change(base: Path, head: Path, *, limits: Limits = DEFAULT_LIMITS) -> Change:
    """The change from one file or folder to another; renames are found, `.git` is left out.

    :raises InputError: where a path does not exist or a file is compared with a folder.
    """
    for path in (base, head):
        if not path.exists():
            raise InputError(f"{path} does not exist; give two files or two folders")
    if base.is_dir() and head.is_dir():
        return collected(str(base), str(head), _folder_items(base, head, limits))
    if base.is_dir() or head.is_dir():
        raise InputError(f"{base} and {head} are a file and a folder; give two of a kind")
    return collected(str(base), str(head), [_file_item(base, head, limits)])


def open_file(root: Path, path: str) -> BinaryIO | Skipped:
    """A regular file below `root`, opened, or why it is not. No link on the way is followed."""
    full = root / path
    # A folder on the way that is a link could lead anywhere; git, too, holds that nothing is behind
    # it.
    if full.parent.resolve() != root.resolve() / Path(path).parent:
        return Skipped(path, "behind a symbolic link")
    try:
        mode = full.lstat().st_mode
        if stat.S_ISLNK(mode):
            return Skipped(path, "a symbolic link")
        if not stat.S_ISREG(mode):  # opening a named pipe would wait for its writer
            return Skipped(path, "not a regular file")
        return os.fdopen(os.open(full, _READ_ONLY), "rb")
    except OSError as error:
        return Skipped(path, f"cannot be read ({error.strerror})")


def read_file(root: Path, path: str, limits: Limits) -> bytes | Skipped:
    """The content of a regular file below `root`, or why it is not read."""
    file = open_file(root, path)
    if isinstance(file, Skipped):
        return file
    with file:
        size = os.fstat(file.fileno()).st_size
        return refused_by_size(path, size, limits) or file.read()


def _file_item(base: Path, head: Path, limits: Limits) -> FileChange | Skipped | None:
    if refused := refused_by_name(head.name, limits):
        return refused
    # A link given by name is meant: here it is followed.
    sides = [read_file(side.parent, side.name, limits) for side in (base.resolve(), head.resolve())]
    for side in sides:
        if isinstance(side, Skipped):
            return Skipped(head.name, side.reason)
    base_content, head_content = (side for side in sides if isinstance(side, bytes))
    renamed_from = base.name if base.name != head.name else None
    if base_content == head_content:
        return None  # two names, one content: nothing was renamed by this
    return reviewed(head.name, base_content, head_content, limits, renamed_from)


def _folder_items(base: Path, head: Path, limits: Limits) -> Iterator[FileChange | Skipped | None]:
    in_base, in_head = set(_files(base)), set(_files(head))
    gone, new = {}, {}
    for path in in_base | in_head:
        if path in in_base and path in in_head and _same(base / path, head / path):
            continue
        if refused := refused_by_name(path, limits):
            yield refused
            continue
        sides = [
            read_file(root, path, limits)
            for root, paths in ((base, in_base), (head, in_head))
            if path in paths
        ]
        contents = [side for side in sides if isinstance(side, bytes)]
        if refusals := [side for side in sides if isinstance(side, Skipped)]:
            yield refusals[0]
        elif path not in in_head:
            gone[path] = contents[0]
        elif path not in in_base:
            new[path] = contents[0]
        else:
            yield reviewed(path, contents[0], contents[1], limits)
    yield from paired(gone, new, limits)


def paired(
    gone: dict[str, bytes], new: dict[str, bytes], limits: Limits
) -> Iterator[FileChange | Skipped | None]:
    """Files that only one side has, as renames where they are similar, else as deleted and new."""
    pairs = renamed(gone.items(), new.items())
    for path, content in new.items():
        source = pairs.get(path)
        yield reviewed(path, gone[source] if source else None, content, limits, source)
    for path in gone.keys() - set(pairs.values()):
        yield reviewed(path, gone[path], None, limits)


def _files(root: Path) -> Iterator[str]:
    def unreadable(error: OSError) -> None:
        raise InputError(f"cannot read {error.filename}: {error.strerror}; check its permissions")

    for folder, folders, names in os.walk(root, onerror=unreadable):
        linked = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = [name for name in folders if name != ".git" and name not in linked]
        for name in (*names, *linked):
            if name != ".git":
                yield Path(folder, name).relative_to(root).as_posix()


def _same(base: Path, head: Path) -> bool:
    if base.is_symlink() or head.is_symlink():
        return base.is_symlink() and head.is_symlink() and base.readlink() == head.readlink()
    if not base.is_file() or not head.is_file():
        return False
    return filecmp.cmp(base, head, shallow=False)
