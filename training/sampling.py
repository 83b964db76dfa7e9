"""Chooses training pairs so that length says nothing: within an aspect as many chosen sides are longer as are shorter."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable

from review_core.records import PreferencePair


def chosen_is_longer(pair: PreferencePair) -> bool | None:
    """Whether the better side has more characters; None when they have equally many."""
    if len(pair.chosen) == len(pair.rejected):
        return None
    return len(pair.chosen) > len(pair.rejected)


def length_matched(
    pairs: Iterable[PreferencePair],
    *,
    per_cell: int,
    max_ratio: float = 1.5,
    max_characters: int = 2400,
    seed: int = 0,
) -> list[PreferencePair]:
    """Draw pairs at random, at most `per_cell` for each (aspect, commit or not, longer/shorter/equal).

    Within an aspect and source kind, the more frequent direction is held to `max_ratio` times the rarer one: what is
    left of the imbalance is for sample weights to remove.

    :param max_characters: pairs with more on both sides together are left out (they cost most and teach least).
    :return: in random order, the same for the same input and seed.
    """
    cells: dict[tuple[str, bool], dict[bool | None, list[PreferencePair]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for pair in pairs:
        if len(pair.chosen) + len(pair.rejected) <= max_characters:
            cells[pair.aspect, pair.subset == "COMMITS"][chosen_is_longer(pair)].append(pair)
    rng = random.Random(seed)
    drawn: list[PreferencePair] = []
    for key in sorted(cells):
        directions = cells[key]
        rarer = min(len(directions[True]), len(directions[False]))
        for longer in (True, False, None):
            room = per_cell if longer is None else min(per_cell, max(1, round(max_ratio * rarer)))
            found = directions[longer]
            drawn.extend(rng.sample(found, min(room, len(found))))
    rng.shuffle(drawn)
    return drawn
