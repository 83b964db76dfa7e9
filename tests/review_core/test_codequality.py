"""The report as GitLab's Code Quality reads it."""

from __future__ import annotations

import json
from dataclasses import replace

from review_core.renderers.codequality import render_code_quality
from review_core.types import Report

SEVERITIES = ("info", "minor", "major", "critical", "blocker")


def test_each_finding_is_an_entry_with_what_gitlab_asks_for(report: Report) -> None:
    text = render_code_quality(report)
    assert text.isascii() and text.endswith("\n")
    entries = json.loads(text)
    assert [each["fingerprint"] for each in entries] == [each.id for each in report.findings]
    for entry, finding in zip(entries, report.findings, strict=True):
        assert entry["severity"] in SEVERITIES
        assert entry["check_name"] == f"themis/{finding.axis}"
        assert finding.function in entry["description"] and finding.message in entry["description"]
        lines = {"begin": finding.start_line, "end": finding.end_line}
        assert entry["location"] == {"path": finding.path, "lines": lines}


def test_what_fails_the_check_is_more_severe(report: Report) -> None:
    entries = json.loads(render_code_quality(report, report.findings[:1]))
    assert [each["severity"] for each in entries] == ["critical", "minor"]


def test_without_findings_there_is_an_empty_list_which_gitlab_needs(report: Report) -> None:
    assert json.loads(render_code_quality(replace(report, findings=()))) == []


def test_foreign_text_cannot_act_on_what_shows_it(report: Report) -> None:
    first, second = report.findings
    hostile = replace(first, message=f"{first.message} \u202e\x1b[2J")
    text = json.loads(render_code_quality(replace(report, findings=(hostile, second))))
    assert "\u202e" not in text[0]["description"] and "\x1b" not in text[0]["description"]
