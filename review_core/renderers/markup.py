"""Foreign text in GitHub-flavoured Markdown: names, paths, titles and code stay text.

The one place where that is made sure of; tests render what hostile names give.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from review_core.renderers.view import visible

_MARKUP = re.compile(r"([\\`*_\[\]|~$])|(?<!\S)([#+=-])(?=\s|$)|(?<=\d)([.)])(?=\s|$)")
_RULE = re.compile(r"^(?=[-=+#])")
_PAUSE = "\u200b"  # no width; GitHub looks for mentions and addresses in the finished text


def escaped(text: str) -> str:
    """Foreign text on one line, without markup, HTML, mentions, references or invisibles."""
    flat = visible(" ".join(text.split()))
    flat = _MARKUP.sub(r"\\\g<0>", html.escape(flat, quote=False))
    flat = _RULE.sub(r"\\", flat)
    flat = flat.replace("@", f"@{_PAUSE}")
    flat = re.sub(r"(#|\bGH-)(?=\d)", rf"\1{_PAUSE}", flat)
    return re.sub(r"(?i)(https?|ftp|mailto|xmpp)(?=:)|www(?=\.)", rf"\g<0>{_PAUSE}", flat)


def code(text: str) -> str:
    """Foreign text as a code span."""
    flat = visible(" ".join(text.split("\n")))
    fence = "`" * (_longest_run(flat) + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") or not flat.strip() else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def code_cell(text: str) -> str:
    r"""Foreign text as code in a table, where a code span cannot hold `\|`."""
    return f"<code>{escaped(text)}</code>"


def fenced(lines: Iterable[str], language: str) -> Iterator[str]:
    """Lines as a block of code that none of them can close. They are taken as they are."""
    inside = list(lines)
    fence = "`" * max([3, *(_longest_run(line) + 1 for line in inside)])
    yield f"{fence}{language}"
    yield from inside
    yield fence


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
