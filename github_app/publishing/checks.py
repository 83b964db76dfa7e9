"""What our check run shows: its title, a table of verdicts, what was left out and why. Pure.

Never green without a review, never red for a fault of ours; red only where a gate was asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from github_app.github.values import Annotation, CheckAction, CheckOutput, Conclusion
from github_app.publishing.fitting import FIELD_BYTES, MESSAGE_BYTES, fitting, shortened
from github_app.publishing.outcome import Identified, Outcome
from github_app.publishing.wording import likely
from github_app.types import ActionName
from review_core.renderers.markdown import speaks, table_head, table_row
from review_core.renderers.markup import code, escaped
from review_core.renderers.view import causes, columns, counted, models, visible
from review_core.types import Axis, FunctionReview, Report, Verdict

NAME = "Themis"
ANNOTATIONS_A_REQUEST = 50
ACTIONS = (
    CheckAction("Full review", "Tell again what was resolved, too", ActionName.FULL_REVIEW.value),
)
_ROOM = FIELD_BYTES // 2  # for the longest list; what stands around it needs far less
_LIST_ROOM = FIELD_BYTES // 8
_TITLE_BYTES = 255


def queued() -> CheckOutput:
    """Before anything was looked at."""
    return CheckOutput("Waiting", "The review has not begun yet.")


def reading() -> CheckOutput:
    """While the repository is fetched."""
    return CheckOutput("Reading the change", "The change is being fetched and compared.")


def scoring(done: int, total: int) -> CheckOutput:
    """While the model works. done, total: files."""
    share = f"{done} of {counted(total, 'file')} looked at"
    return CheckOutput(share, f"{share}, those with most changed code first.")


def skipped(reason: str) -> CheckOutput:
    """Why there is no review. reason: a clause, perhaps an error's, with foreign text in it."""
    flat = visible(" ".join(reason.split()))
    return CheckOutput(
        shortened(f"Not reviewed: {flat}", _TITLE_BYTES),
        f"Not reviewed: {escaped(shortened(flat, _LIST_ROOM))}.\n\n"
        "This says nothing about the change.",
    )


def conclusion(outcome: Outcome, found: Sequence[Identified]) -> Conclusion:
    """Failure where a finding blocks, success where all was reviewed and nothing found."""
    if any(each.blocks for each in found):
        return Conclusion.FAILURE
    if found or outcome.left_out or not reviewed(outcome.report):
        return Conclusion.NEUTRAL
    return Conclusion.SUCCESS


def reviewed(report: Report) -> int:
    """How many functions were scored."""
    return sum(bool(each.scores) for each in report.functions)


def title(outcome: Outcome, found: Sequence[Identified]) -> str:
    """`2 functions likely worse · 14 reviewed`."""
    count, functions = worse_functions(found), reviewed(outcome.report)
    if not functions:
        return "Nothing to review"
    worse = f"{counted(count, 'function')} likely worse" if count else "No function likely worse"
    missing = f" · {counted(len(outcome.left_out), 'file')} left out" if outcome.left_out else ""
    return f"{worse} · {functions} reviewed{missing}"


def worse_functions(found: Iterable[Identified]) -> int:
    """In how many functions the findings are."""
    return len({id(each.shared.review) for each in found})


def output(
    outcome: Outcome,
    found: Sequence[Identified],
    annotated: Sequence[Identified],
    dismissed: Sequence[Identified] = (),
) -> CheckOutput:
    """All that the finished check says, its annotations included, however many.

    :param annotated: findings that no comment on lines tells. dismissed: those a person resolved.
    """
    return CheckOutput(
        title=title(outcome, found),
        summary="\n".join(_summary(outcome, found)) + "\n",
        text="\n".join(_details(outcome, found, dismissed)) + "\n",
        annotations=tuple(map(annotation, annotated)),
    )


def pages(whole: CheckOutput, there: int) -> Iterator[CheckOutput]:
    """The output in requests of at most 50 annotations; GitHub appends them to the `there` it has.

    One request at least.
    """
    left = whole.annotations[there:]
    for start in range(0, max(len(left), 1), ANNOTATIONS_A_REQUEST):
        part = left[start : start + ANNOTATIONS_A_REQUEST]
        yield CheckOutput(whole.title, whole.summary, whole.text, part)


def annotation(each: Identified) -> Annotation:
    """A finding beside its lines. Shown as plain text: nothing in it acts."""
    finding = each.shared.finding
    message = f"{visible(finding.function)}: {likely(each)}"
    return Annotation(
        path=finding.path,
        start_line=finding.start_line,
        end_line=finding.end_line,
        level="failure" if each.blocks else "warning",
        message=shortened(message, MESSAGE_BYTES),
        title=shortened(", ".join(each.shared.axes), _TITLE_BYTES),
    )


def verdicts(outcome: Outcome, room: int = _ROOM) -> Iterator[str]:
    """The table of functions and axes: only where the model is sure. Empty if it is of none."""
    report = outcome.report
    spoken = [each for each in report.functions if speaks(each)]
    if not spoken:
        return
    shown = [axes for axes in columns(report) if any(_is_sure(each, axes[0]) for each in spoken)]
    # The worse first: a table that is cut must not lose them.
    spoken.sort(key=lambda each: not _has_worse(each))
    rows = [table_row(each, shown, _link(outcome, each)) for each in spoken]
    kept = fitting(rows, room, "function")
    yield from table_head(shown)
    is_cut = kept != rows
    yield from kept[:-1] if is_cut else kept
    if is_cut:
        yield ""
        yield kept[-1]


def place(each: Identified, outcome: Outcome) -> str:
    """Where a finding is, with a link if we know where the repository is."""
    finding = each.shared.finding
    shown = code(f"{finding.path}:{finding.start_line}")
    address = _address(outcome, finding.path, finding.start_line, finding.end_line)
    return f"[{shown}]({address})" if address else shown


def _summary(outcome: Outcome, found: Sequence[Identified]) -> Iterator[str]:
    report = outcome.report
    count, functions = worse_functions(found), reviewed(report)
    if not functions:
        yield "No changed function could be compared with its base, so there is no verdict."
    elif count:
        yield f"**{count} of {counted(functions, 'function')} likely worse than base.**"
    else:
        yield f"No verdict of worse on {counted(functions, 'function')}."
    table = list(verdicts(outcome))
    if table:
        yield ""
        yield from table
    yield ""
    yield from (f"- {line}" for line in coverage(outcome))


def coverage(outcome: Outcome) -> Iterator[str]:
    """What was looked at and what was not, counted."""
    report = outcome.report
    of = f"{reviewed(report)} of {counted(len(report.functions), 'changed function')} reviewed"
    yield of + _counts(
        (each.note or "" for each in report.functions if not each.scores), "; the others: "
    )
    unsure = sum(not speaks(each) for each in report.functions if each.scores)
    if unsure:
        yield f"{counted(unsure, 'function')} without a verdict: the model is not sure enough"
    if outcome.left_out:
        why = f": {escaped(outcome.coverage)}" if outcome.coverage else ""
        yield f"{counted(len(outcome.left_out), 'file')} left out this time{why}"
    if report.skipped:
        yield (
            counted(len(report.skipped), "file")
            + " skipped"
            + _counts((each.reason for each in report.skipped), ": ")
        )
    if report.withheld:
        yield f"{counted(len(report.withheld), 'finding')} withheld" + _counts(
            (each.reason for each in report.withheld), ": "
        )
    yield escaped(models(report))


def _details(
    outcome: Outcome, found: Sequence[Identified], dismissed: Sequence[Identified]
) -> Iterator[str]:
    report = outcome.report
    closed = {each.mark for each in dismissed}
    yield from _section(
        "Findings",
        [
            f"{place(each, outcome)} {code(each.shared.finding.function)}: {escaped(likely(each))}"
            + "".join(f"; {escaped(cause)}" for cause in causes(each.shared.finding))
            + (" (resolved by a person)" if each.mark in closed else "")
            for each in found
        ],
        "finding",
    )
    yield from _section(
        "Withheld",
        [
            f"{code(f'{each.finding.path}:{each.finding.start_line}')} "
            f"{escaped(each.finding.message)}; {escaped(each.reason)}"
            for each in report.withheld
        ],
        "finding",
    )
    yield from _section("Notices", [escaped(each) for each in report.notices], "notice")
    yield from _section(
        "Unsure", [_unsure(each) for each in report.functions if _is_unsure(each)], "function"
    )
    yield from _section(
        "Not compared",
        [
            f"{code(each.function.name)} in {code(each.function.path)}: {escaped(each.note or '')}"
            for each in report.functions
            if not each.scores
        ],
        "function",
    )
    yield from _section("Left out this time", [code(each) for each in outcome.left_out], "file")
    yield from _section(
        "Skipped files",
        [f"{code(each.path)}: {escaped(each.reason)}" for each in report.skipped],
        "file",
    )


def _section(heading: str, entries: Sequence[str], noun: str) -> Iterator[str]:
    if entries:
        yield f"### {heading} ({len(entries)})"
        yield ""
        yield from fitting([f"- {entry}" for entry in entries], _LIST_ROOM, noun)
        yield ""


def _unsure(review: FunctionReview) -> str:
    reasons = sorted({score.why for score in review.scores.values() if score.why})
    why = f": {escaped(', '.join(reasons))}" if reasons else ""
    return f"{code(review.function.name)} in {code(review.function.path)}{why}"


def _is_unsure(review: FunctionReview) -> bool:
    return bool(review.scores) and not speaks(review)


def _is_sure(review: FunctionReview, axis: Axis) -> bool:
    score = review.scores.get(axis)
    return score is not None and score.verdict is not Verdict.UNSURE


def _has_worse(review: FunctionReview) -> bool:
    return any(score.verdict is Verdict.WORSE for score in review.scores.values())


def _counts(reasons: Iterable[str], lead: str) -> str:
    """`: 2 binary file, 1 new`, the most frequent first; "" for none."""
    counts = Counter(filter(None, reasons))
    shown = [
        f"{count} {escaped(shortened(reason, 200))}" for reason, count in counts.most_common(5)
    ]
    more = len(counts) - len(shown)
    return (
        lead + ", ".join(shown) + (f", {more} other reasons" if more > 0 else "") if shown else ""
    )


def _link(outcome: Outcome, review: FunctionReview) -> str | None:
    function = review.function
    if function.head is None:
        return None
    return _address(outcome, function.path, function.head.lines.start, function.head.lines.end)


def _address(outcome: Outcome, path: str, start: int, end: int) -> str | None:
    if outcome.web_url is None:
        return None
    quoted = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return f"{outcome.web_url}/blob/{quote(outcome.report.head)}/{quoted}#L{start}-L{end}"
