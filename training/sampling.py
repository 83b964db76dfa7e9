"""Chooses training pairs so that length says nothing, and makes neutral pairs out of them."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from review_core.records import PreferencePair
from training.neutral import neutral_edits

COMMITS = "COMMITS"
"""The subset of pairs that come from commits."""


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
    count: int | None = None,
    seed: int = 0,
) -> list[PreferencePair]:
    """Draw pairs at random, at most `per_cell` for each (aspect, commit or not,
    longer/shorter/equal).

    Within an aspect and source kind, the more frequent direction is held to `max_ratio` times the
    rarer one: what is left of the imbalance is for sample weights to remove.

    :param max_characters: pairs with more on both sides together are left out (they cost most and
    teach least).
    :param count: most pairs in all.
    :return: in random order, the same for the same input and seed.
    """
    cells: dict[tuple[str, bool], dict[bool | None, list[PreferencePair]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for pair in pairs:
        if len(pair.chosen) + len(pair.rejected) <= max_characters:
            cells[pair.aspect, pair.subset == COMMITS][chosen_is_longer(pair)].append(pair)
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
    return drawn[:count]


def neutral_pairs(
    pairs: Sequence[PreferencePair], count: int, *, seed: int = 0
) -> list[PreferencePair]:
    """Ties: a side of a drawn pair against a meaning-preserving edit of itself, kinds as evenly
    mixed as they apply.

    :return: at most `count`, fewer when no more edits apply; `subset` names the kind of edit.
    """
    rng = random.Random(seed)
    drawn: list[PreferencePair] = []
    used: Counter[str] = Counter()
    for pair in rng.sample(list(pairs), len(pairs)):
        if len(drawn) == count:
            break
        code = rng.choice((pair.chosen, pair.rejected))
        edits = neutral_edits(code, pair.language, rng)
        if edits:
            kind = min(sorted(edits), key=lambda name: used[name])
            used[kind] += 1
            subset = f"NEUTRAL/{kind}"
            drawn.append(replace(pair, chosen=edits[kind], rejected=code, subset=subset, tie=True))
    return drawn


def texts_by_language(
    pairs: Sequence[PreferencePair], characters: int, *, seed: int = 0
) -> Iterator[str]:
    """Chosen sides at random, until about `characters` of each language are given."""
    given: Counter[str] = Counter()
    order = list(pairs)
    random.Random(seed).shuffle(order)
    for pair in order:
        if given[pair.language] < characters:
            given[pair.language] += len(pair.chosen)
            yield pair.chosen
