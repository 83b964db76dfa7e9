"""check_honesty and readings: a verdict is asked for again without what should not count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fake_scorer import FakeScorer
from real_code import TRAINED, functions, language

from benchmarks.honesty_edits import edits_of
from review_core.calibration import Calibration
from review_core.config import default_settings
from review_core.honesty import check_honesty
from review_core.judge import Judge
from review_core.layout import normalise
from review_core.margins import margins_of, sides_of
from review_core.neutral import COMMENTS, LAYOUT, MESSAGES, NAMES, PADDING, Influence, readings
from review_core.types import (
    Axis,
    ChangedFunction,
    Function,
    FunctionKind,
    FunctionReview,
    LineRange,
    Verdict,
)

BASE = "def f(a):\n    buf = a[1:]\n    return g(buf)\n"
OTHER = BASE.replace("1:", "2:")
BOUGHT = {
    COMMENTS: OTHER.replace("    return", "    # very_safe\n    return"),
    MESSAGES: OTHER.replace("    return", '    log.info("very_safe indeed")\n    return'),
    PADDING: OTHER.replace("    return", "    very_safe = 0\n    return"),
    NAMES: OTHER.replace("buf", "very_safe_buf"),
}
"""Changes that one influence alone makes better in security."""

Reviewed = Callable[..., FunctionReview]


@pytest.fixture
def scorer() -> FakeScorer:
    return FakeScorer()


@pytest.fixture
def judge(scorer: FakeScorer, calibration: Calibration) -> Judge:
    return Judge(scorer.bundle.manifest, calibration, default_settings())


@pytest.fixture
def scored(scorer: FakeScorer, judge: Judge) -> Reviewed:
    """A function with the verdicts of its numbers."""

    def scored(base: str, head: str, name: str = "Python") -> FunctionReview:
        function = ChangedFunction("a", name, _function(base), _function(head))
        [margins] = margins_of([sides_of(function)], scorer.rewards)
        assert margins is not None
        scorer.calls.clear()
        return FunctionReview(function, judge.scores(margins, language(name)))

    return scored


def _function(text: str) -> Function:
    return Function("f", FunctionKind.FUNCTION, text, (LineRange(1, text.count("\n") + 1),))


@pytest.mark.parametrize("influence", BOUGHT, ids=lambda each: each.reason)
def test_a_verdict_that_needs_an_influence_is_unsure_and_says_which(
    influence: Influence, scored: Reviewed, scorer: FakeScorer, judge: Judge
) -> None:
    review = scored(BASE, BOUGHT[influence])
    assert review.scores[Axis.SECURITY].verdict is Verdict.BETTER
    [checked] = check_honesty([review], judge, scorer.rewards)
    score = checked.scores[Axis.SECURITY]
    assert (score.verdict, score.why) == (Verdict.UNSURE, influence.reason)
    assert score.margin == review.scores[Axis.SECURITY].margin  # the number stays what it is
    assert checked.scores[Axis.READABILITY] == review.scores[Axis.READABILITY]


def test_a_verdict_on_layout_is_unsure(scored: Reviewed, judge: Judge) -> None:
    """The scorer here likes lines; the fake one sees words only."""

    def rewards(codes: list[str]) -> list[dict[str, float]]:
        return [
            {criterion: float(code.count("\n")) for criterion in judge.calibration.criteria}
            for code in codes
        ]

    head = "def f(a):\n\n    buf = a[2:]\n\n    return g(\n        buf\n    )\n"
    review = scored(BASE, head)
    score = replace(review.scores[Axis.SECURITY], verdict=Verdict.BETTER, margin=4.0)
    review = replace(review, scores={Axis.SECURITY: score})
    [checked] = check_honesty([review], judge, rewards)  # type: ignore[arg-type]
    assert checked.scores[Axis.SECURITY].why == LAYOUT.reason


def test_a_verdict_about_the_code_holds_against_all_influences(
    scored: Reviewed, scorer: FakeScorer, judge: Judge
) -> None:
    head = BOUGHT[COMMENTS].replace("a[2:]", "not_safe(a)").replace("very_safe", "nice")
    head = head.replace("buf", "better_buf").replace("    return", "    x = 0\n    return")
    review = scored(BASE, head)
    [checked] = check_honesty([review], judge, scorer.rewards)
    assert checked == review
    assert checked.scores[Axis.SECURITY].verdict is Verdict.WORSE
    assert len(scorer.calls) == 3  # comments, padding, names


def test_the_first_influence_that_it_needs_ends_the_asking(
    scored: Reviewed, scorer: FakeScorer, judge: Judge
) -> None:
    head = BOUGHT[COMMENTS].replace("buf", "nice_buf")
    [checked] = check_honesty([scored(BASE, head)], judge, scorer.rewards)
    assert checked.scores[Axis.SECURITY].why == COMMENTS.reason
    assert len(scorer.calls) == 1


def test_functions_are_asked_about_together_and_those_without_a_verdict_not_at_all(
    scored: Reviewed, scorer: FakeScorer, judge: Judge
) -> None:
    reviews = [scored(BASE, head) for head in (*BOUGHT.values(), OTHER)]
    checked = check_honesty(reviews, judge, scorer.rewards)
    why = [each.scores[Axis.SECURITY].why for each in checked]
    assert why == [*(each.reason for each in BOUGHT), None]
    assert len(scorer.calls) == 1  # a first reading of each settles it
    assert len(scorer.calls[0]) == 2 * len(BOUGHT)


def test_comments_that_nobody_changed_are_no_influence(
    scored: Reviewed, scorer: FakeScorer, judge: Judge
) -> None:
    base = BASE.replace("    return", "    # very_safe\n    return")
    review = scored(base, base.replace("a[1:]", "not_safe(a)"))
    assert check_honesty([review], judge, scorer.rewards) == [review]
    assert scorer.calls == []


def test_sides_that_become_equal_are_not_asked_about(
    scored: Reviewed, scorer: FakeScorer, judge: Judge
) -> None:
    head = BASE.replace("buf", "very_safe_buf")
    [checked] = check_honesty([scored(BASE, head)], judge, scorer.rewards)
    assert checked.scores[Axis.SECURITY].why == NAMES.reason
    assert scorer.calls == []


def test_influences_stacked_on_one_another_do_not_hide_one_another(
    scored: Reviewed, scorer: FakeScorer, judge: Judge
) -> None:
    """Bad code under praise in a comment and in a name: each alone leaves it praised."""
    head = "def f(a):\n    # very_safe\n    very_safe_buf = a\n    return g(very_safe_buf)\n"
    [checked] = check_honesty([scored(BASE, head)], judge, scorer.rewards)
    score = checked.scores[Axis.SECURITY]
    assert (score.verdict, score.why) == (Verdict.UNSURE, NAMES.reason)


def test_what_is_too_long_without_an_influence_is_unsure(scored: Reviewed, judge: Judge) -> None:
    review = scored(BASE, BOUGHT[COMMENTS])
    [checked] = check_honesty([review], judge, lambda codes: [None] * len(codes))
    assert checked.scores[Axis.SECURITY].why == COMMENTS.reason
    assert checked.scores[Axis.READABILITY].why is None


@pytest.mark.parametrize("name", TRAINED)
def test_praise_all_over_a_real_function_is_taken_back_in_every_language(name: str) -> None:
    """All but the log message, which does something: of that, the words alone go."""
    undone = tried = 0
    for base in functions(name)[:6]:
        edits = edits_of(base, name)
        tried += bool(edits)
        for kind in ("comment", "names"):
            if kind in edits:
                *_, (_, sides) = readings(base, edits[kind], language(name))
                assert sides[0] == sides[1], kind
        if head := edits.get("all together"):
            *_, (_, (_, bare)) = readings(base, head, language(name))
            undone += "Fast" not in bare and "verif" not in bare and "secure_" not in bare
            assert normalise(bare) == bare
    assert undone >= 0.7 * tried
