"""A Report as SARIF 2.1.0, for code scanning: one rule an axis, one result a finding.

Findings keep their identity by fingerprint, so that an alert that was closed stays closed when its
lines move. Withheld findings are counted only: code scanning would show them as open.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0; GitHub, "SARIF support for code
scanning".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from review_core import __version__
from review_core.findings import percent
from review_core.pages import axis_page
from review_core.renderers.view import models, said, shared_findings, visible
from review_core.types import Axis, Finding, Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "themisFindingId/v1"
GITHUBS_FINGERPRINT = "primaryLocationLineHash"  # the one key that code scanning reads
_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:)[^)]*\)")
_MOST_RESULTS = 5000
"""GitHub keeps 5,000 results of a run, the first ones."""

_ASKED: Mapping[Axis, str] = {
    Axis.CORRECTNESS: "less likely to do what it should, edge cases included",
    Axis.EFFICIENCY: "likely to need more time or memory",
    Axis.READABILITY: "likely to be harder to read",
    Axis.SECURITY: "likely to be easier to attack",
    Axis.MAINTAINABILITY: "likely to be harder to change",
}


def render_sarif(report: Report, blocking: Sequence[Finding] = ()) -> str:
    """The report as text that ends in a line end. ASCII, so that no code page can spoil it.

    :param blocking: findings that fail the check: errors, the others are warnings.
    """
    return json.dumps(report_to_sarif(report, rule_pages(), blocking), indent=2) + "\n"


def rule_pages() -> dict[Axis, str]:
    """The Markdown of docs/axes, without its links to pages that are not there."""
    found = {axis: axis_page(axis) for axis in Axis}
    return {axis: _LINK.sub(r"\1", page.read_text("utf-8")) for axis, page in found.items() if page}


def report_to_sarif(
    report: Report, pages: Mapping[Axis, str], blocking: Sequence[Finding] = ()
) -> dict[str, Any]:
    """The report as a document with one run. pages: the help of each axis's rule, in Markdown."""
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Themis Review",
                        "semanticVersion": __version__,
                        "rules": [_rule(axis, pages.get(axis)) for axis in Axis],
                    }
                },
                "automationDetails": {"id": "themis/"},
                "columnKind": "utf16CodeUnits",
                "properties": {
                    "model": models(report),
                    "base": report.base,
                    "withheld": len(report.withheld),
                },
                "results": list(_results(report, blocking))[:_MOST_RESULTS],
            }
        ],
    }


def _rule(axis: Axis, page: str | None) -> dict[str, Any]:
    text = f"The function is {_ASKED[axis]} than its base. The probability is calibrated."
    return {
        "id": f"themis/{axis}",
        "name": f"Worse{axis.title()}",
        "shortDescription": {"text": f"{axis.capitalize()} likely worse than base"},
        "fullDescription": {"text": text},
        "help": {"text": text, "markdown": page} if page else {"text": text},
        "defaultConfiguration": {"level": "warning"},
        "properties": {
            "tags": [axis.value],
            "precision": "medium",
            "problem.severity": "warning",
        },
    }


def _results(report: Report, blocking: Sequence[Finding]) -> Iterator[dict[str, Any]]:
    """The surest first: of too many, the last are lost."""
    blocked = set(map(said, blocking))
    for each in sorted(shared_findings(report), key=lambda each: each.finding.preference):
        level = "error" if said(each.finding) in blocked else "warning"
        yield _result(each.finding, each.message, level)


def _result(finding: Finding, message: str, level: str) -> dict[str, Any]:
    digits, _, count = finding.id.partition("-")
    return {
        "ruleId": f"themis/{finding.axis}",
        "ruleIndex": list(Axis).index(finding.axis),
        "level": level,
        "message": {"text": f"{visible(finding.function)}: {message}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(finding.path), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": finding.start_line, "endLine": finding.end_line},
                },
                "logicalLocations": [{"fullyQualifiedName": visible(finding.function)}],
            }
        ],
        "partialFingerprints": {
            FINGERPRINT: finding.id,
            GITHUBS_FINGERPRINT: f"{digits}:{count or 1}",
        },
        "rank": round(100 * (1 - finding.preference), 1),
        "properties": {
            "criterion": finding.criterion,
            "preference": round(finding.preference, 3),
            "worse": percent(1 - finding.preference),
        },
    }


def _uri(path: str) -> str:
    """A relative reference; what no address may hold is quoted, by its bytes."""
    quoted = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return f"./{quoted}" if ":" in quoted.partition("/")[0] else quoted
