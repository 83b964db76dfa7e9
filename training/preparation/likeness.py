"""Finds pairs whose code is nearly the same: MinHash signatures, banded, then compared.

Source: Broder (1997); banding as in Leskovec, Rajaraman & Ullman, Mining of Massive Datasets,
chapter 3. datasketch makes the signatures; its index keeps every band in dictionaries (several
kilobytes a pair), so bands are sorted here instead, one at a time.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from review_core.records import PreferencePair

PERMUTATIONS = 128
_BANDS, _ROWS = 32, 4
"""Pairs of Jaccard similarity .75 share a band with probability 1 - (1 - .75^4)^32 = .99999."""

_TOKEN = re.compile(r"\w+|[^\w\s]")
_WINDOW = 256
"""In a band that more pairs share, each is compared with this many before it, round by round."""

Signatures = NDArray[np.uint32]  # (pairs, PERMUTATIONS)


def code_text(pair: PreferencePair) -> str:
    """What a signature is made of: both sides, whichever won."""
    return "\0".join(sorted((pair.chosen, pair.rejected)))


def signature(text: str, shingle: int) -> bytes:
    """The MinHash signature of `code_text`, as the bytes of PERMUTATIONS uint32.

    :param shingle: tokens (words and single signs) in a row; a shorter side is one shingle.
    """
    minhash = _minhash().copy()
    shingles = {each for side in text.split("\0") for each in _shingles(side, shingle)}
    minhash.update_batch(sorted(shingles))
    return bytes(minhash.hashvalues.astype("<u4").tobytes())


@cache
def _minhash() -> Any:
    """An empty one, whose permutations take longer to draw than most texts to hash."""
    from datasketch import MinHash

    return MinHash(PERMUTATIONS, seed=1, scheme="affine32")


def _shingles(text: str, length: int) -> Iterator[bytes]:
    tokens = _TOKEN.findall(text)
    for start in range(max(1, len(tokens) - length + 1)):
        yield " ".join(tokens[start : start + length]).encode()


@dataclass(frozen=True, slots=True)
class Likeness:
    """dropped: pairs that are like one before them of their own aspect. links: pairs that are kept
    and alike (of two aspects, or where nothing is dropped): they belong on one side of a split.
    """

    dropped: NDArray[np.bool_]
    links: tuple[tuple[int, int], ...]


def likeness(
    signatures: Signatures, aspects: NDArray[np.int32], least: float, *, drop: bool = True
) -> Likeness:
    """Compare every two pairs that share a band; alike are those whose signatures agree in at least
    a share `least` of their places (standard error .04 at .75).

    :param aspects: a number for the aspect of each pair.
    """
    dropped = np.zeros(len(signatures), dtype=bool)
    while True:
        alive = np.flatnonzero(~dropped)
        found, complete = _alike(signatures, alive, least)
        links, gone = _resolved(found, aspects, drop=drop)
        dropped[gone] = True
        if complete or not gone:
            return Likeness(dropped, tuple(links))


def _alike(
    signatures: Signatures, alive: NDArray[np.intp], least: float
) -> tuple[list[tuple[int, int]], bool]:
    """Pairs (first, second) that are alike, sorted by the second, and whether all were compared."""
    found: set[tuple[int, int]] = set()
    complete = True
    for band in range(_BANDS):
        columns = signatures[alive, band * _ROWS : (band + 1) * _ROWS]
        order = np.lexsort(columns.T)
        same = (columns[order[1:]] == columns[order[:-1]]).all(axis=1)
        bucket = np.concatenate([[0], np.cumsum(~same)])
        starts = np.arange(len(order))
        for step in range(1, _WINDOW + 1):
            starts = starts[starts + step < len(order)]
            starts = starts[bucket[starts] == bucket[starts + step]]
            if not len(starts):
                break
            first, second = alive[order[starts]], alive[order[starts + step]]
            found.update(_verified(signatures, first, second, least))
        complete &= not len(starts)
    return sorted(found, key=lambda link: (link[1], link[0])), complete


def _verified(
    signatures: Signatures, first: NDArray[np.intp], second: NDArray[np.intp], least: float
) -> Iterator[tuple[int, int]]:
    for at in range(0, len(first), _AT_ONCE):
        a, b = first[at : at + _AT_ONCE], second[at : at + _AT_ONCE]
        agree = (signatures[a] == signatures[b]).mean(axis=1) >= least
        for left, right in zip(a[agree].tolist(), b[agree].tolist(), strict=True):
            yield min(left, right), max(left, right)


_AT_ONCE = 1 << 14


def _resolved(
    found: Sequence[tuple[int, int]], aspects: NDArray[np.int32], *, drop: bool
) -> tuple[list[tuple[int, int]], list[int]]:
    """Go through pairs in order: one that is like a kept one of its aspect is dropped."""
    before: defaultdict[int, list[int]] = defaultdict(list)
    for first, second in found:
        before[second].append(first)
    gone: set[int] = set()
    links: list[tuple[int, int]] = []
    for second in sorted(before):
        kept = [first for first in before[second] if first not in gone]
        if drop and any(aspects[first] == aspects[second] for first in kept):
            gone.add(second)
        else:
            links += [(first, second) for first in kept]
    return links, sorted(gone)
