"""SARIF, held to the official schema and to what code scanning reads of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from tools import tool

from review_core.pages import axis_page
from review_core.renderers.sarif import (
    FINGERPRINT,
    GITHUBS_FINGERPRINT,
    render_sarif,
    rule_pages,
)
from review_core.types import Axis, Finding, Report


def run_of(report: Report, *blocking: Finding) -> dict[str, Any]:
    (run,) = json.loads(render_sarif(report, blocking))["runs"]
    assert isinstance(run, dict)
    return run


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(tool("sarif-2.1.0.json").read_text("utf-8"))
    return loaded


def test_it_is_what_the_official_schema_says(report: Report, schema: dict[str, Any]) -> None:
    document = json.loads(render_sarif(report, report.findings[:1]))
    jsonschema.Draft4Validator(schema).validate(document)


def test_the_schema_is_one_that_can_fail(report: Report, schema: dict[str, Any]) -> None:
    document = json.loads(render_sarif(report))
    document["runs"][0]["results"][0]["level"] = "awful"
    assert not jsonschema.Draft4Validator(schema).is_valid(document)


def test_hostile_names_stay_valid(report: Report, schema: dict[str, Any]) -> None:
    path = "a b/ü%20\udce9|<x>.py"
    review = report.functions[0]
    function = replace(review.function, path=path)
    finding = replace(report.findings[0], path=path)
    hostile = replace(report, functions=(replace(review, function=function),), findings=(finding,))
    text = render_sarif(hostile)
    assert text.isascii()
    jsonschema.Draft4Validator(schema).validate(json.loads(text))
    (result,) = json.loads(text)["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == "a%20b/%C3%BC%2520%E9%7C%3Cx%3E.py"


def test_each_axis_is_a_rule_with_its_page_as_help(report: Report) -> None:
    rules = run_of(report)["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [f"themis/{axis}" for axis in Axis]
    for axis, rule in zip(Axis, rules, strict=True):
        page = axis_page(axis)
        assert page is not None
        assert rule["help"]["markdown"].startswith(page.read_text("utf-8").splitlines()[0])
        assert "](" not in rule["help"]["markdown"]  # relative links lead nowhere there
        assert rule["help"]["text"]
        assert rule["properties"]["tags"]
    assert set(rule_pages()) == set(Axis)


def test_a_finding_is_a_result_with_its_lines_and_its_identity(report: Report) -> None:
    first, second = run_of(report, report.findings[1])["results"]
    assert first["ruleId"] == "themis/security"  # the surest first
    assert (first["level"], second["level"]) == ("error", "warning")
    assert first["partialFingerprints"] == {
        FINGERPRINT: "bb" * 8,
        GITHUBS_FINGERPRINT: f"{'bb' * 8}:1",
    }
    physical = second["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "shop/cart.py"
    assert physical["region"] == {"startLine": 13, "endLine": 13}
    assert second["message"]["text"].startswith("Cart.total: correctness: likely worse")


def test_the_same_edit_made_twice_has_two_fingerprints(report: Report) -> None:
    again = replace(report.findings[1], id=f"{'aa' * 8}-2")
    results = run_of(replace(report, findings=(report.findings[0], again)))["results"]
    prints = {each["partialFingerprints"][GITHUBS_FINGERPRINT] for each in results}
    assert prints == {f"{'aa' * 8}:1", f"{'aa' * 8}:2"}


def test_what_is_withheld_raises_no_alert(report: Report) -> None:
    assert len(report.withheld) == 1
    run = run_of(report)
    assert len(run["results"]) == len(report.findings)
    assert run["properties"]["withheld"] == 1
