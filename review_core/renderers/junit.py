"""A Report as JUnit XML, which CI systems show: a changed function is a test, a finding a failure.

The format has no standard; this is what the readers of Jenkins and GitLab share. XML cannot hold
control characters, so they are shown instead (`view.visible`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from review_core.findings import percent
from review_core.renderers.view import SharedFinding, causes, models, shared_findings, visible
from review_core.types import FunctionReview, Report, Verdict


def render_junit(report: Report) -> str:
    """The report as text that ends in a line end."""
    found: defaultdict[int, list[SharedFinding]] = defaultdict(list)
    for each in shared_findings(report):
        found[id(each.review)].append(each)
    name = f"Themis Review, {visible(models(report))}"
    root = Element("testsuites", {"name": name})
    for path, group in groupby(report.functions, key=lambda each: each.function.path):
        root.append(_suite(path, list(group), found))
    for suite in (root, *root):
        suite.set("tests", str(len(suite.findall(".//testcase"))))
        suite.set("failures", str(len(suite.findall(".//failure"))))
        suite.set("skipped", str(len(suite.findall(".//skipped"))))
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _suite(
    path: str, reviews: Sequence[FunctionReview], found: Mapping[int, Sequence[SharedFinding]]
) -> Element:
    suite = Element("testsuite", {"name": visible(path)})
    for review in reviews:
        function = review.function
        case = SubElement(
            suite,
            "testcase",
            {
                "classname": visible(path),
                "name": visible(function.name),
                "file": visible(path),
                "line": str(function.shown.lines.start),
            },
        )
        for each in found.get(id(review), ()):
            failure = SubElement(
                case, "failure", {"type": ", ".join(each.axes), "message": visible(each.message)}
            )
            failure.text = _details(each)
        if not review.scores:
            SubElement(case, "skipped", {"message": visible(review.note or "not scored")})
        elif better := _better(review):
            SubElement(case, "system-out").text = better
    return suite


def _details(shared: SharedFinding) -> str:
    finding = shared.finding
    place = f"{visible(finding.path)}:{finding.start_line}-{finding.end_line}"
    return "\n".join([place, *causes(finding), f"id {finding.id}"])


def _better(review: FunctionReview) -> str:
    return "\n".join(
        f"{axis}: likely better than base, P(better) {percent(score.preference)}"
        for axis, score in review.scores.items()
        if score.verdict is Verdict.BETTER
    )
