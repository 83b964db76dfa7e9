"""The prefix tree holds every request and every prefix once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from review_core.prefixes import Node, prefix_tree

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
