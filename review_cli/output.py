"""Where results go: to stdout or a file. Knows no formats."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from review_core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

_PIPED_WIDTH = 100


def write_out(text: str, file: Path | None = None) -> None:
    """Write a result. A reader that has seen enough (`| head`) is no error, and no finding either.

    :raises InputError: if the file cannot be written.
    """
    if file is not None:
        try:
            file.write_bytes(text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise InputError(f"cannot write {file}: {error.strerror}") from error
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at exit; let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def capture(show: Callable[[Console], None], *, plain: bool = False) -> str:
    """What `show` prints, with colours if stdout is a terminal that wants them and not `plain`."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, no_color=plain or None)
    if plain or not console.is_terminal:
        # A fixed width where nobody set one: output to a file is the same everywhere.
        width = console.width if os.environ.get("COLUMNS") else _PIPED_WIDTH
        console = Console(
            highlight=False,
            markup=False,
            emoji=False,
            width=width,
            force_terminal=False,
        )
    with console.capture() as captured:
        show(console)
    return captured.get()
