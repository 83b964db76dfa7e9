"""What a check says: fine or not, and then the remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from review_core.errors import ThemisError

Found = TypeVar("Found")


class State(StrEnum):
    """How a check ended. NOTE: it works, and could be better."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. says: what was found, and the remedy if it is wrong."""

    name: str
    state: State
    says: str

    def __str__(self) -> str:
        return f"{self.state:<5} {self.name}: {self.says}"


def tried(
    name: str, look: Callable[[], Found], says: Callable[[Found], str]
) -> tuple[Found | None, Check]:
    """What was found, and the check that says so; None and the error's own words if it failed."""
    try:
        found = look()
    except ThemisError as error:
        return None, Check(name, State.FAIL, str(error))
    return found, Check(name, State.OK, says(found))
