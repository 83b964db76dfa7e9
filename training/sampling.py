"""Chooses training pairs so that length says nothing, and makes neutral pairs out of them."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from review_core.records import PreferencePair
from training.neutral import neutral_edits
from training.settings import setting

COMMITS = "COMMITS"
"""The subset of pairs that come from commits."""


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """What `sample` draws."""

    per_cell: int = setting(1900, "Most pairs of an aspect, source kind and length direction.")
    max_ratio: float = setting(1.5, "Most pairs of one length direction for one of the other.")
    max_characters: int = setting(2400, "Most characters of a pair.")
    count: int | None = setting(None, "Most pairs in all.  [default: no limit]")
    seed: int = setting(0, "Decides what is drawn.")


@dataclass(frozen=True, slots=True)
class NeutralSettings:
    """What `neutral` makes."""

    count: int = setting(1500, "Most edits to make.")
    max_characters: int = setting(3000, "Most characters of a pair drawn from.")
    seed: int = setting(0, "Decides what is drawn and edited.")


def chosen_is_longer(pair: PreferencePair) -> bool | None:
    """Whether the better side has more characters; None when they have equally many."""
    if len(pair.chosen) == len(pair.rejected):
        return None
    return len(pair.chosen) > len(pair.rejected)


Cell = tuple[str, bool, bool | None]
"""What lengths are matched by: the aspect, whether it is a commit, whether the chosen side is
longer (None: equally long).
"""


def cell_of(pair: PreferencePair) -> Cell:
    """The cell that a pair is counted in."""
    return pair.aspect, pair.subset == COMMITS, chosen_is_longer(pair)


def matched_positions(
    cells: Iterable[Cell], *, per_cell: int, max_ratio: float, seed: int = 0
) -> list[int]:
    """Draw positions at random, at most `per_cell` for each cell.

    Within an aspect and source kind, the more frequent direction is held to `max_ratio` times the
    rarer one: what is left of the imbalance is for sample weights to remove.

    :return: in random order, the same for the same input and seed.
    """
    found: dict[tuple[str, bool], dict[bool | None, list[int]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for position, (aspect, is_commit, direction) in enumerate(cells):
        found[aspect, is_commit][direction].append(position)
    rng = random.Random(seed)
    drawn: list[int] = []
    for key in sorted(found):
        directions = found[key]
        rarer = min(len(directions[True]), len(directions[False]))
        for longer in (True, False, None):
            room = per_cell if longer is None else min(per_cell, max(1, round(max_ratio * rarer)))
            positions = directions[longer]
            drawn.extend(rng.sample(positions, min(room, len(positions))))
    rng.shuffle(drawn)
    return drawn


def length_matched(
    pairs: Iterable[PreferencePair],
    *,
    per_cell: int,
    max_ratio: float = 1.5,
    max_characters: int = 2400,
    count: int | None = None,
    seed: int = 0,
) -> list[PreferencePair]:
    """Draw pairs by `matched_positions`.

    :param max_characters: pairs with more on both sides together are left out (they cost most and
    teach least).
    :param count: most pairs in all.
    """
    short = [pair for pair in pairs if len(pair.chosen) + len(pair.rejected) <= max_characters]
    drawn = matched_positions(
        map(cell_of, short), per_cell=per_cell, max_ratio=max_ratio, seed=seed
    )
    return [short[position] for position in drawn[:count]]


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
