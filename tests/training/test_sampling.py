"""Which pairs are drawn, and ties made of them."""

from __future__ import annotations

from collections import Counter

from review_core.records import PreferencePair
from training.sampling import (
    cell_of,
    chosen_is_longer,
    length_matched,
    matched_positions,
    neutral_pairs,
    texts_by_language,
)


def pair(chosen: str, rejected: str, aspect: str = "a", subset: str = "COMMITS") -> PreferencePair:
    return PreferencePair("", chosen, rejected, "Python", aspect, subset=subset)


def test_the_frequent_direction_is_held_to_the_ratio() -> None:
    """100 longer and 10 shorter at ratio 1.5: 15 and 10."""
    pairs = [pair("xx" + str(i), "x") for i in range(100)] + [
        pair("x", f"xx{i}") for i in range(10)
    ]
    drawn = length_matched(pairs, per_cell=50, max_ratio=1.5)
    assert Counter(map(chosen_is_longer, drawn)) == {True: 15, False: 10}
    assert drawn == length_matched(pairs, per_cell=50, max_ratio=1.5)
    assert drawn[:7] == length_matched(pairs, per_cell=50, max_ratio=1.5, count=7)


def test_cells_are_matched_apart_and_long_pairs_left_out() -> None:
    pairs = [pair("xx", "x", aspect) for aspect in "ab" for _ in range(5)]
    pairs += [pair("x", "xx", aspect) for aspect in "ab" for _ in range(2)]
    pairs.append(pair("x" * 3000, "x"))
    drawn = length_matched(pairs, per_cell=50, max_ratio=1.0)
    assert Counter((each.aspect, chosen_is_longer(each)) for each in drawn) == {
        (aspect, longer): 2 for aspect in "ab" for longer in (True, False)
    }


def test_neutral_pairs_are_ties_of_mixed_kinds() -> None:
    code = (
        "import os\nimport re\n\n\ndef total(values):\n    count = 0\n"
        "    for value in values:\n        count += value\n    return count\n"
    )
    drawn = neutral_pairs([pair(code, code + "\n")] * 40, 20)
    kinds = Counter(each.subset for each in drawn)
    assert len(drawn) == 20
    assert all(each.tie and each.chosen != each.rejected for each in drawn)
    assert len(kinds) >= 3


def test_texts_stop_at_each_language_s_share() -> None:
    texts = list(texts_by_language([pair("x" * 10, "") for _ in range(9)], characters=25))
    assert len(texts) == 3


def test_what_is_drawn_depends_on_cells_alone() -> None:
    """The same positions whether pairs or their cells are given, and no more than asked for."""
    pairs = [pair("xx" * (at % 3) + "x", "xxx", "ab"[at % 2]) for at in range(60)]
    drawn = length_matched(pairs, per_cell=4, max_ratio=1.0, seed=2)
    cells = matched_positions(map(cell_of, pairs), per_cell=4, max_ratio=1.0, seed=2)
    assert [pairs[position] for position in cells] == drawn
    assert Counter(map(cell_of, drawn)).most_common(1)[0][1] <= 4
