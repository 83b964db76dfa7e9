"""Which commits may hold a pair, by what they touch and when: what is known before any file is
read. Does not read messages, except for what they say of reverts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from review_core.errors import ConfigurationError
from review_core.excuses import is_test
from review_core.languages import LANGUAGES, language_named, language_of
from review_core.sources.filters import DEFAULT_LIMITS, refused_by_name
from review_core.sources.repository import Entry, FileMode
from training.mining.history import HistoryCommit
from training.mining.settings import MineSettings

_FILES = frozenset({FileMode.FILE, FileMode.EXECUTABLE})
_NOT_TEXT = frozenset({".json", ".toml", ".lock", ".sum", ".mod", ".gradle", ".sql", ".sh", ".lua"})
"""Endings of files in which a change can do what code does: no mere company."""

_REVERTED_HASH = re.compile(r"\breverts?\s+(?:commit\s+)?([0-9a-f]{7,40})\b", re.IGNORECASE)
_REVERTED_SUBJECT = re.compile(r"(?:revert|reapply|back ?out|undo)\b:?\s*[\"“'](.+)[\"”']", re.I)
_REVERT = re.compile(
    r"(?:\w+(?:\([^)]*\))?!?:\s+)?"
    r"(?:re-?(?:revert|apply|land)|revert(?:s|ed|ing)?|back(?:s|ed|ing)?[ -]?out|undo|unbreak"
    r"|roll(?:ed|s)?[ -]?back)\b",
    re.IGNORECASE,
)


class Reverts:
    """The commits that later ones take back. Has to see a history from its newest commit on."""

    def __init__(self) -> None:
        self._hashes: dict[str, set[str]] = {}
        self._subjects: set[str] = set()

    def drop(self, commit: HistoryCommit) -> str | None:
        """Why the commit is left out, if for a revert; remembers what it takes back itself."""
        subject = commit.message.lstrip().partition("\n")[0].strip()
        reverted = any(map(commit.hash.startswith, self._hashes.get(commit.hash[:7], ())))
        reverted |= bool(subject) and subject.casefold() in self._subjects
        for hash_ in _REVERTED_HASH.findall(commit.message[:2000]):
            self._hashes.setdefault(hash_[:7].lower(), set()).add(hash_.lower())
        if named := _REVERTED_SUBJECT.search(subject[:500]):
            self._subjects.add(named[1].casefold())
        if _REVERT.match(subject):
            return "a revert"
        return "reverted later" if reverted else None


@dataclass(frozen=True, slots=True)
class Selection:
    """What the settings ask of a commit's files and date."""

    since: str
    until: str
    languages: frozenset[str]
    companions: str
    tests: bool

    @classmethod
    def of(cls, settings: MineSettings) -> Selection:
        """:raises ConfigurationError: for a day that is none and a language that is not read."""
        for name, day in (("since", settings.since), ("until", settings.until)):
            try:
                date.fromisoformat(day or "2000-01-01")
            except ValueError as error:
                raise ConfigurationError(f"{name} is {day!r}; write YYYY-MM-DD") from error
        for language in settings.languages:
            if language_named(language) is None:
                known = ", ".join(each.name for each in LANGUAGES)
                raise ConfigurationError(f"no language is called {language!r}; there are {known}")
        return cls(
            settings.since,
            settings.until,
            frozenset(settings.languages or (each.name for each in LANGUAGES)),
            settings.companions,
            settings.tests,
        )

    def drop(self, commit: HistoryCommit) -> str | None:
        """Why no pair can come of the commit; None if one may."""
        if len(commit.parents) > 1:
            return "a merge"
        if not commit.parents:
            return "the first commit"
        if commit.date < self.since or (self.until and commit.date >= self.until):
            return "outside of the dates"
        if commit.touched > len(commit.entries):
            return "several code files"
        return self._files_drop(commit)

    def _files_drop(self, commit: HistoryCommit) -> str | None:
        code = self.code(commit)
        if not code:
            return "only tests" if any(map(_is_code, commit.entries)) else "no code file"
        if len(code) > 1:
            return "several code files"
        others = [each for each in commit.entries if each is not code[0]]
        if others and (self.companions == "none" or not all(map(self._may_accompany, others))):
            return "other files with it"
        entry = code[0]
        if not self.tests and is_test(entry.path):
            return "only tests"
        if entry.base_hash is None or entry.head_hash is None:
            return "a new, gone or moved file"
        if entry.base_mode not in _FILES or entry.head_mode not in _FILES:
            return "no regular file"
        if entry.base_hash == entry.head_hash:
            return "only a mode"
        if refused := refused_by_name(entry.path, DEFAULT_LIMITS):
            return refused.reason.partition(" (")[0]
        language = language_of(entry.path)
        if language is None or language.name not in self.languages:
            return "another language"
        return None

    def code(self, commit: HistoryCommit) -> Sequence[Entry]:
        """The files of code that it touches, without tests where those may accompany."""
        code = [each for each in commit.entries if _is_code(each)]
        if self.companions == "tests" and not self.tests:
            return [each for each in code if not is_test(each.path)]
        return code

    def _may_accompany(self, entry: Entry) -> bool:
        if _is_code(entry):
            return self.companions == "tests" and is_test(entry.path)
        return PurePosixPath(entry.path).suffix.lower() not in _NOT_TEXT


def _is_code(entry: Entry) -> bool:
    return language_of(entry.path) is not None
