"""What the configuration only monitors is not said on a pull request, file by file."""

from __future__ import annotations

from fake_scorer import FakeScorer

from github_app.publishing.outcome import monitored
from review_core import api
from review_core.calibration import Calibration
from review_core.config import foreign_settings
from review_core.types import Axis, Change, FileChange, Verdict

RULES = """
[axes.security]
mode = "monitor"

[[paths]]
match = ["shop.py"]
mode = "comment"

[[paths]]
match = ["tools/"]
axes = {efficiency = "monitor"}
"""


def test_a_file_may_be_monitored_on_an_axis_that_comments_and_the_other_way_round(
    calibration: Calibration,
) -> None:
    settings = foreign_settings({".themis.toml": RULES}).settings
    base, head = "def pay():\n    return plain\n", "def pay():\n    return not_safe_not_fast\n"
    files = tuple(FileChange(path, base, head) for path in ("shop.py", "src.py", "tools/run.py"))
    report = api.review(Change("a", "b", files), FakeScorer(), calibration, settings)
    quiet = monitored(report, settings)
    assert [(each.path, each.axis.value) for each in quiet.findings] == [
        ("shop.py", "efficiency"),
        ("shop.py", "security"),
        ("src.py", "efficiency"),
    ]
    worse = [
        (each.function.path, axis.value)
        for each in quiet.functions
        for axis, score in each.scores.items()
        if score.verdict is Verdict.WORSE
    ]
    assert worse == [(each.path, each.axis.value) for each in quiet.findings]
    assert quiet.functions[2].scores[Axis.EFFICIENCY].why == "monitored only"


def test_without_anything_monitored_the_report_is_the_same(calibration: Calibration) -> None:
    settings = foreign_settings({}).settings
    report = api.review(Change("a", "b", ()), FakeScorer(), calibration, settings)
    assert monitored(report, settings) is report
