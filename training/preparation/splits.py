"""Splits pairs into train, dev and test by what must stay together, aspect by aspect."""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from review_core.records import PreferencePair

SETS = ("train", "dev", "test")


def group_of(pair: PreferencePair, by: Literal["source", "prompt"]) -> str:
    """What must stay on one side: the pair's repository; without one its source (unless told to
    look at prompts), else its prompt, else the pair alone.
    """
    if pair.source and pair.source.startswith(f"{pair.group}@"):
        return pair.group
    if by == "source" and (pair.subset or pair.source):
        return pair.group
    prompt = pair.input.strip()
    if not prompt:
        return f"pair {pair.idx}"
    return f"prompt {hashlib.blake2b(prompt.encode(), digest_size=8).hexdigest()}"


def clusters(groups: Sequence[int], links: Iterable[tuple[int, int]]) -> list[int]:
    """A number for each pair, equal for pairs of one group and for groups that links join.

    :param groups: a number for the group of each pair, from 0 on.
    :param links: positions of pairs that belong together.
    """
    parents = list(range(max(groups, default=-1) + 1))

    def root(group: int) -> int:
        while parents[group] != group:
            parents[group] = parents[parents[group]]
            group = parents[group]
        return group

    for first, second in links:
        left, right = sorted((root(groups[first]), root(groups[second])))
        parents[right] = left
    return [root(group) for group in groups]


def split(
    together: Sequence[int], aspects: Sequence[int], shares: Mapping[str, float], *, seed: int = 0
) -> list[str]:
    """The set of each pair: clusters whole, shares of every aspect as near as clusters allow.

    Greedy: from the largest cluster to the smallest (of like size in random order), each goes where
    the sum over sets and aspects of (pairs - wanted)^2 / wanted falls most.

    :param together: the cluster of each pair.
    :param aspects: the aspect of each pair.
    :param shares: of the sets, together 1.
    """
    counts: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for cluster, aspect in zip(together, aspects, strict=True):
        counts[cluster][aspect] += 1
    totals = Counter(aspects)
    order = sorted(counts)
    random.Random(seed).shuffle(order)
    order.sort(key=lambda cluster: -counts[cluster].total().bit_length())
    names = [name for name in shares if shares[name] > 0]
    filled = {name: Counter[int]() for name in names}
    where: dict[int, str] = {}

    def change(name: str, cluster: int) -> float:
        cost = 0.0
        for aspect, count in counts[cluster].items():
            wanted = shares[name] * totals[aspect]
            cost += (2 * count * (filled[name][aspect] - wanted) + count * count) / wanted
        return cost

    for cluster in order:
        where[cluster] = min(names, key=lambda name: change(name, cluster))
        filled[where[cluster]].update(counts[cluster])
    return [where[cluster] for cluster in together]
