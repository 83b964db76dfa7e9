"""Which criterion a commit is for, by its message. The words are in criteria.toml.

A rule file says how it is read. A user's own adds to ours.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from review_core.errors import ConfigurationError
from training.criteria import CRITERIA
from training.mining.messages import Message

_LISTS = ("strong", "weak", "never", "smaller", "types")


@dataclass(frozen=True)
class Criterion:
    """The words of one criterion, as criteria.toml describes them."""

    key: str
    lists: Mapping[str, tuple[str, ...]]

    @cached_property
    def patterns(self) -> Mapping[str, re.Pattern[str] | None]:
        """One pattern for each list; None for an empty one."""
        return {name: _any_of(self.lists[name]) for name in _LISTS if name != "types"}

    def has(self, name: str, text: str) -> bool:
        """Whether a pattern of the list `name` stands in `text`."""
        pattern = self.patterns[name]
        return pattern is not None and pattern.search(text) is not None

    def claims(self, message: Message) -> bool:
        """Whether the subject, or its conventional type, names this criterion for sure."""
        return (
            message.type in self.lists["types"] or self.has("strong", message.subject)
        ) and not self.has("never", message.subject)


@dataclass(frozen=True, slots=True)
class Label:
    """What a commit is an example of. smaller: its message promises less code."""

    aspect: str
    fine_aspect: str | None
    smaller: bool = False


@dataclass(frozen=True)
class Rules:
    """All criteria and what is left out whatever it is for.

    :raises ConfigurationError: when made of a pattern that is none.
    """

    criteria: tuple[Criterion, ...]
    never: tuple[str, ...]
    never_types: frozenset[str]
    several: tuple[str, ...]
    text: str
    """What they were made of, for comparing."""

    def __post_init__(self) -> None:
        self._never, self._several  # noqa: B018 -- compiled now, so that a bad one is told at once
        for criterion in self.criteria:
            criterion.patterns  # noqa: B018

    @cached_property
    def _never(self) -> re.Pattern[str] | None:
        return _any_of(self.never)

    @cached_property
    def _several(self) -> re.Pattern[str] | None:
        return _any_of(self.several)

    def label(self, message: Message) -> Label | str:
        """The one criterion that the message names, or why there is none."""
        subject = message.subject
        if not subject:
            return "no message"
        if message.type in self.never_types:
            return "a type of change that is none of code"
        if self._never and self._never.search(subject):
            return "its message says nothing of code"
        if message.bullets > 1 or (self._several and self._several.search(subject)):
            return "several things in one message"
        claimed = [each for each in self.criteria if each.claims(message)]
        if not claimed:
            claimed = [
                each
                for each in self.criteria
                if each.has("weak", subject) and not each.has("never", subject)
            ]
        if not claimed:
            return "no criterion in its message"
        return self._one_of(claimed, message)

    def _one_of(self, claimed: Sequence[Criterion], message: Message) -> Label | str:
        aspects = {_aspect(each.key) for each in claimed}
        hinted = {_aspect(each.key) for each in self.criteria if each.has("strong", message.body)}
        if len(aspects | hinted) > 1:
            return "several criteria in one message"
        aspect = aspects.pop()
        fine = [each.key for each in claimed if CRITERIA[each.key] is not None]
        smaller = any(each.has("smaller", message.subject) for each in claimed)
        return Label(aspect, fine[0] if len(fine) == 1 else None, smaller)


def load_rules(path: Path | None = None) -> Rules:
    """Our rules, with those of `path` added.

    :raises ConfigurationError: naming the file, and the table, list or pattern that is wrong.
    """
    ours = (files("training.mining") / "criteria.toml").read_text("utf-8")
    texts = {"criteria.toml": ours}
    if path is not None:
        try:
            texts[str(path)] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read the rules {path}: {error}") from error
    every: dict[str, tuple[str, ...]] = {"never": (), "types": (), "several": ()}
    lists: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, text in texts.items():
        for table, found in _tables(name, text).items():
            known = (
                every if table == "every" else lists.setdefault(table, dict.fromkeys(_LISTS, ()))
            )
            for key, patterns in found.items():
                if key not in known:
                    raise ConfigurationError(
                        f"{name}: [{table}] has no list {key}; it takes {', '.join(known)}"
                    )
                known[key] += _checked(name, table, key, patterns)
    return Rules(
        tuple(Criterion(key, found) for key, found in lists.items()),
        every["never"],
        frozenset(every["types"]),
        every["several"],
        "\n".join(texts.values()),
    )


def _tables(name: str, text: str) -> dict[str, dict[str, Any]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{name} is not valid TOML: {error}") from error
    for table, found in document.items():
        if table != "every" and table not in CRITERIA:
            raise ConfigurationError(
                f"{name}: no criterion is called {table}; there are {', '.join(CRITERIA)}, "
                "and [every] for all of them"
            )
        if not isinstance(found, dict):
            raise ConfigurationError(f"{name}: {table} is a table, written [{table}]")
    return document


def _checked(name: str, table: str, key: str, patterns: Any) -> tuple[str, ...]:
    if not isinstance(patterns, list) or not all(isinstance(each, str) for each in patterns):
        raise ConfigurationError(f"{name}: [{table}] {key} is a list of texts")
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ConfigurationError(
                f"{name}: [{table}] {key} has {pattern!r}, which is no pattern: {error}"
            ) from error
    return tuple(patterns)


def _any_of(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """Any of them, between word boundaries unless it says otherwise with ^ in front."""
    if not patterns:
        return None
    return re.compile("|".join(rf"\b(?:{each})\b" for each in patterns))


def _aspect(key: str) -> str:
    return CRITERIA[key] or key
