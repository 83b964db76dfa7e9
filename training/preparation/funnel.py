"""Counts what comes in, what is dropped at each step and why, and what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STEPS: Mapping[str, str] = {
    "format": "is a preference pair in a form, language and aspect that we know",
    "evaluation": "is in no repository or set that must only be measured with",
    "length": "is short enough for the base",
    "syntax": "has syntax trees deep enough to be code",
    "prompt_language": "is asked for in a language that we train on",
    "benchmark": "shares no run of words with a benchmark",
    "duplicate": "is no pair that came before",
    "contradiction": "is preferred one way only",
    "perplexity": "is asked for in likely words",
    "near_duplicate": "is not nearly a pair that came before",
    "length_matched": "is drawn when length directions are matched",
}
"""Every step in the order in which a record meets it, and what a record that passes is."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a record goes no further. step: a key of STEPS. reason: few words, few different ones."""

    step: str
    reason: str


@dataclass(slots=True)
class Funnel:
    """How many records came, and how many each step dropped, by reason."""

    read: int = 0
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)

    def drop(self, drop: Drop, count: int = 1) -> None:
        """Count `count` records as dropped for one reason."""
        if count:
            self.dropped[drop.step, drop.reason] += count

    def at(self, step: str) -> int:
        """How many records a step dropped."""
        return sum(count for (name, _), count in self.dropped.items() if name == step)

    @property
    def left(self) -> int:
        """How many passed every step."""
        return self.read - sum(self.dropped.values())

    def to_json(self) -> dict[str, Any]:
        """Read, the steps with what each dropped and left, and what is left in the end."""
        steps, left = [], self.read
        for step in STEPS:
            left -= (gone := self.at(step))
            reasons = {
                reason: count
                for (name, reason), count in sorted(
                    self.dropped.items(), key=lambda item: (-item[1], item[0])
                )
                if name == step
            }
            steps.append({"step": step, "dropped": gone, "left": left, "reasons": reasons})
        return {"read": self.read, "steps": steps, "left": left}
