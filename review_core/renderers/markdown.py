"""A Report as GitHub-flavoured Markdown: nothing foreign in it becomes markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from review_core.findings import percent
from review_core.renderers.markup import code, code_cell, escaped, fenced
from review_core.renderers.view import (
    SharedFinding,
    columns,
    counted,
    excerpt,
    models,
    note_of,
    shared_findings,
    short_name,
    skipped_by_reason,
    visible,
)
from review_core.types import Axis, AxisScore, ChangedFunction, FunctionReview, Report, Verdict

_MARKS = {Verdict.WORSE: "🔻", Verdict.BETTER: "🔺"}


def render_markdown(report: Report) -> str:
    """The report as text that ends in a line end."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    found = shared_findings(report)
    yield f"### Themis: {counted(len(found), 'finding') if found else 'no findings'}"
    yield ""
    sides = f"{code(short_name(report.base))} → {code(short_name(report.head))}"
    yield f"{sides}: {escaped(report.intent)}" if report.intent else sides
    for _, group in groupby(found, key=lambda each: id(each.review)):
        yield ""
        yield from _findings(list(group))
    spoken = [each for each in report.functions if speaks(each)]
    if spoken:
        yield ""
        shown = columns(report)
        yield from table_head(shown)
        yield from (table_row(each, shown) for each in spoken)
    yield from _remarks(report)
    yield ""
    yield f"<sub>{_summary(report, len(spoken))}</sub>"


def _findings(group: Sequence[SharedFinding]) -> Iterator[str]:
    """What is said of one function, and once what changed in it."""
    finding = group[0].finding
    where = code(f"{finding.path}:{finding.start_line}")
    yield f"- {code(finding.function)} at {where}"
    yield from (f"  - **{escaped(each.message)}**" for each in group)
    lines = diff_lines(group[0].review.function)
    if lines:
        yield ""
        yield from (f"  {line}".rstrip() for line in fenced(lines, "diff"))


def diff_lines(function: ChangedFunction) -> list[str]:
    """What changed in a function, in a few lines, for a `diff` block."""
    return [
        f"{line.sign}{visible(line.text)}" if line.sign in "+-" else f"@@ {line.text} @@"
        for line in excerpt(function)
    ]


def table_head(shown: Sequence[tuple[Axis, ...]]) -> tuple[str, str]:
    """The first two lines of a table of verdicts."""
    return (
        "| function | " + " | ".join(", ".join(axes) for axes in shown) + " |",
        "| :-- |" + " :-: |" * len(shown),
    )


def table_row(
    review: FunctionReview, shown: Sequence[tuple[Axis, ...]], link: str | None = None
) -> str:
    """A function and its verdicts; a cell is empty where the model is unsure.

    :param link: an address that the name leads to.
    """
    name = code_cell(review.function.name)
    name = f"[{name}]({link})" if link else name
    read = f"<br>{escaped(review.window.words)}" if review.window else ""
    cells = (_cell(review.scores.get(axes[0])) for axes in shown)
    return f"| {name}<br>{code_cell(review.function.path)}{read} | " + " | ".join(cells) + " |"


def speaks(review: FunctionReview) -> bool:
    """Whether the model is sure of anything about it."""
    return any(score.verdict is not Verdict.UNSURE for score in review.scores.values())


def _cell(score: AxisScore | None) -> str:
    if score is None or score.verdict is Verdict.UNSURE:
        return ""
    worse = score.verdict is Verdict.WORSE
    chance = percent(1 - score.preference if worse else score.preference)
    return f"{_MARKS[score.verdict]} {score.verdict} {escaped(chance)}"


def _remarks(report: Report) -> Iterator[str]:
    remarks = [
        *(
            f"withheld: {code(f'{each.finding.path}:{each.finding.start_line}')} "
            f"{each.finding.axis}, {escaped(each.reason)}"
            for each in report.withheld
        ),
        *(
            f"skipped: {counted(count, 'file')}, {escaped(reason)}"
            for reason, count in skipped_by_reason(report.skipped)
        ),
        *(
            f"{code(each.function.name)}: {escaped(note_of(each))}"
            for each in report.functions
            if each.standings
        ),
        *(escaped(notice) for notice in report.notices),
    ]
    if remarks:
        yield ""
        yield f"<details><summary>{counted(len(remarks), 'remark')}</summary>"
        yield ""
        yield from (f"- {remark}" for remark in remarks)
        yield ""
        yield "</details>"


def _summary(report: Report, spoken: int) -> str:
    count = len(report.functions)
    silent = f"{count - spoken} of {counted(count, 'changed function')} without a verdict"
    return f"{silent} · {escaped(models(report))}"
