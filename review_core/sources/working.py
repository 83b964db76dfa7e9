"""What is being worked on, unsaved texts included, against a base that a person names: for editors.

A base is a revision ("HEAD", "v1.2"), "index" for what is staged, or "main..." for the commit where
HEAD left main. It is resolved anew at every call: commits, branches and repositories come and go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from review_core.errors import InputError
from review_core.languages import language_of
from review_core.sources.filters import (
    DEFAULT_LIMITS,
    Limits,
    collected,
    refused_by_name,
    reviewed,
)
from review_core.sources.git import (
    EMPTY_TREE_NAME,
    blob,
    disk_items,
    merge_base,
    refused_by_entry,
    resolved,
)
from review_core.sources.renames import renamed
from review_core.sources.repository import (
    TIME_LIMIT,
    Entry,
    FileMode,
    Repository,
    open_repository,
)
from review_core.types import Change, FileChange, Skipped

INDEX = "index"
WORKING_TREE = "working tree"

_FEW = 100
"""Deleted files among which a new one's origin is looked for while somebody types."""


def buffer_change(
    file: Path,
    text: str,
    base: str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    time_limit: float = TIME_LIMIT,
) -> Change:
    """The text that an editor holds for a file against what the base has of it.

    A file that was renamed, told to git or not, is compared with what it was. Nothing changed: a
    change without files.

    :raises InputError: where repository or base are missing, or git fails.
    """
    if not file.parent.is_dir():
        raise InputError(f"{file.parent} does not exist; save the file first")
    with open_repository(file.parent, time_limit) as repository:
        root = repository.work_tree()
        path = (file.parent.resolve() / file.name).relative_to(root.resolve()).as_posix()
        against = _base(repository, base)
        item = refused_by_name(path, limits) or _buffer_item(
            repository, root, against, path, text, limits
        )
        return collected(against.name, WORKING_TREE, [item])


def working_change(
    directory: Path,
    base: str,
    buffers: Mapping[Path, str] | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    time_limit: float = TIME_LIMIT,
    pause: Callable[[], None] = lambda: None,
) -> Change:
    """Everything that differs from the base in the working tree that `directory` lies in.

    :param buffers: texts that an editor holds; they count instead of what is on disk.
    :param pause: called after each file; it may do something else, or raise to stop.
    :raises InputError: where repository or base are missing, or git fails.
    """
    with open_repository(directory, time_limit) as repository:
        root = repository.work_tree()
        against = _base(repository, base)
        if against.tree is None:
            entries = repository.changed_since_index(root)
        else:
            entries = repository.changed_on_disk(root, against.tree)
        unsaved = dict(_inside(root, buffers or {}))
        items = []
        for item in disk_items(repository, root, entries, repository.untracked(root), limits):
            if item is None or item.path not in unsaved:
                items.append(item)
            pause()
        for path, text in unsaved.items():
            refused = refused_by_name(path, limits)
            items.append(
                refused or _buffer_item(repository, root, against, path, text, limits, entries)
            )
        return collected(against.name, WORKING_TREE, items)


@dataclass(frozen=True, slots=True)
class Held:
    """What a base has of a file. base: how a report names it. path: from the root, POSIX.

    content: None if it is not there, `Skipped` if it is not to be read.
    """

    base: str
    path: str
    content: bytes | Skipped | None


def held_content(
    file: Path, base: str, *, limits: Limits = DEFAULT_LIMITS, time_limit: float = TIME_LIMIT
) -> Held:
    """A file as a base has it, under the name it has now, whatever it is written in.

    :raises InputError: where repository or base are missing, or git fails.
    """
    if not file.parent.is_dir():
        raise InputError(f"{file.parent} does not exist; save the file first")
    with open_repository(file.parent, time_limit) as repository:
        root = repository.work_tree()
        path = (file.parent.resolve() / file.name).relative_to(root.resolve()).as_posix()
        against = _base(repository, base)
        found = _found(repository, root, against, path)
        if found is None:
            return Held(against.name, path, None)
        mode, hash_ = found
        if mode not in (FileMode.FILE, FileMode.EXECUTABLE):
            return Held(against.name, path, Skipped(path, "not a regular file at base"))
        return Held(against.name, path, blob(repository, path, hash_, limits))


@dataclass(frozen=True, slots=True)
class _Base:
    """A tree by hash, None for the index, and how a report names it."""

    tree: str | None
    name: str


def _base(repository: Repository, base: str) -> _Base:
    if base == INDEX:
        return _Base(None, INDEX)
    if base.endswith("..."):
        other = resolved(repository, base.removesuffix("..."))
        commit = merge_base(repository, other, resolved(repository, "HEAD"), base)
        return _Base(commit, commit)
    if base == "HEAD" and repository.resolve("HEAD") is None:  # before the first commit
        return _Base(repository.empty_tree, EMPTY_TREE_NAME)
    commit = resolved(repository, base)
    return _Base(commit, commit)


def _inside(root: Path, buffers: Mapping[Path, str]) -> Iterator[tuple[str, str]]:
    top = root.resolve()
    for file, text in buffers.items():
        full = file.parent.resolve() / file.name
        if full.is_relative_to(top):
            yield full.relative_to(top).as_posix(), text


def _buffer_item(
    repository: Repository,
    root: Path,
    base: _Base,
    path: str,
    text: str,
    limits: Limits,
    entries: list[Entry] | None = None,
) -> FileChange | Skipped | None:
    content = text.encode(errors="replace")
    base_path = path
    found = _found(repository, root, base, path)
    if found is None and base.tree is not None:
        if entries is None:
            entries = repository.changed_on_disk(root, base.tree)
        if any(entry.path == path and entry.unmerged for entry in entries):
            return Skipped(path, "an unresolved merge conflict")
        origin = _origin(repository, entries, path, content, limits)
        if origin is not None:
            base_path, found = origin.base_path, (origin.base_mode, origin.base_hash or "")
    if found is None:
        return reviewed(path, None, content, limits)
    mode, hash_ = found
    if mode == FileMode.LINK:
        return Skipped(path, "a symbolic link")
    if mode not in (FileMode.FILE, FileMode.EXECUTABLE):
        return Skipped(path, "not a regular file at base")
    before = blob(repository, path, hash_, limits)
    if isinstance(before, Skipped):
        return before
    return reviewed(path, before, content, limits, base_path if base_path != path else None)


def _found(repository: Repository, root: Path, base: _Base, path: str) -> tuple[str, str] | None:
    """Mode and hash of what a base has under a path."""
    if base.tree is None:
        return repository.staged(root, path)
    return repository.held(base.tree, path)


def _origin(
    repository: Repository, entries: list[Entry], path: str, content: bytes, limits: Limits
) -> Entry | None:
    """What a file that the base does not have was renamed from."""
    for entry in entries:
        if entry.path == path and entry.base_path != path and entry.base_hash:
            return entry
    language = language_of(path)
    gone = {
        entry.base_path: entry
        for entry in entries
        if entry.head_mode == FileMode.ABSENT
        and language_of(entry.base_path) is language
        and refused_by_entry(entry, limits) is None
    }
    if not gone or len(gone) > _FEW:
        return None
    contents = []
    for name, entry in gone.items():
        before = blob(repository, name, entry.base_hash, limits)
        if isinstance(before, bytes):
            contents.append((name, before))
    origin = renamed(contents, [(path, content)]).get(path)
    return gone[origin] if origin else None
