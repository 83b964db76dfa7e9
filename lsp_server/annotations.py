"""What stands beside changed functions: code lenses, hovers and inlay hints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types as lsp

from lsp_server.positions import Positions
from lsp_server.reviews import Earlier, Reviewed
from lsp_server.verdicts import Scored, decided, name_line, scores_of
from review_core.findings import percent
from review_core.renderers.view import visible
from review_core.types import FunctionReview, Verdict

COMPARE = "themis.compareWithBase"


def code_lenses(reviewed: Reviewed, positions: Positions) -> list[lsp.CodeLens]:
    """Above each changed function that the model is sure of: its axes, and a way to compare."""
    lenses = []
    for review in _at_head(reviewed):
        if found := decided(review):
            title = "Themis: " + " | ".join(each.words for each in found)
            where = positions.span(*[name_line(review.function)] * 2)
            command = lsp.Command(title, COMPARE, arguments=[reviewed.buffer.uri])
            lenses.append(lsp.CodeLens(where, command))
    return lenses


def inlay_hints(
    reviewed: Reviewed, positions: Positions, first: int, last: int
) -> list[lsp.InlayHint]:
    """Behind the line with a changed function's name, within lines first to last: its axes."""
    hints = []
    for review in _at_head(reviewed):
        line = name_line(review.function)
        if first <= line <= last and (found := decided(review)):
            label = ", ".join(each.words for each in found)
            where = positions.end_of(line)
            hints.append(lsp.InlayHint(where, label, padding_left=True))
    return hints


def hover(reviewed: Reviewed, positions: Positions, line: int) -> lsp.Hover | None:
    """All there is to say of the changed function whose name or changed lines stand at `line`."""
    for review in _at_head(reviewed):
        if line in _told_lines(review):
            text = "\n".join(_described(review, reviewed.earlier))
            return lsp.Hover(
                lsp.MarkupContent(lsp.MarkupKind.Markdown, text), positions.span(line, line)
            )
    return None


def _at_head(reviewed: Reviewed) -> Iterator[FunctionReview]:
    report = reviewed.review.report
    if report is not None:
        yield from (each for each in report.functions if each.function.head is not None)


def _told_lines(review: FunctionReview) -> set[int]:
    """Elsewhere in a function a hover belongs to the language's own server."""
    function = review.function
    changed = {
        line
        for hunk in function.hunks
        for line in range(hunk.head_start, hunk.head_start + max(hunk.head_count, 1))
        if any(line in span for span in function.shown.spans)
    }
    return {name_line(function), *changed}


def _described(review: FunctionReview, earlier: Earlier) -> Iterator[str]:
    function = review.function
    yield f"**Themis**: `{_plain(function.name)}` against its base"
    yield ""
    if review.note:
        yield f"{review.note}  "
    if not review.scores:
        return
    yield from _table([*_verdicts(review, earlier)])


def _verdicts(review: FunctionReview, earlier: Earlier) -> Iterator[tuple[str, ...]]:
    yield ("axis", "verdict", "P(better)", "before this edit", "why")
    for scored in scores_of(review):
        score = scored.score
        is_sure = score.verdict is not Verdict.UNSURE
        verdict = f"**{score.verdict}**" if is_sure else score.verdict.value
        verdict += " by the judge" * score.by_judge
        before = _before(review, scored, earlier)
        silence = "not sure enough" if score.speaks else "the model does not speak on this axis"
        why = score.why or ("" if is_sure else silence)
        yield (scored.name, verdict, percent(score.preference), before, why)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The rows in Markdown, the head first; a column with nothing below its head is left out."""
    head, *below = rows
    columns = [at for at, _ in enumerate(head) if any(row[at] for row in below)]
    for number, row in enumerate(rows):
        yield "".join(f"| {row[at]} " for at in columns) + "|"
        if number == 0:
            yield "| :--- " * len(columns) + "|"


def _before(review: FunctionReview, scored: Scored, earlier: Earlier) -> str:
    was = earlier.get((review.function.name, scored.score.axis))
    if was is None or percent(was) == percent(scored.score.preference):
        return ""
    return percent(was)


def _plain(name: str) -> str:
    return visible(name).replace("`", "'").replace("|", "/")
