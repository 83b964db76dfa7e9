"""What a commit's message says, without what is no sentence: trailers, tickets, names of code.

`Message.text` is what a model is shown; `subject` and `body` are what rules read. They hold neither
paths nor identifiers nor quotations, whose words say what a change touches, not what it is for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST = 4000  # characters of a message that are looked at; a stranger may write a book
_LONGEST_TEXT, _LONGEST_SUBJECT = 600, 300

_TRAILER = re.compile(
    r"^(?:[\w-]+-by|co-authored-by|cc|change-id|git-svn-id|bug|bugs|issue|issues|closes?|closed|"
    r"fixes|fixed|refs?|references?|reference|see(?: also)?|link|ticket|reviewed|reviewers?|pr|"
    r"pull[ -]request|resolves|reported|tested|approved|acked|related|differential revision|"
    r"former-commit-id|cherry[ -]picked from|\(cherry picked from|signed-off|https?|assisted|"
    r"test plan|jira)\b"
    r"[^\n]{0,300}$",
    re.IGNORECASE,
)
_ISSUE_TAIL = re.compile(
    r"\s*(?:[\[(](?:[a-z-]*\s*)?(?:gh-|pr )?[\w./-]{0,60}#?\d+(?:,?\s*#\d+)*[\])]"
    r"|,?\s*(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?|refs?|see|for|issue)?:?\s*#\d+)\s*\.?$",
    re.IGNORECASE,
)
_TICKET = re.compile(r"^\s*(?:\[[^\]]{1,40}\]\s*|[A-Z][A-Z0-9]+-\d+[:\s]+|#\d+[:\s]+|\(\w+\)\s*)+")
_TYPE = re.compile(r"^([a-z]+)(?:\(([^)]{0,60})\))?!?:\s+", re.IGNORECASE)
_AREA = re.compile(r"^(?:[\w.*/+&,<>-]{1,40} ){0,3}[\w.*/+&,<>-]{1,60}:\s+")
_HEADING = re.compile(r"\W*\w{4,15}\W*:\W*")
"""What some projects put over a paragraph: "Motivation:"."""
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+\S")

_ERRORS = re.compile(r"\b\w+(?:exception|error|panic)\b", re.IGNORECASE)
_NAMES_OF_CODE = re.compile(
    r"```.*?(?:```|$)|`[^`]*`|\"[^\"]{0,200}\"|“[^”]{0,200}”|(?<!\w)'[^'\n]{0,100}'(?!\w)"
    r"|https?://\S+"
    r"|(?<![\w/])[\w.@~-]*/[\w./@*-]+"  # a path
    r"|\b\w+(?:\.\w+)*\.(?:c|cc|cpp|cs|cfg|css|go|h|hpp|html|java|js|json|jsx|kt|md|mjs|php|pl|py"
    r"|rb|rs|rst|sh|toml|ts|tsx|txt|xml|ya?ml)\b"
    r"|[\w.]*\w(?:::|->|#)\w[\w.:]*"
    r"|\b\w+(?:\.\w+)*\([^)\n]{0,60}\)"  # a call
    r"|\b[a-z]\w*\.\w+(?:\.\w+)*\b(?<!e\.g)(?<!i\.e)"
    r"|\b\w*_\w+\b|(?<!\w)[$@]\w+"
    r"|\b[a-z]+[A-Z]\w*\b|\b(?:[A-Z]+[a-z0-9]+){2,}[A-Z]?\b"
    r"|<[^>\n]{1,60}>",
    re.DOTALL,
)
_NAME = "X"
"""Stands where the name of something stood."""


@dataclass(frozen=True, slots=True)
class Message:
    """A commit message taken apart.

    text: the subject and the first paragraph, for a model to read. type, scope: of a conventional
    commit ("fix(http): ..."), or "". subject, body: what rules read, in lower case. bullets: how
    many points the body lists.
    """

    text: str
    type: str
    subject: str
    body: str
    bullets: int


def read_message(message: str) -> Message:
    """The parts of a message; all of them are empty for an empty one."""
    lines = message[:_LONGEST].replace("\r\n", "\n").strip().split("\n")
    subject = lines[0].strip()
    rest = lines[1:]
    if rest and rest[0].strip() and not _TRAILER.match(rest[0].strip()):
        folded = []  # a subject over several lines, as old histories have it
        while rest and rest[0].strip() and not _BULLET.match(rest[0]):
            folded.append(rest.pop(0).strip())
        subject = " ".join([subject, *folded])
    body = [line for line in rest if not _TRAILER.match(line.strip())]
    subject = _without_tickets(" ".join(subject.split())[:_LONGEST_SUBJECT])
    paragraph = _first_paragraph(body)
    kind = _TYPE.match(subject)
    plain = subject[kind.end() :] if kind else subject
    plain = _AREA.sub("", _TICKET.sub("", plain), count=1)
    return Message(
        text=_text(subject, paragraph),
        type=kind[1].lower() if kind else "",
        subject=_without_names(plain).lower(),
        body=_without_names(" ".join(" ".join(body).split())[:1500]).lower(),
        bullets=sum(1 for line in body if _BULLET.match(line)),
    )


def _without_tickets(subject: str) -> str:
    subject = _TICKET.sub("", subject)
    while found := _ISSUE_TAIL.search(subject):
        subject = subject[: found.start()]
    return subject.strip()


def _first_paragraph(body: list[str]) -> str:
    paragraph: list[str] = []
    for line in body:
        if line.strip():
            paragraph.append(line.strip())
        elif paragraph and not _HEADING.fullmatch(" ".join(paragraph)):
            break
    text = " ".join(paragraph)
    return _HEADING.sub("", text, count=1) if _HEADING.match(text) else text


def _text(subject: str, paragraph: str) -> str:
    subject = subject.rstrip(".") + "." if subject else ""
    text = f"{subject} {paragraph}".strip()
    return text if len(text) <= _LONGEST_TEXT else subject[:_LONGEST_TEXT]


def _without_names(text: str) -> str:
    return _NAMES_OF_CODE.sub(_NAME, _ERRORS.sub("exception", text))
