"""Reads a clone's whole history in one go: commits, newest first, and what each touches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from review_core.errors import InputError
from review_core.sources.repository import Entry, Repository

_MOST_ENTRIES = 50
"""A commit that touches more is never one change of one file; the rest is only counted."""

_LOG = ("--stdin", "-r", "--raw", "-z", "--no-renames", "--no-abbrev", "--root", "--always")
_FORMAT = "--format=%H%x00%P%x00%at%x00%B"
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class HistoryCommit:
    """A commit and the files it touches, against its first parent; none for a merge.

    seconds: when it was written, since 1970. touched: how many files, of which `entries` has the
    first fifty. Renamed files are two entries, one gone and one new.
    """

    hash: str
    parents: tuple[str, ...]
    seconds: int
    message: str
    entries: tuple[Entry, ...]
    touched: int

    @property
    def date(self) -> str:
        """When it was written: YYYY-MM-DD, UTC; 1970-01-01 for what no calendar has."""
        try:
            return datetime.fromtimestamp(self.seconds, UTC).date().isoformat()
        except (ValueError, OverflowError, OSError):
            return "1970-01-01"


def read_history(repository: Repository, head: str) -> Iterator[HistoryCommit]:
    """Every commit that `head` has behind it, children before parents.

    :raises InputError: where git fails, or prints what it should not.
    """
    hashes = repository.fields("rev-list", "--date-order", "--end-of-options", head, end=b"\n")
    told = "".join(f"{each}\n" for each in hashes).encode()
    # Plumbing: `git log` would run gpg for a repository that sets log.showSignature. The encoding
    # is ours, since one that the repository sets could put a NUL where none belongs.
    fields = repository.fields("diff-tree", *_LOG, "--encoding=UTF-8", _FORMAT, told=told)
    field = next(fields, None)
    while field is not None:
        hash_ = field.removeprefix("\n")
        parents, seconds, message = (next(fields, "") for _ in range(3))
        if not _HASH.fullmatch(hash_):
            raise InputError(
                f"{repository.directory}: git diff-tree prints no hash where one belongs; "
                "try git fsck there"
            )
        entries: list[Entry] = []
        touched = 0
        field = next(fields, None)
        while field is not None and field.lstrip("\n").startswith(":"):
            path = next(fields, "")
            touched += 1
            if touched <= _MOST_ENTRIES:
                entries.append(_entry(field, path))
            field = next(fields, None)
        yield HistoryCommit(
            hash_,
            tuple(parents.split()),
            int(seconds) if seconds.lstrip("-").isdecimal() else 0,
            message,
            tuple(entries),
            touched,
        )


def _entry(header: str, path: str) -> Entry:
    base_mode, head_mode, base_hash, head_hash, _ = header.lstrip("\n:").split()
    return Entry(
        path,
        path,
        base_mode,
        head_mode,
        base_hash if base_hash.strip("0") else None,
        head_hash if head_hash.strip("0") else None,
    )
