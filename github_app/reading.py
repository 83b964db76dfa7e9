"""A pull request as a change: what its head changed since it left the base branch, and the base
branch's own configuration. Reads git's objects; checks nothing out and runs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from github_app.errors import ForbiddenError, LeftAloneError, MissingError
from github_app.fetching import Origin
from github_app.risk import may_get_verdict
from review_core.baseline import FILE_NAME as BASELINE
from review_core.baseline import NO_BASELINE, Baseline
from review_core.config import FILE_NAMES, Resolved
from review_core.languages import language_of
from review_core.sources.filters import Limits, collected
from review_core.sources.git import blobs_item, refused_by_entry
from review_core.sources.repository import Entry, FileMode, Repository
from review_core.types import Change, Skipped

if TYPE_CHECKING:
    from pathlib import Path

    from github_app.clones import Clone, Clones, Stop
    from github_app.github import api
    from github_app.github.values import PullRequest

Configure = Callable[[Mapping[str, str]], Resolved]
"""Settings from configuration files by name; as `config.foreign_settings`."""

LEAVES = "its name leaves the repository"
OVER_SIZE = "over the size that is reviewed of one pull request"

_MAX_BYTES = 64 * 2**20
"""Of the text of all files of one pull request, both sides."""

_MAX_CONFIGURATION = 1 << 20
_MAX_ARGUMENTS = 1 << 19
"""Bytes of names in one command; Linux lets through four times that."""

_FILE_MODES = (FileMode.FILE, FileMode.EXECUTABLE)
_FORBIDDEN_IN_REFS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/]|/$|\.lock$|\.$")


@dataclass(frozen=True, slots=True)
class Reading:
    """A pull request as it was read.

    change: base is the merge base, head the head commit, both by hash. base_tip: the commit whose
    configuration and baseline hold: a pull request must not silence its own findings. left_out:
    files that are among change.skipped for their size alone.
    """

    change: Change
    configuration: Resolved
    base_tip: str
    left_out: tuple[Skipped, ...] = ()
    baseline: Baseline = NO_BASELINE


class Reader:
    """Reads pull requests from clones."""

    def __init__(
        self, clones: Clones, ca_file: Path | None = None, max_bytes: int = _MAX_BYTES
    ) -> None:
        self._clones = clones
        self._ca_file = ca_file
        self._max_bytes = max_bytes

    def read(
        self,
        installation: int,
        repository: api.Repository,
        pull: PullRequest,
        configure: Configure,
        stop: Stop = lambda: False,
    ) -> Reading:
        """The change of a pull request, at the head that `pull` names.

        :raises GitHubError: where it cannot be fetched.
        :raises LeftAloneError: where there is no common history, or it is too large.
        :raises ConfigurationError: where the base branch's configuration or baseline is not valid.
        :raises StoppedError: once `stop` says so.
        """

        def work(clone: Clone) -> Reading:
            base_tip = _fetch_commits(clone, pull)
            texts = _texts(clone, base_tip, (*FILE_NAMES, BASELINE))
            configuration = configure({name: texts[name] for name in FILE_NAMES if name in texts})
            baseline = (
                Baseline.from_text(texts[BASELINE], BASELINE) if BASELINE in texts else NO_BASELINE
            )
            merge_base = clone.repository.merge_base(base_tip, pull.head_sha)
            if merge_base is None:
                raise LeftAloneError(
                    f"the head and {pull.base_ref} share no history, so there is no change between "
                    "them; rebase it on the base branch"
                )
            reading = self._reading(clone, base_tip, merge_base, pull.head_sha, configuration)
            return replace(reading, baseline=baseline)

        def used(token: str) -> Reading:
            origin = Origin(repository.clone_url(), token, self._ca_file)
            return self._clones.use(installation, repository.ref, origin, work, stop)

        token = repository.clone_token()
        try:
            return used(token)
        except ForbiddenError:  # revoked before its hour was over, perhaps
            return used(repository.clone_token(refused=token))

    def _reading(
        self, clone: Clone, base_tip: str, merge_base: str, head: str, configuration: Resolved
    ) -> Reading:
        settings = configuration.settings
        limits = Limits(
            max_file_bytes=settings.max_file_bytes,
            include=settings.include,
            exclude=settings.exclude,
        )
        names = clone.repository.changed_names(merge_base, head)
        evil = [Skipped(each.path, LEAVES) for each in names if _leaves(each.path)]
        entries = _entries(clone, merge_base, head, names, limits)
        kept, left_out = _within(entries, clone.repository, limits, self._max_bytes)
        commit = clone.repository.commit(head)
        items = [blobs_item(clone.repository, entry, limits) for entry in kept]
        change = collected(
            merge_base,
            head,
            [*items, *left_out, *evil],
            # As for a range on the command line, so that the same change gets the same numbers; a
            # title is anybody's to edit.
            intent=commit.subject if commit.parents == (merge_base,) else None,
        )
        return Reading(change, configuration, base_tip, left_out)


# --- commits -------------------------------------------------------------------------------------


def _fetch_commits(clone: Clone, pull: PullRequest) -> str:
    """Have base branch and head here; the commit at the tip of the base branch.

    GitHub keeps the head's ref, whatever became of its branch and fork. What was deleted or moved
    on since it was named to us is asked for by hash.
    """
    base, head = (f"refs/themis/{pull.number}/{side}" for side in ("base", "head"))
    base_sha, head_sha = _hash(pull.base_sha), _hash(pull.head_sha)
    branch = f"+refs/heads/{pull.base_ref}:{base}"
    if _FORBIDDEN_IN_REFS.search(pull.base_ref):
        branch = f"+{base_sha}:{base}"
    try:
        clone.fetch([branch, f"+refs/pull/{pull.number}/head:{head}"])
    except MissingError:  # one of them, git does not say which
        try:
            clone.fetch([branch])
        except MissingError:
            clone.fetch([f"+{base_sha}:{base}"])
    if clone.repository.resolve(head_sha) is None:
        clone.fetch([f"+{head_sha}:{head}"])
    tip = clone.repository.resolve(base)
    if tip is None:
        raise MissingError(f"GitHub did not give us {pull.base_ref}; try again later")
    return tip


def _hash(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text):
        raise MissingError(f"{text!r:.80} is not a commit's hash; GitHub may say another soon")
    return text


# --- files ---------------------------------------------------------------------------------------


def _texts(clone: Clone, commit: str, names: Iterable[str]) -> dict[str, str]:
    """The texts of those files that stand at the root of a commit, by name."""
    held = {name: clone.repository.held(commit, name) for name in names}
    hashes = {name: found[1] for name, found in held.items() if found and found[0] in _FILE_MODES}
    clone.fetch_files(hashes.values())
    texts = {}
    for name, hash_ in hashes.items():
        if clone.repository.size(hash_) <= _MAX_CONFIGURATION:
            texts[name] = clone.repository.content(hash_).decode("utf-8", "replace")
    return texts


def _entries(
    clone: Clone, base: str, head: str, names: Iterable[Entry], limits: Limits
) -> list[Entry]:
    """What differs, renames found, with every file here that has to be read.

    Renames are told by content. So that git asks for no picture's and no archive's, it compares
    only files that we read, and deleted ones, which may have become one of those.
    """
    entries = [each for each in names if not _leaves(each.path)]
    read = [each for each in entries if refused_by_entry(each, limits) is None]
    if any(each.base_hash is None for each in read):
        known = {each.path for each in read}
        read += [
            each
            for each in entries
            if each.head_hash is None and each.path not in known and _is_plain(each)
        ]
    clone.fetch_files(_hashes(read))
    compared: set[str] = set()
    found: list[Entry] = []
    for paths in _batches([each.path for each in read]):
        found += clone.repository.changed_between(base, head, paths)
        compared |= set(paths)
    return found + [each for each in entries if each.path not in compared]


def _batches(paths: Iterable[str]) -> Iterator[list[str]]:
    """As many as may be arguments of one command; renames from one batch to another are missed."""
    batch: list[str] = []
    size = 0
    for path in paths:
        length = len(path.encode("utf-8", "surrogateescape")) + 1
        if batch and size + length > _MAX_ARGUMENTS:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += length
    if batch:
        yield batch


def _leaves(path: str) -> bool:
    """Whether a name points out of the repository, as no git that people use would let it."""
    return not {"", ".", ".."}.isdisjoint(path.split("/"))


def _within(
    entries: Iterable[Entry], repository: Repository, limits: Limits, max_bytes: int
) -> tuple[list[Entry], tuple[Skipped, ...]]:
    """The entries that fit into memory, those that can get a verdict first; and the others."""
    kept, left_out, total = [], [], 0
    for entry in sorted(entries, key=lambda each: (not _promises(each), each.path)):
        size = 0
        if refused_by_entry(entry, limits) is None:
            sizes = [repository.size(hash_) for hash_ in _hashes([entry])]
            size = sum(sizes) if max(sizes, default=0) <= limits.max_file_bytes else 0
        if total + size > max_bytes:
            left_out.append(Skipped(entry.path, OVER_SIZE))
        else:
            total += size
            kept.append(entry)
    return kept, tuple(left_out)


def _promises(entry: Entry) -> bool:
    language = language_of(entry.path)
    two_sides = entry.base_hash is not None and entry.head_hash is not None
    return language is not None and may_get_verdict(entry.path, two_sides=two_sides)


def _hashes(entries: Iterable[Entry]) -> list[str]:
    return [hash_ for entry in entries for hash_ in (entry.base_hash, entry.head_hash) if hash_]


def _is_plain(entry: Entry) -> bool:
    modes = {entry.base_mode, entry.head_mode} - {FileMode.ABSENT}
    return modes <= set(_FILE_MODES)
