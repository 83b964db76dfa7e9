"""Lays out what the site is built of: the pages of docs/, documents of the repository that they
link to, and pages made from the code. `make docs` calls it before the site generator.

Which pages are made from the code is what the navigation lists below reference/; they are written
anew each time, so they cannot go stale.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml  # type: ignore[import-untyped]

from scripts.documents import agent_tools, commands, links, messages

_MODULES, _COMMANDS = "reference/api/", "reference/commands/"


def main(root: Path, out: Path) -> None:
    """Write the sources of the site of the repository at root to out, in place of what is there."""
    shutil.rmtree(out, ignore_errors=True)
    for path in links.linked(root, starts(root)):
        place = out / links.place(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix != ".md":
            shutil.copyfile(root / path, place)
            continue
        text = (root / path).read_text(encoding="utf-8")
        shown = links.for_site(text, path, lambda target: (root / target).is_file())
        place.write_text(shown, encoding="utf-8")
    for page in generated(root):
        place = out / page
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content(page, root), encoding="utf-8")


def starts(root: Path) -> list[PurePosixPath]:
    """The pages written for the site, and what lies beside them."""
    own = (path for path in sorted((root / "docs").rglob("*")) if path.is_file())
    return [PurePosixPath("README.md"), *(PurePosixPath(path.relative_to(root)) for path in own)]


def generated(root: Path) -> list[str]:
    """The pages of the navigation that no one writes by hand."""
    text = (root / "mkdocs.yml").read_text(encoding="utf-8")
    nav = yaml.safe_load(text)["nav"]
    return [page for page in _listed(nav) if page.startswith(f"{links.GENERATED.name}/")]


def content(page: str, root: Path) -> str:
    """The Markdown of such a page.

    :raises KeyError: if it is of none of our programs.
    :raises ValueError: if no rule of ours makes it.
    """
    name = PurePosixPath(page).stem
    if page.startswith(_MODULES):
        return f"# {name}\n\n::: {name}\n"
    if page.startswith(_COMMANDS):
        return commands.page(name)
    if page == "reference/agent_tools.md":
        return agent_tools.page()
    if page == "reference/messages.md":
        return messages.page(root)
    raise ValueError(f"mkdocs.yml lists {page}, which nothing makes")


def _listed(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
        return
    for part in nav.values() if isinstance(nav, dict) else nav:
        yield from _listed(part)


if __name__ == "__main__":
    main(Path.cwd(), Path(sys.argv[1]))
