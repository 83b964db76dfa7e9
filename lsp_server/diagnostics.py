"""Findings as diagnostics."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from lsprotocol import types as lsp

from lsp_server.pages import axis_page
from lsp_server.positions import Positions
from lsp_server.settings import Severity
from lsp_server.verdicts import Shown, shown_findings
from review_core.types import Hunk, Report

SOURCE = "themis"

_SEVERITIES = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.INFORMATION: lsp.DiagnosticSeverity.Information,
    Severity.HINT: lsp.DiagnosticSeverity.Hint,
}
_MOST_HUNKS = 5


def diagnostics(
    report: Report, path: str, uri: str, positions: Positions, severity: Severity
) -> list[lsp.Diagnostic]:
    """The findings of one file of the report, where they are in its text."""
    return [
        _diagnostic(shown, uri, positions, severity)
        for shown in shown_findings(report)
        if shown.finding.path == path
    ]


def result_id(items: Sequence[lsp.Diagnostic]) -> str:
    """The same for the same diagnostics, whenever they were made."""
    return hashlib.sha256(repr(items).encode(errors="replace")).hexdigest()[:16]


def hunk_words(hunk: Hunk) -> str:
    """What a hunk did, in a few words."""
    if not hunk.base_count:
        return f"{_lines(hunk.head_count)} added"
    if not hunk.head_count:
        return f"{_lines(hunk.base_count)} removed here"
    if hunk.base_count == hunk.head_count:
        return f"{_lines(hunk.head_count)} changed"
    return f"{_lines(hunk.base_count)} became {hunk.head_count}"


def _diagnostic(shown: Shown, uri: str, positions: Positions, severity: Severity) -> lsp.Diagnostic:
    page = axis_page(shown.axes[0])
    return lsp.Diagnostic(
        range=positions.span(shown.finding.start_line, shown.finding.end_line),
        message=f"{shown.finding.function}: {shown.message}",
        severity=_SEVERITIES[severity],
        code=shown.axes[0].value,
        code_description=lsp.CodeDescription(page) if page else None,
        source=SOURCE,
        related_information=list(_related(shown, uri, positions)),
        data={
            "id": shown.finding.id,
            "ids": shown.ids,
            "axes": list(shown.axes),
            "function": shown.finding.function,
        },
    )


def _related(
    shown: Shown, uri: str, positions: Positions
) -> Iterator[lsp.DiagnosticRelatedInformation]:
    for hunk in shown.review.function.hunks[:_MOST_HUNKS]:
        last = hunk.head_start + max(hunk.head_count, 1) - 1
        where = lsp.Location(uri, positions.span(hunk.head_start, last))
        yield lsp.DiagnosticRelatedInformation(where, f"since base: {hunk_words(hunk)}")


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"
