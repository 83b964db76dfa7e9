"""Finds local clones and what their repositories are called. Reads no history."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from review_core.errors import InputError

NOBODY = "local"
"""The owner of a clone that does not say whose it is."""

_REMOTE = re.compile(r"(?:^|[/:])([^/:]+)/([^/:]+?)(?:\.git)?/?$")
_FOLDER = re.compile(r"([\w.-]+?)(?:\+|__)([\w.-]+)")
_UNNAMEABLE = re.compile(r"[^\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Clone:
    """A clone on this disk. name: "owner/name", as sources of records spell it."""

    name: str
    path: Path

    @property
    def stem(self) -> str:
        """A file name for what is made of it."""
        return self.name.replace("/", "+")  # which no name holds


def find_clones(paths: Iterable[Path]) -> tuple[Clone, ...]:
    """The clones that `paths` are or hold, at most two folders deep (owner/name), by name.

    :raises InputError: for a path that is neither, and for two clones of one name.
    """
    found: dict[str, Clone] = {}
    for path in paths:
        here = [_clone(folder) for folder in _repositories(path)]
        if not here:
            raise InputError(
                f"{path} is not a git repository and holds none; give clones, or a folder of clones"
            )
        for clone in here:
            other = found.setdefault(clone.name.casefold(), clone)
            if other.path.resolve() != clone.path.resolve():
                raise InputError(
                    f"{other.path} and {clone.path} are both {clone.name}; leave one out, "
                    "or set another remote.origin.url"
                )
    return tuple(sorted(found.values(), key=lambda clone: clone.name))


def never_mined(path: Path | None) -> frozenset[str]:
    """The names, in lower case, of the repositories that are there to evaluate on.

    :raises InputError: naming the line that is no owner/name.
    """
    try:
        source = path or files("training.mining") / "evaluation_only.txt"
        text = source.read_text("utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    names = set()
    for number, line in enumerate(text.splitlines(), 1):
        name = line.partition("#")[0].strip().casefold()
        if name and not re.fullmatch(r"[^/\s]+/[^/\s]+", name):
            raise InputError(f"{path}:{number} is {line.strip()!r}; write owner/name")
        names.add(name)
    return frozenset(names - {""})


def is_never_mined(clone: Clone, names: frozenset[str]) -> bool:
    """Whether it is one of them; without a known owner its name alone is enough."""
    name = clone.name.casefold()
    if name in names:
        return True
    owner, _, last = name.partition("/")
    return owner == NOBODY and any(last == each.partition("/")[2] for each in names)


def _repositories(path: Path) -> Iterator[Path]:
    if _is_repository(path):
        yield path
        return
    for below in _folders(path):
        if _is_repository(below):
            yield below
        else:
            yield from filter(_is_repository, _folders(below))


def _folders(path: Path) -> Sequence[Path]:
    try:
        return sorted(each for each in path.iterdir() if each.is_dir())
    except OSError:  # a file, or a folder that is not ours to read
        return ()


def _is_repository(path: Path) -> bool:
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


def _clone(path: Path) -> Clone:
    owner, name = _from_remote(path) or _from_folders(path)
    return Clone(f"{_nameable(owner)}/{_nameable(name)}", path)


def _from_remote(path: Path) -> tuple[str, str] | None:
    """What the clone was made from, read as text: no git is asked, no setting is honoured."""
    config = next(
        (each for each in (path / ".git/config", path / "config") if each.is_file()), None
    )
    if config is None:
        return None
    section = ""
    for line in config.read_text("utf-8", "replace").splitlines():
        if line.lstrip().startswith("["):
            section = line.strip()
        key, _, value = line.partition("=")
        if section == '[remote "origin"]' and key.strip().lower() == "url":
            value = value.strip()
            # A path on this disk says who copied it, not whose it is.
            is_remote = "://" in value or re.match(r"[^/\\]+:", value)
            found = _REMOTE.search(value) if is_remote and "file://" not in value else None
            return found and (found[1], found[2])
    return None


def _from_folders(path: Path) -> tuple[str, str]:
    """From `owner/name`, `owner+name` or `owner__name`."""
    path = path.resolve()
    folder = path.name.removesuffix(".git")
    for name in (folder, path.parent.name):
        if found := _FOLDER.fullmatch(name):
            return found[1], found[2]
    return NOBODY, folder


def _nameable(name: str) -> str:
    return _UNNAMEABLE.sub("-", name).strip(".") or "unnamed"
