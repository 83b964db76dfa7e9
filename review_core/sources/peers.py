"""Functions of a repository that a new one is compared with: a sample of one commit, bounded.

Files are read in the order of a hash of their names, and of each a few functions in the order of a
hash of theirs: the sample is the same on every machine, hardly moves from commit to commit, so that
its rewards stay cached, and is not the first folders of the alphabet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from review_core.excuses import is_test
from review_core.functions import functions_of
from review_core.languages import Language, language_of
from review_core.sources.filters import Limits, refused_by_name, reviewed
from review_core.sources.repository import FileMode, Repository, open_repository
from review_core.types import FileChange, FunctionKind

MOST_FILES = 400
"""Read for one sample: where files hold few functions it is smaller, and never takes long."""
_OF_ONE_FILE = 4
_KINDS = (FunctionKind.FUNCTION, FunctionKind.METHOD)
_MODES = (FileMode.FILE, FileMode.EXECUTABLE)


def git_peers(
    directory: Path, base: str, most: int, limits: Limits
) -> Callable[[Language, bool], Sequence[str]]:
    """Samples of the functions at a commit, by language and of tests or of what is no test; nothing
    is read before one is asked for.

    :param base: the commit, by any name; HEAD where it names none, as "index" does.
    :param most: functions in a sample, at most.
    """

    def peers(language: Language, tests: bool) -> list[str]:
        with open_repository(directory) as repository:
            commit = repository.resolve(base) or repository.resolve("HEAD")
            if commit is None:
                return []
            files = _files(repository, commit, language, tests, limits)
            return list(islice(_functions(files, language), most))

    return peers


def _files(
    repository: Repository, commit: str, language: Language, tests: bool, limits: Limits
) -> Iterator[tuple[str, str]]:
    """Paths and texts, in the order of the sample."""
    listed = repository.fields("ls_tree", "-r", "-z", "--full-tree", commit)
    found = []
    for line in listed:
        about, _, path = line.partition("\t")
        mode, _, hash_ = about.split()[:3]
        if mode in _MODES and language_of(path) is language and is_test(path) is tests:
            found.append((_order(path), path, hash_))
    read = 0
    for _, path, hash_ in sorted(found):
        if read == MOST_FILES:
            return
        if refused_by_name(path, limits) or repository.size(hash_) > limits.max_file_bytes:
            continue
        read += 1
        item = reviewed(path, None, repository.content(hash_), limits)
        if isinstance(item, FileChange) and item.head is not None:
            yield path, item.head


def _functions(files: Iterator[tuple[str, str]], language: Language) -> Iterator[str]:
    for path, text in files:
        known = [
            each
            for each in functions_of(text, language)
            if each.kind in _KINDS and not each.has_error
        ]
        few = sorted(known, key=lambda each: _order(f"{path}\0{each.name}\0{each.text}"))
        yield from (each.text for each in few[:_OF_ONE_FILE])


def _order(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
