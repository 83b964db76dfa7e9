"""The grammar of commands in comments: `@slug` at the start of a line, then words of a fixed list.

Quotes, code, lists, headings and HTML comments hold no commands, and of several the first counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise

from github_app.types import CommandName
from review_core.types import Axis

VERDICTS = {"good": True, "bad": False}
"""What may follow `feedback`, and whether the finding is right then."""

_SHOWN_CHARACTERS = 40
_READ_CHARACTERS = 10_000  # whoever may comment could have a longer one read for seconds


@dataclass(frozen=True, slots=True)
class Command:
    """What a comment asks for.

    axis: of `ignore`. hint: as in CommandTask. right: of `feedback`, whether the finding is.
    """

    name: CommandName
    axis: Axis | None = None
    hint: str = ""
    right: bool | None = None


def command_of(body: str, slug: str) -> Command | None:
    """The command in a comment; what addresses us but is none asks for help."""
    body = body[:_READ_CHARACTERS]
    mention = f"@{slug}"
    if mention.casefold() not in body.casefold():
        return None  # nearly all comments end here, before Markdown is read
    line = re.compile(rf"{re.escape(mention)}(?:\[bot\])?(?![\w\[-])[:,]?(.*)", re.IGNORECASE)
    for text in _lines(body):
        if match := line.fullmatch(text):
            return _command(match.group(1).casefold().split())
    return None


def _lines(body: str) -> list[str]:
    """The lines of a comment's own paragraphs."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])  # lines are all we want of a paragraph
    tokens = parser.parse(body)
    paragraphs = [
        token.content
        for opening, token in pairwise(tokens)
        if opening.type == "paragraph_open" and opening.level == 0
    ]
    shown = [re.sub(r"<!--.*?-->", "", each, flags=re.DOTALL) for each in paragraphs]
    return [line.strip() for each in shown for line in each.splitlines()]


def _command(words: list[str]) -> Command:
    said = " ".join(words).rstrip(".!")
    if said in ("", CommandName.HELP):
        return Command(CommandName.HELP)
    first, _, rest = said.partition(" ")
    if first == CommandName.IGNORE:
        if rest in list(Axis):
            return Command(CommandName.IGNORE, Axis(rest))
        return _not_understood(said, [f"{CommandName.IGNORE} {axis}" for axis in Axis])
    if first == CommandName.FEEDBACK:
        if rest in VERDICTS:
            return Command(CommandName.FEEDBACK, right=VERDICTS[rest])
        return _not_understood(said, [f"{CommandName.FEEDBACK} {word}" for word in VERDICTS])
    if said in list(CommandName):
        return Command(CommandName(said))
    return _not_understood(said, [*CommandName])


def _not_understood(said: str, known: list[str]) -> Command:
    shown = re.sub(r"[^a-z0-9 -]", "", said)[:_SHOWN_CHARACTERS].strip()
    close = get_close_matches(shown, known, n=1) or get_close_matches(
        shown.partition(" ")[0], known, n=1
    )
    meant = f"; did you mean `{close[0]}`?" if close else "."
    hint = f"`{shown}` is not a command{meant}" if shown else "That is not a command."
    return Command(CommandName.HELP, hint=hint)
