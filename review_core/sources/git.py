"""A git revision, range, index or working tree as a change. `repository` runs git safely."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from review_core.errors import InputError
from review_core.sources.files import open_file, paired, read_file
from review_core.sources.filters import (
    DEFAULT_LIMITS,
    Limits,
    collected,
    refused_by_name,
    refused_by_size,
    reviewed,
)
from review_core.sources.repository import (
    TIME_LIMIT,
    Commit,
    Entry,
    FileMode,
    Repository,
    open_repository,
)
from review_core.types import Change, FileChange, Skipped

EMPTY_TREE_NAME = "empty tree"


def git_change(
    directory: Path,
    target: str | None,
    *,
    staged: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    time_limit: float = TIME_LIMIT,
) -> Change:
    """The change that `target` names in the repository that `directory` lies in.

    target: "A...B" (B against where it left A), "A..B" (B against A), both with HEAD for an empty
    side; one revision (against its first parent); None for the working tree against HEAD, untracked
    files included, or for the index against HEAD where `staged` is set. Paths are relative to the
    repository's root. The intent is a commit's subject, where the change is that one commit.

    :raises InputError: where repository, revision, common history or objects are missing, or git
        needs over `time_limit` seconds for a step.
    """
    if staged and target is not None:
        raise InputError(f"the staged change has no range; leave out {target} or --staged")
    with open_repository(directory, time_limit) as repository:
        if target is None:
            return _uncommitted(repository, staged, limits)
        return _committed(repository, target, limits)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Two trees to compare, by hash; base is None for the empty tree."""

    base: str | None
    head: Commit
    one_commit: bool


def _committed(repository: Repository, target: str, limits: Limits) -> Change:
    sides = _sides(repository, target)
    entries = repository.changed_between(sides.base or repository.empty_tree, sides.head.hash)
    items = [blobs_item(repository, entry, limits) for entry in entries]
    return collected(
        sides.base or EMPTY_TREE_NAME,
        sides.head.hash,
        items,
        intent=sides.head.subject if sides.one_commit else None,
    )


def _sides(repository: Repository, target: str) -> _Sides:
    for dots in ("...", ".."):
        first, found, second = target.partition(dots)
        if not found:
            continue
        if not (first or second) or ".." in second or second.startswith("."):
            raise InputError(f"{target!r} is not a range; write it as main...topic or main..topic")
        base, head = (resolved(repository, side or "HEAD") for side in (first, second))
        if dots == "...":
            base = merge_base(repository, base, head, target)
        commit = repository.commit(head)
        return _Sides(base, commit, one_commit=commit.parents == (base,))
    commit = repository.commit(resolved(repository, target))
    if not commit.parents:
        return _Sides(None, commit, one_commit=True)
    parent = commit.parents[0]
    if repository.is_shallow and repository.resolve(parent) is None:
        raise InputError(
            f"the parent of {target} is not in this shallow clone; fetch it: git fetch --deepen=1"
        )
    return _Sides(parent, commit, one_commit=True)


def resolved(repository: Repository, revision: str) -> str:
    """The hash of the commit that a person's word for it names.

    :raises InputError: with what to do if there is none.
    """
    if hash_ := repository.resolve(revision):
        return hash_
    where = repository.directory
    if repository.resolve("HEAD") is None:
        raise InputError(f"{where} has no commit yet; review what is staged: --staged")
    if repository.is_shallow:
        raise InputError(
            f"unknown revision {revision!r} in the shallow clone {where}; "
            "if it is older than the clone, fetch it: git fetch --unshallow"
        )
    raise InputError(
        f"unknown revision {revision!r} in {where}; see git branch --all, or fetch it: git fetch"
    )


def merge_base(repository: Repository, first: str, second: str, target: str) -> str:
    """The hash of the commit where two others parted.

    :raises InputError: with what to do if there is none; `target` is what was asked for.
    """
    if base := repository.merge_base(first, second):
        return base
    if repository.is_shallow:
        raise InputError(
            f"the merge base of {target} is not in this shallow clone; "
            "fetch it: git fetch --unshallow"
        )
    raise InputError(f"the sides of {target} share no history; compare them with two dots")


def _uncommitted(repository: Repository, staged: bool, limits: Limits) -> Change:
    if repository.is_bare:
        raise InputError(
            f"{repository.directory} is a bare repository without anything uncommitted; "
            "give a range, such as HEAD~1...HEAD"
        )
    commit = repository.resolve("HEAD")
    base, base_name = commit or repository.empty_tree, commit or EMPTY_TREE_NAME
    if staged:
        entries = repository.changed_in_index(base)
        items = [blobs_item(repository, entry, limits) for entry in entries]
        return collected(base_name, "index", items)
    root = repository.work_tree()
    entries, untracked = repository.changed_on_disk(root, base), repository.untracked(root)
    if commit is None and not entries and not untracked:
        raise InputError(
            f"{repository.directory} has neither commits nor files; there is no change"
        )
    return collected(
        base_name,
        "working tree",
        disk_items(repository, root, entries, untracked, limits),
    )


def blobs_item(repository: Repository, entry: Entry, limits: Limits) -> FileChange | Skipped | None:
    """An entry whose sides are both among git's objects."""
    if refused := refused_by_entry(entry, limits):
        return refused
    base = blob(repository, entry.path, entry.base_hash, limits)
    head = blob(repository, entry.path, entry.head_hash, limits)
    return _item(entry, base, head, limits)


def disk_items(
    repository: Repository,
    root: Path,
    entries: list[Entry],
    untracked: list[str],
    limits: Limits,
) -> Iterator[FileChange | Skipped | None]:
    """Tracked and untracked files as on disk; those moved without telling git are found, too."""
    gone: dict[str, bytes] = {}
    new: dict[str, bytes] = {}
    for entry in entries:
        if _only_touched(repository, root, entry):
            continue
        if refused := refused_by_entry(entry, limits):
            yield refused
            continue
        base = blob(repository, entry.path, entry.base_hash, limits)
        head = blob(repository, entry.path, entry.head_hash, limits)
        if entry.head_hash is None and entry.head_mode != FileMode.ABSENT:
            head = read_file(root, entry.path, limits)
        if isinstance(base, bytes) and head is None:
            gone[entry.path] = base
        elif base is None and isinstance(head, bytes):
            new[entry.path] = head
        else:
            yield _item(entry, base, head, limits)
    for path in untracked:
        if path.endswith("/"):
            yield Skipped(path.removesuffix("/"), "a repository of its own")
        elif refused := refused_by_name(path, limits):
            yield refused
        else:
            content = read_file(root, path, limits)
            if isinstance(content, Skipped):
                yield content
            else:
                new[path] = content
    yield from paired(gone, new, limits)


def _only_touched(repository: Repository, root: Path, entry: Entry) -> bool:
    """Whether the file on disk is the blob at base; git would have to refresh its index to see."""
    if entry.head_hash is not None or entry.base_mode != entry.head_mode:
        return False
    if entry.base_mode not in (FileMode.FILE, FileMode.EXECUTABLE) or entry.path != entry.base_path:
        return False
    file = open_file(root, entry.path)
    if isinstance(file, Skipped):
        return False
    with file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.new(repository.object_format, b"blob %d\0" % size, usedforsecurity=False)
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest() == entry.base_hash


def refused_by_entry(entry: Entry, limits: Limits) -> Skipped | None:
    """What git's word on a file decides, before its content is read."""
    if refused := refused_by_name(entry.path, limits):
        return refused
    if entry.unmerged:
        return Skipped(entry.path, "an unresolved merge conflict")
    modes = (entry.base_mode, entry.head_mode)
    if FileMode.SUBMODULE in modes:
        return Skipped(entry.path, "a submodule")
    if FileMode.LINK in modes:
        return Skipped(entry.path, "a symbolic link")
    return None


def blob(
    repository: Repository, path: str, hash_: str | None, limits: Limits
) -> bytes | Skipped | None:
    """A file's content by its hash, or why it is not read; None if there is no file."""
    if hash_ is None:
        return None
    refused = refused_by_size(path, repository.size(hash_), limits)
    return refused or repository.content(hash_)


def _item(
    entry: Entry, base: bytes | Skipped | None, head: bytes | Skipped | None, limits: Limits
) -> FileChange | Skipped | None:
    if isinstance(base, Skipped):
        return base
    if isinstance(head, Skipped):
        return head
    base_path = entry.base_path if entry.base_path != entry.path else None
    item = reviewed(entry.path, base, head, limits, base_path)
    if item is None and entry.base_mode != entry.head_mode:
        return Skipped(entry.path, "only its mode changed")
    return item
