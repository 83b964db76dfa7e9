"""What is held against other pairs: doubles, contradictions, near duplicates, and the split."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from review_core.records import PreferencePair
from training.preparation import likeness as likeness_module
from training.preparation.duplicates import Comparisons
from training.preparation.likeness import (
    PERMUTATIONS,
    Signatures,
    code_text,
    likeness,
    signature,
)
from training.preparation.splits import clusters, group_of, split

PAIR = PreferencePair("p", "good()\n", "bad()\n", "Python", "Functional_Correctness")


# --- doubles and contradictions -------------------------------------------------------------------


def verdicts(*pairs: PreferencePair) -> list[str | None]:
    comparisons = Comparisons()
    for each in pairs:
        comparisons.add(each)
    return [drop.step if (drop := comparisons.judge(each)) else None for each in pairs]


def test_of_equal_pairs_the_first_stays() -> None:
    spaced = replace(PAIR, chosen="good()  \r\n", input="another prompt")
    assert verdicts(PAIR, spaced, PAIR) == [None, "duplicate", "duplicate"]


def test_two_texts_preferred_both_ways_teach_nothing() -> None:
    turned = replace(PAIR, chosen=PAIR.rejected, rejected=PAIR.chosen)
    assert verdicts(PAIR, turned, PAIR) == ["contradiction"] * 3
    assert verdicts(PAIR, replace(PAIR, tie=True)) == ["contradiction"] * 2


def test_another_aspect_may_prefer_the_other_text() -> None:
    turned = replace(
        PAIR, chosen=PAIR.rejected, rejected=PAIR.chosen, aspect="Readability_Maintainability"
    )
    assert verdicts(PAIR, turned) == [None, None]


# --- near duplicates ------------------------------------------------------------------------------


def signatures(*texts: str) -> Signatures:
    raw = b"".join(signature(text, 20) for text in texts)
    return np.frombuffer(raw, "<u4").reshape(len(texts), PERMUTATIONS)


def words(seed: int, count: int = 400) -> list[str]:
    rng = random.Random(seed)
    return [f"w{rng.randrange(10**6)}" for _ in range(count)]


def test_a_signature_estimates_the_jaccard_similarity_of_shingles() -> None:
    """Of 400 words the last 100 differ: 381 shingles each, 281 in common, so 281 / 481 = .584; the
    standard error of 128 places is .044.
    """
    text, other = words(0), words(1)
    a, b = signatures(" ".join(text), " ".join(text[:300] + other[300:]))
    assert (a == b).mean() == pytest.approx(0.584, abs=0.13)


def test_which_side_won_does_not_matter_to_a_signature() -> None:
    assert code_text(PAIR) == code_text(replace(PAIR, chosen=PAIR.rejected, rejected=PAIR.chosen))


def test_the_first_of_like_pairs_stays_within_an_aspect() -> None:
    text = words(2)
    near = [*text[:395], *words(3)[:5]]  # 376 of 386 shingles in common: .974
    far = words(4)
    found = signatures(*(" ".join(each) for each in (text, far, near, near, text)))
    aspects = np.array([0, 0, 0, 1, 1], dtype=np.int32)
    alike = likeness(found, aspects, 0.75)
    assert alike.dropped.tolist() == [False, False, True, False, True]
    assert alike.links == ((0, 3),)
    kept = likeness(found, aspects, 0.75, drop=False)
    assert not kept.dropped.any()
    assert set(clusters(range(5), kept.links)) == {0, 1}


def test_very_many_like_pairs_leave_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one round of comparisons is needed where a bucket is wider than the window."""
    monkeypatch.setattr(likeness_module, "_WINDOW", 4)
    found = np.repeat(signatures(" ".join(words(5))), 100, axis=0)
    alike = likeness(found, np.zeros(100, dtype=np.int32), 0.75)
    assert np.flatnonzero(~alike.dropped).tolist() == [0]


def test_no_pairs_are_alike_among_none() -> None:
    empty = np.zeros((0, PERMUTATIONS), dtype=np.uint32)
    assert likeness(empty, np.zeros(0, dtype=np.int32), 0.75).links == ()


# --- the split ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "subset", "by", "group"),
    [
        ("o/n@1:f", "COMMITS", "source", "o/n"),
        ("o/n@1:f", "COMMITS", "prompt", "o/n"),
        ("contests", None, "source", "contests"),
        ("contests", None, "prompt", "prompt 0d72d5bd89f3691f"),
        (None, None, "source", "prompt 0d72d5bd89f3691f"),
    ],
)
def test_a_group_is_the_repository_or_the_next_best(
    source: str | None, subset: str | None, by: str, group: str
) -> None:
    pair = replace(PAIR, source=source, subset=subset)
    assert group_of(pair, by) == group  # type: ignore[arg-type]


def test_a_pair_of_which_nothing_is_known_stands_alone() -> None:
    assert group_of(replace(PAIR, input=" ", idx="7"), "source") == "pair 7"


SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}


@settings(max_examples=80, deadline=None)
@given(some.data())
def test_no_group_and_no_like_pairs_are_ever_on_two_sides(data: some.DataObject) -> None:
    count = data.draw(some.integers(1, 60))
    numbers = some.integers(0, count - 1)
    groups = data.draw(some.lists(numbers, min_size=count, max_size=count))
    links = data.draw(some.lists(some.tuples(numbers, numbers), max_size=30))
    aspects = data.draw(some.lists(some.integers(0, 4), min_size=count, max_size=count))
    sets = split(clusters(groups, links), aspects, SHARES, seed=data.draw(some.integers(0, 9)))
    sides: defaultdict[int, set[str]] = defaultdict(set)
    for group, name in zip(groups, sets, strict=True):
        sides[group].add(name)
    assert all(len(names) == 1 for names in sides.values())
    assert all(sets[first] == sets[second] for first, second in links)


def test_shares_are_met_in_every_aspect_where_groups_are_small() -> None:
    """3,000 pairs in groups of at most 5: each share of each aspect within a few groups."""
    rng = random.Random(1)
    groups = sorted(rng.randrange(1000) for _ in range(3000))
    aspects = [rng.choices(range(3), (90, 8, 2))[0] for _ in groups]
    sets = split(clusters(groups, ()), aspects, SHARES)
    totals, found = Counter(aspects), Counter(zip(sets, aspects, strict=True))
    for name, share in SHARES.items():
        for aspect, total in totals.items():
            assert abs(found[name, aspect] - share * total) <= 5


def test_a_group_larger_than_a_share_is_trained_on() -> None:
    sets = split([0] * 80 + list(range(1, 21)), [0] * 100, SHARES)
    assert set(sets[:80]) == {"train"}
    assert Counter(sets[80:]) == {"dev": 10, "test": 10}


def test_a_share_of_nothing_gets_nothing_and_a_seed_decides_the_rest() -> None:
    shares = {"train": 0.5, "dev": 0.5, "test": 0.0}
    drawn = [split(range(40), [0] * 40, shares, seed=seed) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert Counter(drawn[0]) == {"train": 20, "dev": 20}


def test_pairs_of_one_prompt_stay_together_where_nothing_else_is_known() -> None:
    first, second = (group_of(replace(PAIR, idx=idx), "source") for idx in "12")
    assert first == second != group_of(replace(PAIR, input="q"), "source")
