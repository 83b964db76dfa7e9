"""A History as one HTML page with a trend for each axis, drawn as inline SVG. No scripts at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from review_core.history import CommitReview, History, Tally
from review_core.renderers.templating import environment, resource, source_hash
from review_core.renderers.view import counted, model_name, short_name, visible
from review_core.types import Axis, Verdict

_WIDTH, _HEIGHT = 1000, 100
_MIDDLE = _HEIGHT / 2
_MARGIN = 4
"""What stays free above and below, in the drawing's own units."""


def render_history_html(history: History) -> str:
    """The history as a page that ends in a line end; the same history gives the same bytes."""
    style = resource("report.css") + resource("history.css")
    commits = history.commits
    return (
        environment()
        .get_template("history.html.j2")
        .render(
            target=visible(history.target),
            model=visible(model_name(history.bundle)),
            commits=counted(len(commits), "commit"),
            functions=counted(sum(each.functions for each in commits), "changed function"),
            trends=[_Trend.of(column, history) for column in history.columns],
            rows=[_Row.of(each, history.columns) for each in reversed(commits)],
            first=commits[0].past.date if commits else "",
            last=commits[-1].past.date if commits else "",
            left_out=counted(history.left_out, "older commit") if history.left_out else "",
            style=style,
            style_hash=source_hash(style),
        )
        + "\n"
    )


@dataclass(frozen=True, slots=True)
class _Bar:
    """Functions of one commit with one verdict."""

    verdict: str
    x: float
    y: float
    width: float
    height: float
    hint: str


@dataclass(frozen=True, slots=True)
class _Trend:
    """A column of axes over time, drawn; `line` holds the points of the running balance."""

    name: str
    worse: int
    better: int
    bars: tuple[_Bar, ...]
    line: str
    width: int = _WIDTH
    height: int = _HEIGHT
    middle: float = _MIDDLE

    @classmethod
    def of(cls, column: tuple[Axis, ...], history: History) -> _Trend:
        tallies = [each.axes.get(column[0], Tally()) for each in history.commits]
        total = history.total(column[0])
        return cls(
            ", ".join(column),
            total.worse,
            total.better,
            tuple(_bars(tallies, history.commits)),
            _line([each.better - each.worse for each in tallies]),
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """A commit in the table."""

    hash: str
    date: str
    subject: str
    note: str
    functions: int
    cells: tuple[Tally, ...]

    @classmethod
    def of(cls, reviewed: CommitReview, columns: Sequence[tuple[Axis, ...]]) -> _Row:
        past = reviewed.past
        return cls(
            short_name(past.commit.hash),
            past.date,
            visible(past.commit.subject),
            visible(reviewed.note or ("merge" if past.is_merge else "")),
            reviewed.functions,
            tuple(reviewed.axes.get(column[0], Tally()) for column in columns),
        )


def _bars(tallies: Sequence[Tally], commits: Sequence[CommitReview]) -> Iterator[_Bar]:
    """Better upwards from the middle and worse downwards, both on one scale."""
    most = max((max(each.better, each.worse) for each in tallies), default=0)
    if not most:
        return
    step = _WIDTH / len(tallies)
    for index, (tally, reviewed) in enumerate(zip(tallies, commits, strict=True)):
        commit = reviewed.past.commit
        for verdict, count in ((Verdict.BETTER, tally.better), (Verdict.WORSE, tally.worse)):
            if count:
                height = count / most * (_MIDDLE - _MARGIN)
                yield _Bar(
                    verdict.value,
                    round(step * (index + 0.1), 2),
                    round(_MIDDLE - height if verdict is Verdict.BETTER else _MIDDLE, 2),
                    round(step * 0.8, 2),
                    round(height, 2),
                    visible(f"{short_name(commit.hash)} {commit.subject}: {count} {verdict}"),
                )


def _line(balances: Sequence[int]) -> str:
    """The points of the balance so far, at the middle of each commit's step; zero is the middle."""
    so_far = list(accumulate(balances))
    most = max(map(abs, so_far), default=0) or 1
    step = _WIDTH / max(len(so_far), 1)
    return " ".join(
        f"{step * (index + 0.5):.2f},{_MIDDLE - value / most * (_MIDDLE - _MARGIN):.2f}"
        for index, value in enumerate(so_far)
    )
