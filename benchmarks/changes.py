"""The real changes that engine benchmarks run on: functions that commits of a repository changed.

The choice is a repository's first-parent history up to a commit, newest first, and of each function
the last commit that changed it. So every function stands there once, as in a pull request, and the
same command reads the same inputs for as long as the history stands.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from review_core.languages import language_of
from review_core.margins import sides_of
from review_core.pairing import changed_functions
from review_core.sources.first_parents import past_range
from review_core.sources.git import git_change

COMMIT = "5265492"
"""Of this repository's own history, in which 1,046 functions were changed until then."""

_LONGEST = 100_000
"""Commits."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A function that a commit changed, as the model reads it, and the commit's subject."""

    path: str
    name: str
    base: str
    head: str
    intent: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where edits come from: the history of `commit` in `repository`."""

    repository: Path
    commit: str = COMMIT

    @classmethod
    def of(cls, given: argparse.Namespace) -> Source:
        """What the options of `add_source` say."""
        return cls(given.repository, given.commit)


def add_source(parser: argparse.ArgumentParser) -> None:
    """The options that say which history is read."""
    own = Path(__file__).parents[1]
    parser.add_argument("--repository", type=Path, default=own, help="whose history is read")
    parser.add_argument("--commit", default=COMMIT, help="the newest commit that is read")


def edits(source: Source, count: int, *, at_most: bool = False) -> list[Edit]:
    """The last `count` functions that changed up to the source's commit, newest first.

    :raises ValueError: if the history has fewer, unless `at_most` is set; then if it has none.
    """
    found = list(islice(_edits(source), count))
    if len(found) < (1 if at_most else count):
        raise ValueError(
            f"the history of {source.commit} changes {len(found)} functions, fewer than {count}; "
            "ask for fewer, or name a longer history with --repository and --commit"
        )
    return found


def texts(chosen: Sequence[Edit]) -> list[str]:
    """Both sides of each, base first."""
    return [side for edit in chosen for side in (edit.base, edit.head)]


def _edits(source: Source) -> Iterator[Edit]:
    seen: set[tuple[str, str]] = set()
    past = past_range(source.repository, source.commit, _LONGEST)
    for each in reversed(past.commits):
        change = git_change(source.repository, each.commit.hash)
        for file in change.files:
            language = language_of(file.path)
            for function in changed_functions(file, language) if language else ():
                if function.base is None or function.head is None:
                    continue
                key = function.path, function.name
                if key not in seen:
                    seen.add(key)
                    yield Edit(*key, *sides_of(function), change.intent or "")
