"""When the judge is asked, what of its word stands, and that no other function has a say in it.

The first model counts words at temperature 3, so that it leans on one (.731) and says nothing; the
judge counts them at temperature 1 and is sure (.953).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from typing import Any

import jsonschema
import pytest
from fake_judge import JUDGE, FakeJudge, judge_model, speaking
from fake_scorer import IDENTITY, FakeManifest, FakeScorer

from review_core.api import review
from review_core.baseline import Baseline, baseline_text
from review_core.calibration import Calibration
from review_core.cascade import DISAGREES, OVER_LIMIT, TOO_LONG, JudgeModel, check_pair
from review_core.config import AxisMode, Settings, default_settings
from review_core.errors import ConfigurationError
from review_core.feedback import shown_findings
from review_core.findings import finding_id
from review_core.gates import blocking
from review_core.honesty import LEANS_ON_COMMENTS
from review_core.renderers.json import render_json
from review_core.renderers.markdown import render_markdown
from review_core.renderers.view import columns
from review_core.types import (
    Axis,
    AxisScore,
    Change,
    FileChange,
    FunctionReview,
    Report,
    Verdict,
)

Reviewed = Callable[..., Report]
LEANS = speaking(3.0)


def python(*lines: str, name: str = "f") -> str:
    return "\n".join([f"def {name}():", *(f"    {line}" for line in lines), ""])


def edit(head: str, base: str = "return x", path: str = "a.py") -> FileChange:
    return FileChange(path, python(base), python(head))


def reviewed(
    *files: FileChange,
    by: JudgeModel[Any] | None = None,
    first: Calibration = LEANS,
    settings: Settings | None = None,
    scorer: FakeScorer | None = None,
    **more: Any,
) -> Report:
    change = Change("b", "h", files)
    chosen = settings or default_settings()
    return review(change, scorer or FakeScorer(), first, chosen, second=by or judge_model(), **more)


def settings_with(**judge: Any) -> Settings:
    settings = default_settings()
    return replace(settings, judge=replace(settings.judge, **judge))


def score_of(report: Report, axis: Axis, name: str = "f") -> AxisScore:
    (found,) = [each for each in report.functions if each.function.name == name]
    return found.scores[axis]


# --- who is asked ---------------------------------------------------------------------------------


def test_where_the_first_leans_and_is_silent_the_judge_speaks() -> None:
    """The margin is three logits for both; only the judge's temperature makes .953 of it."""
    report = reviewed(edit("return not_safe"))
    score = score_of(report, Axis.SECURITY)
    assert (score.verdict, score.by_judge, score.margin) == (Verdict.WORSE, True, -3.0)
    assert score.preference == pytest.approx(0.047426, abs=1e-6)
    (finding,) = report.findings
    assert finding.by_judge
    assert finding.message == "security: likely worse than base, P(worse) 95 % by the judge"
    alone = review(
        Change("b", "h", (edit("return not_safe"),)), FakeScorer(), LEANS, settings_with()
    )
    assert alone.findings == ()
    assert (alone.judge, report.judge, report.bundle) == (None, JUDGE, IDENTITY)


def test_a_finding_is_known_by_the_model_that_spoke() -> None:
    report = reviewed(edit("return not_safe"))
    (finding,) = report.findings
    (function,) = [each.function for each in report.functions]
    by_judge = finding_id(function, Axis.SECURITY, "Security_Hardness", JUDGE)
    assert finding.id == by_judge
    assert finding.id != finding_id(function, Axis.SECURITY, "Security_Hardness", IDENTITY)


def test_what_the_first_decides_or_has_no_idea_of_never_opens_the_judge() -> None:
    """Four markers at temperature 3: sigmoid(4) = .982, a verdict. None at all: .5."""
    opened = []

    def open_judge() -> FakeJudge:
        opened.append(1)
        return FakeJudge()

    judge = replace(judge_model(), open=open_judge)
    sure = edit("return not_safe + not_safe + not_safe + not_safe")
    report = reviewed(sure, edit("return y", path="b.py"), by=judge)
    assert [each.by_judge for each in report.findings] == [False]
    assert opened == []
    assert report.statistics.judge is not None
    assert report.statistics.judge.functions == 0
    assert report.judge == JUDGE


def test_the_first_leans_from_the_probability_that_is_set() -> None:
    """At temperature 3 one marker is sigmoid(1) = .7311."""
    asked = reviewed(edit("return not_safe"), settings=settings_with(leaning_from=0.731))
    spared = reviewed(edit("return not_safe"), settings=settings_with(leaning_from=0.732))
    assert score_of(asked, Axis.SECURITY).by_judge
    assert not score_of(spared, Axis.SECURITY).by_judge
    assert score_of(spared, Axis.SECURITY).why is None


def test_axes_on_which_the_first_does_not_lean_keep_its_number() -> None:
    report = reviewed(edit("return not_safe"))
    speakers = {axis: score.by_judge for axis, score in report.functions[0].scores.items()}
    assert speakers == {axis: axis is Axis.SECURITY for axis in Axis}


def test_a_mute_axis_asks_for_nobody_but_is_answered_where_another_asks() -> None:
    first = speaking(3.0, mute=["Security_Hardness"])
    alone = reviewed(edit("return not_safe"), first=first)
    assert not score_of(alone, Axis.SECURITY).by_judge
    together = reviewed(edit("return not_safe + not_correct"), first=first)
    assert score_of(together, Axis.SECURITY).verdict is Verdict.WORSE
    assert {each.axis for each in together.findings} == {Axis.CORRECTNESS, Axis.SECURITY}
    (notice,) = [each for each in alone.notices if each.startswith("security")]
    assert notice == "security: the model is not precise enough on it to speak, the judge is"


def test_a_mute_axis_that_the_configuration_lets_speak_asks() -> None:
    first = speaking(3.0, mute=["Security_Hardness"])
    settings = settings_with()
    loose = replace(settings.axes[Axis.SECURITY], worse_at=0.9)
    settings = replace(settings, axes={**settings.axes, Axis.SECURITY: loose})
    report = reviewed(edit("return not_safe"), first=first, settings=settings)
    assert score_of(report, Axis.SECURITY).by_judge


def test_a_judge_that_is_mute_on_an_axis_leaves_it_to_the_first() -> None:
    mute = judge_model(calibration=speaking(mute=["Security_Hardness"]))
    report = reviewed(edit("return not_safe + not_correct"), by=mute)
    assert not score_of(report, Axis.SECURITY).by_judge
    assert score_of(report, Axis.CORRECTNESS).by_judge


def test_a_language_the_judge_was_not_trained_on_stays_with_the_first() -> None:
    judge = judge_model(FakeJudge(languages=("Go",)))
    report = reviewed(edit("return not_safe"), by=judge)
    assert not score_of(report, Axis.SECURITY).by_judge


def test_an_axis_that_is_off_is_not_asked_for() -> None:
    settings = settings_with()
    off = replace(settings.axes[Axis.SECURITY], mode=AxisMode.OFF)
    settings = replace(settings, axes={**settings.axes, Axis.SECURITY: off})
    report = reviewed(edit("return not_safe"), settings=settings)
    assert report.statistics.judge is not None
    assert report.statistics.judge.functions == 0


def test_what_is_excused_for_the_first_is_not_put_to_the_judge() -> None:
    in_test = reviewed(edit("return not_safe", path="tests/test_a.py"))
    assert not score_of(in_test, Axis.SECURITY).by_judge
    comment = FileChange("a.py", python("return x"), python("# not_safe", "return x"))
    assert not score_of(reviewed(comment), Axis.SECURITY).by_judge
    imports = FileChange("a.py", "import a\nx = 1\n", "import not_safe\nx = 1\n")
    assert not any(each.by_judge for each in reviewed(imports).functions[0].scores.values())


def test_a_verdict_of_the_first_that_leans_on_comments_is_not_asked_again() -> None:
    """Four words in comments give .982 with them, .5 without: the first is silenced, with why."""
    words = "# not_safe not_safe not_safe not_safe"
    report = reviewed(FileChange("a.py", python("return x"), python(words, "return y")))
    score = score_of(report, Axis.SECURITY)
    assert (score.why, score.by_judge) == (LEANS_ON_COMMENTS, False)


# --- what of its word stands ----------------------------------------------------------------------


def test_a_verdict_against_the_lean_of_the_first_does_not_stand() -> None:
    report = reviewed(edit("return not_safe"), by=judge_model(FakeJudge(sign=-1.0)))
    score = score_of(report, Axis.SECURITY)
    assert (score.verdict, score.why, score.by_judge) == (Verdict.UNSURE, DISAGREES, True)
    assert score.preference == pytest.approx(0.952574, abs=1e-6)
    assert report.findings == ()


def test_a_judge_that_is_unsure_too_is_heard_and_says_nothing() -> None:
    report = reviewed(edit("return not_safe"), by=judge_model(calibration=speaking(6.0)))
    score = score_of(report, Axis.SECURITY)
    assert (score.verdict, score.why, score.by_judge) == (Verdict.UNSURE, None, True)
    assert score.preference == pytest.approx(0.377541, abs=1e-6)


def test_better_is_said_by_the_judge_too() -> None:
    report = reviewed(edit("return very_safe"))
    assert score_of(report, Axis.SECURITY).verdict is Verdict.BETTER


def test_what_is_longer_than_the_judge_reads_keeps_the_firsts_number_and_says_why() -> None:
    report = reviewed(edit("return not_safe"), by=judge_model(FakeJudge(max_tokens=20)))
    score = score_of(report, Axis.SECURITY)
    assert (score.why, score.by_judge) == (TOO_LONG, False)
    assert score.preference == pytest.approx(0.268941, abs=1e-6)


def test_the_judges_verdict_must_hold_without_comments_in_its_own_eyes() -> None:
    """Two words, one of them in a comment: .731 for the first at temperature 6; for the judge at 2
    they are .953, a verdict, and .818 without the comment, none.
    """
    judge = FakeJudge()
    file = FileChange("a.py", python("return x"), python("# not_safe", "return not_safe"))
    report = reviewed(file, by=judge_model(judge, speaking(2.0)), first=speaking(6.0))
    score = score_of(report, Axis.SECURITY)
    assert (score.why, score.by_judge) == (LEANS_ON_COMMENTS, True)
    assert any("# not_safe" not in code and "not_safe" in code for code in judge.calls[1])
    trusting = replace(default_settings(), honesty_check=False)
    told = reviewed(
        file, by=judge_model(None, speaking(2.0)), first=speaking(6.0), settings=trusting
    )
    assert score_of(told, Axis.SECURITY).verdict is Verdict.WORSE


def long_edit() -> FileChange:
    """Two lines of 199 change, some 6,000 characters a side: one danger, one nothing."""
    lines = [f"value_{at} = call_{at}(value_{at - 1})" for at in range(1, 200)]
    head = list(lines)
    head[30], head[34] = "value_31 = call_31(not_safe)", "value_35 = call_35(1)"
    return FileChange("a.py", python(*lines), python(*head))


def test_a_judge_that_reads_less_than_the_first_reads_a_window() -> None:
    judge = FakeJudge(max_tokens=5000)
    report = reviewed(long_edit(), by=judge_model(judge), scorer=FakeScorer(max_tokens=20_000))
    (review,) = report.functions
    assert review.window is None
    assert review.note is not None
    assert review.note.startswith("the judge: window of ")
    (finding,) = report.findings
    assert (finding.start_line, finding.by_judge) == (32, True)
    assert len(judge.calls[-1]) >= 3  # its causes, of the same window
    assert max(map(len, judge.calls[-1])) < 5000


def test_a_judge_that_reads_more_than_the_first_reads_the_whole() -> None:
    judge = FakeJudge(max_tokens=20_000)
    report = reviewed(long_edit(), by=judge_model(judge), scorer=FakeScorer(max_tokens=5000))
    (review,) = report.functions
    assert review.window is not None
    assert review.note == review.window.words
    (finding,) = report.findings
    assert (finding.start_line, finding.by_judge) == (32, True)
    assert min(map(len, judge.calls[-1])) > 5000  # its causes, of the whole


def test_causes_of_the_judges_findings_are_the_judges() -> None:
    base = python("a = 1", "b = 2", "c = 3", "return a")
    head = python("a = not_safe", "b = 2", "c = 4", "return a")
    first, judge = FakeScorer(), FakeJudge()
    report = reviewed(FileChange("a.py", base, head), by=judge_model(judge), scorer=first)
    (finding,) = report.findings
    assert (finding.start_line, finding.end_line) == (2, 2)
    assert finding.message.endswith("by the judge; without these lines 50 %")
    assert len(first.calls) == 1
    assert len(judge.calls) > 1


# --- one function, one number ---------------------------------------------------------------------


def many(count: int) -> list[FileChange]:
    """Functions that lean more or less, are decided, or are left alone."""
    heads = ("return not_safe", "return very_safe + not_fast", "return y", "return not_clear * 4")
    return [
        FileChange(
            f"m{at}.py",
            python(f"return x{at}", name=f"f{at}"),
            python(heads[at % len(heads)] + f" + z{at}", name=f"f{at}"),
        )
        for at in range(count)
    ]


def test_a_function_alone_and_among_forty_gets_the_same_word() -> None:
    files = many(40)
    whole = {each.function.name: each for each in reviewed(*files).functions}
    ids = {each.id for each in reviewed(*files).findings}
    for file in files:
        report = reviewed(file)
        (alone,) = report.functions
        assert alone.scores == whole[alone.function.name].scores
        assert {each.id for each in report.findings} <= ids
    heard = [each.scores[Axis.SECURITY].by_judge for each in whole.values()]
    assert heard.count(True) == 20


def test_a_limit_hears_what_leans_most_and_names_the_rest() -> None:
    """Two markers at temperature 3 are sigmoid(2) = .881, one is .731."""
    files = [edit("return not_safe", path=f"{name}.py") for name in "abc"]
    files.insert(2, edit("return not_safe + not_safe", path="most.py"))
    report = reviewed(*files, settings=settings_with(max_functions=2))
    scores = {each.function.path: each.scores[Axis.SECURITY] for each in report.functions}
    assert [path for path, each in scores.items() if each.by_judge] == ["a.py", "most.py"]
    assert {scores[path].why for path in ("b.py", "c.py")} == {OVER_LIMIT}
    (notice,) = [each for each in report.notices if "judge" in each]
    assert notice == (
        "2 functions were not put to the judge, which hears 2 in one review; "
        "a review of less may say more of them: raise judge.max_functions"
    )


def test_a_limit_only_ever_takes_verdicts_away() -> None:
    free = {each.function.name: each for each in reviewed(*many(12)).functions}
    for limit in range(1, 8):
        limited = reviewed(*many(12), settings=settings_with(max_functions=limit))
        for each in limited.functions:
            for axis, score in each.scores.items():
                other = free[each.function.name].scores[axis]
                assert score == other or score.why == OVER_LIMIT


# --- what is told ---------------------------------------------------------------------------------


def test_the_report_names_both_models_and_what_the_judge_cost() -> None:
    judge = FakeJudge()
    report = reviewed(edit("return not_safe"), edit("return y", path="b.py"), by=judge_model(judge))
    document = json.loads(render_json(report))
    schema = resources.files("review_core").joinpath("schemas/report.schema.json")
    jsonschema.validate(document, json.loads(schema.read_text("utf-8")))
    assert document["judge"] == {"name": "fake-judge", "sha256": "cd" * 32}
    assert document["stats"]["judge"]["functions"] == 1
    assert document["stats"]["judge"]["tokens"] == judge.statistics.tokens > 0
    assert document["functions"][0]["axes"]["security"]["by"] == "judge"
    assert document["functions"][0]["axes"]["correctness"]["by"] == "model"
    assert document["findings"][0]["by"] == "judge"
    said = "fake (abababab), judge fake-judge (cdcdcdcd) asked of 1 function"
    assert said in render_markdown(report)


def test_a_second_review_with_the_same_judge_counts_from_there() -> None:
    judge = judge_model()
    first, second = (reviewed(edit("return not_safe"), by=judge) for _ in range(2))
    assert first.statistics.judge == second.statistics.judge


def test_axes_that_one_criterion_serves_are_two_columns_where_two_models_speak() -> None:
    shared = {axis: ("Readability",) for axis in (Axis.READABILITY, Axis.MAINTAINABILITY)}
    only = judge_model(FakeJudge(axes={Axis.READABILITY: ("Readability",)}))
    report = reviewed(edit("return not_clear"), by=only, scorer=FakeScorer(axes=shared))
    assert columns(report) == ((Axis.READABILITY,), (Axis.MAINTAINABILITY,))


def test_an_intent_reaches_the_judge() -> None:
    judge = FakeJudge()
    change = Change("b", "h", (edit("return not_safe"),), intent="Be quick")
    review(change, FakeScorer(), LEANS, default_settings(), second=judge_model(judge))
    assert set(judge.intents) == {"Be quick"}


# --- who relies on it -----------------------------------------------------------------------------


def test_a_baseline_withholds_what_the_judge_found_and_knows_which_judge_that_was() -> None:
    found = reviewed(edit("return not_safe"))
    text = baseline_text(found.bundle, found.findings, found.judge)
    known = Baseline.from_text(text, "x")
    again = reviewed(edit("return not_safe"), baseline=known)
    assert (again.findings, len(again.withheld)) == ((), 1)
    assert not any("baseline" in each for each in again.notices)
    without = Baseline.from_text(baseline_text(found.bundle, found.findings), "x")
    told = reviewed(edit("return not_safe"), baseline=without).notices
    assert [each for each in told if "without this judge" in each]


def test_feedback_is_kept_for_the_model_that_spoke() -> None:
    sure = edit("return not_safe + not_safe + not_safe + not_safe", path="b.py")
    report = reviewed(edit("return not_safe"), sure)
    assert [each.bundle for each in shown_findings(report)] == [JUDGE.sha256, IDENTITY.sha256]


@pytest.mark.parametrize(("stated", "blocks"), [(0.97, 1), (0.9, 0)])
def test_the_judges_findings_block_by_the_judges_precision(stated: float, blocks: int) -> None:
    settings = settings_with()
    block = replace(settings.axes[Axis.SECURITY], mode=AxisMode.BLOCK)
    settings = replace(settings, axes={**settings.axes, Axis.SECURITY: block})
    judge = replace(speaking(), precision={"Security_Hardness": stated})
    report = reviewed(edit("return not_safe"), by=judge_model(None, judge), settings=settings)
    assert len(blocking(report.findings, settings, LEANS, judge)) == blocks
    assert blocking(report.findings, settings, LEANS) == ()
    (refusal,) = [each for each in report.notices if "block is refused" in each]
    assert refusal.endswith("; those of the judge block") is bool(blocks)


# --- a pair that makes no sense -------------------------------------------------------------------


def test_a_judge_that_is_the_model_is_refused() -> None:
    same = replace(judge_model(), identity=IDENTITY)
    with pytest.raises(ConfigurationError, match="the judge is the model itself, fake; name"):
        check_pair(FakeScorer().bundle, LEANS, same, default_settings())


def test_a_judge_without_an_axis_in_common_is_refused() -> None:
    mute = ["Functional_Correctness", "Readability", "Maintainability"]
    mute += ["Runtime_Efficiency", "Memory_Efficiency"]
    first = speaking(3.0, mute=["Security_Hardness"])
    judge = judge_model(calibration=speaking(mute=mute))
    with pytest.raises(ConfigurationError, match="fake-judge would never be asked"):
        check_pair(FakeScorer().bundle, first, judge, default_settings())
    check_pair(FakeScorer().bundle, LEANS, judge, default_settings())


def test_a_judge_may_serve_axes_the_model_lacks() -> None:
    """They are not the first's, so that it cannot lean on them: nothing is said of them."""
    scorer = FakeScorer(axes={Axis.CORRECTNESS: ("Functional_Correctness",)})
    report = reviewed(edit("return not_correct + not_safe"), scorer=scorer)
    (found,) = report.functions
    assert isinstance(found, FunctionReview)
    assert set(found.scores) == {Axis.CORRECTNESS}
    assert isinstance(judge_model().manifest, FakeManifest)
