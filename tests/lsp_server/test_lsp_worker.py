"""How the worker's jobs stop and step aside."""

from __future__ import annotations

from concurrent.futures import CancelledError
from itertools import count

import pytest
from git_repository import GitRepository
from lsp_scorer import load_scorer

from lsp_server.jobs import Context, ReviewWorkspace, WorkspaceReview
from lsp_server.reviewing import perform
from lsp_server.worker import next_slice

BASE = "def load(path):\n    return very_safe(path)\n"


@pytest.fixture
def job(repository: GitRepository) -> ReviewWorkspace:
    """A review of three changed files."""
    names = ("a", "b", "c")
    repository.commit("base", **dict.fromkeys(names, BASE))
    for name in names:
        repository.write(f"{name}.py", BASE.replace("very", "not"))
    return ReviewWorkspace(Context(repository.path, "HEAD", {}))


def test_a_review_of_many_files_can_be_stopped_before_any_is_scored(job: ReviewWorkspace) -> None:
    """It pauses for each file that is read and again for each that is cut: six times."""
    calls = count(1)
    result = perform(job, load_scorer, lambda done, total: None, lambda: next(calls) and None)
    assert isinstance(result, WorkspaceReview)
    assert len(result.report.findings) == 3
    assert next(calls) == 7
    for last in (1, 6):
        calls = count(1)

        def stop(calls: count[int] = calls, last: int = last) -> None:
            if next(calls) == last:
                raise CancelledError

        def scored(done: int, total: int) -> None:
            raise AssertionError("the model worked")

        with pytest.raises(CancelledError):
            perform(job, load_scorer, scored, stop)


@pytest.mark.parametrize(
    ("few", "seconds", "expected"),
    [(2, 2.0, 2), (2, 0.25, 4), (4, 0.5, 4), (8, 1.0, 4), (8, 0.0, 8), (2, 0.0, 8), (6, 0.75, 4)],
)
def test_the_model_works_about_half_a_second_at_a_time(
    few: int, seconds: float, expected: int
) -> None:
    assert next_slice(few, seconds) == expected
