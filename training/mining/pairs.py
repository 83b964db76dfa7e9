"""Cuts the pairs out of one commit, with the very code that a review cuts functions with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from review_core.languages import language_of
from review_core.pairing import changed_functions
from review_core.records import PreferencePair
from review_core.sources.filters import Limits, refused_by_size, reviewed
from review_core.sources.repository import Entry, Repository
from review_core.types import ChangedFunction, FileChange, Skipped
from training.mining.edits import edits_of
from training.mining.history import HistoryCommit
from training.mining.rules import Label
from training.mining.settings import MineSettings
from training.sampling import COMMITS


@dataclass(frozen=True, slots=True)
class Cut:
    """What came of one commit.

    dropped: why no pair did, or None. functions: the functions that gave no pair, by reason.
    """

    pairs: tuple[PreferencePair, ...] = ()
    dropped: str | None = None
    functions: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a pair is from: the repository's name and licence, the commit and the file."""

    name: str
    licence: str | None
    commit: HistoryCommit
    entry: Entry

    @property
    def source(self) -> str:
        """As records spell it: owner/name@commit:path."""
        return f"{self.name}@{self.commit.hash}:{self.entry.path}"


def cut_pairs(
    repository: Repository, origin: Origin, label: Label, text: str, settings: MineSettings
) -> Cut:
    """The pairs of a commit that touches one file of code, head preferred to base.

    :param text: what its message says. :raises InputError: where an object is not in the clone.
    """
    change = _file_change(repository, origin.entry, Limits(settings.max_file_bytes))
    if isinstance(change, str):
        return Cut(dropped=change)
    language = language_of(origin.entry.path)
    if language is None:
        raise ValueError(f"{origin.entry.path} is not a language we read")
    functions: tuple[ChangedFunction, ...] = changed_functions(change, language)
    two_sided = sum(1 for each in functions if each.base is not None and each.head is not None)
    if two_sided > settings.functions:
        return Cut(dropped="several functions")
    edits, dropped = edits_of(functions, label, language, settings)
    if not edits:
        why = dropped.most_common(1)[0][0] if dropped else "only blank lines"
        return Cut(dropped=f"functions: {why}", functions=dropped)
    pairs = tuple(
        PreferencePair(
            input=text,
            chosen=head,
            rejected=base,
            language=language.name,
            aspect=label.aspect,
            fine_aspect=label.fine_aspect,
            source=origin.source,
            subset=COMMITS,
            licence=origin.licence,
            date=origin.commit.date,
            idx=f"{origin.source}#{number}",
        )
        for number, (base, head) in enumerate(edits)
    )
    return Cut(pairs, functions=dropped)


def _file_change(repository: Repository, entry: Entry, limits: Limits) -> FileChange | str:
    """Both sides of the file, or why they are not read."""
    contents: list[bytes] = []
    for hash_ in (entry.base_hash, entry.head_hash):
        if hash_ is None:
            raise ValueError(f"{entry.path} has one side only")
        if refused := refused_by_size(entry.path, repository.size(hash_), limits):
            return refused.reason
        contents.append(repository.content(hash_))
    base, head = contents
    change = reviewed(entry.path, base, head, limits)
    if change is None or isinstance(change, Skipped):
        return change.reason.partition(" (")[0] if change else "nothing"
    return change
