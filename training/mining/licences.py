"""Which licence a repository is under, by the text of its licence files. Gives no legal advice."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from review_core.sources.repository import FileMode, Repository

PERMISSIVE, ANY = "permissive", "any"

_FILE = re.compile(r"(un)?licen[cs]e|copying|(mit|bsd|apache|isc)-licen[cs]e", re.IGNORECASE)
_LARGEST = 200_000  # bytes; licences of many parts are long, but not this long


@dataclass(frozen=True, slots=True)
class Licence:
    """How one licence is recognised; phrases are in lower case, with single spaces."""

    id: str
    all: tuple[str, ...]
    none: tuple[str, ...] = ()
    permissive: bool = False

    def fits(self, text: str) -> bool:
        """Whether `text`, in lower case and with single spaces, is this licence."""
        return all(phrase in text for phrase in self.all) and not any(
            phrase in text for phrase in self.none
        )


@cache
def known_licences() -> tuple[Licence, ...]:
    """What licences.toml describes, in its order."""
    text = (files("training.mining") / "licences.toml").read_text("utf-8")
    return tuple(
        Licence(
            each["id"],
            tuple(each["all"]),
            tuple(each.get("none", ())),
            each.get("permissive", False),
        )
        for each in tomllib.loads(text)["licence"]
    )


def licence_of_text(text: str) -> str | None:
    """The SPDX identifier of a licence's text; None if it is none we know."""
    plain = " ".join(re.sub(r"[\"'*#>=-]+", " ", text).lower().split())
    return next((each.id for each in known_licences() if each.fits(plain)), None)


def licence_of(repository: Repository, commit: str) -> str | None:
    """The licence at a commit: "MIT", or "Apache-2.0 AND MIT" where several files lie there.

    None where there is no file, or one of them is none we know.
    """
    found = set()
    for entry in repository.fields("ls-tree", "-z", "--end-of-options", commit):
        about, _, name = entry.partition("\t")
        mode, _, hash_ = about.split()
        if mode not in (FileMode.FILE, FileMode.EXECUTABLE) or not _FILE.match(name):
            continue
        if repository.size(hash_) <= _LARGEST:
            found.add(licence_of_text(repository.content(hash_).decode("utf-8", "replace")))
    if not found or None in found:
        return None
    return " AND ".join(sorted(each for each in found if each))


def is_allowed(licence: str | None, wanted: Sequence[str]) -> bool:
    """Whether every part of `licence` is among the wanted ones."""
    if ANY in wanted:
        return True
    if licence is None:
        return False
    allowed = set(wanted)
    if PERMISSIVE in wanted:
        allowed |= {each.id for each in known_licences() if each.permissive}
    return all(part in allowed for part in licence.split(" AND "))
