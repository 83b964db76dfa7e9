"""The command by which a person says that a finding is right or wrong: finds it, has it kept.

    themis.feedback  [uri, "good" | "bad", id | {line, character}]

Any client may call it; our code actions do, with the id. A position stands for the only finding of
the function there: a person with a cursor knows no ids.
"""

from __future__ import annotations

from typing import Any

from lsprotocol import types as lsp

from lsp_server.actions import VERDICTS
from lsp_server.jobs import AnswerKept, KeepAnswer
from lsp_server.positions import Positions
from lsp_server.process import JobError
from lsp_server.server import ThemisServer
from lsp_server.verdicts import shown_findings
from review_core.feedback import ShownFinding
from review_core.feedback import shown_findings as as_kept
from review_core.renderers.view import counted
from review_core.types import Report


async def answer(ls: ThemisServer, uri: str, verdict: str, at: Any) -> tuple[lsp.MessageType, str]:
    """Keep what a person says of a finding; what to tell them."""
    if verdict not in VERDICTS:
        return lsp.MessageType.Warning, f"a finding is {' or '.join(VERDICTS)}, not {verdict}"
    reviewed = ls.on_screen(uri)
    report = reviewed.review.report if reviewed is not None else None
    if reviewed is None or report is None:
        return lsp.MessageType.Info, "nothing is said of this document"
    found = _at(at, report, ls.positions_of(reviewed.buffer))
    if not found:
        return lsp.MessageType.Info, "there is no finding here, or the function was edited since"
    if len(found) > 1:
        told = ", ".join(each.axis for each in found)
        return (
            lsp.MessageType.Info,
            f"{len(found)} findings are here ({told}); answer by its action",
        )
    (finding,) = found
    job = KeepAnswer(finding, verdict == "good", ls.context_of(reviewed.buffer.file))
    try:
        kept = await ls.model.run(job, urgent=True)
    except JobError as error:
        return lsp.MessageType.Warning, str(error)
    if not isinstance(kept, AnswerKept):
        raise TypeError(f"keeping an answer gave {type(kept).__name__}")
    return lsp.MessageType.Info, (
        f"kept on this machine: {finding.function} ({finding.axis}) is {VERDICTS[verdict]}; "
        f"{counted(kept.answers, 'answer')} here so far"
    )


def _at(at: Any, report: Report, positions: Positions) -> list[ShownFinding]:
    """The finding with that id, or those of the function at that position."""
    kept = list(as_kept(report))
    position = _position(at)
    if position is None:
        return [each for each in kept if at in each.ids]
    line = positions.line_at(position)
    here = {
        each.finding.id
        for each in shown_findings(report)
        if any(line in span for span in each.review.function.shown.spans)
    }
    return [each for each in kept if each.id in here]


def _position(at: Any) -> lsp.Position | None:
    """The position that an argument is; None if it is none."""
    try:
        return lsp.Position(int(at["line"]), int(at["character"]))
    except (KeyError, TypeError, ValueError):
        return None
