"""Finds pairs that came before, and texts that are preferred both ways."""

from __future__ import annotations

import hashlib

from review_core.layout import normalise
from review_core.records import PreferencePair
from training.preparation.funnel import Drop

_FIRST, _SECOND, _TIE, _GIVEN = 1, 2, 4, 8
_WAYS = _FIRST | _SECOND | _TIE


class Comparisons:
    """Every comparison of two texts by an aspect, and which way it went: about 150 bytes each.

    Texts are alike when every model of ours reads them alike (line ends and trailing blanks aside).
    """

    def __init__(self) -> None:
        self._ways: dict[bytes, int] = {}

    def add(self, pair: PreferencePair) -> None:
        """Take note of a pair; all are added before any is judged."""
        key, way = _key(pair)
        self._ways[key] = self._ways.get(key, 0) | way

    def judge(self, pair: PreferencePair) -> Drop | None:
        """Why to drop a pair: it was judged before, or some pair says the opposite."""
        key, way = _key(pair)
        ways = self._ways[key]
        if ways & _WAYS != way:
            return Drop("contradiction", "preferred both ways")
        if ways & _GIVEN:
            return Drop("duplicate", "the same texts and aspect")
        self._ways[key] = ways | _GIVEN
        return None


def _key(pair: PreferencePair) -> tuple[bytes, int]:
    """A digest of aspect and texts, and which of the two (in the order of their digests) won."""
    sides = [hashlib.blake2b(normalise(t).encode()).digest() for t in (pair.chosen, pair.rejected)]
    key = hashlib.blake2b(pair.aspect.encode(), digest_size=16)
    for side in sorted(sides):
        key.update(side)
    way = _TIE if pair.tie else _FIRST if sides[0] <= sides[1] else _SECOND
    return key.digest(), way
