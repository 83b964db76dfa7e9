"""Writes the manual pages of our commands, one a subcommand, from the programs themselves.

python -m scripts.documents.manual_pages build/man
"""

from __future__ import annotations

import sys
from pathlib import Path

from click_man.core import generate_man_page  # type: ignore[import-untyped]

from review_core import __version__
from scripts.documents.commands import PROGRAMS, contexts


def main(folder: Path) -> None:
    """Write all of them to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS:
        for context in contexts(program):
            page = folder / f"{context.command_path.replace(' ', '-')}.1"
            page.write_text(generate_man_page(context, version=__version__), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
