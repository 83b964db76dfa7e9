"""Where output goes: results to stdout or a file, progress to stderr. Knows no formats."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def progress_bar(what: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr for (done, total) and the time that is left; None where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    text = TextColumn("{task.description}", style="dim")
    bar_and_count = BarColumn(bar_width=24), MofNCompleteColumn()
    parts = SpinnerColumn(), text, *bar_and_count, TimeRemainingColumn(compact=True)
    with Progress(*parts, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
