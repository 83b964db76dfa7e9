"""The editor's settings, section `themis`: when, against what, and how findings are shown. How code
is judged is configured in `.themis.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from enum import StrEnum
from typing import Any


class When(StrEnum):
    """When a document is reviewed without being asked to: in a pause, when saved, or never."""

    TYPE = "onType"
    SAVE = "onSave"
    MANUAL = "manual"


class Scope(StrEnum):
    """Which files have diagnostics."""

    OPEN = "openDocuments"
    CHANGED = "changedFiles"


class Severity(StrEnum):
    """How loud a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class EditorSettings:
    """What an editor may set; keys are the fields in camelCase.

    base: a revision, "index", or "main..." for where HEAD left main. debounce_milliseconds: the
    pause in typing after which a document is reviewed. idle_minutes: after which the model is
    dropped. memory_megabytes: above which the worker is replaced between jobs. model: a bundle's
    folder; wins over configuration files. judge: a second bundle's, asked where the first leans and
    is unsure; both then have to fit into memory_megabytes. trusted: whether configuration files of
    the workspace may name models and a cache folder.
    """

    base: str = "HEAD"
    run: When = When.TYPE
    debounce_milliseconds: int = 300
    scope: Scope = Scope.OPEN
    severity: Severity = Severity.WARNING
    code_lens: bool = True
    hover: bool = True
    inlay_hints: bool = False
    model: str | None = None
    judge: str | None = None
    trusted: bool = True
    idle_minutes: float = 5.0
    memory_megabytes: int = 600


_AT_LEAST: Mapping[str, float] = {
    "debounce_milliseconds": 0,
    "idle_minutes": 0.01,
    "memory_megabytes": 100,
}


def editor_settings(document: object) -> tuple[EditorSettings, tuple[str, ...]]:
    """The settings that a client sent, and a line for each that makes no sense, which keeps its
    default: an editor has to go on.
    """
    if document is None:
        return EditorSettings(), ()
    if not isinstance(document, Mapping):
        return EditorSettings(), ("the settings of themis must be an object",)
    known = {camel_case(field.name): field.name for field in fields(EditorSettings)}
    values: dict[str, Any] = {}
    problems = []
    for key, value in document.items():
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            problems.append(f"themis.{key} is not a setting{hint}")
            continue
        name = known[key]
        if value is None:
            continue
        try:
            values[name] = _checked(name, value)
        except ValueError as error:
            problems.append(f"themis.{key} must be {error}, not {value!r}")
    return EditorSettings(**values), tuple(problems)


def camel_case(name: str) -> str:
    """`code_lens` as editors write it."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


_ENUMS: Mapping[str, type[StrEnum]] = {"run": When, "scope": Scope, "severity": Severity}


def _checked(name: str, value: object) -> object:
    """:raises ValueError: saying what it has to be."""
    if name in _ENUMS:
        choices = list(_ENUMS[name])
        if value not in choices:
            raise ValueError(" or ".join(f'"{choice}"' for choice in choices))
        return _ENUMS[name](str(value))
    default = getattr(EditorSettings(), name)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError("true or false")
        return value
    if isinstance(default, (int, float)):
        least = _AT_LEAST[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < least:
            raise ValueError(f"a number of at least {least:g}")
        return type(default)(value)
    if not isinstance(value, str) or not value.strip():
        raise ValueError("text")
    return value.strip()
