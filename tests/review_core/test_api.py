"""From a change to a report: the scorer counts words (conftest.py), everything else is real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from review_core.api import LAYOUT_ONLY, review
from review_core.calibration import Calibration
from review_core.config import (
    AxisMode,
    AxisSettings,
    OutOfDistribution,
    Settings,
    default_settings,
)
from review_core.honesty import LEANS_ON_COMMENTS
from review_core.types import (
    Axis,
    Change,
    FileChange,
    FunctionReview,
    Report,
    Skipped,
    Verdict,
)

Review = Callable[..., Report]


def change(*files: tuple[str, str | None, str | None], **more: Any) -> Change:
    return Change(
        "b", "h", tuple(FileChange(path, base, head) for path, base, head in files), **more
    )


@pytest.fixture
def scorer(fake_scorer: Callable[..., Any]) -> Any:
    return fake_scorer()


@pytest.fixture
def reviewed(scorer: Any, calibration: Calibration) -> Review:
    def run(
        *files: tuple[str, str | None, str | None],
        settings: Settings | None = None,
        by: Any = None,
        **more: Any,
    ) -> Report:
        chosen = settings or default_settings()
        return review(change(*files, **more), by or scorer, calibration, chosen)

    return run


def with_axis(axis: Axis, **fields: Any) -> Settings:
    settings = default_settings()
    changed = replace(settings.axes[axis], **fields)
    return replace(settings, axes={**settings.axes, axis: changed})


def named(report: Report, name: str) -> FunctionReview:
    (found,) = [each for each in report.functions if each.function.name == name]
    return found


def python(*lines: str) -> str:
    return "\n".join(["def f():", *(f"    {line}" for line in lines), ""])


# --- verdicts and findings ------------------------------------------------------------------------


def test_a_regression_becomes_a_finding_with_its_numbers(reviewed: Review) -> None:
    """One marker of three logits: P(worse) = 1 / (1 + e^-3) = .9526."""
    report = reviewed(("a.py", python("x = 1", "return x"), python("x = 1", "return not_correct")))
    (finding,) = report.findings
    assert (finding.path, finding.function, finding.axis) == ("a.py", "f", Axis.CORRECTNESS)
    assert (finding.start_line, finding.end_line) == (3, 3)
    assert finding.margin == -3.0
    assert finding.preference == pytest.approx(0.047426, abs=1e-6)
    assert finding.message == "correctness: likely worse than base, P(worse) 95 %"
    assert finding.criterion == "Functional_Correctness"
    assert (report.notices, report.withheld, report.skipped) == ((), (), ())


def test_better_is_said_but_is_no_finding_and_the_rest_is_unsure(reviewed: Review) -> None:
    report = reviewed(("a.py", python("return x"), python("return very_safe")))
    verdicts = {axis: score.verdict for axis, score in named(report, "f").scores.items()}
    assert verdicts.pop(Axis.SECURITY) is Verdict.BETTER
    assert set(verdicts) == {*Axis} - {Axis.SECURITY}
    assert set(verdicts.values()) == {Verdict.UNSURE}
    assert report.findings == ()


def test_an_extracted_function_is_no_regression(reviewed: Review) -> None:
    """The three safe lines are still there, in `g`: nothing got worse."""
    lines = ["first = very_safe(1)", "second = very_safe(2)", "third = very_safe(3)"]
    extracted = "\n\ndef g():\n" + "".join(f"    {line}\n" for line in lines)
    report = reviewed(("a.py", python(*lines), python("return g()") + extracted))
    score = named(report, "f").scores[Axis.SECURITY]
    assert (score.verdict, score.why) == (Verdict.UNSURE, "code moved to `g`")
    assert report.findings == ()
    lost = reviewed(("a.py", python(*lines), python("return g()")))
    assert [finding.axis for finding in lost.findings] == [Axis.SECURITY]


def test_imports_and_the_security_of_tests_are_not_judged(reviewed: Review) -> None:
    imports = reviewed(("a.py", "import very_safe\nx = 1\n", "import not_safe\nx = 1\n"))
    score = imports.functions[0].scores[Axis.SECURITY]
    assert (score.verdict, score.why) == (Verdict.UNSURE, "only imports changed")
    sides = python("return 1"), python("return not_safe + not_correct")
    test = reviewed(("tests/test_a.py", *sides))
    assert [finding.axis for finding in test.findings] == [Axis.CORRECTNESS]
    assert named(test, "f").scores[Axis.SECURITY].why == "not judged in test code"
    code = reviewed(("src/a.py", *sides))
    assert [finding.axis for finding in code.findings] == [Axis.CORRECTNESS, Axis.SECURITY]


def test_unchanged_functions_are_never_scored_and_all_others_are_asked_for_at_once(
    reviewed: Review, scorer: Any
) -> None:
    base = "def kept():\n    return 1\n\n\n" + python("return 2")
    head = "def kept():\n    return 1\n\n\n" + python("return 3")
    report = reviewed(("a.py", base, head), ("b.py", python("return 4"), python("return 5")))
    assert [each.function.name for each in report.functions] == ["f", "f"]
    (asked,) = scorer.calls
    assert len(asked) == 4
    assert not any("kept" in code for code in asked)


def test_functions_come_in_the_order_of_files_and_lines(reviewed: Review) -> None:
    def file(value: int) -> str:
        return f"def b():\n    return {value}\n\n\ndef a():\n    return {value}\n"

    report = reviewed(("z.py", file(1), file(2)), ("a.py", file(1), file(2)))
    order = [(each.function.path, each.function.name) for each in report.functions]
    assert order == [("z.py", "b"), ("z.py", "a"), ("a.py", "b"), ("a.py", "a")]


def test_an_axis_takes_its_most_confident_criterion_and_names_it(reviewed: Review) -> None:
    """Runtime two words worse (6 logits), memory one word better (3)."""
    report = reviewed(
        ("a.py", python("return 0"), python("return not_fast + not_fast + very_small"))
    )
    score = named(report, "f").scores[Axis.EFFICIENCY]
    assert (score.criterion, score.margin) == ("Runtime_Efficiency", -6.0)
    assert report.findings[0].message.startswith("efficiency (runtime efficiency): likely worse")


def test_a_criterion_that_may_not_speak_does_not_silence_one_that_may(scorer: Any) -> None:
    """Runtime is further from .5 but never precise enough to say anything."""
    speaks = {"temperature": 1.0, "worse_at": 0.1, "better_at": 0.9}
    never = {"temperature": 1.0, "worse_at": None, "better_at": None}
    criteria = {key: speaks for keys in scorer.bundle.manifest.axes.values() for key in keys}
    calibration = Calibration.from_json(
        {"format": 1, "criteria": {**criteria, "Runtime_Efficiency": never}}
    )
    head = python("return very_fast + very_fast + not_small")
    report = review(change(("a.py", python("x"), head)), scorer, calibration, default_settings())
    score = named(report, "f").scores[Axis.EFFICIENCY]
    assert (score.criterion, score.verdict) == ("Memory_Efficiency", Verdict.WORSE)


def test_an_axis_on_which_the_model_never_speaks_is_noticed_once(scorer: Any) -> None:
    """Runtime is further from .5 (9 logits against 0) but silent: memory stands for the axis."""
    speaks = {"temperature": 1.0, "worse_at": 0.1, "better_at": 0.9}
    never = {"temperature": 1.0, "worse_at": None, "better_at": None}
    criteria = {key: speaks for keys in scorer.bundle.manifest.axes.values() for key in keys}
    silent = {"Runtime_Efficiency": never, "Security_Hardness": never}
    calibration = Calibration.from_json({"format": 1, "criteria": criteria | silent})
    head = python("return very_fast + very_fast + very_fast")
    report = review(change(("a.py", python("x"), head)), scorer, calibration, default_settings())
    scores = named(report, "f").scores
    assert scores[Axis.EFFICIENCY].criterion == "Memory_Efficiency"
    assert [axis for axis, score in scores.items() if not score.speaks] == [Axis.SECURITY]
    assert report.notices == (
        "security: no verdicts, the model is not precise enough on it to speak",
    )


def test_the_intent_reaches_the_scorer_and_the_report(reviewed: Review, scorer: Any) -> None:
    report = reviewed(("a.py", python("x"), python("not_safe")), intent="Be quick")
    assert set(scorer.intents) == {"Be quick"}
    assert report.intent == "Be quick"
    reviewed(("a.py", python("x"), python("y")))
    assert scorer.intents[-1] == ""


def test_progress_is_told_of_the_scoring(scorer: Any, calibration: Calibration) -> None:
    told: list[tuple[int, int]] = []
    review(
        change(("a.py", python("x"), python("not_safe"))),
        scorer,
        calibration,
        default_settings(),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(2, 2)]


def test_statistics_are_those_of_this_review_alone(reviewed: Review) -> None:
    first = reviewed(("a.py", python("x"), python("yy"))).statistics
    second = reviewed(("a.py", python("x"), python("yy"))).statistics
    assert (first.files, first.functions, first.sequences) == (1, 1, 2)
    assert replace(second, seconds=0) == replace(first, seconds=0)
    assert first.tokens == len(python("x").strip()) + len(python("yy").strip())


def test_the_same_change_gives_the_same_report(reviewed: Review) -> None:
    files = [(f"{n}.py", python("x"), python("not_safe", f"y{n % 2}")) for n in range(6)]
    first, second = reviewed(*files), reviewed(*files)
    nothing = replace(first.statistics, seconds=0)
    assert replace(first, statistics=nothing) == replace(second, statistics=nothing)
    assert len({finding.id for finding in first.findings}) == 6


# --- what is not scored, and why ------------------------------------------------------------------


def test_new_and_deleted_functions_get_no_verdict(reviewed: Review, scorer: Any) -> None:
    report = reviewed(("new.py", None, python("not_safe")), ("old.py", python("very_safe"), None))
    assert [(each.note, each.scores) for each in report.functions] == [("new", {}), ("deleted", {})]
    assert scorer.calls == []


def test_a_function_that_is_too_long_is_said_with_the_limit(
    reviewed: Review, fake_scorer: Callable[..., Any]
) -> None:
    by = fake_scorer(max_tokens=30)
    report = reviewed(("a.py", python("x"), python("not_safe" * 9)), by=by)
    (found,) = report.functions
    assert found.note == "not scored: longer than the 30 tokens the model reads"
    assert found.scores == {}
    assert report.findings == ()


RUST = "fn f() -> i32 {\n    WORD\n}\n"


def test_a_language_the_model_does_not_know_is_said_and_not_scored(
    reviewed: Review, scorer: Any
) -> None:
    base, head = (RUST.replace("WORD", word) for word in ("1", "not_safe"))
    new = "fn g() {}\n"
    report = reviewed(("a.rs", base, head + new))
    assert named(report, "f").note == "not scored: the model was not trained on Rust"
    assert named(report, "f").scores == {}
    assert named(report, "g").note == "new"
    assert report.notices == (
        "Rust: 1 function not scored, the model was not trained on it; "
        'out_of_distribution = "score" scores them all the same',
    )
    assert scorer.calls == []


def test_such_a_language_is_scored_and_marked_if_settings_say_so(reviewed: Review) -> None:
    settings = replace(default_settings(), out_of_distribution=OutOfDistribution.SCORE)
    base, head = (RUST.replace("WORD", word) for word in ("1", "not_safe"))
    report = reviewed(("a.rs", base, head), settings=settings)
    assert [each.axis for each in report.findings] == [Axis.SECURITY]
    assert named(report, "f").note == "the model was not trained on Rust"
    assert report.notices == ("Rust: 1 function scored though the model was not trained on it",)


def test_a_syntax_error_is_noted_and_the_function_still_scored(reviewed: Review) -> None:
    report = reviewed(("a.py", python("return x"), python("return not_safe +")))
    (found,) = report.functions
    assert found.note == "syntax error"
    assert [each.axis for each in report.findings] == [Axis.SECURITY]


def test_a_syntax_error_that_was_mended_is_noted_as_bases(reviewed: Review) -> None:
    report = reviewed(("a.py", python("return x +"), python("return x + 1")))
    assert report.functions[0].note == "syntax error in base"


def test_skipped_files_are_handed_on_and_unread_languages_join_them(reviewed: Review) -> None:
    given = Skipped("logo.png", "binary")
    report = reviewed(("notes.txt", "a", "b"), skipped=(given,))
    assert report.skipped == (given, Skipped("notes.txt", "not a language Themis reads"))
    assert report.statistics.files == 0


# --- honesty --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        python("# not_safe not_correct", "return 1"),
        python('"""very_clear very_tidy"""', "return 1"),
        python("", "return  1"),
    ],
)
def test_a_change_of_comments_or_layout_alone_is_unsure_on_every_axis(
    reviewed: Review, head: str
) -> None:
    report = reviewed(("a.py", python("return 1"), head))
    (found,) = report.functions
    assert {score.verdict for score in found.scores.values()} == {Verdict.UNSURE}
    assert {score.why for score in found.scores.values()} == {LAYOUT_ONLY}
    assert report.findings == ()


def test_a_verdict_that_leans_on_a_comment_becomes_unsure(reviewed: Review, scorer: Any) -> None:
    head = python("# very_safe", "# not_correct", "return 2")
    report = reviewed(("a.py", python("return 1"), head))
    scores = named(report, "f").scores
    assert (scores[Axis.SECURITY].verdict, scores[Axis.SECURITY].why) == (
        Verdict.UNSURE,
        LEANS_ON_COMMENTS,
    )
    assert scores[Axis.CORRECTNESS].why == LEANS_ON_COMMENTS
    assert scores[Axis.SECURITY].margin == 3.0  # the number stays what it is
    assert scores[Axis.READABILITY].why is None
    assert report.findings == ()
    assert len(scorer.calls) == 2
    assert not any("#" in code for code in scorer.calls[1])


def test_a_verdict_that_holds_without_the_comment_stays(reviewed: Review) -> None:
    head = python("# not_safe", "return not_safe")
    report = reviewed(("a.py", python("return 1"), head))
    score = named(report, "f").scores[Axis.SECURITY]
    assert (score.verdict, score.why, score.margin) == (Verdict.WORSE, None, -6.0)
    assert len(report.findings) == 1


def test_a_comment_cannot_be_what_turns_the_verdict_round(reviewed: Review) -> None:
    """With comments better by 3 (two words up, one down), without them worse by 3."""
    head = python("# very_safe very_safe", "return not_safe")
    report = reviewed(("a.py", python("return 1"), head))
    assert named(report, "f").scores[Axis.SECURITY].why == LEANS_ON_COMMENTS


def test_code_without_comments_is_not_scored_twice(reviewed: Review, scorer: Any) -> None:
    reviewed(("a.py", python("return 1"), python("return not_safe")))
    assert len(scorer.calls) == 1


def test_the_honesty_check_can_be_switched_off(reviewed: Review, scorer: Any) -> None:
    settings = replace(default_settings(), honesty_check=False)
    head = python("# not_correct", "return 2")
    report = reviewed(("a.py", python("return 1"), head), settings=settings)
    assert len(report.findings) == 1
    assert len(scorer.calls) == 1


# --- what the user asked for ----------------------------------------------------------------------


def test_an_axis_that_is_off_is_not_shown_and_its_findings_are_withheld(reviewed: Review) -> None:
    settings = with_axis(Axis.SECURITY, mode=AxisMode.OFF)
    report = reviewed(("a.py", python("x"), python("not_safe")), settings=settings)
    assert Axis.SECURITY not in named(report, "f").scores
    assert report.findings == ()
    (withheld,) = report.withheld
    assert withheld.reason == "security is off by configuration"
    assert withheld.finding.axis is Axis.SECURITY


def test_a_threshold_of_ones_own_replaces_the_bundles(reviewed: Review) -> None:
    """P(worse) is .9526: above .9, below .96."""
    files = ("a.py", python("x"), python("not_safe"))
    for worse_at, findings in ((0.96, 0), (0.95, 1), (None, 1)):
        settings = with_axis(Axis.SECURITY, worse_at=worse_at)
        assert len(reviewed(files, settings=settings).findings) == findings
    stricter = reviewed(files, settings=with_axis(Axis.SECURITY, worse_at=0.96))
    assert named(stricter, "f").scores[Axis.SECURITY].verdict is Verdict.UNSURE
    assert stricter.notices == ()


def test_a_threshold_below_the_measured_one_is_told(reviewed: Review) -> None:
    settings = with_axis(Axis.SECURITY, worse_at=0.7)
    report = reviewed(("a.py", python("x"), python("y")), settings=settings)
    assert report.notices == (
        "security: findings from P(worse) 70 % by configuration; "
        "90 % is what was measured to be precise enough",
    )


def test_an_ignore_in_the_code_withholds_and_one_for_nothing_is_told(reviewed: Review) -> None:
    head = "# themis: ignore[security]\n" + python("return not_safe + not_correct")
    report = reviewed(("a.py", python("return 1"), head))
    assert [each.axis for each in report.findings] == [Axis.CORRECTNESS]
    assert [each.reason for each in report.withheld] == ["ignored by the comment at line 1"]
    assert report.notices == ()
    harmless = "# themis: ignore[security]\n" + python("return 2")
    (notice,) = reviewed(("a.py", python("return 1"), harmless)).notices
    assert notice.startswith("a.py:1: this `themis: ignore` withholds nothing in this change")


def test_axis_settings_are_whole() -> None:
    """So that the tests above cannot pass by naming a field that is not there."""
    assert AxisSettings(AxisMode.COMMENT, None) == default_settings().axes[Axis.SECURITY]
