"""A Report as GitHub-flavoured Markdown: nothing foreign in it becomes markup."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from review_core.findings import percent
from review_core.renderers.view import (
    SharedFinding,
    columns,
    counted,
    excerpt,
    model_name,
    shared_findings,
    short_name,
    skipped_by_reason,
    visible,
)
from review_core.types import Axis, AxisScore, FunctionReview, Report, Verdict

_MARKUP = re.compile(r"([\\`*_\[\]|~$])|(?<!\S)([#+-])(?=\s)|(?<=\d)([.)])(?=\s)")
_MARKS = {Verdict.WORSE: "🔻", Verdict.BETTER: "🔺"}


def render_markdown(report: Report) -> str:
    """The report as text that ends in a line end."""
    return "\n".join(_lines(report)) + "\n"


def escaped(text: str) -> str:
    """Foreign text on one line, without markup, HTML, mentions, references or invisibles."""
    flat = visible(" ".join(text.split()))
    flat = _MARKUP.sub(r"\\\g<0>", html.escape(flat, quote=False))
    # GitHub looks for mentions and addresses in the finished text: only another character stops it.
    flat = re.sub(r"@(?=\w)", "@\u200b", flat)
    flat = re.sub(r"(#|\bGH-)(?=\d)", "\\1\u200b", flat)
    return re.sub(r"(?i)\b(https?|ftp)(?=:)|\bwww(?=\.)", "\\g<0>\u200b", flat)


def code(text: str) -> str:
    """Foreign text as a code span."""
    flat = visible(" ".join(text.split("\n")))
    fence = "`" * (_longest_run(flat) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") or not flat.strip() else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _lines(report: Report) -> Iterator[str]:
    found = shared_findings(report)
    yield f"### Themis: {counted(len(found), 'finding') if found else 'no findings'}"
    yield ""
    sides = f"{code(short_name(report.base))} → {code(short_name(report.head))}"
    yield f"{sides}: {escaped(report.intent)}" if report.intent else sides
    for _, group in groupby(found, key=lambda each: id(each.review)):
        yield ""
        yield from _findings(list(group))
    spoken = [each for each in report.functions if _speaks(each)]
    if spoken:
        yield ""
        yield from _table(spoken, columns(report))
    yield from _remarks(report)
    yield ""
    yield f"<sub>{_summary(report, len(spoken))}</sub>"


def _findings(group: Sequence[SharedFinding]) -> Iterator[str]:
    """What is said of one function, and once what changed in it."""
    finding = group[0].finding
    where = code(f"{finding.path}:{finding.start_line}")
    yield f"- {code(finding.function)} at {where}"
    yield from (f"  - **{escaped(each.message)}**" for each in group)
    lines = [
        f"{line.sign}{visible(line.text)}" if line.sign in "+-" else f"@@ {line.text} @@"
        for line in excerpt(group[0].review.function)
    ]
    if lines:
        fence = "`" * max(3, max(map(_longest_run, lines)) + 1)
        yield ""
        yield f"  {fence}diff"
        yield from (f"  {line}".rstrip() for line in lines)
        yield f"  {fence}"


def _table(reviews: Sequence[FunctionReview], shown: Sequence[tuple[Axis, ...]]) -> Iterator[str]:
    """Functions with a verdict only: what the model is unsure of is counted below."""
    yield "| function | " + " | ".join(", ".join(axes) for axes in shown) + " |"
    yield "| :-- |" + " :-: |" * len(shown)
    for review in reviews:
        function = review.function
        name = f"{code(function.name)}<br>{code(function.path)}".replace("|", "\\|")
        cells = (_cell(review.scores.get(axes[0])) for axes in shown)
        yield f"| {name} | " + " | ".join(cells) + " |"


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
    return f"{silent} · {escaped(model_name(report.bundle))}"


def _speaks(review: FunctionReview) -> bool:
    return any(score.verdict is not Verdict.UNSURE for score in review.scores.values())
