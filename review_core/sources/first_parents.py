"""The commits of a range, oldest first, as the branch itself went. Reads no files.

Only first parents are followed: a merge is one commit, and what it changed is what it brought to
the branch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from review_core.errors import InputError
from review_core.sources.git import merge_base, resolved
from review_core.sources.repository import Commit, Repository, open_repository


@dataclass(frozen=True, slots=True)
class PastCommit:
    """A commit and when it was committed, in seconds since 1970."""

    commit: Commit
    seconds: int

    @property
    def is_merge(self) -> bool:
        """Whether it brought other commits."""
        return len(self.commit.parents) > 1

    @property
    def date(self) -> str:
        """YYYY-MM-DD, UTC; 1970-01-01 for what no calendar has."""
        try:
            return datetime.fromtimestamp(self.seconds, UTC).date().isoformat()
        except (ValueError, OverflowError, OSError):
            return "1970-01-01"


@dataclass(frozen=True, slots=True)
class PastRange:
    """The newest commits of a range, oldest first, and how many older ones were left out."""

    commits: tuple[PastCommit, ...]
    left_out: int


def past_range(directory: Path, target: str, limit: int) -> PastRange:
    """The commits that `target` names, along first parents.

    target: "A..B" or "A...B" (what B has since it left A), or a revision (all that it has behind
    it).

    :param limit: how many commits at most; the newest are kept.
    :raises InputError: where repository or revision is missing.
    """
    with open_repository(directory) as repository:
        ends = _ends(repository, target)
        asked = ("--first-parent", "--timestamp", "--end-of-options", *ends)
        lines = [line.split() for line in repository.fields("rev-list", *asked, end=b"\n")]
        kept = [
            PastCommit(repository.commit(hash_), int(seconds)) for seconds, hash_ in lines[:limit]
        ]
    return PastRange(tuple(reversed(kept)), len(lines) - len(kept))


def _ends(repository: Repository, target: str) -> tuple[str, ...]:
    for dots in ("...", ".."):
        first, found, second = target.partition(dots)
        if not found:
            continue
        if not (first or second) or ".." in second or second.startswith("."):
            raise InputError(f"{target!r} is not a range; write it as v1.0..main")
        base, head = (resolved(repository, side or "HEAD") for side in (first, second))
        if dots == "...":
            base = merge_base(repository, base, head, target)
        return head, f"^{base}"
    return (resolved(repository, target),)
