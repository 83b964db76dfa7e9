"""The baseline holds in the editor, too: for an open document and for the whole workspace."""

from __future__ import annotations

from fake_scorer import FakeScorer
from git_repository import GitRepository

from lsp_server.jobs import Context, DocumentReview, Job, ReviewDocument, ReviewWorkspace
from lsp_server.jobs import WorkspaceReview as Workspace
from lsp_server.reviewing import perform
from review_core.baseline import FILE_NAME, baseline_text
from review_core.calibration import Calibration
from review_core.types import Report

BASE = "def f(a):\n    return a\n"
HEAD = BASE.replace("return a", "return not_safe")


def test_what_was_accepted_is_withheld(repository: GitRepository, calibration: Calibration) -> None:
    repository.commit("start", app=BASE)
    repository.write("app.py", HEAD)
    context = Context(repository.path, "HEAD", {})
    jobs: list[Job] = [
        ReviewDocument(repository.path / "app.py", HEAD, context),
        ReviewWorkspace(context),
    ]

    def reports() -> list[Report]:
        done = [
            perform(job, lambda _: (FakeScorer(), calibration), lambda *_: None) for job in jobs
        ]
        return [
            each.report
            for each in done
            if isinstance(each, (DocumentReview, Workspace)) and each.report is not None
        ]

    first, second = reports()
    assert len(first.findings) == len(second.findings) == 1
    repository.write(FILE_NAME, baseline_text(first.bundle, first.findings))
    for report in reports():
        assert report.findings == ()
        assert [each.reason for each in report.withheld] == ["in the baseline"]
