"""When answers are enough to move a threshold, and where they put it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from scipy.stats import beta, binom

from review_core.feedback import Answer, ShownFinding
from review_core.thresholds import lower_bound, needed, proposals, threshold
from review_core.types import Axis

AXES: dict[Axis, Sequence[str]] = {
    Axis.SECURITY: ("Security",),
    Axis.EFFICIENCY: ("Runtime", "Memory"),
}


def answers(
    answered: Iterable[tuple[float, bool]], criterion: str = "Security", bundle: str = "ab"
) -> list[Answer]:
    """Answers to findings of different functions, by P(worse)."""
    return [
        Answer(
            ShownFinding(
                ids=(f"{number:016x}",),
                path="shop.py",
                function="pay",
                language="Python",
                axis="security",
                criterion=criterion,
                preference=1 - worse,
                bundle=bundle,
                intent="",
                base=f"base {number}",
                head=f"head {number}",
            ),
            right,
            None,
            "2026-01-02",
        )
        for number, (worse, right) in enumerate(answered)
    ]


@pytest.mark.parametrize(("right", "count"), [(1, 1), (19, 20), (20, 20), (37, 60), (2900, 3000)])
def test_the_bound_is_that_of_clopper_and_pearson(right: int, count: int) -> None:
    expected = beta.ppf(0.0125, right, count - right + 1)
    assert lower_bound(right, count) == pytest.approx(expected, abs=1e-7)


def test_nothing_right_bounds_nothing() -> None:
    assert lower_bound(0, 50) == 0


def test_so_many_answers_are_needed_that_a_flawless_record_just_shows_it() -> None:
    """.8 ** n <= .0125, the fourth part of 5 %: n = 20; at .9 n = 42."""
    assert (needed(0.8), needed(0.9)) == (20, 42)
    for wanted in (0.6, 0.8, 0.9, 0.95):
        count = needed(wanted)
        assert lower_bound(count, count) >= wanted > lower_bound(count - 1, count - 1)


def test_with_one_answer_too_few_there_is_no_threshold() -> None:
    assert threshold([(0.9, True)] * 19, 0.8) is None
    assert threshold([(0.9, True)] * 20, 0.8) == 0.9


def test_the_lowest_threshold_that_the_answers_show_is_taken() -> None:
    """Of 40, the surer half is right and of the others only every second."""
    sure = [(0.95, True)] * 20
    unsure = [(0.71, number % 2 == 0) for number in range(20)]
    assert threshold(sure + unsure, 0.8) == 0.95
    assert threshold(sure + [(0.71, True)] * 20, 0.8) == 0.71


def test_mistakes_everywhere_give_no_threshold() -> None:
    assert threshold([(0.6 + number / 250, number % 3 > 0) for number in range(100)], 0.8) is None


def test_a_threshold_is_rarely_shown_where_findings_are_not_right_often_enough() -> None:
    """True precision .79 everywhere, 0.8 wanted: the chance to pass, of each part alone, is at most
    .0125, so of all four at most .05. Exact: binomial probabilities, no drawing.
    """
    chance = 0.0
    for part in (80, 60, 40, 20):
        passing = [n for n in range(part + 1) if lower_bound(n, part) >= 0.8]
        chance += sum(binom.pmf(n, part, 0.79) for n in passing)
    assert 0 < chance <= 0.05


def test_an_axis_waits_for_each_of_its_criteria() -> None:
    told = answers([(0.9, True)] * 20) + answers([(0.8, True)] * 25, "Runtime")
    efficiency, security = proposals(told, AXES, "ab")
    assert (security.axis, security.worse_at, security.missing) == (Axis.SECURITY, 0.9, False)
    assert (efficiency.axis, efficiency.worse_at, efficiency.missing) == (
        Axis.EFFICIENCY,
        None,
        True,
    )
    assert [each.missing for each in efficiency.counts] == [0, 20]


def test_the_stricter_criterion_of_an_axis_counts() -> None:
    told = answers([(0.7, True)] * 20, "Runtime") + answers([(0.9, True)] * 20, "Memory")
    assert proposals(told, AXES, "ab")[0].worse_at == 0.9


def test_answers_of_another_model_count_for_nothing() -> None:
    (_, security) = proposals(answers([(0.9, True)] * 50, bundle="cd"), AXES, "ab")
    assert security.counts[0].answers == 0


def test_one_change_counts_once_whatever_its_findings_are_called() -> None:
    one = answers([(0.9, True)])
    (_, security) = proposals(one * 30, AXES, "ab")
    assert security.counts[0].answers == 1


@pytest.mark.parametrize("wanted", [0.0, 1.0])
def test_nobody_can_show_that_nothing_or_everything_is_right(wanted: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        needed(wanted)
