"""Counts what is in a set: by language, aspect, source, licence and length. Draws nothing."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from review_core.records import PreferencePair
from training.sampling import COMMITS, chosen_is_longer

EDGES = tuple(round(2 ** (at / 2)) for at in range(6, 29))
"""Of the bins of lengths, in characters: 8, 11, 16, 23 ... 16384."""

DIRECTIONS = ("longer", "shorter", "equal")
_DIRECTION = {True: "longer", False: "shorter", None: "equal"}


@dataclass(slots=True)
class Statistics:
    """Counts of one set. lengths: by aspect and direction (of the chosen side), pairs a bin of the
    chosen side's characters; ties and injected bugs, made to say nothing by length, are left out.
    """

    pairs: int = 0
    ties: int = 0
    characters: int = 0
    groups: Counter[str] = field(default_factory=Counter)
    languages: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    kinds: Counter[str] = field(default_factory=Counter)
    subsets: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    directions: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    lengths: defaultdict[str, defaultdict[str, list[int]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(lambda: [0] * (len(EDGES) - 1)))
    )

    def add(self, pair: PreferencePair) -> None:
        """Count one pair."""
        self.pairs += 1
        self.ties += pair.tie
        self.characters += len(pair.chosen) + len(pair.rejected)
        self.languages[pair.language][pair.aspect] += 1
        self.subsets[pair.subset or "none"] += 1
        self.licences[pair.licence or "not said"] += 1
        kind = kind_of(pair)
        self.kinds[kind] += 1
        if kind in ("neutral", "injected"):
            return
        self.groups[pair.group if pair.source or pair.subset else "not said"] += 1
        direction = _DIRECTION[chosen_is_longer(pair)]
        self.directions[pair.aspect][direction] += 1
        self.directions["all"][direction] += 1
        self.lengths[pair.aspect][direction][bisect_right(EDGES[1:-1], len(pair.chosen))] += 1

    @property
    def aspects(self) -> Counter[str]:
        """Pairs by aspect."""
        return sum(self.languages.values(), Counter())

    def to_json(self) -> dict[str, Any]:
        """As stats.json has it, keys in order of their counts."""
        return {
            "pairs": self.pairs,
            "ties": self.ties,
            "characters": self.characters,
            "groups": len(self.groups),
            "kinds": _ordered(self.kinds),
            "aspects": _ordered(self.aspects),
            "languages": {
                name: _ordered(self.languages[name])
                for name in sorted(
                    self.languages, key=lambda each: (-self.languages[each].total(), each)
                )
            },
            "directions": {
                name: {way: counts[way] for way in DIRECTIONS}
                | {"longer_wins": _rounded(longer_wins(counts))}
                for name, counts in sorted(self.directions.items())
            },
            "subsets": _ordered(self.subsets),
            "licences": _ordered(self.licences),
            "sources": _ordered(self.groups),
            "length_edges": list(EDGES),
            "lengths": {
                aspect: {way: ways[way] for way in DIRECTIONS if way in ways}
                for aspect, ways in sorted(self.lengths.items())
            },
        }


def kind_of(pair: PreferencePair) -> str:
    """commit, public, neutral or injected: where a pair comes from in one word."""
    subset = pair.subset or ""
    if subset == COMMITS:
        return "commit"
    for made in ("neutral", "injected"):
        if subset.startswith(f"{made.upper()}/"):
            return made
    return "public"


def longer_wins(counts: Counter[str]) -> float | None:
    """Share of the longer side among the winners, where lengths differ."""
    told = counts["longer"] + counts["shorter"]
    return counts["longer"] / told if told else None


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
