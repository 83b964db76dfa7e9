"""Adds pairs of our own making to a set, block by block: neutral ties and injected bugs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from review_core.records import PreferencePair
from training.mutations.pairs import injected_pairs
from training.sampling import neutral_pairs

BLOCK = 5000
"""Pairs held at once; kinds and languages are balanced within a block."""


def with_made(
    pairs: Iterable[PreferencePair], neutral: float, injected: float, *, seed: int
) -> Iterator[PreferencePair]:
    """The pairs and, after each block of them, those made from it.

    :param neutral: how many ties to make for each pair; fewer where fewer edits apply.
    :param injected: how many pairs with an injected bug.
    """
    makers = ((neutral, neutral_pairs), (injected, injected_pairs))
    seen, given = 0, [0, 0]
    for number, block in enumerate(_blocks(pairs)):
        yield from block
        seen += len(block)
        for at, (share, make) in enumerate(makers):
            count = round(share * seen) - given[at]
            given[at] += count
            if count:
                yield from make(block, count, seed=seed * 1_000_003 + number)


def _blocks(pairs: Iterable[PreferencePair]) -> Iterator[list[PreferencePair]]:
    block: list[PreferencePair] = []
    for pair in pairs:
        block.append(pair)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block
