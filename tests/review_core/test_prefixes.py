"""The prefix tree holds every request and every prefix once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from review_core.prefixes import Node, fold, prefix_tree

IDS = st.lists(st.integers(0, 2), min_size=1, max_size=9).map(tuple)


def nodes(root: Node) -> list[Node]:
    found = list(root.children)
    for node in found:
        found.extend(node.children)
    return found


@given(st.lists(IDS, max_size=12), st.integers(1, 10))
def test_every_request_is_a_path_and_every_prefix_stands_once(
    texts: list[tuple[int, ...]], longest: int
) -> None:
    tree = nodes(prefix_tree(texts, longest))
    ends = [node for node in tree if node.sequence is not None]
    assert sorted(node.sequence or () for node in ends) == sorted(set(texts))
    for node in ends:
        assert tuple(token for above in node.path for token in above.ids) == node.sequence
    prefixes = {ids[:end] for ids in texts for end in range(1, len(ids) + 1)}
    assert sum(len(node.ids) for node in tree) == len(prefixes)
    for node in tree:
        assert 1 <= len(node.ids) <= longest
        assert node.end == sum(len(above.ids) for above in node.path)
        assert node.waiting == len(node.children)


def test_a_thousand_texts_that_each_continue_the_last_need_no_deep_stack() -> None:
    texts = [tuple(range(length)) for length in range(1, 1500)]
    assert len(nodes(prefix_tree(texts, 512))) == 1499


def test_small_nodes_give_their_tokens_to_their_children() -> None:
    """1 2 is shared by two; 1 2 3 4 5 6 by three and ends a sequence, so it stays."""
    texts = [(1, 2, 9, 9), (1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5, 6, 8)]
    root = prefix_tree(texts, 99)
    fold(root, 2)
    assert sorted(node.ids for node in root.children) == [(1, 2, 3, 4, 5, 6), (1, 2, 9, 9)]
    assert root.waiting == 2
    (stays,) = (node for node in root.children if node.children)
    assert stays.start == 0
    assert [(node.ids, node.start, node.parent is stays) for node in stays.children] == [
        ((7,), 6, True),
        ((8,), 6, True),
    ]


def test_pieces_of_one_run_and_what_is_computed_stay() -> None:
    root = prefix_tree([(1, 2, 3, 4)], 2)
    fold(root, 99)
    assert [node.ids for node in root.children] == [(1, 2)]
    root = prefix_tree([(1, 2), (1, 3)], 99)
    root.children[0].rewards = np.zeros((1, 1), np.float32)
    fold(root, 99)
    assert [node.ids for node in root.children] == [(1,)]
