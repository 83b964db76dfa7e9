"""What we answer to commands in comments: help, and the configuration with its origins. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from github_app.publishing.fitting import FIELD_BYTES, fitting
from github_app.publishing.marks import answer_mark
from github_app.types import CommandName
from review_core.config import Resolved
from review_core.renderers.markup import code_cell, escaped
from review_core.types import Axis

_MEANING = {
    CommandName.REVIEW: "review this pull request now",
    CommandName.FULL_REVIEW: "the same, and tell again what was resolved",
    CommandName.PAUSE: "leave its further pushes alone",
    CommandName.RESUME: "review it again, from now on",
    CommandName.FEEDBACK: "in a conversation of ours: whether its finding is right (`good`, `bad`)",
    CommandName.CONFIGURATION: "show every setting in force and where it came from",
    CommandName.HELP: "show this",
}


def help_text(comment: int, slug: str, hint: str = "") -> str:
    """The grammar. hint: said above it; safe Markdown."""
    return "\n".join((answer_mark(comment), *_help(slug, hint))) + "\n"


def configuration_text(comment: int, resolved: Resolved, base: str) -> str:
    """Every key, its value and its origin. base: the branch whose configuration holds."""
    lines = [
        answer_mark(comment),
        f"The configuration in force, as {code_cell(base)} has it:",
        "",
        "| key | value | from |",
        "| :-- | :-- | :-- |",
    ]
    rows = [
        f"| {code_cell(key)} | {code_cell(json.dumps(value, default=str, ensure_ascii=False))} "
        f"| {escaped(resolved.origins[key])} |"
        for key, value in resolved.values.items()
    ]
    return "\n".join([*lines, *fitting(rows, FIELD_BYTES - 4096, "key")]) + "\n"


def wrong_configuration_text(comment: int, error: str) -> str:
    """Why there is no configuration. error: in its own words."""
    return (
        f"{answer_mark(comment)}\nThe base branch's configuration is not valid: {escaped(error)}\n"
    )


def _help(slug: str, hint: str) -> Iterator[str]:
    if hint:
        yield hint
        yield ""
    yield "Who may push to this repository may write, at the start of a line:"
    yield ""
    for name, meaning in _MEANING.items():
        yield f"- `@{slug} {name}`: {meaning}"
        if name is CommandName.RESUME:
            axes = ", ".join(Axis)
            yield f"- `@{slug} {CommandName.IGNORE} AXIS`: say nothing here about an axis: {axes}"
