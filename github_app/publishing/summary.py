"""The one comment below a pull request that sums it up; edited in place. Pure.

It is made when there is something to say, and from then on kept true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from github_app.github.values import IssueComment
from github_app.publishing.checks import place, reviewed, verdicts, worse_functions
from github_app.publishing.conversations import is_ours
from github_app.publishing.fitting import FIELD_BYTES, fitting
from github_app.publishing.marks import SUMMARY, is_summary
from github_app.publishing.outcome import Identified, Outcome
from github_app.publishing.wording import likely
from review_core.renderers.markup import code, escaped
from review_core.renderers.view import counted, models

_LIST_ROOM = FIELD_BYTES // 4


def summary_there(comments: Iterable[IssueComment], login: str) -> IssueComment | None:
    """Our summary, if there is one."""
    return next(
        (each for each in comments if is_ours(each.author, login) and is_summary(each.body)), None
    )


def summary_body(
    outcome: Outcome, found: Sequence[Identified], untold: Sequence[Identified], number: int
) -> str:
    """What it says. untold: findings that no comment on lines tells."""
    return "\n".join(_lines(outcome, found, untold, number)) + "\n"


def _lines(
    outcome: Outcome, found: Sequence[Identified], untold: Sequence[Identified], number: int
) -> Iterator[str]:
    count = worse_functions(found)
    yield SUMMARY
    if count:
        yield f"### Themis: {counted(count, 'function')} likely worse"
    else:
        yield "### Themis: no function likely worse"
    table = list(verdicts(outcome))
    if table and count:
        yield ""
        yield from table
    if untold:
        yield ""
        yield "Not commented on lines:"
        yield ""
        entries = [
            f"- {place(each, outcome)} {code(each.shared.finding.function)}: "
            f"{escaped(likely(each))}"
            for each in untold
        ]
        yield from fitting(entries, _LIST_ROOM, "finding")
    yield ""
    yield f"<sub>{_footer(outcome, number)}</sub>"


def _footer(outcome: Outcome, number: int) -> str:
    report = outcome.report
    parts = [f"{reviewed(report)} of {counted(len(report.functions), 'changed function')} reviewed"]
    if outcome.left_out:
        parts.append(f"{counted(len(outcome.left_out), 'file')} left out this time")
    if report.withheld:
        parts.append(f"{counted(len(report.withheld), 'finding')} withheld")
    if outcome.web_url is not None:
        parts.append(f"[details]({outcome.web_url}/pull/{number}/checks)")
    return " · ".join([*parts, escaped(models(report))])
