"""Reviews made by hand, for tests of what is published: one function a finding, real hunks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fake_scorer import AXES, IDENTITY

from github_app.publishing.outcome import Outcome
from review_core.config import default_settings
from review_core.findings import finding_id
from review_core.languages import language_of
from review_core.pairing import changed_functions
from review_core.types import (
    Axis,
    AxisScore,
    FileChange,
    Finding,
    FunctionReview,
    Report,
    Statistics,
    Verdict,
)

LONG = "".join(f"    x{n} = {n}\n" for n in range(20))


def function(name: str, body: str) -> str:
    return f"def {name}():\n{LONG}    return {body}\n"


def file_of(path: str = "a.py", **bodies: str | tuple[str, str]) -> FileChange:
    """Functions by name, each of twenty lines that do not change and one that may."""
    sides = ["", ""]
    for name, body in bodies.items():
        for side in range(2):
            sides[side] += function(name, body if isinstance(body, str) else body[side]) + "\n"
    return FileChange(path, sides[0], sides[1])


def outcome(*files: FileChange, worse: float = 0.95, **settings: Any) -> Outcome:
    """All changed functions worse on security; of them "fine" alone is not."""
    reviews, found = [], []
    for file in files:
        language = language_of(file.path)
        assert language is not None
        for changed in changed_functions(file, language):
            sure = "fine" not in changed.name and changed.base is not None
            review = FunctionReview(
                changed, {} if changed.base is None else {Axis.SECURITY: _score(worse, sure)}
            )
            reviews.append(review)
            if sure:
                found.append(_finding(review, worse))
    report = Report(
        IDENTITY,
        "b" * 40,
        "c" * 40,
        None,
        tuple(reviews),
        tuple(found),
        (),
        (),
        (),
        Statistics(1.0, len(files), len(reviews), 0, 0, 0, 0),
    )
    asked = replace(default_settings().pull_request, **settings)
    return Outcome(report, asked, {file.path: file for file in files})


def _score(worse: float, sure: bool) -> AxisScore:
    verdict = Verdict.WORSE if sure else Verdict.UNSURE
    return AxisScore(Axis.SECURITY, AXES[Axis.SECURITY][0], -3.0, 1 - worse, verdict)


def _finding(review: FunctionReview, worse: float) -> Finding:
    changed, score = review.function, review.scores[Axis.SECURITY]
    line = changed.hunks[0].head_start
    return Finding(
        finding_id(changed, score.axis, score.criterion, IDENTITY),
        changed.path,
        line,
        line + max(changed.hunks[0].head_count, 1) - 1,
        score.axis,
        score.criterion,
        score.preference,
        score.margin,
        changed.name,
        f"security: likely worse than base, P(worse) {worse:.0%}",
    )
