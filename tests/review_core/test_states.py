"""Kept states: what is found again, and what goes when there is no room."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from review_core.states import BLOCK, KeptStates, Slices

ONE = BLOCK * (2 + 1) * 4
"""The bytes of a block: a state of two numbers and a reward of one for each token."""


def text(*blocks: int) -> tuple[int, ...]:
    return tuple(block for block in blocks for _ in range(BLOCK))


def keep(states: KeptStates, ids: tuple[int, ...]) -> list[tuple[int, int]]:
    """Keep blocks that hold their own tokens; return which were asked for."""
    asked = []

    def take(start: int, end: int) -> Slices:
        asked.append((start, end))
        own = np.array(ids[start:end], np.float32)
        return np.stack([own, own])[:, None, :, None], own[:, None]

    states.keep(ids, take)
    return asked


def test_the_longest_known_beginning_is_found_and_only_full_blocks_count() -> None:
    states = KeptStates(100 * ONE)
    keep(states, (*text(1, 2, 3), 4, 4))
    assert len(states.longest(text(1, 2, 9))) == 2
    assert len(states.longest((*text(1), 2, 2))) == 1
    assert states.longest(text(2, 3)) == []
    assert states.bytes == 3 * ONE


def test_what_is_known_is_not_taken_again() -> None:
    states = KeptStates(100 * ONE)
    keep(states, text(1, 2))
    assert keep(states, text(1, 2, 3)) == [(2 * BLOCK, 3 * BLOCK)]
    assert keep(states, text(1, 2, 3)) == []


def test_the_same_tokens_after_others_are_another_block() -> None:
    states = KeptStates(100 * ONE)
    keep(states, text(1, 2))
    keep(states, text(3, 2))
    assert states.bytes == 4 * ONE


def test_the_least_used_goes_first_and_an_end_before_its_beginning() -> None:
    states = KeptStates(4 * ONE)
    keep(states, text(1, 2, 3))
    keep(states, text(7))
    states.longest(text(1, 2))
    keep(states, text(8))  # for it the third block of the first goes, older than 7, 1 and 2
    assert len(states.longest(text(1, 2, 3))) == 2
    assert len(states.longest(text(7))) == 1
    keep(states, text(9))  # for it 8 goes, the only one not used since
    assert states.longest(text(8)) == []
    assert len(states.longest(text(1, 2))) == 2


def test_of_a_text_that_is_too_large_the_beginning_is_kept() -> None:
    states = KeptStates(2 * ONE)
    keep(states, text(1, 2, 3))
    assert len(states.longest(text(1, 2, 3))) == 2


def test_no_room_keeps_nothing() -> None:
    states = KeptStates(0)
    keep(states, text(1, 2))
    assert states.longest(text(1, 2)) == []
    assert states.bytes == 0


@given(
    st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=5), max_size=12),
    st.integers(0, 6),
)
def test_room_is_never_exceeded_and_what_is_found_is_what_was_kept(
    texts: list[list[int]], room: int
) -> None:
    states = KeptStates(room * ONE)
    for blocks in texts:
        ids = text(*blocks)
        keep(states, ids)
        assert states.bytes <= room * ONE
        found = states.longest(ids)
        assert len(found) <= len(blocks)
        for (_, rewards), block in zip(found, blocks, strict=False):
            assert rewards.tolist() == [[block]] * BLOCK
