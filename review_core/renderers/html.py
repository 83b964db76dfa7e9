"""A Report as one HTML page that needs nothing else: no network, no files beside it.

The templates hold the markup; here is what they are given. Foreign text is escaped by the template
engine, and cannot act on what shows it (`view.visible`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from review_core.findings import criterion_words, percent
from review_core.renderers.templating import environment, resource, source_hash
from review_core.renderers.view import (
    Line,
    SharedFinding,
    causes,
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
from review_core.types import Axis, AxisScore, FunctionReview, Report, Verdict

_EXCERPT_LINES = 24
_NO_SCORE = 2.0
"""Where a function without a score sorts: after the most preferred."""


def render_html(report: Report) -> str:
    """The report as a page that ends in a line end; the same report gives the same bytes."""
    shown = columns(report)
    found = shared_findings(report)
    style, script = resource("report.css"), resource("report.js")
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            base=visible(short_name(report.base)),
            head=visible(short_name(report.head)),
            intent=visible(report.intent or ""),
            model=visible(models(report)),
            found=counted(len(found), "finding") if found else "No findings",
            functions=counted(len(report.functions), "changed function"),
            columns=[", ".join(axes) for axes in shown],
            charts=[_Chart.of(axes, report.functions) for axes in shown],
            findings=[_Card.of(each) for each in found],
            rows=[_Row.of(each, shown) for each in report.functions],
            remarks=[visible(each) for each in _remarks(report)],
            style=style,
            script=script,
            style_hash=source_hash(style),
            script_hash=source_hash(script),
        )
        + "\n"
    )


# --- what the template is given ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Chart:
    """How many functions got which verdict on a column's axes; widths in percent."""

    name: str
    worse: int
    better: int
    unsure: int

    @classmethod
    def of(cls, axes: Sequence[Axis], reviews: Sequence[FunctionReview]) -> _Chart:
        verdicts = [
            score.verdict for each in reviews if (score := each.scores.get(axes[0])) is not None
        ]
        return cls(
            ", ".join(axes),
            verdicts.count(Verdict.WORSE),
            verdicts.count(Verdict.BETTER),
            verdicts.count(Verdict.UNSURE),
        )

    @property
    def parts(self) -> list[tuple[str, int, float, float]]:
        """For each verdict: its name, how many, where its bar starts and how wide it is."""
        total = self.worse + self.better + self.unsure
        at, parts = 0.0, []
        for name in ("worse", "better", "unsure"):
            count = getattr(self, name)
            width = 100 * count / total if total else 0.0
            parts.append((name, count, round(at, 3), round(width, 3)))
            at += width
        return parts


@dataclass(frozen=True, slots=True)
class _Card:
    """A finding, with what changed."""

    id: str
    message: str
    function: str
    place: str
    lines: tuple[Line, ...]
    causes: tuple[str, ...]

    @classmethod
    def of(cls, shared: SharedFinding) -> _Card:
        finding = shared.finding
        lines = excerpt(shared.review.function, _EXCERPT_LINES)
        return cls(
            finding.id,
            visible(shared.message),
            visible(finding.function),
            visible(f"{finding.path}:{finding.start_line}"),
            tuple(Line(each.sign, each.number, visible(each.text)) for each in lines),
            tuple(causes(finding)),
        )


@dataclass(frozen=True, slots=True)
class _Cell:
    """What is said of a function on a column's axes. sort: P(better), so the worst is first."""

    verdict: str
    text: str
    hint: str
    sort: float

    @classmethod
    def of(cls, score: AxisScore | None) -> _Cell:
        if score is None:
            return cls("none", "", "", _NO_SCORE)
        hint = f"P(better) {percent(score.preference)}, {criterion_words(score.criterion)}"
        hint += ", by the judge" * score.by_judge
        why = f": {score.why}" if score.why else ""
        if score.verdict is Verdict.UNSURE:
            return cls("unsure", "unsure", visible(f"{hint}{why}"), round(score.preference, 3))
        worse = score.verdict is Verdict.WORSE
        chance = percent(1 - score.preference if worse else score.preference)
        return cls(
            score.verdict.value,
            f"{score.verdict} {chance}",
            visible(hint),
            # A verdict sorts before what is only likely: thresholds differ between criteria.
            round(score.preference, 3) + (-1.0 if worse else 1.0),
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """A changed function."""

    function: str
    place: str
    language: str
    note: str
    cells: tuple[_Cell, ...]
    speaks: bool

    @classmethod
    def of(cls, review: FunctionReview, shown: Sequence[tuple[Axis, ...]]) -> _Row:
        function = review.function
        cells = tuple(_Cell.of(review.scores.get(axes[0])) for axes in shown)
        return cls(
            visible(function.name),
            visible(f"{function.path}:{function.shown.lines.start}"),
            function.language,
            visible(note_of(review)),
            cells,
            any(cell.verdict in ("worse", "better") for cell in cells),
        )


def _remarks(report: Report) -> Iterator[str]:
    for each in report.withheld:
        finding = each.finding
        yield f"withheld: {finding.path}:{finding.start_line} {finding.axis}, {each.reason}"
    for reason, count in skipped_by_reason(report.skipped):
        yield f"skipped: {counted(count, 'file')}, {reason}"
    yield from report.notices
