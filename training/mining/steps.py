"""The stages of mining as steps of a datatrove pipeline, which runs them anywhere.

A document is a commit: its text is the message, its id the commit's name; what a step finds out is
in the metadata under the names below. A commit that a step drops is passed on with the reason, so
that the last step, which writes, can account for each; a document without COMMIT opens or closes a
repository. Steps of a user's own may stand between these.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from hashlib import blake2b
from typing import Any

from datatrove.data import Document
from datatrove.pipeline.base import PipelineStep

from review_core.errors import InputError
from review_core.records import PreferencePair
from review_core.sources.repository import Repository, open_repository
from training.mining.candidates import Reverts, Selection
from training.mining.clones import Clone, is_never_mined
from training.mining.history import HistoryCommit, read_history
from training.mining.licences import is_allowed, licence_of
from training.mining.messages import read_message
from training.mining.pairs import Cut, Origin, cut_pairs
from training.mining.parts import Ledger, Parts
from training.mining.rules import Label, Rules
from training.mining.settings import MineSettings

CLONE = "clone"  # Clone
LICENCE = "licence"  # str | None
MADE = "made"  # str: what the pairs are made of
REFUSED = "refused"  # str: why a repository gives nothing
FAILED = "failed"  # str: why its reading broke off; closes it
DONE = "done"  # True: closes it
COMMIT = "commit"  # HistoryCommit
DROPPED = "dropped"  # str
LABEL = "label"  # Label
SAID = "said"  # str: the message as a model is shown it
CUT = "cut"  # Cut

Documents = Iterable[Any]
_NOT_HERE = "its files are not in the clone"

log = logging.getLogger(__name__)


class _Step(PipelineStep):  # type: ignore[misc]  # datatrove has no types
    type = "⛏ mining"

    def run(
        self, data: Documents | None = None, rank: int = 0, world_size: int = 1
    ) -> Generator[Any, None, None]:
        raise NotImplementedError


class ReadClones(_Step):
    """Reads the commits of every clone of this share that is not finished yet, newest first."""

    name = "read clones"

    def __init__(
        self,
        clones: Sequence[Clone],
        never: frozenset[str],
        settings: MineSettings,
        fingerprint: str,
        parts: Parts,
    ) -> None:
        super().__init__()
        self.clones = clones
        self.never = never
        self.settings = settings
        self.fingerprint = fingerprint
        self.parts = parts

    def run(
        self, data: Documents | None = None, rank: int = 0, world_size: int = 1
    ) -> Generator[Any, None, None]:
        """Yield the documents of repository after repository."""
        _show_progress()
        for clone in self.clones[rank::world_size]:
            try:
                yield from self._documents(clone)
            except InputError as error:
                yield _document(clone, FAILED, str(error))

    def _documents(self, clone: Clone) -> Iterator[Any]:
        with open_repository(clone.path, self.settings.minutes * 60) as repository:
            head = repository.resolve("HEAD")
            made = _digest(self.fingerprint, str(head), str(clone.name.casefold() in self.never))
            if self.parts.finished(clone, made):
                return
            licence = licence_of(repository, head) if head else None
            opening = _document(clone, MADE, made)
            opening.metadata[LICENCE] = licence
            if refused := self._refused(clone, head, licence):
                opening.metadata[REFUSED] = refused
            yield opening
            if head and not refused:
                for commit in read_history(repository, head):
                    yield _document(clone, COMMIT, commit, commit.message)
            yield _document(clone, DONE, True)

    def _refused(self, clone: Clone, head: str | None, licence: str | None) -> str | None:
        if is_never_mined(clone, self.never):
            return "for evaluation only"
        if head is None:
            return "no commits"
        if not is_allowed(licence, self.settings.licences):
            return f"its licence: {licence or 'none that we know'}"
        return None


class ApplyRules(_Step):
    """Labels the commits that may be an example of one criterion, and drops the others."""

    name = "apply rules"

    def __init__(self, rules: Rules, selection: Selection) -> None:
        super().__init__()
        self.rules = rules
        self.selection = selection

    def run(
        self, data: Documents | None = None, rank: int = 0, world_size: int = 1
    ) -> Generator[Any, None, None]:
        """Pass every document on, with a LABEL or the reason why it is DROPPED."""
        reverts = Reverts()
        for document in data or ():
            commit: HistoryCommit | None = document.metadata.get(COMMIT)
            if commit is None:
                reverts = Reverts()  # another repository
            elif DROPPED not in document.metadata:
                # of every commit, for it may take one back that is older
                dropped = reverts.drop(commit) or self.selection.drop(commit)
                if dropped is None:
                    dropped = self._label(document)
                if dropped is not None:
                    document.metadata[DROPPED] = dropped
            yield document

    def _label(self, document: Any) -> str | None:
        message = read_message(document.text)
        label = self.rules.label(message)
        if not isinstance(label, Label):
            return label
        document.metadata |= {LABEL: label, SAID: message.text}
        return None


class CutPairs(_Step):
    """Reads the file of each labelled commit and cuts its pairs."""

    name = "cut pairs"

    def __init__(self, selection: Selection, settings: MineSettings) -> None:
        super().__init__()
        self.selection = selection
        self.settings = settings

    def run(
        self, data: Documents | None = None, rank: int = 0, world_size: int = 1
    ) -> Generator[Any, None, None]:
        """Pass every document on, those with a LABEL with their CUT."""
        for clone, licence, documents in _repositories(data or ()):
            with ExitStack() as stack:
                repository: Repository | None = None
                counts: dict[str, int] = {}
                seen: set[bytes] = set()
                for document in documents:
                    label: Label | None = document.metadata.get(LABEL)
                    if label is not None and DROPPED not in document.metadata:
                        repository = repository or stack.enter_context(
                            open_repository(clone.path, self.settings.minutes * 60)
                        )
                        cut = self._cut(repository, document, licence, counts, seen)
                        document.metadata[CUT] = cut
                    yield document

    def _cut(
        self,
        repository: Repository,
        document: Any,
        licence: str | None,
        counts: dict[str, int],
        seen: set[bytes],
    ) -> Cut:
        label: Label = document.metadata[LABEL]
        key = label.fine_aspect or label.aspect
        if counts.get(key, 0) >= self.settings.per_criterion:
            return Cut(dropped="enough pairs of its criterion")
        commit: HistoryCommit = document.metadata[COMMIT]
        entry = self.selection.code(commit)[0]
        origin = Origin(document.metadata[CLONE].name, licence, commit, entry)
        try:
            cut = cut_pairs(repository, origin, label, document.metadata[SAID], self.settings)
        except InputError:
            return Cut(dropped=_NOT_HERE)
        new = tuple(pair for pair in cut.pairs if _is_new(pair, seen))
        if len(new) < len(cut.pairs):
            cut.functions["seen in a newer commit"] += len(cut.pairs) - len(new)
        room = self.settings.per_criterion - counts.get(key, 0)
        counts[key] = counts.get(key, 0) + len(new[:room])
        if len(new) > room:
            cut.functions["enough pairs of its criterion"] += len(new) - room
        dropped = cut.dropped or (None if new else "functions: seen in a newer commit")
        return Cut(new[:room], dropped, cut.functions)


class WriteParts(_Step):
    """Writes what each repository gave, once it is whole, with its ledger."""

    name = "write parts"

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.parts = parts

    def run(
        self, data: Documents | None = None, rank: int = 0, world_size: int = 1
    ) -> Generator[Any, None, None]:
        """Write, and pass every document on."""
        started = time.monotonic()
        ledger, pairs = Ledger(), list[PreferencePair]()
        for document in data or ():
            about = document.metadata
            if MADE in about:
                ledger, pairs = Ledger(about[MADE], about[LICENCE], about.get(REFUSED)), []
                started = time.monotonic()
            elif FAILED in about:
                failed = Ledger(ledger.made, ledger.licence, about[FAILED], failed=True)
                self._write(about[CLONE], [], failed, started)
                ledger, pairs = Ledger(), []
            elif DONE in about:
                self._write(about[CLONE], pairs, ledger, started)
            elif COMMIT in about:
                pairs += self._enter(about, ledger)
            yield document

    def _enter(self, about: dict[str, Any], ledger: Ledger) -> tuple[PreferencePair, ...]:
        ledger.commits += 1
        cut: Cut = about.get(CUT) or Cut(dropped=about.get(DROPPED) or "no label")
        if cut.dropped:
            ledger.dropped[cut.dropped] += 1
        ledger.functions_dropped.update(cut.functions)
        ledger.count(cut.pairs)
        self.stat_update("pairs", value=len(cut.pairs), unit="commit")
        return cut.pairs

    def _write(
        self, clone: Clone, pairs: Sequence[PreferencePair], ledger: Ledger, started: float
    ) -> None:
        self.parts.write(clone, pairs, ledger)
        told = ledger.refused or f"{ledger.pairs} pairs of {ledger.commits} commits"
        log.info("%s: %s in %.1f s", clone.name, told, time.monotonic() - started)


def _repositories(documents: Documents) -> Iterator[tuple[Clone, str | None, Iterator[Any]]]:
    """The stream cut where another repository opens, as `itertools.groupby` cuts."""
    stream = iter(documents)
    opening = next(stream, None)

    def until_closed(document: Any) -> Iterator[Any]:
        while document is not None:
            yield document
            if DONE in document.metadata or FAILED in document.metadata:
                return
            document = next(stream, None)

    while opening is not None:
        yield opening.metadata[CLONE], opening.metadata.get(LICENCE), until_closed(opening)
        opening = next(stream, None)


def _document(clone: Clone, key: str, value: object, text: str = "") -> Any:
    name = f"{clone.name}@{value.hash}" if isinstance(value, HistoryCommit) else clone.name
    return Document(text=text, id=name, metadata={CLONE: clone, key: value})


def _is_new(pair: PreferencePair, seen: set[bytes]) -> bool:
    key = bytes.fromhex(_digest(pair.rejected, pair.chosen))
    is_new = key not in seen
    seen.add(key)
    return is_new


def _digest(*texts: str) -> str:
    hashed = blake2b(digest_size=16)
    for text in texts:
        hashed.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return hashed.hexdigest()


def fingerprint(settings: MineSettings, rules: Rules, never: frozenset[str]) -> str:
    """What a repository's pairs depend on beside the repository."""
    from importlib.metadata import version

    matter = [(name, getattr(settings, name)) for name in _MATTER]
    return _digest(version("themis-review"), repr(matter), rules.text, *sorted(never))


_MATTER = (
    "licences",
    "since",
    "until",
    "languages",
    "companions",
    "tests",
    "functions",
    "max_changed_lines",
    "max_file_bytes",
    "max_characters",
    "per_criterion",
)
"""The settings that decide about pairs; files that settings name are read into what is hashed."""


def _show_progress() -> None:
    """In a process that an executor started, which has no logging yet."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
