"""Hidden marks at the beginning of our comments, by which they are known again.

Only a comment of ours is to be asked for its mark: anybody can write one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SUMMARY = "<!-- themis:summary -->"

_FINDING = re.compile(
    r"<!-- themis:finding id=(?P<id>[0-9a-f]+(?:-\d+)?) place=(?P<place>[0-9a-f]+(?:-\d+)?)"
    r"(?P<gone> gone)? -->"
)


@dataclass(frozen=True, slots=True)
class FindingMark:
    """Which finding a comment speaks of.

    id: of what changed, without where it stands; place: of where it stands, without what changed.
    gone: whether we said that the finding is no longer there.
    """

    id: str
    place: str
    gone: bool = False

    def __str__(self) -> str:
        gone = " gone" if self.gone else ""
        return f"<!-- themis:finding id={self.id} place={self.place}{gone} -->"


def finding_mark(body: str) -> FindingMark | None:
    """The mark a body begins with. Later ones are text of a repository, perhaps hostile."""
    found = _FINDING.match(body)
    return FindingMark(found["id"], found["place"], found["gone"] is not None) if found else None


def is_summary(body: str) -> bool:
    """Whether a body begins as the summary does."""
    return body.startswith(SUMMARY)


def answer_mark(comment: int) -> str:
    """The mark of our answer to a comment."""
    return f"<!-- themis:answer to={comment} -->"
