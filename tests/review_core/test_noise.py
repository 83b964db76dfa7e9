"""When a merge history is enough to raise a threshold, and how far."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from scipy.stats import beta

from review_core.merged import Fate, Merged, MergedFunction
from review_core.noise import Labelled, Noise, needed, noise, tally, upper_bound
from review_core.types import Axis

SECURITY, READABILITY = (Axis.SECURITY,), (Axis.READABILITY, Axis.MAINTAINABILITY)


def merge(*functions: tuple[Fate, dict[Axis, float]]) -> tuple[Merged, Sequence[Fate]]:
    made = tuple(
        MergedFunction(("a.py", "f"), ("a.py", "f"), "base", "head", True, worse)
        for _, worse in functions
    )
    return Merged("ab", "Change", 0, made), [fate for fate, _ in functions]


def quiet(count: int) -> Labelled:
    return [merge((Fate.KEPT, {}))] * count


def loud(count: int, worse: float, fate: Fate = Fate.KEPT) -> Labelled:
    return [merge((fate, {Axis.SECURITY: worse}))] * count


def one(history: Labelled, budget: float = 0.2, present: float = 0.8) -> Noise:
    (found,) = noise(history, {SECURITY: present}, budget)
    return found


@pytest.mark.parametrize(("count", "of"), [(0, 14), (1, 30), (7, 40), (40, 40)])
def test_the_bound_is_that_of_clopper_and_pearson(count: int, of: int) -> None:
    expected = 1.0 if count == of else beta.ppf(0.95, count + 1, of - count)
    assert upper_bound(count, of, 0.05) == pytest.approx(expected, abs=1e-7)


def test_so_many_merges_are_needed_that_a_silent_history_just_shows_it() -> None:
    """.8 ** n <= .05: n = 14. With 13 it cannot be shown, whatever they say."""
    assert needed(0.2, 0.05) == 14
    assert upper_bound(0, 14, 0.05) <= 0.2 < upper_bound(0, 13, 0.05)
    too_few = one(quiet(13))
    assert (too_few.worse_at, too_few.missing) == (None, 1)
    assert one(quiet(14)).worse_at == 0.8
    with pytest.raises(ValueError, match="between 0 and 1"):
        needed(0.0, 0.05)


def test_the_threshold_is_raised_above_what_was_found_for_nothing_and_no_further() -> None:
    """10 of 50 noisy at .85 is too much, 2 of 50 at .93 is not: upper bound .121."""
    history = [*quiet(40), *loud(8, 0.853), *loud(2, 0.93)]
    found = one(history)
    assert (found.worse_at, found.noisy, found.merges) == (0.86, 10, 50)
    assert upper_bound(2, 50, 0.05) <= 0.2 < upper_bound(10, 50, 0.05)


def test_findings_on_what_was_reverted_or_fixed_are_no_noise() -> None:
    assert one([*quiet(40), *loud(10, 0.9, Fate.WORSE)]).worse_at == 0.8
    assert one([*quiet(40), *loud(10, 0.9, Fate.KEPT)]).worse_at == 0.91


def test_what_has_no_label_counts_neither_as_a_merge_nor_as_noise() -> None:
    found = one([*quiet(20), *loud(30, 0.9, Fate.UNKNOWN)])
    assert (found.merges, found.noisy, found.worse_at) == (20, 0, 0.8)
    assert found.findings.unknown == 30


def test_where_even_the_surest_are_too_many_there_is_no_threshold() -> None:
    found = one([*quiet(10), *loud(20, 0.999)])
    assert (found.worse_at, found.missing) == (None, 0)


def test_a_merge_is_as_loud_as_its_loudest_function() -> None:
    both = merge((Fate.KEPT, {Axis.SECURITY: 0.82}), (Fate.KEPT, {Axis.SECURITY: 0.97}))
    assert one([*quiet(30), *([both] * 10)]).worse_at == 0.98


def test_the_budget_is_divided_among_the_axes_that_have_findings() -> None:
    """.1 each, at 2.5 %: ln .025 / ln .9 = 35.01."""
    history = [*quiet(35), *loud(5, 0.9)]
    security, readability = noise(history, {SECURITY: 0.8, READABILITY: 0.8}, 0.2)
    assert security.needed == readability.needed == 36
    assert (security.worse_at, readability.worse_at) == (0.91, 0.8)


def test_what_became_of_functions_is_counted_with_and_without_findings() -> None:
    history = [*quiet(4), merge((Fate.WORSE, {})), *loud(2, 0.9, Fate.WORSE), *loud(1, 0.9)]
    with_finding, without = tally(history, Axis.SECURITY), tally(history, found=False)
    assert (with_finding.worse, with_finding.kept) == (2, 1)
    assert (without.worse, without.kept, without.share) == (1, 4, 0.2)
    assert tally([], found=False).share is None
