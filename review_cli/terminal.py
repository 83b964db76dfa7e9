"""Shows a Report in the terminal: a row a function, a column an axis, then the findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from review_core.findings import percent
from review_core.renderers.view import (
    Line,
    SharedFinding,
    columns,
    counted,
    excerpt,
    models,
    note_of,
    shared_findings,
    short_ids,
    short_name,
    skipped_by_reason,
    visible,
)
from review_core.types import Axis, AxisScore, FunctionReview, Report, Verdict

_CELL = 7  # "▼ >99 %"
_GAP = 2
_NAMES = 28  # a function's name needs about this much before columns get their full titles
_MANY = 40  # functions from which those without any verdict are only counted


@dataclass(frozen=True, slots=True)
class _Glyphs:
    worse: str
    better: str
    unsure: str
    arrow: str
    dot: str
    more: str


_UNICODE = _Glyphs("▼", "▲", "·", "→", "·", "…")
_ASCII = _Glyphs("v", "^", ".", "->", "-", "...")


def print_report(report: Report, console: Console, *, quiet: bool = False) -> None:
    """Print a report; `quiet` leaves one line a finding."""
    lines = _quiet_lines(report) if quiet else _Page(report, console).lines()
    for line in lines:
        console.print(line, soft_wrap=True)


def _quiet_lines(report: Report) -> Iterator[Text]:
    for each in shared_findings(report):
        where = Text(f"{visible(each.finding.path)}:{each.finding.start_line}: ", "bold")
        yield where.append(f"{each.message} ({visible(each.finding.function)})", "not bold")


class _Page:
    """A report laid out for one width."""

    def __init__(self, report: Report, console: Console) -> None:
        self._report = report
        self._width = console.width
        self._glyphs = _ASCII if console.options.ascii_only else _UNICODE
        self._columns = columns(report)
        self._ids = short_ids(report)
        full = sum(max(_CELL, len(_title(axes))) + _GAP for axes in self._columns)
        short = len(self._columns) * (_CELL + _GAP)
        many = len(report.functions) > _MANY
        self._counted = {id(each) for each in report.functions if many and not _speaks(each)}
        longest = max(
            (
                cell_len(visible(each.function.name)) + 2
                for each in report.functions
                if id(each) not in self._counted
            ),
            default=0,
        )
        self._titles = full <= self._width - min(longest, _NAMES)
        self._stacked = not self._titles and short > self._width - 16
        room = self._width - (0 if self._stacked else full if self._titles else short)
        self._name = max(min(longest, room), 8)

    def lines(self) -> Iterator[Text]:
        yield self._headline()
        if self._report.functions:
            yield Text()
            yield from self._table()
        if self._report.findings:
            yield Text()
            yield from self._findings()
        yield Text()
        yield from self._remarks()
        yield self._summary()

    def _headline(self) -> Text:
        report = self._report
        line = Text("themis ", "bold")
        line.append(f"{visible(short_name(report.base))} {self._glyphs.arrow} ")
        line.append(visible(short_name(report.head)))
        if report.intent:
            line.append(f"  {visible(report.intent.splitlines()[0])}", "italic dim")
        return line

    # the table

    def _table(self) -> Iterator[Text]:
        silent_files: list[int] = []
        if not self._stacked and self._columns:
            yield self._titles_line()
        for path, group in groupby(self._report.functions, key=lambda each: each.function.path):
            reviews = list(group)
            shown = [each for each in reviews if id(each) not in self._counted]
            if not shown:
                silent_files.append(len(reviews))
                continue
            yield Text(visible(path), "bold cyan", overflow="fold")
            for review in shown:
                yield from self._rows(review)
            if silent := len(reviews) - len(shown):
                yield Text(f"  {counted(silent, 'function')} without a verdict", "dim")
        if silent_files:
            silent_in = counted(len(silent_files), "more file")
            silent_ones = counted(sum(silent_files), "function")
            yield Text(f"{silent_in}: {silent_ones} without a verdict", "dim")
        yield Text()
        glyphs = self._glyphs
        legend = (
            f"{glyphs.worse} likely worse   {glyphs.better} likely better   {glyphs.unsure} unsure"
        )
        yield Text(legend, "dim")

    def _titles_line(self) -> Text:
        line = Text(" " * self._name)
        for axes in self._columns:
            line.append(" " * _GAP)
            title = _title(axes) if self._titles else _short_title(axes)
            line.append(title.ljust(self._column_width(axes)), "dim")
        line.rstrip()
        return line

    def _column_width(self, axes: Sequence[Axis]) -> int:
        return max(_CELL, len(_title(axes))) if self._titles else _CELL

    def _rows(self, review: FunctionReview) -> Iterator[Text]:
        name = Text("  " + _fit(visible(review.function.name), self._name - 2, self._glyphs.more))
        width = 0 if self._stacked else self._name - cell_len(name.plain)
        padded = name.copy().append(" " * (max(width, 0) + _GAP))
        remark = visible(_remark(review))
        if not review.scores or _all_for_one_reason(review):
            yield padded.append(remark, "dim")
            return
        if self._stacked:
            yield name if _speaks(review) else padded.append(self._glyphs.unsure, "dim")
            yield from self._stacked_cells(review)
        else:
            yield padded.append_text(self._cells(review))
        if remark:
            yield Text(f"    {remark}", "dim")

    def _cells(self, review: FunctionReview) -> Text:
        cells = Text()
        for axes in self._columns:
            cell = self._cell(review.scores.get(axes[0]))
            padding = self._column_width(axes) + _GAP - cell_len(cell.plain)
            cells.append_text(cell).append(" " * padding)
        cells.rstrip()
        return cells

    def _stacked_cells(self, review: FunctionReview) -> Iterator[Text]:
        for axes in self._columns:
            score = review.scores.get(axes[0])
            if score and score.verdict is not Verdict.UNSURE:
                yield Text(f"    {_title(axes)} ").append_text(self._cell(score))

    def _cell(self, score: AxisScore | None) -> Text:
        if score is None:
            return Text()
        if score.verdict is Verdict.WORSE:
            return Text(f"{self._glyphs.worse} {percent(1 - score.preference)}", "bold red")
        if score.verdict is Verdict.BETTER:
            return Text(f"{self._glyphs.better} {percent(score.preference)}", "green")
        return Text(self._glyphs.unsure, "dim")

    # the findings

    def _findings(self) -> Iterator[Text]:
        found = shared_findings(self._report)
        for number, (_, group) in enumerate(groupby(found, key=lambda each: id(each.review))):
            if number:
                yield Text()
            yield from self._finding(list(group))

    def _finding(self, shared: Sequence[SharedFinding]) -> Iterator[Text]:
        finding = shared[0].finding
        where = Text(f"{visible(finding.path)}:{finding.start_line}", "bold")
        yield where.append(f"  {visible(finding.function)}", "not bold cyan")
        for each in shared:
            said = Text(f"  {self._glyphs.worse} ", "bold red").append(each.message, "not bold")
            yield said.append(f"  {self._ids[each.finding.id]}", "not bold dim default")
        lines = list(excerpt(shared[0].review.function))
        digits = max((len(str(line.number)) for line in lines if line.number), default=1)
        for line in lines:
            yield self._excerpt_line(line, digits)

    def _excerpt_line(self, line: Line, digits: int) -> Text:
        number = "" if line.number is None else str(line.number)
        text = Text(f"    {number:>{digits}} ", "dim")
        sign = self._glyphs.more if line.sign == "…" else line.sign
        style = {"-": "red", "+": "green"}.get(line.sign, "dim")
        text.append(
            f"{sign} {visible(line.text).expandtabs(4)}",
            f"not dim {style}" if style != "dim" else "",
        )
        text.truncate(self._width, overflow="ellipsis")
        text.rstrip()
        return text

    # what else there is to say

    def _remarks(self) -> Iterator[Text]:
        before = len(self._report.withheld) + len(self._report.skipped) + len(self._report.notices)
        for each in self._report.withheld:
            finding = each.finding
            where = f"{visible(finding.path)}:{finding.start_line} {finding.axis}"
            yield Text(f"withheld  {where}: {each.reason}", "dim")
        for reason, count in skipped_by_reason(self._report.skipped):
            named = next(each.path for each in self._report.skipped if each.reason == reason)
            which = visible(named) if count == 1 else counted(count, "file")
            yield Text(f"skipped   {which}: {visible(reason)}", "dim")
        for notice in self._report.notices:
            yield Text("note      ", "yellow").append(visible(notice))
        if before:
            yield Text()

    def _summary(self) -> Text:
        report, cost = self._report, self._report.statistics
        found = len(shared_findings(report))
        parts = [
            f"{counted(cost.functions, 'changed function')} in {counted(cost.files, 'file')}",
            counted(found, "finding") if found else "no findings",
            *([f"{len(report.withheld)} withheld"] if report.withheld else []),
            f"{cost.seconds:.1f} s",
            f"model {visible(models(report))}",
        ]
        line = Text(f" {self._glyphs.dot} ").join(Text(part) for part in parts)
        line.stylize("bold")
        return line


def _speaks(review: FunctionReview) -> bool:
    return any(score.verdict is not Verdict.UNSURE for score in review.scores.values())


def _all_for_one_reason(review: FunctionReview) -> bool:
    reasons = {score.why for score in review.scores.values()}
    return len(reasons) == 1 and None not in reasons


def _remark(review: FunctionReview) -> str:
    """What stands beside a row: its note, and why axes are silent against their numbers."""
    remarks = [note] if (note := note_of(review)) else []
    if _all_for_one_reason(review):
        remarks.extend({score.why or "" for score in review.scores.values()})
    else:
        axes: dict[str, list[str]] = {}
        for axis, score in review.scores.items():
            if score.why:
                axes.setdefault(score.why, []).append(axis)
        remarks += [f"{', '.join(which)}: {why}" for why, which in axes.items()]
    return "; ".join(remarks)


def _title(axes: Sequence[Axis]) -> str:
    return " + ".join(axes)


def _short_title(axes: Sequence[Axis]) -> str:
    return "+".join(axis[:3] if len(axes) > 1 else axis[:_CELL] for axis in axes)[:_CELL]


def _fit(text: str, width: int, more: str) -> str:
    """The text, or its end if it is too wide: the last parts of a qualified name tell most."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - cell_len(more):
        text = text[1:]
    return more + text
