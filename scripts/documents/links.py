"""Where a file of the repository stands in the site, and links between files made links between
pages.

Pages below docs/ keep their place and the README is the front page. Whatever else they link to
comes along below repository/: Markdown as a page, other files as they are.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

GENERATED = PurePosixPath("docs/reference")
"""No file is there: those pages are made while the site is built, which checks links to them."""

_FENCE = re.compile(r"^(```|~~~).*?^\1[ ]*$", flags=re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?\[[^\]]*\])\(([^)#\s]+)(#[^)\s]*)?\)")


def place(path: PurePosixPath) -> str:
    """Where a file stands in the site, path and answer as seen from the repository and the site."""
    if path.as_posix() == "README.md":
        return "index.md"
    if path.parts[0] == "docs":
        return path.relative_to("docs").as_posix()
    shown = "/".join(part.removeprefix(".") for part in path.parts)  # dotted ones are not served
    return f"repository/{shown}" + ("" if path.suffix else ".txt")


def targets(text: str, page: PurePosixPath) -> Iterable[PurePosixPath]:
    """The files of the repository that a page links to."""
    for link in _LINK.finditer(_FENCE.sub("", text)):
        if target := _target(link[2], page):
            yield target


def linked(root: Path, pages: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """Files that pages link to, and those that they link to in turn; all that the site needs."""
    found: dict[PurePosixPath, None] = {}
    waiting = list(pages)
    while waiting:
        page = waiting.pop()
        found[page] = None
        if page.suffix == ".md":
            text = (root / page).read_text(encoding="utf-8")
            new = {target for target in targets(text, page) if (root / target).is_file()}
            waiting += sorted(new - found.keys())
    return list(found)


def for_site(text: str, page: PurePosixPath, is_file: Callable[[PurePosixPath], bool]) -> str:
    """A page's text with its links as the site needs them; a link to a folder becomes its text."""

    def replaced(link: re.Match[str]) -> str:
        target = _target(link[2], page)
        if target is None:
            return link[0]
        if not is_file(target) and not target.is_relative_to(GENERATED) and not target.suffix:
            return link[1].removeprefix("[").removesuffix("]")
        here = posixpath.dirname(place(page)) or "."
        return f"{link[1]}({posixpath.relpath(place(target), here)}{link[3] or ''})"

    pieces, end = [], 0
    for fence in _FENCE.finditer(text):
        pieces += [_LINK.sub(replaced, text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*pieces, _LINK.sub(replaced, text[end:])])


def _target(link: str, page: PurePosixPath) -> PurePosixPath | None:
    """The file that a link of a page means; None for an address."""
    if ":" in link.partition("/")[0]:
        return None
    return PurePosixPath(posixpath.normpath((page.parent / link).as_posix()))
