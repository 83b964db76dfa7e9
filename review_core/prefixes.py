"""A prefix tree over token sequences: what many requests have in common, as nodes to compute once.
Computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

Ids = tuple[int, ...]


class Node:
    """A run of tokens that its children continue. Mutable: the engine hangs rewards and state on it
    and lets them go.

    ids: its own tokens. start: how many tokens stand before them. sequence: the whole path, if a
    request ends here. rewards: tokens x heads, its own tokens only. state: keys and values of its
    own tokens; None when not computed, not needed any more, or not kept for want of room (a child
    then reads the tokens again).
    """

    __slots__ = ("children", "ids", "parent", "rewards", "sequence", "start", "state", "waiting")

    def __init__(self, parent: Node | None, ids: Ids, start: int) -> None:
        self.parent = parent
        self.ids = ids
        self.start = start
        self.sequence: Ids | None = None
        self.children: list[Node] = []
        self.waiting = 0
        """How many children are not done with it yet."""
        self.rewards: NDArray[np.float32] | None = None
        self.state: NDArray[np.float32] | None = None
        if parent is not None:
            parent.children.append(self)
            parent.waiting += 1

    def split(self, tokens: int) -> Node:
        """Give the first `tokens` of its own to a new node above it, and return that.

        Neither may have been computed, and none of the two is left empty.
        """
        upper = Node(None, self.ids[:tokens], self.start)
        upper.parent, upper.children, upper.waiting = self.parent, [self], 1
        if self.parent is not None:
            siblings = self.parent.children
            siblings[siblings.index(self)] = upper
        self.parent = upper
        self.ids = self.ids[tokens:]
        self.start += tokens
        return upper

    def give_way(self) -> None:
        """Leave the tree: each child begins with its tokens instead."""
        if self.parent is None:
            raise ValueError("the root holds no tokens to give")
        siblings = self.parent.children
        at = siblings.index(self)
        siblings[at : at + 1] = self.children
        self.parent.waiting += len(self.children) - 1
        for child in self.children:
            child.parent, child.ids, child.start = self.parent, self.ids + child.ids, self.start

    @property
    def end(self) -> int:
        """How many tokens the path down to here has."""
        return self.start + len(self.ids)

    @property
    def path(self) -> list[Node]:
        """The nodes from below the root down to this one."""
        nodes: list[Node] = []
        node = self
        while node.parent is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]


def prefix_tree(sequences: Iterable[Ids], longest: int) -> Node:
    """The tree's root, which holds no tokens. Every distinct prefix of `sequences` stands in
    exactly one place.

    :param sequences: not empty ones; duplicates become one node.
    :param longest: most tokens a node may hold; longer runs become chains.
    """
    root = Node(None, (), 0)
    # In sorted order, what a group has in common is what its first and last have, and a prefix
    # precedes its extensions.
    groups = [(root, sorted(set(sequences)))]
    while groups:
        parent, group = groups.pop()
        for _, same_token in groupby(group, key=lambda ids, at=parent.end: ids[at]):  # type: ignore[misc]
            family = list(same_token)
            node = _chain(parent, family[0][: _common(family[0], family[-1])], longest)
            if len(family[0]) == node.end:
                node.sequence = family.pop(0)
            if family:
                groups.append((node, family))
    return root


def fold(root: Node, run_cost: int) -> None:
    """Give the tokens of small nodes to their children, which read them again, where that costs
    less than a run of the model for the node.

    :param run_cost: of a run, in tokens. Nodes that are computed stay, as do those where a sequence
        ends.
    """
    waiting = list(root.children)
    while waiting:
        node = waiting.pop()
        waiting += node.children
        again = len(node.ids) * (len(node.children) - 1)
        small = len(node.children) > 1 and again <= run_cost
        if small and node.sequence is None and node.rewards is None:
            node.give_way()


def _common(first: Ids, last: Ids) -> int:
    pairs = zip(first, last, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))


def _chain(parent: Node, path: Ids, longest: int) -> Node:
    node = parent
    for start in range(parent.end, len(path), longest):
        node = Node(node, path[start : start + longest], start)
    return node
