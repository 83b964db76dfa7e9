"""What stays in memory of prefixes between requests: states and rewards, in blocks of tokens.

A function that is edited shares its beginning with what was read a moment ago, and a criterion's
prompt stands in front of every code it is asked about. Holds arrays and forgets them; computes
nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from review_core.prefixes import Ids

BLOCK = 32
"""Tokens. Smaller blocks lose less where texts part and cost more to keep in order."""

Slices: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]
"""State (2 * layers x kv_heads x tokens x head_dim) and rewards (tokens x heads) of some tokens."""

_ROOT = 0


@dataclass(frozen=True, slots=True)
class _Block:
    serial: int
    state: NDArray[np.float32]
    rewards: NDArray[np.float32]

    @property
    def bytes(self) -> int:
        return self.state.nbytes + self.rewards.nbytes


class KeptStates:
    """Blocks by the tokens they hold and the block before them; the least recently used go first.

    A block counts as used whenever one that continues it is, so what many requests share outlives
    what each has of its own.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self._blocks: OrderedDict[tuple[int, Ids], _Block] = OrderedDict()
        self._serials = count(_ROOT + 1)

    def longest(self, ids: Ids) -> list[Slices]:
        """The blocks at hand for the beginning of `ids`, in order."""
        found = self._chain(ids)
        for key, _ in reversed(found):
            self._blocks.move_to_end(key)
        return [(block.state, block.rewards) for _, block in found]

    def keep(self, ids: Ids, take: Callable[[int, int], Slices]) -> None:
        """Remember all full blocks of `ids` that are not at hand yet.

        :param take: gives arrays of the store's own for tokens start to end of `ids`.
        """
        found = self._chain(ids)
        keys = [key for key, _ in found]
        serial = found[-1][1].serial if found else _ROOT
        for start in range(len(found) * BLOCK, len(ids) - BLOCK + 1, BLOCK):
            block = _Block(next(self._serials), *take(start, start + BLOCK))
            key = serial, ids[start : start + BLOCK]
            self._blocks[key] = block
            self.bytes += block.bytes
            keys.append(key)
            serial = block.serial
        # From the end, so that a block is younger than what continues it: ends go first.
        for key in reversed(keys):
            self._blocks.move_to_end(key)
        while self.bytes > self.max_bytes:
            _, gone = self._blocks.popitem(last=False)
            self.bytes -= gone.bytes

    def _chain(self, ids: Ids) -> list[tuple[tuple[int, Ids], _Block]]:
        found: list[tuple[tuple[int, Ids], _Block]] = []
        serial = _ROOT
        for start in range(0, len(ids) - BLOCK + 1, BLOCK):
            key = serial, ids[start : start + BLOCK]
            block = self._blocks.get(key)
            if block is None:
                break
            found.append((key, block))
            serial = block.serial
        return found
