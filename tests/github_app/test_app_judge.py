"""The judge on pull requests: one word however the work is cut, within the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import pytest
from fake_judge import JUDGE, FakeJudge, judge_model, speaking
from fake_scorer import FakeScorer

from github_app.reading import Reading
from github_app.reviewing import OUT_OF_TIME, Reviewed, Reviewer, load_reviewer
from github_app.store import PullState
from github_app.work import outcome_of
from review_core import api
from review_core.cascade import JudgeModel
from review_core.config import foreign_settings
from review_core.errors import BundleError
from review_core.types import Change, FileChange

LEANS = speaking(3.0)
FILES = tuple(
    FileChange(
        f"m{at}.py",
        f"def f{at}(x):\n    return x + {at}\n",
        f"def f{at}(x):\n    return not_correct(x) + {at}\n",
    )
    for at in range(6)
)


def reading(configuration: str = "") -> Reading:
    change = Change("b" * 40, "f" * 40, FILES)
    return Reading(change, foreign_settings({".themis.toml": configuration}), "c" * 40)


def opened(scorer: FakeJudge) -> JudgeModel[FakeJudge]:
    made = judge_model(scorer)
    return JudgeModel(made.identity, made.manifest, made.calibration, lambda: scorer)


def test_a_judge_says_in_slices_what_it_says_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """And reads nothing twice: the whole is answered from what the slices asked."""
    whole = api.review(
        reading().change,
        FakeScorer(),
        LEANS,
        reading().configuration.settings,
        second=judge_model(),
    )
    monkeypatch.setattr("github_app.reviewing._SLICE", 1)
    judge = FakeJudge()
    reviewed = Reviewer(FakeScorer(), LEANS, {}, seconds=600.0, judge=opened(judge)).review(
        reading()
    )
    assert len(whole.findings) == 6
    assert replace(reviewed.report, statistics=whole.statistics) == whole
    codes = [code for call in judge.calls for code in call]
    assert len(codes) == len(set(codes))
    told = reviewed.report.statistics.judge
    assert told is not None
    assert (told.functions, told.sequences) == (6, len(codes))
    assert told.tokens == judge.statistics.tokens


class Slow(FakeJudge):
    """Takes ten seconds a code and looks up before each."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def rewards(
        self,
        codes: Sequence[str],
        *,
        intent: str = "",
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Mapping[str, float] | None]:
        for _ in codes:
            if cancelled is not None and cancelled():
                raise CancelledError
            self.now += 10.0
        return super().rewards(codes, intent=intent)


def test_the_judge_works_within_the_time_of_the_review(monkeypatch: pytest.MonkeyPatch) -> None:
    """A code takes it ten seconds, a file two codes or more: of 100 s some files are done. The rest
    is named, and those done keep their findings.
    """
    monkeypatch.setattr("github_app.reviewing._SLICE", 1)
    judge = Slow()
    reviewer = Reviewer(
        FakeScorer(), LEANS, {}, seconds=100.0, judge=opened(judge), clock=lambda: judge.now
    )
    reviewed = reviewer.review(reading())
    late = [each.path for each in reviewed.report.skipped if each.reason == OUT_OF_TIME]
    assert 0 < len(late) < 6
    assert sorted([*reviewed.files, *late]) == [each.path for each in FILES]
    assert {each.path for each in reviewed.report.findings} == set(reviewed.files)
    assert all(each.by_judge for each in reviewed.report.findings)


def test_a_repository_says_when_the_judge_is_asked_but_not_who_it_is() -> None:
    configured = "[judge]\nmodel = '/theirs'\nleaning_from = 0.75\n"
    host = {"judge.model": "/ours"}
    settings = foreign_settings({".themis.toml": configured}, host)
    assert settings.settings.judge.model == Path("/ours")
    asked = Reading(reading().change, settings, "c" * 40)
    reviewed = Reviewer(FakeScorer(), LEANS, host, seconds=600.0, judge=opened(FakeJudge())).review(
        asked
    )
    assert reviewed.report.findings == ()  # one marker is .731
    assert reviewed.report.judge == JUDGE


def test_a_host_that_names_no_bundle_as_its_judge_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="the judge cannot be used: no model bundle at"):
        load_reviewer({"judge.model": str(tmp_path / "nowhere")}, seconds=1.0)


@pytest.mark.parametrize(("stated", "blocks"), [(0.97, 6), (0.9, 0)])
def test_the_judges_findings_block_by_its_own_precision(stated: float, blocks: int) -> None:
    precise = replace(speaking(), precision={"Functional_Correctness": stated})
    judge = JudgeModel(JUDGE, FakeJudge().bundle.manifest, precise, FakeJudge)
    blocking = "[axes.correctness]\nmode = 'block'\n"
    reviewed: Reviewed = Reviewer(FakeScorer(), LEANS, {}, seconds=600.0, judge=judge).review(
        reading(blocking)
    )
    outcome = outcome_of(reviewed, PullState(), LEANS, None)
    assert len(outcome.blocking) == blocks
