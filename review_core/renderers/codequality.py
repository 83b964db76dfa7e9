"""A Report as GitLab's Code Quality reads it: a JSON list, an entry a finding.

Source: https://docs.gitlab.com/ci/testing/code_quality/, "Code Quality report format".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from review_core.renderers.view import SharedFinding, causes, said, shared_findings, visible
from review_core.types import Finding, Report


def render_code_quality(report: Report, stopping: Sequence[Finding] = ()) -> str:
    """The findings as text that ends in a line end. ASCII, so that no code page can spoil it.

    :param stopping: those that fail the check; they are more severe than the others.
    """
    stopped = set(map(said, stopping))
    entries = [
        _entry(each, "critical" if said(each.finding) in stopped else "minor")
        for each in shared_findings(report)
    ]
    return json.dumps(entries, indent=2) + "\n"


def _entry(shared: SharedFinding, severity: str) -> dict[str, Any]:
    finding = shared.finding
    parts = [f"{finding.function}: {shared.message}", *causes(finding)]
    return {
        "description": visible("; ".join(parts)),
        "check_name": f"themis/{finding.axis}",
        # By it GitLab tells findings that a change brings from those that were there.
        "fingerprint": finding.id,
        "severity": severity,
        "location": {
            "path": finding.path,
            "lines": {"begin": finding.start_line, "end": finding.end_line},
        },
    }
