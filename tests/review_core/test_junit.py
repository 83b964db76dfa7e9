"""JUnit XML: a test a function, a failure a finding."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from review_core.renderers.junit import render_junit
from review_core.types import Cause, Report


def test_findings_fail_silence_passes_and_what_was_not_scored_is_skipped(report: Report) -> None:
    """Nine functions in three files; two findings; new, deleted and Rust have no scores."""
    root = fromstring(render_junit(report))
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("9", "2", "3")
    assert [suite.get("name") for suite in root] == [
        "shop/cart.py",
        "shop/login.py",
        "native/cart.rs",
    ]
    failed = [
        case.get("name") for case in root.iter("testcase") if case.find("failure") is not None
    ]
    assert failed == ["Cart.total", "sign_in"]
    skipped = {case.get("message") for case in root.iter("skipped")}
    assert {"new", "deleted"} < skipped


def test_a_failure_says_where_what_and_which_part(report: Report) -> None:
    causes = (Cause(14, 14, 0.6, 0.1),)
    finding = replace(report.findings[0], causes=causes)
    root = fromstring(render_junit(replace(report, findings=(finding,))))
    (failure,) = root.iter("failure")
    assert failure.get("type") == "correctness"
    assert failure.get("message") == finding.message
    assert (failure.text or "").split("\n") == [
        "shop/cart.py:13-13",
        "line 14: P(worse) 40 % without, 90 % with nothing else",
        f"id {finding.id}",
    ]


def test_what_got_better_is_told_though_it_fails_nothing(report: Report) -> None:
    better = render_junit(replace(report, findings=()))
    assert "readability: likely better than base, P(better) 98 %" in better
    assert "<failure" not in better


@pytest.mark.parametrize("text", ["</testsuite><x/>", '" onload="', "a\x00b\x1b[31m", "\ud800"])
def test_foreign_text_stays_text(report: Report, text: str) -> None:
    review = report.functions[0]
    function = replace(review.function, path=text)
    functions = (replace(review, function=function), *report.functions[1:])
    finding = replace(report.findings[0], path=text)
    source = render_junit(
        replace(report, functions=functions, findings=(finding, *report.findings[1:]))
    )
    root = fromstring(source)
    assert {each.tag for each in root.iter()} <= {
        "testsuites", "testsuite", "testcase", "failure", "skipped", "system-out",
    }  # fmt: skip
    assert not any("onload" in each.attrib for each in root.iter())
    assert root.get("failures") == "2"
