"""What can be done about a finding: show what changed, take it back, ignore it, answer, read on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lsprotocol import types as lsp

from lsp_server.annotations import COMPARE
from lsp_server.diagnostics import SOURCE, hunk_words
from lsp_server.ignoring import ignore_comment
from lsp_server.jobs import CommentPlace
from lsp_server.pages import axis_page
from lsp_server.positions import Positions
from lsp_server.reviews import Reviewed
from lsp_server.verdicts import Shown, shown_findings
from review_core.diff import lines_of
from review_core.languages import language_named
from review_core.types import Axis, Hunk

SHOW_HUNK, EXPLAIN, FEEDBACK = "themis.showHunk", "themis.explainAxis", "themis.feedback"

VERDICTS = {"good": "right", "bad": "wrong"}
"""What a person may say of a finding, as `themis feedback` has it, and in words."""

_MOST_HUNKS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """The lines that a client asks actions for, and the diagnostics it knows there."""

    first: int
    last: int
    diagnostics: tuple[lsp.Diagnostic, ...]
    versioned: bool
    """Whether edits may name the version they are for."""


def code_actions(
    reviewed: Reviewed, positions: Positions, asked: Asked
) -> Iterator[lsp.CodeAction]:
    """The actions for every finding that the asked lines touch, all of them quick fixes."""
    report = reviewed.review.report
    for shown in shown_findings(report) if report is not None else ():
        finding = shown.finding
        if finding.start_line > asked.last or finding.end_line < asked.first:
            continue
        known = [each for each in asked.diagnostics if _is(each, shown)]
        for action in _actions(reviewed, positions, asked, shown):
            action.diagnostics = known
            yield action


def take_back(positions: Positions, base: str, hunk: Hunk) -> lsp.TextEdit:
    """The edit that puts a hunk's base lines in place of its head lines, with the text's own line
    ends.
    """
    before = hunk.base_start - 1
    lines = lines_of(base)[before : before + hunk.base_count]
    end = positions.line_end
    where = positions.whole_lines(hunk.head_start, hunk.head_count)
    behind_all = hunk.head_start + hunk.head_count > positions.count
    if not behind_all or positions.ends_in_line_end:
        return lsp.TextEdit(where, "".join(f"{line}{end}" for line in lines))
    # The text's last line has no end, and is not given one.
    text = end.join(lines)
    if not hunk.head_count:
        return lsp.TextEdit(where, end + text)
    if not lines and hunk.head_start > 1:
        start = positions.end_of(hunk.head_start - 1)
        return lsp.TextEdit(lsp.Range(start, where.end), "")
    return lsp.TextEdit(where, text)


def _actions(
    reviewed: Reviewed, positions: Positions, asked: Asked, shown: Shown
) -> Iterator[lsp.CodeAction]:
    uri = reviewed.buffer.uri
    names = ", ".join(shown.axes)
    hunks = shown.review.function.hunks
    near = [hunk for hunk in hunks if len(hunks) == 1 or _touches(hunk, asked)][:_MOST_HUNKS]
    for hunk in near:
        last = hunk.head_start + max(hunk.head_count, 1) - 1
        where = positions.span(hunk.head_start, last)
        title = f"Themis: show what changed ({hunk_words(hunk)})"
        yield _command(title, SHOW_HUNK, [uri, _as_json(where)])
    for hunk in near:
        if reviewed.review.base is not None:
            edit = take_back(positions, reviewed.review.base, hunk)
            title = f"Themis: take this change back ({hunk_words(hunk)})"
            yield _edit(title, reviewed, edit, versioned=asked.versioned)
    place = reviewed.review.places.get(shown.index)
    if place is not None:
        edit = _ignoring(positions, place, shown, list(shown.axes))
        title = f"Themis: ignore {names} in {shown.finding.function}"
        yield _edit(title, reviewed, edit, versioned=asked.versioned)
    yield _command("Themis: compare with base", COMPARE, [uri])
    if reviewed.review.remembers:
        for verdict, word in VERDICTS.items():
            title = f"Themis: this finding is {word} ({names})"
            yield _command(title, FEEDBACK, [uri, verdict, shown.finding.id])
    for axis in shown.axes:
        if axis_page(axis):
            yield _command(f"Themis: explain {axis}", EXPLAIN, [axis.value])


def _ignoring(
    positions: Positions, place: CommentPlace, shown: Shown, axes: list[Axis]
) -> lsp.TextEdit:
    language = language_named(shown.review.function.language)
    if language is None:
        raise ValueError(f"{shown.review.function.language} is not a language of ours")
    comment = ignore_comment(language, axes)
    if place.behind:
        end = positions.end_of(place.line)
        return lsp.TextEdit(lsp.Range(end, end), f"  {comment}")
    start = positions.start_of(place.line)
    return lsp.TextEdit(
        lsp.Range(start, start), f"{place.indentation}{comment}{positions.line_end}"
    )


def _edit(title: str, reviewed: Reviewed, edit: lsp.TextEdit, *, versioned: bool) -> lsp.CodeAction:
    buffer = reviewed.buffer
    if versioned:  # the editor then refuses it for any other version
        document = lsp.OptionalVersionedTextDocumentIdentifier(buffer.uri, buffer.version)
        workspace_edit = lsp.WorkspaceEdit(
            document_changes=[lsp.TextDocumentEdit(document, [edit])]
        )
    else:
        workspace_edit = lsp.WorkspaceEdit(changes={buffer.uri: [edit]})
    return lsp.CodeAction(title, lsp.CodeActionKind.QuickFix, edit=workspace_edit)


def _command(title: str, command: str, arguments: list[object]) -> lsp.CodeAction:
    told = lsp.Command(title, command, arguments=arguments)
    return lsp.CodeAction(title, lsp.CodeActionKind.QuickFix, command=told)


def _as_json(where: lsp.Range) -> dict[str, dict[str, int]]:
    """A range as a command's argument travels."""
    return {
        side: {"line": at.line, "character": at.character}
        for side, at in (("start", where.start), ("end", where.end))
    }


def _touches(hunk: Hunk, asked: Asked) -> bool:
    last = hunk.head_start + max(hunk.head_count, 1) - 1
    return hunk.head_start <= asked.last and last >= asked.first


def _is(diagnostic: lsp.Diagnostic, shown: Shown) -> bool:
    data = diagnostic.data
    told = data.get("id") if isinstance(data, dict) else getattr(data, "id", None)
    return diagnostic.source == SOURCE and told == shown.finding.id
