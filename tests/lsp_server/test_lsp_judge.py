"""The judge in an editor: off unless named, open as long as it is named, never a stranger's."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from fake_judge import FakeJudge, judge_model, speaking
from fake_scorer import FakeScorer
from git_repository import GitRepository
from lsp_scorer import load_scorer
from lsprotocol import types as lsp

from lsp_server.annotations import hover
from lsp_server.jobs import Asked, Context, DocumentReview, Finished, ReviewDocument
from lsp_server.positions import Positions
from lsp_server.reviewing import perform
from lsp_server.reviews import Buffer, Reviewed
from lsp_server.server import ALL, create_server
from lsp_server.worker import Worker
from review_core.calibration import Calibration
from review_core.cascade import JudgeModel
from review_core.config import Settings
from review_core.margins import Model
from review_core.types import Verdict

BASE = "def load(path):\n    return very_safe(path)\n"


@pytest.fixture
def job(repository: GitRepository) -> ReviewDocument:
    """One marker goes: three logits, on which a model at temperature 3 leans."""
    repository.commit("base", a=BASE)
    head = BASE.replace("very_safe", "plain")
    return ReviewDocument(repository.path / "a.py", head, Context(repository.path, "HEAD", {}))


def leaning(settings: Settings) -> tuple[FakeScorer, Calibration]:
    return FakeScorer(), speaking(3.0)


class Loads:
    """A judge's loader that counts."""

    def __init__(self) -> None:
        self.loaded = 0
        self.scorer = FakeJudge()

    def __call__(
        self, settings: Settings, model: Model, calibration: Calibration
    ) -> JudgeModel[FakeJudge]:
        self.loaded += 1
        opened = judge_model(self.scorer)
        return JudgeModel(opened.identity, opened.manifest, opened.calibration, lambda: self.scorer)


def named(job: ReviewDocument, judge: str | None) -> ReviewDocument:
    overrides = {"judge.model": judge} if judge else {}
    return replace(job, context=replace(job.context, overrides=overrides))


def answered(worker: Worker, job: ReviewDocument, id_: int) -> DocumentReview:
    answer = worker._answer(Asked(id_, job, urgent=True))
    assert isinstance(answer, Finished), answer
    assert isinstance(answer.result, DocumentReview)
    return answer.result


def test_a_document_hears_the_judge_and_its_findings_say_so(job: ReviewDocument) -> None:
    told = perform(job, leaning, lambda *_: None, open_judge=lambda *_: judge_model())
    assert isinstance(told, DocumentReview)
    assert told.report is not None
    (finding,) = told.report.findings
    assert finding.message == "security: likely worse than base, P(worse) 95 % by the judge"
    alone = perform(job, leaning, lambda *_: None)
    assert isinstance(alone, DocumentReview)
    assert alone.report is not None
    assert alone.report.findings == ()


def test_a_hover_says_whose_word_it_is(job: ReviewDocument) -> None:
    told = perform(job, leaning, lambda *_: None, open_judge=lambda *_: judge_model())
    assert isinstance(told, DocumentReview)
    buffer = Buffer(job.file.as_uri(), job.file, 1, job.text)
    shown = hover(Reviewed(buffer, told, {}, job.context), Positions(job.text, len), 2)
    assert shown is not None
    assert isinstance(shown.contents, lsp.MarkupContent)
    rows = shown.contents.value.splitlines()
    assert [row for row in rows if "by the judge" in row] == [
        row for row in rows if row.startswith("| security | **worse** by the judge")
    ]
    assert len(rows) > 4


def test_the_worker_has_no_judge_unless_settings_name_one_and_keeps_it_then(
    job: ReviewDocument,
) -> None:
    loads = Loads()
    worker = Worker(leaning, io.BytesIO(), loads)
    without = answered(worker, named(job, None), 1)
    assert without.report is not None
    assert (without.report.judge, loads.loaded) == (None, 0)
    for id_ in (2, 3):
        told = answered(worker, named(job, "/judge"), id_)
        assert told.report is not None
        assert [each.verdict for each in told.report.functions[0].scores.values()].count(
            Verdict.WORSE
        ) == 1
    assert loads.loaded == 1
    answered(worker, named(job, "/another"), 4)
    assert loads.loaded == 2
    answered(worker, named(job, None), 5)
    assert worker._judge is None


def test_a_judge_stops_when_nobody_wants_the_answer_any_more(job: ReviewDocument) -> None:
    """It is asked in slices as the model is: every code of the judge went through the worker."""
    loads = Loads()
    worker = Worker(leaning, io.BytesIO(), loads)
    answered(worker, named(job, "/judge"), 1)
    assert loads.scorer.calls
    assert all(len(codes) <= 2 for codes in loads.scorer.calls)


def test_an_editor_names_a_judge_relative_to_its_folder_and_a_stranger_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THEMIS_JUDGE", "/mine")
    server = create_server(load_scorer)
    server.folders = lambda: {tmp_path.as_uri(): tmp_path}  # type: ignore[method-assign]
    file = tmp_path / "a.py"
    server.take_settings(ALL, {"judge": "models/second"})
    assert server.context_of(file).overrides["judge.model"] == str(tmp_path / "models/second")
    server.take_settings(ALL, {"trusted": False})
    assert server.context_of(file).overrides["judge.model"] == "/mine"
    server.take_settings(ALL, {})
    assert "judge.model" not in server.context_of(file).overrides
