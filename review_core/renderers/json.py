"""A Report as JSON, as `schemas/report.schema.json` describes it.

The same input gives the same bytes, `stats` aside.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from review_core.types import (
    BundleIdentity,
    Cause,
    Finding,
    Function,
    FunctionReview,
    Hunk,
    Report,
    Statistics,
    Window,
    Withheld,
)

SCHEMA = "urn:themis-review:report:1"


def render_json(report: Report) -> str:
    """The report as text that ends in a line end. ASCII, so that no code page can spoil it."""
    return json.dumps(report_to_json(report), indent=2) + "\n"


def report_to_json(report: Report) -> dict[str, Any]:
    """The report as a document; `stats` comes last and is all that differs between two runs."""
    return {
        "schema": SCHEMA,
        "bundle": _identity(report.bundle),
        "judge": None if report.judge is None else _identity(report.judge),
        "base": report.base,
        "head": report.head,
        "intent": report.intent,
        "functions": [_function(each) for each in report.functions],
        "findings": [_finding(each) for each in report.findings],
        "withheld": [_withheld(each) for each in report.withheld],
        "skipped": [{"path": each.path, "reason": each.reason} for each in report.skipped],
        "notices": list(report.notices),
        "stats": _stats(report.statistics),
    }


def _identity(bundle: BundleIdentity) -> dict[str, str]:
    return {"name": bundle.name, "sha256": bundle.sha256}


def _function(review: FunctionReview) -> dict[str, Any]:
    function = review.function
    return {
        "path": function.path,
        "language": function.language,
        "name": function.name,
        "kind": function.kind.value,
        "base_lines": _lines(function.base),
        "head_lines": _lines(function.head),
        "note": review.note,
        "window": None if review.window is None else _window(review.window),
        "axes": {
            score.axis.value: {
                "criterion": score.criterion,
                "margin": _margin(score.margin),
                "preference": _preference(score.preference),
                "verdict": score.verdict.value,
                "why": score.why,
                "speaks": score.speaks,
                "by": _speaker(by_judge=score.by_judge),
            }
            for score in review.scores.values()
        },
        "hunks": [_hunk(each) for each in function.hunks],
        "standings": [
            {
                "axes": [axis.value for axis in each.axes],
                "criterion": each.criterion,
                "share_below": _preference(each.share),
                "among": each.among,
            }
            for each in review.standings
        ],
    }


def _window(window: Window) -> dict[str, Any]:
    return {
        "lines": [[span.start, span.end] for span in window.head.spans],
        "hunks": window.hunks,
        "hunks_left_out": window.left_out,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "path": finding.path,
        "start_line": finding.start_line,
        "end_line": finding.end_line,
        "axis": finding.axis.value,
        "criterion": finding.criterion,
        "preference": _preference(finding.preference),
        "margin": _margin(finding.margin),
        "by": _speaker(by_judge=finding.by_judge),
        "function": finding.function,
        "attribution": [_cause(each) for each in finding.causes],
        "interaction": None if finding.interaction is None else _margin(finding.interaction),
        "message": finding.message,
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "start_line": cause.start_line,
        "end_line": cause.end_line,
        "preference_without": _preference(cause.without),
        "preference_alone": None if cause.alone is None else _preference(cause.alone),
    }


def _withheld(withheld: Withheld) -> dict[str, Any]:
    return {"reason": withheld.reason, **_finding(withheld.finding)}


def _lines(function: Function | None) -> list[int] | None:
    return None if function is None else [function.lines.start, function.lines.end]


def _hunk(hunk: Hunk) -> dict[str, int]:
    return {name: getattr(hunk, name) for name in Hunk.__slots__}


def _stats(statistics: Statistics) -> dict[str, Any]:
    counts = {name: getattr(statistics, name) for name in Statistics.__slots__}
    judge = None if statistics.judge is None else asdict(statistics.judge)
    return {**counts, "seconds": round(statistics.seconds, 3), "judge": judge}


def _speaker(*, by_judge: bool) -> str:
    return "judge" if by_judge else "model"


def _margin(value: float) -> float:
    return round(value, 4) + 0.0  # -0.0 and 0.0 are one number


def _preference(value: float) -> float:
    return round(value, 3)
