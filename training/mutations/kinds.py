"""The kinds of bugs, and a snippet with one of them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from review_core.languages import language_named
from review_core.snippet import Snippet
from training.mutations.code import Code, Mutation
from training.mutations.names import copy_paste, swapped_arguments
from training.mutations.operators import (
    inverted_condition,
    off_by_one,
    wrong_constant,
    wrong_operator,
)
from training.mutations.statements import (
    dropped_check,
    missing_await,
    missing_jump,
    missing_release,
    missing_unlock,
    moved_statement,
    repeated_statement,
    swallowed_error,
)
from training.mutations.types import lost_conversion, wrong_comparison
from training.mutations.variables import wrong_variable

_CORRECTNESS, _MEMORY = "Functional_Correctness", "Memory_Efficiency"


@dataclass(frozen=True, slots=True)
class BugKind:
    """One kind of bug. aspect: the criterion by which the snippet without it is better.

    length: what the bug makes of the snippet: shorter, longer, equal, or mixed.
    """

    find: Callable[[Code], Iterator[Mutation]]
    length: str
    aspect: str = _CORRECTNESS


KINDS: Mapping[str, BugKind] = {
    "off_by_one": BugKind(off_by_one, "mixed"),
    "swapped_arguments": BugKind(swapped_arguments, "equal"),
    "dropped_check": BugKind(dropped_check, "shorter"),
    "inverted_condition": BugKind(inverted_condition, "mixed"),
    "wrong_operator": BugKind(wrong_operator, "mixed"),
    "wrong_variable": BugKind(wrong_variable, "mixed"),
    "wrong_constant": BugKind(wrong_constant, "mixed"),
    "copy_paste": BugKind(copy_paste, "mixed"),
    "missing_release": BugKind(missing_release, "shorter", _MEMORY),
    "missing_unlock": BugKind(missing_unlock, "shorter"),
    "missing_await": BugKind(missing_await, "shorter"),
    "missing_jump": BugKind(missing_jump, "shorter"),
    "swallowed_error": BugKind(swallowed_error, "mixed"),
    "moved_statement": BugKind(moved_statement, "mixed"),
    "repeated_statement": BugKind(repeated_statement, "longer"),
    "lost_conversion": BugKind(lost_conversion, "shorter"),
    "wrong_comparison": BugKind(wrong_comparison, "mixed"),
}
"""Every kind, by the name that records carry."""


def injected_bugs(code: str, language: str, rng: random.Random) -> dict[str, str]:
    """The code with one bug of each kind that applies.

    Every result differs from `code` (line ends aside) in its code and parses no worse. Equal
    arguments give equal results, the state of `rng` included.

    :param language: its name as in records; one that we do not read has no mutants.
    """
    mutants = Mutants.of(code, language)
    if mutants is None:
        return {}
    found = ((kind, mutants.mutant(kind, rng)) for kind in KINDS)
    return {kind: mutated for kind, mutated in found if mutated is not None}


@dataclass(frozen=True, slots=True)
class Mutants:
    """A snippet and what could be done to it, by kind of bug."""

    snippet: Snippet
    mutations: Mapping[str, tuple[Mutation, ...]]

    @classmethod
    def of(cls, code: str, language: str) -> Mutants | None:
        """Find the mutations of a snippet; None for a language that we do not read."""
        known = language_named(language)
        if known is None:
            return None
        snippet = Snippet.of(code, known)
        tree = Code.of_snippet(snippet)
        found = {
            name: tuple(
                each for each in dict.fromkeys(kind.find(tree)) if not _is_prose(tree, each)
            )
            for name, kind in KINDS.items()
        }
        return cls(snippet, found)

    def mutant(
        self, kind: str, rng: random.Random, *, growth: Callable[[int], int] | None = None
    ) -> str | None:
        """The snippet with one bug of this kind, or None where none applies.

        :param growth: ranks how many bytes a bug adds; the lowest ranks are tried first.
        """
        mutations = list(self.mutations[kind])
        rng.shuffle(mutations)
        if growth is not None:
            rank = growth
            mutations.sort(key=lambda mutation: rank(_growth(mutation)))
        before = self.snippet.errors()
        for mutation in mutations[:_TRIES]:
            mutated = self.snippet.edited(mutation)
            if mutated == self.snippet.text:
                continue
            if Snippet.of(mutated, self.snippet.language).errors() <= before:
                return mutated
        return None


_PROSE = re.compile(rb"\s*(\* |>>>|\.\.\. |//|--|\S* [a-z]+ [a-z]+ [a-z]+ )|\s*\([\w/.-]+\)\s*$")


def _is_prose(tree: Code, mutation: Mutation) -> bool:
    """Whether a fragment's line is of a comment or text whose start was cut off."""
    if not tree.root.has_error:
        return False
    at = mutation[0][0]
    start, end = tree.source.rfind(b"\n", 0, at) + 1, tree.source.find(b"\n", at)
    return _PROSE.match(tree.source[start : end if end >= 0 else None]) is not None


_TRIES = 4
"""How many mutations of a kind may fail to parse before the kind is given up."""


def _growth(mutation: Mutation) -> int:
    return sum(len(instead) - (end - start) for start, end, instead in mutation)
